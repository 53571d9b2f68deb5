/** Who owns which field: metadata.managedFields of every write. */
import type { KubeObject } from '../../api/meta.ts'
import { type FieldManagement, trackUpdate } from '../../api/patch/apply/field-manager.ts'
import type { ResourceRequest } from '../server-parts.ts'

/** What the field manager has to know of a write through `request`. */
export const managementOf = ({ resource, subresource, server }: Pick<ResourceRequest, 'resource' | 'subresource' | 'server'>, manager: string): FieldManagement => ({
  kind: resource.kind, manager, subresource, now: server.clock.now(),
  // Each endpoint owns only what it writes.
  resetFields: subresource === 'status' ? ['spec'] : subresource === '' && resource.kind.subresources.some(({ name }) => name === 'status') ? ['status'] : [],
})

/** Sets `next.metadata.managedFields`: before admission and strategies add what nobody asked for, which nobody owns. */
export const trackWrite = (request: ResourceRequest, { next, old, manager }: { next: KubeObject; old: KubeObject | undefined; manager: string }): void => {
  const { view } = request.resource
  const management = managementOf(request, manager)
  if (!view) {
    trackUpdate(old, next, management)
    return
  }
  // Fields are owned in the version that they were written in.
  const seen = view.toView(next)
  seen.metadata = { ...next.metadata }
  trackUpdate(old && view.toView(old), seen, management)
  if (seen.metadata.managedFields) next.metadata.managedFields = seen.metadata.managedFields
  else delete next.metadata.managedFields
}
