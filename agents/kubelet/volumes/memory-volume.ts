/** How large an emptyDir in memory is. Mirrors calculateEmptyDirMemorySize (pkg/volume/emptydir/empty_dir.go). Pure. */
import { toNumber } from '../../../src/api/quantity.ts'
import type { EmptyDirVolumeSource, Pod } from '../../../src/api/types.ts'
import { sandboxLimits } from '../resources.ts'

/** The least of what the node gives to pods, what this pod may have, and what the volume asks for; without any of them as large as the kernel makes it. */
export const memoryVolumeSize = (pod: Pod, { sizeLimit }: EmptyDirVolumeSource, allocatable: Readonly<Record<string, string>>): { sizeBytes?: number } => {
  const bounds = [toNumber(allocatable['memory'] ?? '0'), sandboxLimits(pod).memoryLimitBytes ?? 0, toNumber(sizeLimit ?? '0')].filter((each) => each > 0)
  return bounds.length > 0 ? { sizeBytes: Math.ceil(Math.min(...bounds)) } : {}
}
