/** Writes which volumes and which node a pod's claims are to have, and waits until they are bound. Mirrors `plugins/volumebinding/binder.go: BindPodVolumes`. */
import type { Clock } from '../api/clock.ts'
import { PersistentVolumeClaims, PersistentVolumes } from '../api/kinds.ts'
import { keyOf } from '../api/meta.ts'
import type { PersistentVolume, PersistentVolumeClaim, Pod } from '../api/types.ts'
import type { Client } from '../client/client.ts'
import type { Informer } from '../client/informer.ts'
import { selectedNode, type VolumePlan } from './find-volumes.ts'
import { isFullyBound } from './pod-claims.ts'

export interface VolumeLine {
  client: Client
  clock: Clock
  claims: Informer<PersistentVolumeClaim>
  volumes: Informer<PersistentVolume>
  pods: Informer<Pod>
}

const boundByController = 'pv.kubernetes.io/bound-by-controller'
const bindTimeoutMilliseconds = 600_000

const claimed = (volume: PersistentVolume, { metadata }: PersistentVolumeClaim): PersistentVolume => {
  const claimRef = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace: metadata.namespace, name: metadata.name, uid: metadata.uid, resourceVersion: metadata.resourceVersion }
  const annotations = { ...volume.metadata.annotations, ...(!volume.spec.claimRef && { [boundByController]: 'yes' }) }
  return { ...volume, metadata: { ...volume.metadata, annotations }, spec: { ...volume.spec, claimRef } }
}

const onNode = (claim: PersistentVolumeClaim, node: string): PersistentVolumeClaim => ({ ...claim, metadata: { ...claim.metadata, annotations: { ...claim.metadata.annotations, [selectedNode]: node } } })

/** Resolves when all claims are bound. Throws when one cannot be: the pod has to be scheduled again. */
export const bindVolumes = async ({ bindings, provisions }: VolumePlan, { pod, node, line }: { pod: Pod; node: string; line: VolumeLine }, signal: AbortSignal): Promise<void> => {
  const { client, clock, claims, volumes, pods } = line
  for (const { volume, claim } of bindings) {
    if (volume.spec.claimRef?.uid === claim.metadata.uid) continue
    const written = await client.update(PersistentVolumes, claimed(volume, claim), { signal })
    await volumes.waitFor(written.metadata.resourceVersion, signal)
  }
  for (const claim of provisions) {
    if (claim.metadata.annotations?.[selectedNode] === node) continue
    const written = await client.update(PersistentVolumeClaims, onNode(claim, node), { signal })
    await claims.waitFor(written.metadata.resourceVersion, signal)
  }
  const all = [...bindings.map(({ claim }) => claim), ...provisions]
  const now = (claim: PersistentVolumeClaim): PersistentVolumeClaim | undefined => claims.lister.get(keyOf(claim))
  const problem = (): string | undefined => {
    const gone = all.find((claim) => now(claim)?.metadata.uid !== claim.metadata.uid)
    if (gone) return `failed to check binding: persistentvolumeclaim ${JSON.stringify(gone.metadata.name)} not found`
    // Whoever cannot make the volume takes the node away again.
    const failed = provisions.find((claim) => now(claim)?.metadata.annotations?.[selectedNode] !== node)
    return failed && `provisioning failed for PVC ${JSON.stringify(failed.metadata.name)}`
  }
  // The phase comes last; a kubelet waits for it.
  const isDone = (): boolean => problem() !== undefined || all.every((claim) => { const current = now(claim); return current?.status?.phase === 'Bound' && isFullyBound(current) })
  const scope = new AbortController()
  const until = AbortSignal.any([signal, scope.signal])
  try {
    await Promise.race([
      claims.waitUntil(isDone, until),
      pods.waitUntil((lister) => lister.get(keyOf(pod))?.metadata.uid !== pod.metadata.uid, until).then(() => { throw new Error('binding volumes: pod does not exist any more') }),
      clock.sleep(bindTimeoutMilliseconds, until).then(() => { throw new Error('binding volumes: context deadline exceeded') }),
    ])
  } finally {
    scope.abort()
  }
  const why = problem()
  if (why) throw new Error(`binding volumes: ${why}`)
}
