/** The last step of a claim that asks for more room: the file system on the node, once the volume itself has grown. Mirrors NodeExpandVolume of pkg/volume/csi/expander.go and operation_generator.go. */
import { compareQuantities, toWhole } from '../../../src/api/quantity.ts'
import type { PersistentVolume, PersistentVolumeClaim, Pod } from '../../../src/api/types.ts'
import type { Driver, DriverNode } from './driver.ts'
import { type CsiSource, volumeCapability } from './node-requests.ts'

export interface Growth {
  /** Writes into the claim's status how large it is now. */
  finished(claim: PersistentVolumeClaim, capacity: string): Promise<void>
  tell(pod: Pod, claim: PersistentVolumeClaim, what: { type: 'Normal' | 'Warning'; reason: string; message: string }): void
}

export interface Growing {
  pod: Pod
  claim: PersistentVolumeClaim
  persistent: PersistentVolume
  source: CsiSource
  driver: Driver & { node: DriverNode }
  target: string
  staging: string
  secrets(): Promise<Record<string, string>>
}

/** The size that the volume has and the claim does not know of yet; undefined: they agree. */
export const missingCapacity = ({ status }: PersistentVolumeClaim, { spec }: PersistentVolume): string | undefined => {
  const [has, knows] = [spec.capacity?.['storage'], status?.capacity?.['storage']]
  return has !== undefined && knows !== undefined && compareQuantities(has, knows) > 0 ? has : undefined
}

/** Without EXPAND_VOLUME of the node service there is nothing to do but to say so in the claim. */
export const growOnNode = async ({ pod, claim, persistent, source, driver, target, staging, secrets }: Growing, { finished, tell }: Growth): Promise<void> => {
  const capacity = missingCapacity(claim, persistent)
  if (capacity === undefined) return
  const { capabilities } = driver.node
  if (capabilities.has('EXPAND_VOLUME')) {
    await driver.call('csi.v1.Node', 'NodeExpandVolume', {
      volume_id: source.volumeHandle, volume_path: driver.seen(target), capacity_range: { required_bytes: String(toWhole(capacity)) }, staging_target_path: capabilities.has('STAGE_UNSTAGE_VOLUME') ? driver.seen(staging) : '',
      volume_capability: volumeCapability(source, capabilities, pod.spec.securityContext?.fsGroup), secrets: await secrets(),
    })
    tell(pod, claim, { type: 'Normal', reason: 'FileSystemResizeSuccessful', message: `MountVolume.NodeExpandVolume succeeded for volume ${JSON.stringify(persistent.metadata.name)} ${pod.spec.nodeName ?? ''}`.trim() })
  }
  await finished(claim, capacity)
}
