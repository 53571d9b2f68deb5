/** Whether a pod may have a PersistentVolume here. Mirrors checkNodeAffinity and the exclusive access of GenerateMountVolumeFunc (pkg/volume/util/operationexecutor). Pure. */
import type { Node, PersistentVolume } from '../../../src/api/types.ts'
import { reachesNode } from '../node-affinity.ts'

/** Only where one pod at a time may have it, whatever the pod wants. */
export const isForOnePod = ({ spec: { accessModes = [] } }: PersistentVolume): boolean => accessModes.length === 1 && accessModes[0] === 'ReadWriteOncePod'

/** The scheduler sees to all this, but whoever binds pods by hand does not ask it. `holder`: the pod that has the volume. Undefined: it may. */
export const useProblem = (volume: PersistentVolume, { podUid, node, holder = podUid }: { podUid: string; node: Node; holder: string | undefined }): string | undefined => {
  const [name, isBlock] = [JSON.stringify(volume.metadata.name), volume.spec.volumeMode === 'Block']
  // Nobody's data is looked for where it is not.
  if (!reachesNode(volume, node)) return `${isBlock ? 'MapVolume' : 'MountVolume'}.NodeAffinity check failed for volume ${name} : no matching NodeSelectorTerms`
  return isForOnePod(volume) && holder !== podUid ? `${isBlock ? 'MapVolume.SetUpDevice' : 'MountVolume.SetUp'} failed for volume ${name} : volume uses the ReadWriteOncePod access mode and is already in use by another pod` : undefined
}
