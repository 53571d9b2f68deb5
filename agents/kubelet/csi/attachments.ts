/**
 * Volumes that a controller attaches to this node before its driver is asked: said to be in use in the node's status, so that none is taken away under a pod, and waited for.
 * Mirrors WaitForAttachAndMount and VerifyControllerAttachedVolume of pkg/kubelet/volumemanager.
 */
import { uniqueVolumeName } from '../../../src/api/csi-capability.ts'
import type { Node, VolumeAttachment } from '../../../src/api/types.ts'
import { allPodVolumes, allStaged, attachmentName, driversWithStages } from './journal.ts'
import type { CsiSource } from './node-requests.ts'
import { NotYet } from './step-error.ts'

type Volume = Pick<CsiSource, 'driver' | 'volumeHandle' | 'name'>

export interface Attachments {
  /** A pod is going to have it. */
  claim(podUid: string, volume: Volume): void
  /** What the driver's controller says of the attachment. Throws NotYet while the volume is not attached, or the API server does not know yet that it is in use. */
  contextOf(volume: Volume): Promise<Readonly<Record<string, string>>>
  /** Nothing of the pod is on this node any more. */
  release(podUid: string): void
  /** Nothing of the volume is, though no pod of now had it. */
  releaseStaged(driver: string, volumeHandle: string): void
  /** What an earlier kubelet has left. */
  restore(): Promise<void>
  /** For the node's status, in order. */
  inUse(): readonly string[]
}

export interface AttachmentsOptions {
  root: string
  nodeName: string
  node(): Node | undefined
  attachment(name: string): Promise<VolumeAttachment | undefined>
  /** Called when `inUse` has changed. */
  changed(): void
}

/** Stands for the pods of before. */
const nobody = ''

export const attachments = ({ root, nodeName, node, attachment, changed }: AttachmentsOptions): Attachments => {
  /** Who has it, by the volume's unique name. */
  const held = new Map<string, Set<string>>()
  const add = (podUid: string, name: string): void => { held.set(name, (held.get(name) ?? new Set()).add(podUid)) }
  const drop = (podUid: string, names: Iterable<string>): void => {
    const before = held.size
    for (const name of [...names]) {
      const users = held.get(name)
      users?.delete(podUid)
      if (users?.size === 0) held.delete(name)
    }
    if (held.size !== before) changed()
  }
  return {
    claim(podUid, { driver, volumeHandle }) {
      const before = held.size
      add(podUid, uniqueVolumeName(driver, volumeHandle))
      if (held.size !== before) changed()
    },
    async contextOf({ driver, volumeHandle, name }) {
      const [wanted, status] = [uniqueVolumeName(driver, volumeHandle), node()?.status]
      if (!status?.volumesInUse?.includes(wanted)) throw new NotYet(`volume ${name} is not yet said to be in use in the node's status`)
      if (!status.volumesAttached?.some((each) => each.name === wanted)) throw new NotYet(`volume ${name} is not yet attached according to the node's status`)
      const found = await attachment(attachmentName(volumeHandle, driver, nodeName))
      if (!found?.status?.attached) throw new NotYet(`volume ${name} has no attachment to this node`)
      return found.status.attachmentMetadata ?? {}
    },
    release: (podUid) => drop(podUid, held.keys()),
    releaseStaged: (driver, volumeHandle) => drop(nobody, [uniqueVolumeName(driver, volumeHandle)]),
    async restore() {
      const pods = await allPodVolumes(root)
      for (const { podUid, driverName, volumeHandle, attachmentID } of pods) if (attachmentID !== undefined) add(podUid, uniqueVolumeName(driverName, volumeHandle))
      for (const driver of await driversWithStages(root)) for (const { volumeHandle } of await allStaged(root, driver)) {
        // What a pod has goes with the pod.
        if (!pods.some((each) => each.driverName === driver && each.volumeHandle === volumeHandle)) add(nobody, uniqueVolumeName(driver, volumeHandle))
      }
    },
    inUse: () => [...held.keys()].sort(),
  }
}
