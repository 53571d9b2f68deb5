/**
 * A pod's volumes of CSI drivers: staged, published, grown, and taken back in this order backwards. What a driver was asked for stands in files first (journal.ts).
 * Mirrors pkg/volume/csi/{csi_attacher,csi_mounter,expander}.go.
 */
import { mkdir, stat } from 'node:fs/promises'
import path from 'node:path'
import type { Clock } from '../../../src/api/clock.ts'
import { uniqueVolumeName } from '../../../src/api/csi-capability.ts'
import type { CSIDriver, PersistentVolume, PersistentVolumeClaim, Pod } from '../../../src/api/types.ts'
import { giveToGroup } from '../volumes/safe-tree.ts'
import type { Mounter } from '../volumes/mounter.ts'
import type { Attachments } from './attachments.ts'
import type { Driver, DriverNode } from './driver.ts'
import { type Growth, growOnNode } from './grow.ts'
import { allStaged, attachmentName, podVolumes, type PodVolume, readPodVolume, type StagedVolume, stagingPath, targetPath, writePodVolume, writeStaged } from './journal.ts'
import { type CsiSource, modeProblem, needsAttachment, podAttributes, type SecretRef, volumeCapability, wantsGroup } from './node-requests.ts'
import type { PodTokens } from './pod-tokens.ts'
import { StepError } from './step-error.ts'
import { registered, takeBack } from './take-back.ts'

export interface CsiVolumesOptions {
  /** The kubelet's. */
  root: string
  nodeName: string
  bootID: string
  clock: Clock
  mounter: Mounter
  driver(name: string): Driver | undefined
  /** As the API server has it. */
  csiDriver(name: string): Promise<CSIDriver | undefined>
  secret(ref: SecretRef): Promise<Record<string, string>>
  attachments: Attachments
  tokens: PodTokens
  growth: Growth
}

export interface CsiUse { pod: Pod; source: CsiSource; claim?: PersistentVolumeClaim | undefined; persistent?: PersistentVolume | undefined }

export interface CsiVolumes {
  /** Makes the volume ready, and resolves with its path on this machine. Throws a StepError, or a NotYet while it waits for its attachment. */
  setUp(use: CsiUse): Promise<string>
  /** Takes back everything of a pod that does not run any more. */
  tearDown(podUid: string): Promise<void>
  /** Milliseconds until a driver wants to be asked again; undefined: none does. */
  renewIn(podUid: string): number | undefined
  /** Stages nothing that no pod has. */
  reclaim(driver: string): Promise<void>
}

// Upstream asks again with each look at the pod, about once a minute.
const republishMilliseconds = 60_000

const lacking = (step: string, what: string, error: unknown): StepError => new StepError(step, new Error(`kubernetes.io/csi: ${what}: ${error instanceof Error ? error.message : String(error)}`))

interface Known { dueAt: number; group: number | undefined }

export const csiVolumes = (options: CsiVolumesOptions): CsiVolumes => {
  const { root, nodeName, bootID, clock, mounter, attachments, growth } = options
  /** Published volumes, by pod and volume. */
  const known = new Map<string, Known>()
  /** Since when this kubelet lives: what an earlier one staged is staged once more, which changes nothing. */
  const staged = new Set<string>()
  const turns = new Map<string, Promise<unknown>>()

  /** One after the other for each volume: nobody unstages what another pod is just getting. */
  const inTurn = async <T>(driver: string, handle: string, work: () => Promise<T>): Promise<T> => {
    const key = uniqueVolumeName(driver, handle)
    const before = turns.get(key) ?? Promise.resolve()
    const mine = before.then(work, work)
    turns.set(key, mine)
    try { return await mine } finally { if (turns.get(key) === mine) turns.delete(key) }
  }

  const driverSide = takeBack(options)
  const unstageUnused = async (volume: StagedVolume): Promise<boolean> => {
    const done = await driverSide.unstageUnused(volume)
    if (done) staged.delete(uniqueVolumeName(volume.driverName, volume.volumeHandle))
    return done
  }

  const targetOf = ({ metadata }: Pod, { name, block }: CsiSource): string => targetPath(root, metadata.uid, { specVolID: name, block })

  const secretsOf = async (what: string, ref: SecretRef | undefined): Promise<Record<string, string>> => (ref ? options.secret(ref).catch((error: Error) => {
    throw new Error(`fetching ${what} ${ref.namespace}/${ref.name} failed: kubernetes.io/csi: failed to find the secret ${ref.name} in the namespace ${ref.namespace} with error: ${error.message}`, { cause: error })
  }) : {})

  const stage = async ({ source, pod }: CsiUse, driver: Driver & { node: DriverNode }, publishContext: Readonly<Record<string, string>>): Promise<string | undefined> => {
    if (source.mode === 'Ephemeral' || !driver.node.capabilities.has('STAGE_UNSTAGE_VOLUME')) return undefined
    const at = stagingPath(root, source.driver, source.volumeHandle)
    const key = uniqueVolumeName(source.driver, source.volumeHandle)
    if (staged.has(key)) return at
    const secrets = await secretsOf('NodeStageSecretRef', source.secrets.stage)
    await writeStaged(root, { driverName: source.driver, volumeHandle: source.volumeHandle })
    await mkdir(at, { recursive: true, mode: 0o750 })
    await driver.call('csi.v1.Node', 'NodeStageVolume', {
      volume_id: source.volumeHandle, publish_context: publishContext, staging_target_path: driver.seen(at), secrets, volume_context: source.attributes,
      volume_capability: volumeCapability(source, driver.node.capabilities, pod.spec.securityContext?.fsGroup),
    })
    staged.add(key)
    return at
  }

  const publish = async (use: CsiUse, driver: Driver & { node: DriverNode }, facts: { csiDriver: CSIDriver | undefined; publishContext: Readonly<Record<string, string>>; staging: string | undefined }): Promise<void> => {
    const { pod, source } = use
    const { csiDriver, publishContext, staging } = facts
    const target = targetOf(pod, source)
    const [secrets, issued] = [await secretsOf('NodePublishSecretRef', source.secrets.publish), await options.tokens.of(pod, csiDriver)]
    const inSecrets = csiDriver?.spec.serviceAccountTokenInSecrets ?? false
    await mkdir(path.dirname(target), { recursive: true, mode: 0o750 })
    await driver.call('csi.v1.Node', 'NodePublishVolume', {
      volume_id: source.volumeHandle, publish_context: publishContext, staging_target_path: staging === undefined ? '' : driver.seen(staging), target_path: driver.seen(target),
      volume_capability: volumeCapability(source, driver.node.capabilities, pod.spec.securityContext?.fsGroup), readonly: source.readOnly,
      secrets: { ...secrets, ...(inSecrets && issued) }, volume_context: { ...source.attributes, ...podAttributes(pod, source, csiDriver), ...(!inSecrets && issued) },
    })
  }

  const giveGroup = async ({ pod, source }: CsiUse, driver: DriverNode, csiDriver: CSIDriver | undefined): Promise<void> => {
    const { fsGroup, fsGroupChangePolicy } = pod.spec.securityContext ?? {}
    if (fsGroup === undefined || driver.capabilities.has('VOLUME_MOUNT_GROUP') || !wantsGroup(source, csiDriver?.spec.fsGroupPolicy)) return
    const target = targetOf(pod, source)
    const { gid, mode } = await stat(target)
    if (fsGroupChangePolicy === 'OnRootMismatch' && gid === fsGroup && (mode & 0o2770) === 0o2770) return
    await giveToGroup(target, { gid: fsGroup, fileBits: 0o660 }).catch((error: Error) => { throw new Error(`applyFSGroup failed for vol ${source.volumeHandle}: ${error.message}`, { cause: error }) })
  }

  const nextTime = (csiDriver: CSIDriver | undefined): number => (csiDriver?.spec.requiresRepublish ? clock.monotonic() + republishMilliseconds : Infinity)

  /** An earlier kubelet has published it in this boot, and it is still there. */
  const wasPublished = async (pod: Pod, source: CsiSource): Promise<boolean> => {
    const before = await readPodVolume(root, pod.metadata.uid, source.name)
    if (before?.publishedIn !== bootID) return false
    const target = targetOf(pod, source)
    return (await mounter.below(target)).includes(target)
  }

  const make = async (use: CsiUse, key: string, csiDriver: CSIDriver | undefined): Promise<void> => {
    const { pod, source } = use
    const step = source.mode === 'Persistent' ? 'MountDevice' : 'SetUp'
    const steps = source.block ? { first: 'MapVolume.SetUpDevice', second: 'MapVolume.MapPodDevice' } : { first: `MountVolume.${step}`, second: 'MountVolume.SetUp' }
    const driver = ((): Driver & { node: DriverNode } => {
      try { return registered(options.driver(source.driver), source.driver) } catch (error) { throw lacking(steps.first, source.block ? 'blockMapper.SetUpDevice failed to get CSI client' : step === 'SetUp' ? 'mounter.SetUpAt failed to get CSI client' : 'attacher.MountDevice failed to create newCsiDriverClient', error) }
    })()
    const problem = modeProblem(source, csiDriver)
    if (problem !== undefined) throw new StepError('MountVolume.NewMounter initialization', new Error(problem))
    const attached = needsAttachment(source, csiDriver)
    const publishContext = attached ? await attachments.contextOf(source) : {}
    const before = await readPodVolume(root, pod.metadata.uid, source.name)
    const entry: PodVolume = { driverName: source.driver, volumeHandle: source.volumeHandle, specVolID: source.name, podVolume: source.podVolume, volumeLifecycleMode: source.mode, ...(source.block && { block: true }), ...(attached && { attachmentID: attachmentName(source.volumeHandle, source.driver, nodeName) }) }
    await writePodVolume(root, pod.metadata.uid, { ...before, ...entry })
    const staging = await stage(use, driver, publishContext).catch((error: unknown) => { throw new StepError(steps.first, error) })
    try {
      await publish(use, driver, { csiDriver, publishContext, staging })
      if (known.get(key)?.group === undefined) await giveGroup(use, driver.node, csiDriver)
    } catch (error) { throw new StepError(steps.second, error) }
    await writePodVolume(root, pod.metadata.uid, { ...entry, ...(staging !== undefined && { stagingPath: staging }), publishedIn: bootID })
    known.set(key, { dueAt: nextTime(csiDriver), group: pod.spec.securityContext?.fsGroup })
  }

  return {
    async setUp(use) {
      const { pod, source, claim, persistent } = use
      const key = `${pod.metadata.uid}/${source.name}`
      const target = targetOf(pod, source)
      const csiDriver = await options.csiDriver(source.driver)
      if (needsAttachment(source, csiDriver)) attachments.claim(pod.metadata.uid, source)
      await inTurn(source.driver, source.volumeHandle, async () => {
        if (!known.has(key) && await wasPublished(pod, source)) known.set(key, { dueAt: nextTime(csiDriver), group: pod.spec.securityContext?.fsGroup })
        if ((known.get(key)?.dueAt ?? 0) <= clock.monotonic()) await make(use, key, csiDriver)
        const driver = options.driver(source.driver)
        if (claim && persistent && !source.readOnly && driver?.node) {
          await growOnNode({ pod, claim, persistent, source, driver: { ...driver, node: driver.node }, target, staging: stagingPath(root, source.driver, source.volumeHandle), secrets: () => secretsOf('NodeExpandSecretRef', source.secrets.expand) }, growth)
            .catch((error: unknown) => { throw new StepError('NodeExpandVolume.NodeExpandVolume', error) })
        }
      })
      return target
    },
    async tearDown(podUid) {
      for (const volume of await podVolumes(root, podUid)) {
        await inTurn(volume.driverName, volume.volumeHandle, async () => {
          await driverSide.unpublish(podUid, volume)
          known.delete(`${podUid}/${volume.specVolID}`)
          await unstageUnused(volume)
        })
      }
      attachments.release(podUid)
      for (const key of known.keys()) if (key.startsWith(`${podUid}/`)) known.delete(key)
    },
    renewIn(podUid) {
      const moments = [...known].filter(([key, { dueAt }]) => key.startsWith(`${podUid}/`) && dueAt < Infinity).map(([, { dueAt }]) => dueAt)
      return moments.length === 0 ? undefined : Math.min(...moments) - clock.monotonic()
    },
    async reclaim(driver) {
      for (const volume of await allStaged(root, driver)) {
        await inTurn(volume.driverName, volume.volumeHandle, async () => { if (await unstageUnused(volume)) attachments.releaseStaged(volume.driverName, volume.volumeHandle) })
      }
    },
  }
}
