/** Where what a pod writes to the machine's disks is: emptyDirs, and by container its log and the layer above its image. */
import type { Pod } from '../../../src/api/types.ts'
import { containersOf } from '../pod.ts'
import type { Machine } from '../pod-run.ts'
import { containerLogDirectory } from '../prepare-container.ts'
import { emptyDirDirectory } from '../volumes/volumes.ts'
import type { DiskUse } from './disk-usage.ts'
import type { LocalUse } from './local-storage.ts'

export interface PodDirectories { volumes: Readonly<Record<string, string>>; containers: Readonly<Record<string, readonly string[]>> }

export const podDirectories = async (machine: Pick<Machine, 'directory' | 'logDirectory' | 'runtime'>, pod: Pod): Promise<PodDirectories> => {
  const layers = await machine.runtime.layers(pod.metadata.uid)
  return {
    volumes: Object.fromEntries((pod.spec.volumes ?? []).filter(({ emptyDir }) => emptyDir && !emptyDir.medium).map(({ name }) => [name, emptyDirDirectory(machine.directory, pod.metadata.uid, name)])),
    containers: Object.fromEntries(containersOf(pod).map(({ container: { name } }) => [name, [containerLogDirectory(machine, pod, name), ...layers.filter(({ container }) => container === name).map(({ directory }) => directory)]])),
  }
}

export const allOf = ({ volumes, containers }: PodDirectories): string[] => [...Object.values(volumes), ...Object.values(containers).flat()]

/** The sums, of bytes or of inodes. */
export const useOf = ({ volumes, containers }: PodDirectories, measured: ReadonlyMap<string, DiskUse>, unit: keyof DiskUse = 'bytes'): LocalUse => {
  const of = (directory: string): number => measured.get(directory)?.[unit] ?? 0
  return {
    volumes: Object.fromEntries(Object.entries(volumes).map(([name, directory]) => [name, of(directory)])),
    containers: Object.fromEntries(Object.entries(containers).map(([name, directories]) => [name, directories.reduce((sum, each) => sum + of(each), 0)])),
  }
}
