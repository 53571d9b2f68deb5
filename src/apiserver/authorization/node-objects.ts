/** Objects that a kubelet writes about its own node: its CSINode, the ResourceSlices of its drivers. Mirrors authorizeCSINode and authorizeResourceSlice of `plugin/pkg/auth/authorizer/node`. */
import { ResourceSlices } from '../../api/kinds.ts'
import type { Lookup } from '../registry/strategy.ts'
import type { AuthorizationAttributes } from './authorizer.ts'

type Asked = Pick<AuthorizationAttributes, 'verb' | 'name' | 'subresource' | 'fieldSelector'>

/** Why a kubelet may not; undefined: it may. Whose a new CSINode is only NodeRestriction can see. */
export const whyNotCSINode = (node: string, { verb, name, subresource }: Asked): string | undefined => {
  if (!['get', 'create', 'update', 'patch', 'delete'].includes(verb)) return 'can only get, create, update, patch, or delete a CSINode'
  if (subresource !== '') return 'cannot authorize CSINode subresources'
  return verb !== 'create' && name !== node ? 'can only access CSINode with the same name as the requesting node' : undefined
}

/** The same for ResourceSlices. What is created NodeRestriction looks at. */
export const whyNotResourceSlice = (lookup: Lookup, node: string, { verb, name, subresource, fieldSelector = [] }: Asked): string | undefined => {
  if (subresource !== '') return 'cannot authorize ResourceSlice subresources'
  if (verb === 'create') return undefined
  if (['watch', 'list', 'deletecollection'].includes(verb)) {
    return fieldSelector.some(({ field, operator, value }) => (field === 'nodeName' || field === 'spec.nodeName') && operator === '=' && value === node) ? undefined : 'can only list/watch/deletecollection resourceslices with nodeName field selector'
  }
  if (!['get', 'update', 'patch', 'delete'].includes(verb)) return 'only the following verbs are allowed for a ResourceSlice: get, watch, list, create, update, patch, delete, deletecollection'
  return lookup.get(ResourceSlices, name)?.spec.nodeName === node ? undefined : `no relationship found between node '${node}' and this object`
}
