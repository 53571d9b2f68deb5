/** PersistentVolumes that a machine has by itself, hostPath and local, or mounts by itself: nfs. Mirrors pkg/volume/hostpath, pkg/volume/local and pkg/volume/nfs. */
import { chmod, mkdir, realpath, stat } from 'node:fs/promises'
import path from 'node:path'
import type { PersistentVolume, Pod } from '../../../src/api/types.ts'
import { prepareHostPath } from './host-path.ts'
import { mountDevice, type RunTool } from './device-file-system.ts'
import type { Mounter } from './mounter.ts'
import { mountNfs } from './nfs.ts'
import { giveToGroup } from './safe-tree.ts'

const provisionedBy = 'pv.kubernetes.io/provisioned-by'
const ownProvisioner = 'wherry.io/host-path'

/** Sources of volumes, as against everything else that the spec says. */
const otherFields: ReadonlySet<string> = new Set(['accessModes', 'capacity', 'claimRef', 'mountOptions', 'nodeAffinity', 'persistentVolumeReclaimPolicy', 'storageClassName', 'volumeAttributesClassName', 'volumeMode'])

const sourceOf = (spec: PersistentVolume['spec']): string => Object.entries(spec).find(([field, source]) => source !== undefined && !otherFields.has(field))?.[0] ?? 'no source'

/** A device goes to the pod as it is; whoever may only read it would have to be kept from writing by a device of its own. */
const checkDevice = async (at: string, readOnly: boolean): Promise<void> => {
  if (readOnly) throw new Error('a local device cannot be given read-only')
  const facts = await stat(at).catch((error: NodeJS.ErrnoException) => { throw error.code === 'ENOENT' ? new Error(`path ${JSON.stringify(at)} does not exist`) : error })
  if (!facts.isBlockDevice()) throw new Error(`path ${JSON.stringify(at)} is not a block device`)
}

/** Only a local volume gets the pod's group, as upstream has it; with OnRootMismatch only when its top has not got it yet. */
const giveToPod = async (at: string, { pod, readOnly }: Pick<Use, 'pod' | 'readOnly'>): Promise<void> => {
  const { fsGroup, fsGroupChangePolicy } = pod.spec.securityContext ?? {}
  if (fsGroup === undefined || readOnly) return
  const { gid, mode } = await stat(at)
  if (fsGroupChangePolicy === 'OnRootMismatch' && gid === fsGroup && (mode & 0o2770) === 0o2770) return
  // The path is its administrator's, and may be a link; what lies below is not.
  await giveToGroup(await realpath(at), { gid: fsGroup, fileBits: 0o660 })
}

/** A directory is the volume; a disk is mounted for each pod that has it, so that it goes with the pod. Resolves with where the volume is. */
const prepareLocal = async ({ metadata, spec: { local, mountOptions = [] } }: PersistentVolume, use: Use): Promise<string> => {
  const [at, type] = [local?.path ?? '', local?.fsType ?? '']
  const facts = await stat(at).catch((error: NodeJS.ErrnoException) => { throw error.code === 'ENOENT' ? new Error(`path ${JSON.stringify(at)} does not exist`) : error })
  if (!facts.isDirectory() && !facts.isBlockDevice()) throw new Error(`only directory and block device are supported, and ${JSON.stringify(at)} is neither`)
  if (facts.isDirectory() && mountOptions.length > 0) throw new Error('Mount options are not supported for volume type local, where it is a directory')
  const target = facts.isDirectory() ? at : path.join(use.directory, 'kubernetes.io~local-volume', metadata.name)
  if (facts.isBlockDevice()) await mountDevice({ device: at, target, fsType: type, options: mountOptions, readOnly: use.readOnly }, { mounter: use.mounter, ...(use.runTool && { run: use.runTool }) })
  await giveToPod(target, use)
  return target
}

/** A directory of the cluster's own provisioner is anybody's who has the claim, whoever he runs as. */
const provisionDirectory = async (at: string): Promise<void> => {
  if (await mkdir(at, { recursive: true, mode: 0o755 }) !== undefined) await chmod(at, 0o777)
}

interface Use {
  pod: Pod
  readOnly: boolean
  mounter: Mounter
  /** Of the pod's own volumes. */
  directory: string
  /** Programs that look at disks and make file systems; the machine's if absent. */
  runTool?: RunTool
}

/** Makes the volume ready and resolves with its path on this machine. Throws, in upstream's words, when it cannot be had. */
export const preparePersistentVolume = async (volume: PersistentVolume, use: Use): Promise<string> => {
  const { metadata, spec } = volume
  const { hostPath, local, nfs, mountOptions = [] } = spec
  if (spec.volumeMode === 'Block' && !local) throw new Error(`no BlockVolumePlugin matched: ${sourceOf(spec)}`)
  if (mountOptions.length > 0 && hostPath) throw new Error('Mount options are not supported for volume type hostPath')
  if (hostPath) {
    if (metadata.annotations?.[provisionedBy] === ownProvisioner && hostPath.type === 'DirectoryOrCreate') await provisionDirectory(hostPath.path)
    await prepareHostPath(hostPath)
    return hostPath.path
  }
  if (nfs) {
    const target = path.join(use.directory, 'kubernetes.io~nfs', metadata.name)
    await mountNfs({ ...nfs, readOnly: (nfs.readOnly ?? false) || use.readOnly }, target, { mounter: use.mounter, options: mountOptions })
    return target
  }
  if (!local) throw new Error(`no volume plugin matched: ${sourceOf(spec)}`)
  if (spec.volumeMode !== 'Block') return prepareLocal(volume, use)
  await checkDevice(local.path, use.readOnly)
  return local.path
}
