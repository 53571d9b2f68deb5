/** What a driver was asked for is taken back by it: unpublished for each pod, unstaged after the last. Mirrors TearDownAt and UnmountDevice of pkg/volume/csi. */
import { rm, rmdir } from 'node:fs/promises'
import path from 'node:path'
import { uniqueVolumeName } from '../../../src/api/csi-capability.ts'
import type { Mounter } from '../volumes/mounter.ts'
import { CsiError } from './csi-error.ts'
import type { Driver, DriverNode } from './driver.ts'
import { allPodVolumes, allStaged, forgetPodVolume, forgetStaged, type PodVolume, type StagedVolume, stagingPath, targetPath } from './journal.ts'

export interface TakeBackOptions {
  /** The kubelet's. */
  root: string
  mounter: Mounter
  driver(name: string): Driver | undefined
}

/** `signal`: for the call of the driver. */
export interface TakeBack {
  unpublish(podUid: string, volume: PodVolume, signal?: AbortSignal): Promise<void>
  /** Resolves with whether it was staged, and no pod has it. */
  unstageUnused(volume: StagedVolume, signal?: AbortSignal): Promise<boolean>
}

export const registered = (driver: Driver | undefined, name: string): Driver & { node: DriverNode } => {
  if (!driver?.node) throw new Error(`driver name ${name} not found in the list of registered CSI drivers`)
  return driver as Driver & { node: DriverNode }
}

const ifNotThere = (error: NodeJS.ErrnoException): void => { if (error.code !== 'ENOENT') throw error }

export const takeBack = ({ root, mounter, driver: find }: TakeBackOptions): TakeBack => {
  const unstage = async ({ driverName, volumeHandle }: StagedVolume, signal: AbortSignal | undefined): Promise<void> => {
    const at = stagingPath(root, driverName, volumeHandle)
    const driver = registered(find(driverName), driverName)
    await driver.call('csi.v1.Node', 'NodeUnstageVolume', { volume_id: volumeHandle, staging_target_path: driver.seen(at) }, signal)
    for (const point of await mounter.below(at)) await mounter.unmount(point)
    await forgetStaged(root, { driverName, volumeHandle })
    for (const directory of [at, path.dirname(at)]) await rmdir(directory).catch(ifNotThere)
  }

  return {
    async unpublish(podUid, volume, signal) {
      const { driverName, volumeHandle, specVolID } = volume
      const target = targetPath(root, podUid, volume)
      try {
        const driver = registered(find(driverName), driverName)
        await driver.call('csi.v1.Node', 'NodeUnpublishVolume', { volume_id: volumeHandle, target_path: driver.seen(target) }, signal)
        // A driver may leave its directory; one that leaves its mount is helped.
        for (const point of await mounter.below(target)) await mounter.unmount(point)
        await (volume.block ? rm(target, { force: true }) : rmdir(target).catch(ifNotThere))
        if (volume.block) await rmdir(path.dirname(target)).catch(() => {}) // another pod has it
      } catch (error) {
        throw new Error(`UnmountVolume.TearDown failed for volume ${JSON.stringify(specVolID)} : ${error instanceof CsiError ? '' : 'kubernetes.io/csi: Unmounter.TearDownAt failed: '}${error instanceof Error ? error.message : String(error)}`, { cause: error })
      }
      await forgetPodVolume(root, podUid, specVolID)
    },
    async unstageUnused(volume, signal) {
      const isSame = ({ driverName, volumeHandle }: StagedVolume): boolean => driverName === volume.driverName && volumeHandle === volume.volumeHandle
      if ((await allPodVolumes(root)).some(isSame) || !(await allStaged(root, volume.driverName)).some(isSame)) return false
      await unstage(volume, signal).catch((error: unknown) => { throw new Error(`UnmountDevice failed for volume ${uniqueVolumeName(volume.driverName, volume.volumeHandle)} : ${error instanceof Error ? error.message : String(error)}`, { cause: error }) })
      return true
    },
  }
}
