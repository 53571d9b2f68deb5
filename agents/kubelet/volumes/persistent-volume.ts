/** PersistentVolumes that a machine has by itself: hostPath and local. Mirrors pkg/volume/hostpath and pkg/volume/local. */
import { chmod, mkdir, stat } from 'node:fs/promises'
import type { PersistentVolume, Pod } from '../../../src/api/types.ts'
import { giveToGroup } from './atomic-writer.ts'
import { prepareHostPath } from './host-path.ts'

const provisionedBy = 'pv.kubernetes.io/provisioned-by'
const ownProvisioner = 'wherry.io/host-path'

/** Sources of volumes, as against everything else that the spec says. */
const otherFields: ReadonlySet<string> = new Set(['accessModes', 'capacity', 'claimRef', 'mountOptions', 'nodeAffinity', 'persistentVolumeReclaimPolicy', 'storageClassName', 'volumeAttributesClassName', 'volumeMode'])

const isDirectory = (path: string): Promise<boolean> => stat(path).then((facts) => facts.isDirectory(), (error: NodeJS.ErrnoException) => {
  if (error.code === 'ENOENT') throw new Error(`path ${JSON.stringify(path)} does not exist`)
  throw error
})

/** Only a local volume gets the pod's group, as upstream has it; with OnRootMismatch only when its top has not got it yet. */
const prepareLocal = async (path: string, { pod, readOnly }: { pod: Pod; readOnly: boolean }): Promise<void> => {
  if (!(await isDirectory(path))) throw new Error(`path ${JSON.stringify(path)} is not a directory: this cluster has no block devices as volumes`)
  const { fsGroup, fsGroupChangePolicy } = pod.spec.securityContext ?? {}
  if (fsGroup === undefined || readOnly) return
  const { gid, mode } = await stat(path)
  if (fsGroupChangePolicy === 'OnRootMismatch' && gid === fsGroup && (mode & 0o2770) === 0o2770) return
  await giveToGroup(path, { gid: fsGroup, fileBits: 0o660 })
}

/** A directory of the cluster's own provisioner is anybody's who has the claim, whoever he runs as. */
const provisionDirectory = async (path: string): Promise<void> => {
  if (await mkdir(path, { recursive: true, mode: 0o755 }) !== undefined) await chmod(path, 0o777)
}

/** Makes the volume ready and resolves with its path on this machine. Throws, in upstream's words, when it cannot be had. */
export const preparePersistentVolume = async ({ metadata, spec }: PersistentVolume, use: { pod: Pod; readOnly: boolean }): Promise<string> => {
  const { hostPath, local, mountOptions = [] } = spec
  if (mountOptions.length > 0 && (hostPath ?? local)) throw new Error(`Mount options are not supported for volume type ${hostPath ? 'hostPath' : 'local'}`)
  if (hostPath) {
    if (metadata.annotations?.[provisionedBy] === ownProvisioner && hostPath.type === 'DirectoryOrCreate') await provisionDirectory(hostPath.path)
    await prepareHostPath(hostPath)
    return hostPath.path
  }
  if (!local) throw new Error(`no volume plugin matched: ${Object.entries(spec).find(([field, source]) => source !== undefined && !otherFields.has(field))?.[0] ?? 'no source'}`)
  await prepareLocal(local.path, use)
  return local.path
}
