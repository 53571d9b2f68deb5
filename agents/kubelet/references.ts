/** ConfigMaps, Secrets and claims that pods refer to, and the volumes of the claims: each watched by name while a pod needs it (all that a node may see of them). Mirrors pkg/kubelet/util/manager's watch-based manager. */
import { notNeeded } from '../../src/api/clock.ts'
import { ConfigMaps, type Kind, PersistentVolumeClaims, PersistentVolumes, Secrets } from '../../src/api/kinds.ts'
import { keyOf } from '../../src/api/meta.ts'
import type { ConfigMap, KubeObject, PersistentVolume, PersistentVolumeClaim, Pod, Secret } from '../../src/api/types.ts'
import type { Informer } from '../../src/client/informer.ts'
import { type InformerContext, startInformer } from '../../src/client/reflector.ts'
import { claimNameOf } from './volumes/claim.ts'

export interface References {
  /** Watches what the pod refers to, until `release`; `changed` is called for each pod whose object changed. */
  retain(pod: Pod): void
  release(podUid: string): void
  /** undefined: there is none. Throws while the API server has not told. */
  configMap(namespace: string, name: string): Promise<ConfigMap | undefined>
  secret(namespace: string, name: string): Promise<Secret | undefined>
  claim(namespace: string, name: string): Promise<PersistentVolumeClaim | undefined>
  /** The volume of one of the pod's claims; watched from then on, until the pod is released. */
  persistentVolume(podUid: string, name: string): Promise<PersistentVolume | undefined>
}

interface Watched { informer: Informer<KubeObject>; controller: AbortController; pods: Set<string> }

/** The names of the objects in the pod's own namespace that its spec names. */
export const referencesOf = (pod: Pod): { configMaps: Set<string>; secrets: Set<string>; claims: Set<string> } => {
  const { spec } = pod
  const found = { configMaps: new Set<string>(), secrets: new Set<string>(), claims: new Set<string>() }
  const add = (configMap: string | undefined, secret: string | undefined): void => {
    if (configMap) found.configMaps.add(configMap)
    if (secret) found.secrets.add(secret)
  }
  for (const { env = [], envFrom = [] } of [...spec.containers, ...(spec.initContainers ?? []), ...(spec.ephemeralContainers ?? [])]) {
    for (const { valueFrom } of env) add(valueFrom?.configMapKeyRef?.name, valueFrom?.secretKeyRef?.name)
    for (const { configMapRef, secretRef } of envFrom) add(configMapRef?.name, secretRef?.name)
  }
  for (const { name } of spec.imagePullSecrets ?? []) add(undefined, name)
  for (const volume of spec.volumes ?? []) {
    const { configMap, secret, projected } = volume
    const claim = claimNameOf(pod, volume)
    if (claim) found.claims.add(claim)
    add(configMap?.name, secret?.secretName)
    for (const source of projected?.sources ?? []) add(source.configMap?.name, source.secret?.name)
  }
  return found
}

export const references = (context: InformerContext | undefined, changed: (podUid: string) => void, signal: AbortSignal): References => {
  const watched = new Map<string, Watched>()

  const watch = (kind: Kind, namespace: string, name: string): Watched | undefined => {
    if (!context) return undefined
    const key = `${kind.plural}/${namespace}/${name}`
    const known = watched.get(key)
    if (known) return known
    const controller = new AbortController()
    const scope = AbortSignal.any([signal, controller.signal])
    const entry: Watched = { informer: startInformer(context, { kind, selection: { ...(namespace && { namespace }), fieldSelector: `metadata.name=${name}` } }, scope), controller, pods: new Set() }
    watched.set(key, entry)
    void (async () => {
      for await (const _ of entry.informer.changes(scope)) for (const pod of entry.pods) changed(pod)
    })().catch(() => {}) // the signal ended it
    return entry
  }

  const read = async <T extends KubeObject>(kind: Kind<T>, namespace: string, name: string): Promise<T | undefined> => {
    const entry = watch(kind as Kind, namespace, name)
    if (!entry) throw new Error(`${kind.plural} cannot be read: this kubelet runs without an API server`)
    if (!(await isSynced(entry))) throw new Error(`failed to sync ${kind.singular} cache: timed out waiting for the condition`)
    return entry.informer.lister.get(keyOf({ metadata: { namespace, name } })) as T | undefined
  }

  const isSynced = (entry: Watched): Promise<boolean> => {
    const patience = new AbortController()
    const synced = entry.informer.synced.then(() => true, () => false)
    const late = context?.clock.sleep(maxWaitMilliseconds, patience.signal).then(() => false, () => false) ?? Promise.resolve(false)
    return Promise.race([synced, late]).finally(() => patience.abort(notNeeded))
  }

  return {
    retain(pod) {
      const { configMaps, secrets, claims } = referencesOf(pod)
      const namespace = pod.metadata.namespace ?? ''
      for (const name of configMaps) watch(ConfigMaps as Kind, namespace, name)?.pods.add(pod.metadata.uid)
      for (const name of claims) watch(PersistentVolumeClaims as Kind, namespace, name)?.pods.add(pod.metadata.uid)
      for (const name of secrets) watch(Secrets as Kind, namespace, name)?.pods.add(pod.metadata.uid)
    },
    release(podUid) {
      for (const [key, entry] of watched) {
        entry.pods.delete(podUid)
        if (entry.pods.size > 0) continue
        entry.controller.abort()
        watched.delete(key)
      }
    },
    configMap: (namespace, name) => read(ConfigMaps, namespace, name),
    secret: (namespace, name) => read(Secrets, namespace, name),
    claim: (namespace, name) => read(PersistentVolumeClaims, namespace, name),
    persistentVolume(podUid, name) {
      watch(PersistentVolumes as Kind, '', name)?.pods.add(podUid)
      return read(PersistentVolumes, '', name)
    },
  }
}

const maxWaitMilliseconds = 2_000
