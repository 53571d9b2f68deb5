/** What a kubelet may do: its rules, its own node and pods, and of Secrets, ConfigMaps, tokens, claims and their volumes only what the pods bound to its node refer to. Mirrors `plugin/pkg/auth/authorizer/node`. */
import { VolumeAttachments } from '../../api/kinds.ts'
import { nodeOf } from '../authentication/users.ts'
import type { Lookup } from '../registry/strategy.ts'
import type { AuthorizationAttributes, Authorizer, Decision } from './authorizer.ts'
import { nodeRules } from './bootstrap-roles.ts'
import type { Guarded, NodeGraph } from './node-graph.ts'
import { whyNotCSINode, whyNotResourceSlice } from './node-objects.ts'
import { ruleAllows } from './rbac.ts'

const refuse = (reason: string): Decision => ({ verdict: 'no-opinion', reason })
const allow: Decision = { verdict: 'allow', reason: '' }
const unless = (why: string | undefined): Decision => (why === undefined ? allow : refuse(why))

const reads: ReadonlySet<string> = new Set(['get', 'list', 'watch'])
const unrelated = (node: string): string => `no relationship found between node '${node}' and this object`

const guardedRead = (graph: NodeGraph, node: string, asked: AuthorizationAttributes): string | undefined => {
  if (!reads.has(asked.verb)) return 'can only read resources of this type'
  if (asked.subresource !== '') return 'cannot read subresource'
  if (asked.name === '') return 'can only get individual resources of this type'
  const related = asked.resource === 'persistentvolumes' ? graph.hasVolume(node, asked.name) : graph.refers(node, asked.resource as Guarded, asked)
  return related ? undefined : unrelated(node)
}

/** Of a claim's status a kubelet tells how large the file system has become. */
const claim = (graph: NodeGraph, node: string, asked: AuthorizationAttributes): string | undefined => {
  if (asked.subresource !== 'status') return guardedRead(graph, node, asked)
  if (asked.verb !== 'update' && asked.verb !== 'patch') return 'can only get/update/patch this type'
  if (asked.name === '') return 'resource name must be specified'
  return graph.refers(node, 'persistentvolumeclaims', asked) ? undefined : unrelated(node)
}

const attachment = (lookup: Lookup, node: string, { verb, name, subresource }: AuthorizationAttributes): string | undefined => {
  if (verb !== 'get' || name === '') return 'can only get individual resources of this type'
  if (subresource !== '') return 'cannot get subresource'
  return lookup.get(VolumeAttachments, name)?.spec.nodeName === node ? undefined : unrelated(node)
}

/** Accounts of its pods it reads for those who give credentials for images, and makes tokens of them. */
const serviceAccount = (graph: NodeGraph, node: string, asked: AuthorizationAttributes): string | undefined => {
  if (asked.verb === 'get' && asked.subresource === '') return asked.name !== '' && graph.refers(node, 'serviceaccounts', asked) ? undefined : unrelated(node)
  if (asked.verb !== 'create' || asked.name === '') return 'can only create tokens for individual service accounts'
  if (asked.subresource !== 'token') return 'can only create token subresource of serviceaccount'
  return graph.refers(node, 'serviceaccounts', asked) ? undefined : unrelated(node)
}

const ownNode = (node: string, { verb, subresource, name }: AuthorizationAttributes): string | undefined => {
  // Whose they are NodeRestriction sees.
  if ((subresource === '' && verb === 'create') || ((subresource === '' || subresource === 'status') && (verb === 'update' || verb === 'patch'))) return undefined
  if (subresource !== '' || !reads.has(verb)) return ''
  return name === node ? undefined : name === '' ? `node '${node}' cannot read all nodes, only its own Node object` : `node '${node}' cannot read '${name}', only its own Node object`
}

const ownPods = (graph: NodeGraph, node: string, asked: AuthorizationAttributes): string | undefined => {
  const { verb, subresource, name, fieldSelector = [] } = asked
  if (subresource === 'status') return verb === 'update' || verb === 'patch' ? undefined : ''
  if (subresource === 'eviction') return verb === 'create' ? undefined : ''
  if (subresource !== '') return ''
  if (verb === 'create' || verb === 'delete') return undefined
  if (!reads.has(verb)) return ''
  if (verb !== 'get' && fieldSelector.some((term) => term.field === 'spec.nodeName' && term.operator === '=' && term.value === node)) return undefined
  if (verb !== 'get' && name === '') return 'can only list/watch pods with spec.nodeName field selector'
  return graph.hasPod(node, asked) ? undefined : unrelated(node)
}

const lease = (node: string, { verb, namespace, name }: AuthorizationAttributes): string | undefined => {
  if (!['get', 'create', 'update', 'patch', 'delete'].includes(verb)) return 'can only get, create, update, patch, or delete a node lease'
  if (namespace !== 'kube-node-lease') return 'can only access leases in the "kube-node-lease" system namespace'
  return verb !== 'create' && name !== node ? 'can only access node lease with the same name as the requesting node' : undefined
}

/** By group and resource: why a kubelet may not; undefined: it may. What is not here its rules decide. */
type Rule = (node: string, asked: AuthorizationAttributes) => string | undefined

export const nodeAuthorizer = (lookup: Lookup, graph: NodeGraph): Authorizer => {
  const guarded: Rule = (node, asked) => guardedRead(graph, node, asked)
  const rules: ReadonlyMap<string, Rule> = new Map<string, Rule>([
    ['secrets', guarded], ['configmaps', guarded], ['persistentvolumeclaims', (node, asked) => claim(graph, node, asked)], ['persistentvolumes', guarded], ['resource.k8s.io/resourceclaims', guarded],
    ['serviceaccounts', (node, asked) => serviceAccount(graph, node, asked)], ['nodes', ownNode], ['pods', (node, asked) => ownPods(graph, node, asked)],
    ['coordination.k8s.io/leases', lease], ['storage.k8s.io/csinodes', whyNotCSINode], ['storage.k8s.io/volumeattachments', (node, asked) => attachment(lookup, node, asked)], ['resource.k8s.io/resourceslices', (node, asked) => whyNotResourceSlice(lookup, node, asked)],
  ])
  return {
    authorize: (asked) => {
      const node = nodeOf(asked.user)
      if (node === undefined) return refuse('')
      const rule = asked.resourceRequest ? rules.get(asked.apiGroup === '' ? asked.resource : `${asked.apiGroup}/${asked.resource}`) : undefined
      if (rule) return unless(rule(node, asked))
      return nodeRules.some((each) => ruleAllows(each, asked)) ? allow : refuse('')
    },
  }
}
