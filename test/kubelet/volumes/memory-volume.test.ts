import { describe, expect, test } from 'vitest'
import { memoryVolumeSize } from '../../../agents/kubelet/volumes/memory-volume.ts'
import { aContainer, aPod } from '../builders.ts'

const limited = aPod({ containers: [aContainer('a', { resources: { limits: { memory: '10Mi' } } }), aContainer('b', { resources: { limits: { memory: '20Mi' } } })] })
const half = aPod({ containers: [aContainer('a', { resources: { limits: { memory: '10Mi' } } }), aContainer('b')] })

// As TestCalculateEmptyDirMemorySize (pkg/volume/emptydir/empty_dir_test.go).
describe('an emptyDir in memory is as large as', () => {
  test.each([
    ['the volume asks for', limited, '5Mi', { memory: '1Gi' }, 5 << 20],
    ['the pod may have, when the volume asks for more', limited, '50Mi', { memory: '1Gi' }, 30 << 20],
    ['the pod may have, when the volume asks for nothing', limited, undefined, { memory: '1Gi' }, 30 << 20],
    ['the volume asks for, when a container of the pod has no limit', half, '50Mi', { memory: '1Gi' }, 50 << 20],
    ['the node gives to pods, when nothing else is said', half, undefined, { memory: '1Gi' }, 1 << 30],
    ['the node gives to pods, when the volume asks for more', half, '2Gi', { memory: '1Gi' }, 1 << 30],
    ['the kernel makes it, when nobody says anything', half, undefined, {}, undefined],
  ] as const)('%s', (_, pod, sizeLimit, allocatable, bytes) => {
    expect(memoryVolumeSize(pod, { medium: 'Memory', ...(sizeLimit && { sizeLimit }) }, allocatable)).toEqual(bytes === undefined ? {} : { sizeBytes: bytes })
  })
})
