/** From a pod's claim to the volume that it is bound to. Mirrors createVolumeSpec and getPVCExtractPV of pkg/kubelet/volumemanager/populator. */
import type { PersistentVolume, PersistentVolumeClaim, Pod, Volume } from '../../../src/api/types.ts'

export interface ClaimFacts {
  /** Of the pod's namespace. */
  claim(name: string): Promise<PersistentVolumeClaim | undefined>
  persistentVolume(name: string): Promise<PersistentVolume | undefined>
}

/** The name of the claim behind a volume; that of an ephemeral volume is named after pod and volume. */
export const claimNameOf = ({ metadata }: Pod, { name, persistentVolumeClaim, ephemeral }: Volume): string | undefined =>
  persistentVolumeClaim?.claimName ?? (ephemeral ? `${metadata.name}-${name}` : undefined)

/** A pod that runs already keeps the claim that is on its way out: its finalizer waits for the pod. */
const isStarted = ({ status }: Pod): boolean => status?.phase === 'Running'

const boundClaim = async (pod: Pod, name: string, facts: ClaimFacts): Promise<PersistentVolumeClaim & { spec: { volumeName: string } }> => {
  const claim = await facts.claim(name)
  if (!claim) throw new Error(`failed to fetch PVC from API server: persistentvolumeclaims ${JSON.stringify(name)} not found`)
  if (claim.metadata.deletionTimestamp !== undefined && !isStarted(pod)) throw new Error('PVC is being deleted')
  if (claim.status?.phase !== 'Bound') throw new Error('PVC is not bound')
  if (!claim.spec.volumeName) throw new Error('PVC has empty pvc.Spec.VolumeName')
  return claim as PersistentVolumeClaim & { spec: { volumeName: string } }
}

const boundVolume = async ({ metadata, spec }: PersistentVolumeClaim & { spec: { volumeName: string } }, facts: ClaimFacts): Promise<PersistentVolume> => {
  const volume = await facts.persistentVolume(spec.volumeName)
  if (!volume) throw new Error(`failed to fetch PV ${spec.volumeName} from API server: persistentvolumes ${JSON.stringify(spec.volumeName)} not found`)
  const { claimRef } = volume.spec
  if (!claimRef) throw new Error(`found PV object ${spec.volumeName} but it has a nil pv.Spec.ClaimRef indicating it is not yet bound to the claim`)
  if (claimRef.uid !== metadata.uid) throw new Error(`found PV object ${spec.volumeName} but its pv.Spec.ClaimRef.UID ${claimRef.uid ?? ''} does not point to claim.UID ${metadata.uid}`)
  return volume
}

/** Throws, in upstream's words, while the claim of the volume leads to none. */
export const volumeOfClaim = async (pod: Pod, volume: Volume, facts: ClaimFacts): Promise<PersistentVolume> => {
  const namespace = pod.metadata.namespace ?? ''
  const name = claimNameOf(pod, volume) ?? ''
  const explained = (error: unknown): never => { throw new Error(`error processing PVC ${namespace}/${name}: ${error instanceof Error ? error.message : String(error)}`, { cause: error }) }
  const claim = await boundClaim(pod, name, facts).catch(explained)
  // It may have been made for an earlier pod of the name, or by somebody: nobody's data is given to another.
  if (volume.ephemeral && !claim.metadata.ownerReferences?.some((owner) => owner.controller && owner.uid === pod.metadata.uid)) throw new Error(`PVC ${namespace}/${name} was not created for pod ${namespace}/${pod.metadata.name} (pod is not owner)`)
  const found = await boundVolume(claim, facts).catch(explained)
  const { volumeMode = 'Filesystem' } = found.spec
  const containers = [...pod.spec.containers, ...(pod.spec.initContainers ?? []), ...(pod.spec.ephemeralContainers ?? [])]
  const isIn = (list: 'volumeMounts' | 'volumeDevices'): boolean => containers.some((container) => container[list]?.some(({ name: of }) => of === volume.name))
  if (volumeMode !== 'Filesystem' && isIn('volumeMounts')) throw new Error(`volume ${volume.name} has volumeMode ${volumeMode}, but is specified in volumeMounts`)
  if (volumeMode !== 'Block' && isIn('volumeDevices')) throw new Error(`volume ${volume.name} has volumeMode ${volumeMode}, but is specified in volumeDevices`)
  return found
}
