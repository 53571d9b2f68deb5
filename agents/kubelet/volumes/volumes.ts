/** A pod's volumes on this machine: made before its containers, kept up to date while it runs, removed after it. Mirrors pkg/kubelet/volumemanager for the kinds of volumes that a machine has by itself. */
import { chmodSync, mkdirSync } from 'node:fs'
import { chmod, mkdir, readdir } from 'node:fs/promises'
import path from 'node:path'
import type { Clock } from '../../../src/api/clock.ts'
import { toNumber } from '../../../src/api/quantity.ts'
import type { ConfigMap, Container, EmptyDirVolumeSource, HostPathVolumeSource, Node, PersistentVolume, Pod, Secret, Volume, VolumeDevice, VolumeMount } from '../../../src/api/types.ts'
import { ownPath } from '../csi/driver.ts'
import type { CsiVolumes } from '../csi/csi-volumes.ts'
import { csiSourceOf } from '../csi/node-requests.ts'
import { NotYet, StepError } from '../csi/step-error.ts'
import { ConfigError, type Environment } from '../env.ts'
import { expand } from '../expansion.ts'
import type { DownwardFacts } from '../field-ref.ts'
import type { VolumeRoot } from '../images/image-volume.ts'
import type { Mount } from '../runtime/runtime.ts'
import { writeAtomically } from './atomic-writer.ts'
import { type ClaimFacts, claimNameOf, volumeOfClaim } from './claim.ts'
import { isHugePageMedium, pageSizeOf } from '../huge-pages.ts'
import { prepareHostPath } from './host-path.ts'
import { memoryVolumeSize } from './memory-volume.ts'
import type { Mounter } from './mounter.ts'
import { mountNfs } from './nfs.ts'
import { isProjection, payloadOf, tokenRequestsOf } from './payload.ts'
import { preparePersistentVolume } from './persistent-volume.ts'
import { giveToGroup, removeTree } from './safe-tree.ts'
import { bindSubPath, checkSubPath, readInside } from './sub-path.ts'
import type { Tokens } from './tokens.ts'
import { isForOnePod, useProblem } from './volume-use.ts'

/** A volume, or another resource, that cannot be had now: event FailedMount, or of another reason. */
export class MountError extends Error {
  override readonly name = 'MountError'
  readonly reason: string
  constructor(message: string, { reason = 'FailedMount', ...options }: ErrorOptions & { reason?: string } = {}) {
    super(message, options)
    this.reason = reason
  }
}

export interface VolumeFacts extends DownwardFacts, ClaimFacts {
  configMap(name: string): Promise<ConfigMap | undefined>
  secret(name: string): Promise<Secret | undefined>
}

export interface Volumes {
  /** Makes all volumes of the pod, or brings those up to date that follow the API. Throws MountError naming the volume, or NotYet while one is not attached. */
  prepare(pod: Pod, facts: VolumeFacts): Promise<void>
  /** Milliseconds until `prepare` has something to renew; not above 0 when it has. */
  renewIn(podUid: string): number | undefined
  /** Where one container sees them; `images`: by the names of volumes that have one's content. Throws ConfigError for a subPath that leads out of its volume. */
  mountsOf(pod: Pod, container: Container, environment: Environment, images?: ReadonlyMap<string, VolumeRoot>): Promise<Mount[]>
  /** Where the file systems of its claims are that no driver speaks for. */
  claimedDirectories(pod: Pod): { name: string; at: string }[]
  /** Where a volume that belongs to the pod alone (not a hostPath, not a claim's) has its files. */
  ownDirectory(pod: Pod, volume: Volume): string | undefined
  /** The text of a file of one of the pod's emptyDirs. Throws when there is none, or no such volume. */
  fileOf(pod: Pod, volume: string, file: string): Promise<string>
  /** Unmounts and deletes everything of a pod that does not run any more. */
  remove(podUid: string): Promise<void>
  /** Uids of all pods of which something is on this machine, also of those that nothing else tells of. */
  list(): Promise<string[]>
}

export interface VolumeOptions {
  /** On disk: emptyDirs and mount points. */
  directory: string
  /** On tmpfs: what must not reach a disk. */
  memoryDirectory: string
  mounter: Mounter
  tokens: Tokens
  /** Absent: no driver can be on this node. */
  csi?: CsiVolumes
  clock: Clock
  /** This node as the API server has it. */
  node(): Node | undefined
}

const blockReason = (persistent: PersistentVolume | undefined): { reason?: string } => (persistent?.spec.volumeMode === 'Block' ? { reason: 'FailedMapVolume' } : {})

const setUpFailed = (name: string, error: unknown): string => `MountVolume.SetUp failed for volume ${JSON.stringify(name)} : ${error instanceof Error ? error.message : String(error)}`

const plugin = (volume: Volume): string => {
  const name = volume.emptyDir ? 'empty-dir' : volume.configMap ? 'configmap' : volume.secret ? 'secret' : volume.downwardAPI ? 'downward-api' : volume.projected ? 'projected' : volume.nfs ? 'nfs' : 'host-path'
  return `kubernetes.io~${name}`
}
/** Where an emptyDir is that is not in memory. `directory`: the kubelet's. */
export const emptyDirDirectory = (directory: string, podUid: string, name: string): string => path.join(directory, 'pods', podUid, 'volumes', plugin({ name, emptyDir: {} }), name)
const inMemory = (volume: Volume): boolean => Boolean(volume.secret ?? volume.projected ?? volume.downwardAPI)

export const volumes = ({ directory, memoryDirectory, mounter, tokens, csi, clock, node }: VolumeOptions): Volumes => {
  /** Where the volumes of claims are on this machine. */
  const claimed = new Map<string, string>()
  /** Of these, those of directories that are no driver's. */
  const directories = new Set<string>()
  /** The pods that have volumes which only one may have, by PersistentVolume. */
  const holders = new Map<string, string>()
  const podDirectory = (podUid: string): string => path.join(directory, 'pods', podUid)
  const volumeDirectory = (podUid: string, volume: Volume): string =>
    volume.hostPath ? ownPath(volume.hostPath.path, directory) : claimed.get(`${podUid}/${volume.name}`) ?? path.join(inMemory(volume) ? memoryDirectory : directory, 'pods', podUid, 'volumes', plugin(volume), volume.name)
  const ready = new Set<string>()

  const prepareProjection = async (pod: Pod, volume: Volume, facts: VolumeFacts): Promise<void> => {
    const [configMaps, secrets, issued] = [new Map<string, ConfigMap | undefined>(), new Map<string, Secret | undefined>(), new Map<string, string>()]
    for (const { configMap, secret } of [{ configMap: volume.configMap, secret: volume.secret && { name: volume.secret.secretName } }, ...(volume.projected?.sources ?? [])]) {
      if (configMap?.name) configMaps.set(configMap.name, await facts.configMap(configMap.name))
      if (secret?.name) secrets.set(secret.name, await facts.secret(secret.name))
    }
    for (const request of tokenRequestsOf(volume)) issued.set(request.path, await tokens.get(pod, request))
    const payload = payloadOf(pod, volume, { ...facts, configMap: (name) => configMaps.get(name), secret: (name) => secrets.get(name), token: ({ path: at }) => issued.get(at) ?? '' })
    const target = volumeDirectory(pod.metadata.uid, volume)
    mkdirSync(target, { recursive: true, mode: 0o750 })
    chmodSync(target, 0o777)
    await writeAtomically(target, payload, { fsGroup: pod.spec.securityContext?.fsGroup }, clock.now())
  }

  const prepareEmptyDir = async (pod: Pod, volume: Volume, { source, facts }: { source: EmptyDirVolumeSource; facts: VolumeFacts }): Promise<void> => {
    const target = volumeDirectory(pod.metadata.uid, volume)
    const pages = isHugePageMedium(source.medium)
    const memory = source.medium === 'Memory' || pages
    const pageSize = pages ? pageSizeOf(source.medium ?? '', pod) : ''
    // What an earlier kubelet has made belongs to the pod now, modes included.
    const made = await mkdir(target, { recursive: true, mode: 0o750 })
    const mounted = memory && (await mounter.below(target)).includes(target)
    if (made === undefined && (mounted || !memory)) return
    // A tmpfs is sticky by itself, and upstream leaves it so.
    if (pages && !mounted) await mounter.hugePages(target, { pageSize, ...(source.sizeLimit && { sizeBytes: toNumber(source.sizeLimit) }) })
    else if (memory && !mounted) await mounter.tmpfs(target, { mode: 0o1777, ...memoryVolumeSize(pod, source, facts.allocatable) })
    await chmod(target, memory && !pages ? 0o1777 : 0o777)
    const gid = pod.spec.securityContext?.fsGroup
    if (gid !== undefined) await giveToGroup(target, { gid, fileBits: 0o660 })
  }

  const prepareHost = async (pod: Pod, { name }: Volume, source: HostPathVolumeSource): Promise<void> => {
    const at = ownPath(source.path, directory)
    await prepareHostPath({ ...source, path: at })
    // What a driver in a pod mounts below the kubelet's own directory, the kubelet is to see, whatever the machine has made of its mounts.
    const passesOn = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].some(({ volumeMounts = [] }) => volumeMounts.some((mount) => mount.name === name && (mount.mountPropagation ?? 'None') !== 'None'))
    if (passesOn && at.startsWith(`${directory}/`)) await mounter.share(at)
  }

  /** Whether the volume is a driver's. */
  const prepareCsi = async (pod: Pod, volume: Volume, { facts, persistent }: { facts: VolumeFacts; persistent?: PersistentVolume }): Promise<boolean> => {
    const source = csiSourceOf(pod, volume, persistent)
    if (!source || !csi) return false
    const claim = persistent && await facts.claim(claimNameOf(pod, volume) ?? '')
    const at = await csi.setUp({ pod, source, claim, persistent }).catch((error: unknown) => {
      throw error instanceof StepError ? new MountError(`${error.step} failed for volume ${JSON.stringify(source.name)} : ${error.message}`, { cause: error, ...blockReason(persistent) }) : error
    })
    claimed.set(`${pod.metadata.uid}/${volume.name}`, at)
    return true
  }

  const checkUse = ({ metadata: { uid } }: Pod, persistent: PersistentVolume): void => {
    const { metadata: { name }, spec } = persistent
    const here = node()
    if (!here && !spec.nodeAffinity?.required && !isForOnePod(persistent)) return
    if (!here) throw new NotYet('this node is not known yet')
    const problem = useProblem(persistent, { podUid: uid, node: here, holder: holders.get(name) })
    if (problem !== undefined) throw new MountError(problem, blockReason(persistent))
    if (isForOnePod(persistent)) holders.set(name, uid)
  }

  /** Resolves with whether it is ready for good. */
  const prepareClaimed = async (pod: Pod, volume: Volume, facts: VolumeFacts): Promise<boolean> => {
    const persistent = await volumeOfClaim(pod, volume, facts).catch((error: Error) => {
      throw new MountError(`Unable to attach or mount volumes: unmounted volumes=[${volume.name}], unattached volumes=[], failed to process volumes=[${volume.name}]: ${error.message}`, { cause: error })
    })
    const key = `${pod.metadata.uid}/${volume.name}`
    // What a pod has, it keeps.
    if (!claimed.has(key)) checkUse(pod, persistent)
    if (persistent.spec.csi && await prepareCsi(pod, volume, { facts, persistent })) return false
    const at = await preparePersistentVolume(persistent, { pod, readOnly: volume.persistentVolumeClaim?.readOnly ?? false, mounter, directory: path.join(podDirectory(pod.metadata.uid), 'volumes') })
      .catch((error: Error) => {
        const { name } = persistent.metadata
        throw new MountError(persistent.spec.volumeMode === 'Block' ? `MapVolume.SetUpDevice failed for volume ${JSON.stringify(name)} : ${error.message}` : setUpFailed(name, error), { cause: error, ...blockReason(persistent) })
      })
    claimed.set(key, at)
    if (persistent.spec.volumeMode !== 'Block') directories.add(key)
    return true
  }

  const prepareOne = async (pod: Pod, volume: Volume, facts: VolumeFacts): Promise<void> => {
    if (isProjection(volume)) return prepareProjection(pod, volume, facts)
    if (volume.csi && await prepareCsi(pod, volume, { facts })) return
    const key = `${pod.metadata.uid}/${volume.name}`
    if (ready.has(key)) return
    if (volume.emptyDir) await prepareEmptyDir(pod, volume, { source: volume.emptyDir, facts })
    else if (volume.hostPath) await prepareHost(pod, volume, volume.hostPath)
    else if (volume.nfs) await mountNfs(volume.nfs, volumeDirectory(pod.metadata.uid, volume), { mounter })
    // A driver's volumes may grow, or want to be published again.
    else if (claimNameOf(pod, volume) !== undefined) { if (!(await prepareClaimed(pod, volume, facts))) return }
    else if (volume.image) return // its image comes with the containers that mount it
    else throw new Error(`no volume plugin matched: ${Object.keys(volume).find((field) => field !== 'name') ?? 'no source'}`)
    ready.add(key)
  }

  const mountOf = async (pod: Pod, container: Container, { mount, index, environment, images }: { mount: VolumeMount; index: number; environment: Environment; images: ReadonlyMap<string, VolumeRoot> }): Promise<Mount> => {
    const volume = (pod.spec.volumes ?? []).find(({ name }) => name === mount.name)
    if (!volume) throw new ConfigError(`cannot find volume ${JSON.stringify(mount.name)} to mount into container ${JSON.stringify(container.name)}`)
    const image = images.get(volume.name)
    if (volume.image && !image) throw new ConfigError(`volume ${JSON.stringify(volume.name)}: its image is not on this machine`)
    const base = image?.path ?? volumeDirectory(pod.metadata.uid, volume)
    const subPath = mount.subPathExpr ? expandStrictly(mount.subPathExpr, environment) : (mount.subPath ?? '')
    const shown = { containerPath: mount.mountPath, readOnly: (mount.readOnly ?? false) || (volume.persistentVolumeClaim?.readOnly ?? false) || isProjection(volume) || image !== undefined, ...(image && { noExec: true, imageId: image.id }), propagation: propagations[mount.mountPropagation ?? 'None'] ?? 'private', ...(isRecursive(mount) && { recursiveReadOnly: true }) } as const
    if (!subPath) return { hostPath: base, ...shown }
    try {
      checkSubPath(subPath)
      const target = path.join(podDirectory(pod.metadata.uid), 'volume-subpaths', volume.name, container.name, image ? `${index}-${image.id.slice(-12)}` : String(index))
      await bindSubPath(base, subPath, target, { mounter, make: image === undefined })
      return { hostPath: target, ...shown }
    } catch (error) {
      throw new ConfigError(`failed to prepare subPath for volumeMount ${JSON.stringify(mount.name)} of container ${JSON.stringify(container.name)}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }

  const deviceOf = (pod: Pod, container: Container, { name, devicePath }: VolumeDevice): Mount => {
    const hostPath = claimed.get(`${pod.metadata.uid}/${name}`)
    if (hostPath === undefined) throw new ConfigError(`cannot find volume ${JSON.stringify(name)} to map into container ${JSON.stringify(container.name)}`)
    return { hostPath, containerPath: devicePath, readOnly: false, device: true, propagation: 'private' }
  }

  return {
    async prepare(pod, facts) {
      for (const volume of pod.spec.volumes ?? []) {
        try {
          await prepareOne(pod, volume, facts)
        } catch (error) {
          throw error instanceof MountError || error instanceof NotYet ? error : new MountError(setUpFailed(volume.name, error), { cause: error })
        }
      }
    },
    renewIn(podUid) {
      const moments = [tokens.renewIn(podUid), csi?.renewIn(podUid)].filter((each) => each !== undefined)
      return moments.length === 0 ? undefined : Math.min(...moments)
    },
    async mountsOf(pod, container, environment, images = new Map()) {
      const mounts = await Promise.all((container.volumeMounts ?? []).map((mount, index) => mountOf(pod, container, { mount, index, environment, images })))
      return [...mounts, ...(container.volumeDevices ?? []).map((device) => deviceOf(pod, container, device))]
    },
    claimedDirectories: (pod) => (pod.spec.volumes ?? []).flatMap(({ name }) => {
      const key = `${pod.metadata.uid}/${name}`
      const at = directories.has(key) ? claimed.get(key) : undefined
      return at === undefined ? [] : [{ name, at }]
    }),
    ownDirectory: (pod, volume) => (volume.emptyDir ?? volume.configMap ?? volume.secret ?? volume.projected ?? volume.downwardAPI ? volumeDirectory(pod.metadata.uid, volume) : undefined),
    async fileOf(pod, name, file) {
      const volume = pod.spec.volumes?.find((each) => each.name === name && each.emptyDir !== undefined)
      if (!volume) throw new ConfigError(`cannot find the volume ${JSON.stringify(name)} referenced by FileKeyRef`)
      return readInside(volumeDirectory(pod.metadata.uid, volume), file)
    },
    async remove(podUid) {
      tokens.forget(podUid)
      for (const key of ready) if (key.startsWith(`${podUid}/`)) ready.delete(key)
      for (const kept of [claimed, directories]) for (const key of kept.keys()) if (key.startsWith(`${podUid}/`)) kept.delete(key)
      // What hangs in a driver's volumes goes before them.
      for (const point of await mounter.below(path.join(podDirectory(podUid), 'volume-subpaths'))) await mounter.unmount(point)
      await csi?.tearDown(podUid)
      for (const root of [podDirectory(podUid), path.join(memoryDirectory, 'pods', podUid)]) {
        for (const point of await mounter.below(root)) await mounter.unmount(point)
        // Deleting through a mount that would not go would delete what is mounted.
        const left = await mounter.below(root)
        if (left.length > 0) throw new Error(`cannot remove ${root}: ${left.join(', ')} is still mounted`)
        await removeTree(root)
      }
      for (const [name, holder] of holders) if (holder === podUid) holders.delete(name)
    },
    async list() {
      const found = await Promise.all([directory, memoryDirectory].map((root) => readdir(path.join(root, 'pods')).catch((error: NodeJS.ErrnoException) => { if (error.code === 'ENOENT') return []; throw error })))
      return [...new Set(found.flat())]
    },
  }
}

/** Mirrors resolveRecursiveReadOnly: whatever of it the runtime can do, it does. */
const isRecursive = ({ name, readOnly, recursiveReadOnly, mountPropagation }: VolumeMount): boolean => {
  if (recursiveReadOnly === undefined || recursiveReadOnly === 'Disabled') return false
  if (!readOnly) throw new ConfigError(`volume ${JSON.stringify(name)} requested recursive read-only mode, but it is not read-only`)
  if (mountPropagation !== undefined && mountPropagation !== 'None') throw new ConfigError(`volume ${JSON.stringify(name)} requested recursive read-only mode, but it is not compatible with propagation ${JSON.stringify(mountPropagation)}`)
  return true
}

const propagations: Readonly<Record<string, Mount['propagation']>> = { None: 'private', HostToContainer: 'rslave', Bidirectional: 'rshared' }

/** subPathExpr knows only the container's own variables, and all of them must be there. */
const expandStrictly = (expression: string, environment: Environment): string => {
  const missing: string[] = []
  const text = expand(expression, (name) => {
    const found = environment.find((each) => each.name === name)
    if (!found) missing.push(name)
    return found?.value
  })
  if (missing.length > 0) throw new ConfigError(`missing value for ${JSON.stringify(missing[0])}`)
  return text
}
