/** What a kubelet may do: its rules, and of Secrets, ConfigMaps, tokens, claims and their volumes only what the pods bound to its node refer to. Mirrors `plugin/pkg/auth/authorizer/node`. */
import { PersistentVolumes, Pods } from '../../api/kinds.ts'
import type { PersistentVolume, Pod } from '../../api/types.ts'
import { nodeOf } from '../authentication/users.ts'
import type { Lookup } from '../registry/strategy.ts'
import type { AuthorizationAttributes, Authorizer, Decision } from './authorizer.ts'
import { nodeRules } from './bootstrap-roles.ts'
import { whyNotCSINode, whyNotResourceSlice } from './node-objects.ts'
import { ruleAllows } from './rbac.ts'

const refuse = (reason: string): Decision => ({ verdict: 'no-opinion', reason })
const allow: Decision = { verdict: 'allow', reason: '' }
const unless = (why: string | undefined): Decision => (why === undefined ? allow : refuse(why))

const referencesOf = (pod: Pod, resource: 'secrets' | 'configmaps'): Set<string> => {
  const names = new Set<string>()
  const add = (name: string | undefined): void => { if (name) names.add(name) }
  const secret = resource === 'secrets'
  const { spec } = pod
  for (const container of [...(spec.initContainers ?? []), ...spec.containers, ...(spec.ephemeralContainers ?? [])]) {
    for (const { valueFrom } of container.env ?? []) add(secret ? valueFrom?.secretKeyRef?.name : valueFrom?.configMapKeyRef?.name)
    for (const { secretRef, configMapRef } of container.envFrom ?? []) add(secret ? secretRef?.name : configMapRef?.name)
  }
  for (const volume of spec.volumes ?? []) {
    add(secret ? volume.secret?.secretName : volume.configMap?.name)
    for (const source of volume.projected?.sources ?? []) add(secret ? source.secret?.name : source.configMap?.name)
  }
  if (secret) for (const { name } of spec.imagePullSecrets ?? []) add(name)
  return names
}

const hasClaim = (lookup: Lookup, node: string, { namespace, name }: { namespace?: string | undefined; name?: string | undefined }): boolean =>
  lookup.list(Pods, namespace).some(({ metadata, spec }) => spec.nodeName === node
    && spec.volumes?.some((volume) => (volume.persistentVolumeClaim?.claimName ?? (volume.ephemeral && `${metadata.name}-${volume.name}`)) === name))

const hasVolume = (lookup: Lookup, node: string, name: string): boolean => {
  const claimRef: PersistentVolume['spec']['claimRef'] = lookup.get(PersistentVolumes, name)?.spec.claimRef
  return claimRef !== undefined && hasClaim(lookup, node, claimRef)
}

const refersTo = (lookup: Lookup, node: string, { resource, namespace, name }: AuthorizationAttributes): boolean =>
  lookup.list(Pods, namespace).some((pod) => pod.spec.nodeName === node
    && (resource === 'serviceaccounts' ? (pod.spec.serviceAccountName ?? 'default') === name : referencesOf(pod, resource as 'secrets').has(name)))

const isRelated = (lookup: Lookup, node: string, asked: AuthorizationAttributes): boolean => {
  switch (asked.resource) {
    case 'persistentvolumeclaims': return hasClaim(lookup, node, asked)
    case 'persistentvolumes': return hasVolume(lookup, node, asked.name)
    default: return refersTo(lookup, node, asked)
  }
}

const guardedResources: ReadonlySet<string> = new Set(['secrets', 'configmaps', 'persistentvolumeclaims', 'persistentvolumes'])

const guarded = (lookup: Lookup, node: string, asked: AuthorizationAttributes): Decision => {
  if (!['get', 'list', 'watch'].includes(asked.verb)) return refuse('can only read resources of this type')
  if (asked.subresource !== '') return refuse('cannot read subresource')
  if (asked.name === '') return refuse('can only get individual resources of this type')
  return isRelated(lookup, node, asked) ? allow : refuse(`no relationship found between node '${node}' and this object`)
}

export const nodeAuthorizer = (lookup: Lookup): Authorizer => ({
  authorize: (asked) => {
    const node = nodeOf(asked.user)
    if (node === undefined || !asked.resourceRequest) return refuse('')
    const core = asked.apiGroup === ''
    if (core && guardedResources.has(asked.resource)) return guarded(lookup, node, asked)
    if (core && asked.resource === 'serviceaccounts') {
      if (asked.subresource !== 'token' || asked.verb !== 'create') return refuse('only "token" of service accounts is allowed')
      return refersTo(lookup, node, asked) ? allow : refuse(`no relationship found between node '${node}' and this object`)
    }
    if (asked.apiGroup === 'coordination.k8s.io' && asked.resource === 'leases') {
      const own = asked.namespace === 'kube-node-lease' && (asked.verb === 'create' || asked.name === node)
      return own && ['get', 'create', 'update', 'patch', 'delete'].includes(asked.verb) ? allow : refuse(`can only access node lease with the same name as the requesting node`)
    }
    if (asked.apiGroup === 'storage.k8s.io' && asked.resource === 'csinodes') return unless(whyNotCSINode(node, asked))
    if (asked.apiGroup === 'resource.k8s.io' && asked.resource === 'resourceslices') return unless(whyNotResourceSlice(lookup, node, asked))
    return nodeRules.some((rule) => ruleAllows(rule, asked)) ? allow : refuse('')
  },
})
