/** What a driver was asked for and has not taken back: files beside the volumes, written before the driver is asked, so that no death of the kubelet forgets one. Names and keys as upstream's vol_data.json. */
import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'

/** Of a pod's volume. */
export interface PodVolume {
  driverName: string
  volumeHandle: string
  /** The name of the PersistentVolume, or of an inline volume in its pod. */
  specVolID: string
  volumeLifecycleMode: 'Persistent' | 'Ephemeral'
  /** Its name in the pod. */
  podVolume?: string
  attachmentID?: string
  /** Where it was staged; absent: it was not. */
  stagingPath?: string
  /** A device, not a file system. */
  block?: boolean
  /** Of the boot in which the driver said that it was published. */
  publishedIn?: string
}

export interface StagedVolume { driverName: string; volumeHandle: string }

const fileName = 'vol_data.json'
const plugin = 'kubernetes.io~csi'
const hash = (text: string): string => createHash('sha256').update(text).digest('hex')

/** `csi-<hash>`: the attachment of a volume to a node. Mirrors getAttachmentName. */
export const attachmentName = (volumeHandle: string, driver: string, node: string): string => `csi-${hash(`${volumeHandle}${driver}${node}`)}`
/** The handle of an inline volume. Mirrors makeVolumeHandle. */
export const inlineHandle = (podUid: string, volume: string): string => `csi-${hash(`${podUid}${volume}`)}`

const volumesOf = (root: string, podUid: string): string => path.join(root, 'pods', podUid, 'volumes', plugin)
/** The directory of a pod's volume. */
export const volumeDirectory = (root: string, podUid: string, specVolID: string): string => path.join(volumesOf(root, podUid), specVolID)
/** Where the driver puts it; a device beside all pods' volumes, as upstream. */
export const targetPath = (root: string, podUid: string, { specVolID, block }: Pick<PodVolume, 'specVolID' | 'block'>): string =>
  (block ? path.join(root, 'plugins', 'kubernetes.io', 'csi', 'volumeDevices', 'publish', specVolID, podUid) : path.join(volumeDirectory(root, podUid, specVolID), 'mount'))
export const stagingDirectory = (root: string, driver: string, volumeHandle: string): string => path.join(root, 'plugins', 'kubernetes.io', 'csi', driver, hash(volumeHandle))
export const stagingPath = (root: string, driver: string, volumeHandle: string): string => path.join(stagingDirectory(root, driver, volumeHandle), 'globalmount')

const write = async (directory: string, data: PodVolume | StagedVolume): Promise<void> => {
  await mkdir(directory, { recursive: true, mode: 0o750 })
  const file = path.join(directory, fileName)
  await writeFile(`${file}.new`, JSON.stringify(data), { mode: 0o600, flush: true })
  await rename(`${file}.new`, file)
}
const read = async <T extends StagedVolume>(directory: string): Promise<T | undefined> => {
  const text = await readFile(path.join(directory, fileName), 'utf8').catch((error: NodeJS.ErrnoException) => { if (['ENOENT', 'ENOTDIR'].includes(error.code ?? '')) return undefined; throw error })
  if (text === undefined) return undefined
  try { return JSON.parse(text) as T } catch (error) { throw new Error(`${path.join(directory, fileName)} is damaged: say in it what driverName and volumeHandle are, or remove it when the driver has nothing there any more`, { cause: error }) }
}
const namesIn = (directory: string): Promise<string[]> => readdir(directory).catch((error: NodeJS.ErrnoException) => { if (['ENOENT', 'ENOTDIR'].includes(error.code ?? '')) return []; throw error })

export const writePodVolume = (root: string, podUid: string, volume: PodVolume): Promise<void> => write(volumeDirectory(root, podUid, volume.specVolID), volume)
export const readPodVolume = (root: string, podUid: string, specVolID: string): Promise<PodVolume | undefined> => read(volumeDirectory(root, podUid, specVolID))
export const forgetPodVolume = (root: string, podUid: string, specVolID: string): Promise<void> => rm(path.join(volumeDirectory(root, podUid, specVolID), fileName), { force: true })
export const podVolumes = async (root: string, podUid: string): Promise<PodVolume[]> =>
  (await Promise.all((await namesIn(volumesOf(root, podUid))).map((name) => readPodVolume(root, podUid, name)))).filter((each) => each !== undefined)
/** Of all pods. */
export const allPodVolumes = async (root: string): Promise<(PodVolume & { podUid: string })[]> =>
  (await Promise.all((await namesIn(path.join(root, 'pods'))).map(async (podUid) => (await podVolumes(root, podUid)).map((each) => ({ ...each, podUid }))))).flat()

export const writeStaged = (root: string, { driverName, volumeHandle }: StagedVolume): Promise<void> => write(stagingDirectory(root, driverName, volumeHandle), { driverName, volumeHandle })
export const forgetStaged = (root: string, { driverName, volumeHandle }: StagedVolume): Promise<void> => rm(path.join(stagingDirectory(root, driverName, volumeHandle), fileName), { force: true })
export const allStaged = async (root: string, driver: string): Promise<StagedVolume[]> => {
  const directory = path.join(root, 'plugins', 'kubernetes.io', 'csi', driver)
  return (await Promise.all((await namesIn(directory)).map((name) => read<StagedVolume>(path.join(directory, name))))).filter((each) => each !== undefined)
}
export const driversWithStages = async (root: string): Promise<string[]> => (await namesIn(path.join(root, 'plugins', 'kubernetes.io', 'csi'))).filter((name) => name !== 'volumeDevices')
