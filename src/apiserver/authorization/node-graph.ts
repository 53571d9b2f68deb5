/**
 * Which objects the pods of a node refer to, kept by the changes of pods and volumes: a question costs no more in a large cluster.
 * Mirrors `plugin/pkg/auth/authorizer/node/graph.go`.
 */
import type { PersistentVolume, Pod } from '../../api/types.ts'
import type { CachedObject } from '../watch-cache/cached-object.ts'
import type { Follower } from '../watch-cache/kind-cache.ts'
import { podReferences } from './pod-references.ts'

export type Guarded = 'secrets' | 'configmaps' | 'serviceaccounts' | 'persistentvolumeclaims' | 'resourceclaims'

const refKey = (resource: string, namespace: string, name: string): string => `${resource} ${namespace}/${name}`

interface KnownPod { node: string; refs: readonly string[]; signature: string }

const mirrorAnnotation = 'kubernetes.io/config.mirror'

/** What may change of a running pod's references: the rest of its specification cannot. */
const signatureOf = ({ metadata, spec, status }: Pod): string =>
  `${metadata.uid} ${spec.nodeName ?? ''} ${spec.ephemeralContainers?.length ?? 0} ${status?.resourceClaimStatuses ? JSON.stringify(status.resourceClaimStatuses) : ''}`

const secretsOf = ({ spec }: PersistentVolume): string[] => {
  const refs: string[] = []
  for (const [type, source] of Object.entries(spec) as [string, Record<string, unknown> | undefined][]) {
    if (typeof source !== 'object' || source === null || Array.isArray(source)) continue
    for (const field of ['secretRef', 'nodePublishSecretRef', 'nodeStageSecretRef', 'nodeExpandSecretRef', 'controllerPublishSecretRef', 'controllerExpandSecretRef']) {
      // What controllers use is not a kubelet's.
      const ref = field.startsWith('controller') ? undefined : source[field] as { name?: string; namespace?: string } | undefined
      if (ref?.name) refs.push(refKey('secrets', ref.namespace ?? spec.claimRef?.namespace ?? '', ref.name))
    }
    if (type === 'azureFile' && typeof source['secretName'] === 'string') refs.push(refKey('secrets', (source['secretNamespace'] as string | undefined) ?? spec.claimRef?.namespace ?? '', source['secretName']))
  }
  return refs
}

export class NodeGraph {
  private readonly podsByKey = new Map<string, KnownPod>()
  /** How many pods of a node refer to an object. */
  private readonly nodesOf = new Map<string, Map<string, number>>()
  private readonly claimOfVolume = new Map<string, string>()
  private readonly secretsOfVolume = new Map<string, readonly string[]>()
  private readonly volumesOfSecret = new Map<string, Set<string>>()

  /** Whether a pod of the node refers to it. */
  refers(node: string, resource: Guarded, { namespace, name }: { namespace: string; name: string }): boolean {
    const key = refKey(resource, namespace, name)
    if (this.nodesOf.get(key)?.has(node)) return true
    if (resource !== 'secrets') return false
    for (const volume of this.volumesOfSecret.get(key) ?? []) if (this.hasVolume(node, volume)) return true
    return false
  }

  hasVolume(node: string, name: string): boolean {
    const claim = this.claimOfVolume.get(name)
    return claim !== undefined && this.nodesOf.get(claim)?.has(node) === true
  }

  hasPod(node: string, { namespace, name }: { namespace: string; name: string }): boolean { return this.podsByKey.get(`${namespace}/${name}`)?.node === node }

  setPod(key: string, pod: Pod | undefined): void {
    const before = this.podsByKey.get(key)
    const signature = pod ? signatureOf(pod) : ''
    if (before?.signature === signature) return
    if (before) for (const ref of before.refs) this.count(ref, before.node, -1)
    this.podsByKey.delete(key)
    const node = pod?.spec.nodeName
    if (!pod || !node) return
    // A kubelet makes its mirror pods itself: it could name whatever it wanted to read.
    const refs = pod.metadata.annotations?.[mirrorAnnotation] === undefined ? podReferences(pod).map(({ resource, name }) => refKey(resource, pod.metadata.namespace ?? '', name)) : []
    for (const ref of refs) this.count(ref, node, 1)
    this.podsByKey.set(key, { node, refs, signature })
  }

  private count(ref: string, node: string, by: 1 | -1): void {
    const nodes = this.nodesOf.get(ref) ?? new Map<string, number>()
    const next = (nodes.get(node) ?? 0) + by
    if (next > 0) nodes.set(node, next)
    else nodes.delete(node)
    if (nodes.size > 0) this.nodesOf.set(ref, nodes)
    else this.nodesOf.delete(ref)
  }

  setVolume(name: string, volume: PersistentVolume | undefined): void {
    for (const secret of this.secretsOfVolume.get(name) ?? []) this.volumesOfSecret.get(secret)?.delete(name)
    this.secretsOfVolume.delete(name)
    this.claimOfVolume.delete(name)
    const claim = volume?.spec.claimRef
    if (!volume || !claim?.name) return
    this.claimOfVolume.set(name, refKey('persistentvolumeclaims', claim.namespace ?? '', claim.name))
    const secrets = secretsOf(volume)
    if (secrets.length === 0) return
    this.secretsOfVolume.set(name, secrets)
    for (const secret of secrets) this.volumesOfSecret.set(secret, (this.volumesOfSecret.get(secret) ?? new Set()).add(name))
  }

  /** Hears of every change in the moment in which the cache shows it. */
  readonly pods: Follower = {
    change: ({ key, current }) => { this.setPod(namespacedKey(key), current?.object as Pod | undefined) },
    reset: (objects) => {
      for (const key of [...this.podsByKey.keys()]) this.setPod(key, undefined)
      for (const each of objects) this.setPod(namespacedKey(each.key), each.object as Pod)
    },
  }

  readonly volumes: Follower = {
    change: ({ key, current }) => { this.setVolume(lastPart(key), current?.object as PersistentVolume | undefined) },
    reset: (objects: readonly CachedObject[]) => {
      for (const name of [...this.claimOfVolume.keys()]) this.setVolume(name, undefined)
      for (const each of objects) this.setVolume(lastPart(each.key), each.object as PersistentVolume)
    },
  }
}

const namespacedKey = (key: string): string => key.split('/').slice(-2).join('/')
const lastPart = (key: string): string => key.slice(key.lastIndexOf('/') + 1)
