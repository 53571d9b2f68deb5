/**
 * Devices that plugins on this machine offer: counted in the node's status, given to containers that ask for them, remembered through restarts of the kubelet.
 * Mirrors pkg/kubelet/cm/devicemanager.
 */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { Clock } from '../../../src/api/clock.ts'
import type { Container, Pod } from '../../../src/api/types.ts'
import type { Log } from '../../../src/client/component.ts'
import type { Rejection } from '../admission.ts'
import { ConfigError } from '../env.ts'
import { serveSocket } from '../grpc/socket-server.ts'
import { allocator, requestedDevices } from './allocator.ts'
import { parseDeviceCheckpoint, renderDeviceCheckpoint } from './checkpoint.ts'
import { containerDevices, type ContainerDevices } from './container-devices.ts'
import { answerCodec, connectPlugin, type Endpoint } from './endpoint.ts'
import { type DeviceFacts, inventory } from './inventory.ts'
import { idsOf, ledger } from './ledger.ts'
import { deviceMetrics } from './metrics.ts'
import { isExtendedResourceName } from './resource-name.ts'
import { apiVersion, deviceSchema, type RegisterRequest } from './schema.ts'

export interface DeviceInstance { resource: string; id: string; nodes: readonly number[] }

/** As ContainerStatus.allocatedResourcesStatus. */
export interface DeviceHealth { name: string; resources: { resourceID: string; health: string }[] }

export interface DeviceManager {
  /** For the node's status. */
  capacity(): { capacity: Record<string, string>; allocatable: Record<string, string> }
  /** What admission counts with: also what is given away by plugins that have not come back yet. */
  admissible(): Record<string, string>
  /** Whether a container of the pod asks for something that a plugin has. */
  wants(pod: Pod): boolean
  /** Gives the pod's containers what they ask for. `keep`: whose devices are not free; everybody's if undefined. */
  admit(pod: Pod, keep: ReadonlySet<string> | undefined): Promise<Rejection | undefined>
  /** Nothing of the pod runs any more. */
  release(podUid: string): void
  /** Before each start: gives what has not been given yet, and tells plugins that want to be told. Rejects with a ConfigError. */
  beforeStart(pod: Pod, container: Container): Promise<void>
  /** Throws ConfigError. */
  of(podUid: string, container: string): ContainerDevices
  healthOf(podUid: string, container: string): DeviceHealth[]
  instancesOf(podUid: string, container: string): DeviceInstance[]
  /** All that are healthy. */
  allocatable(): DeviceInstance[]
  /** Why one of that name cannot come that another way tells of; undefined: it can. */
  problem(resource: string, versions: readonly string[]): string | undefined
  /** A plugin that another way has told of. Rejects when it cannot be reached. Answers what lets it go. */
  register(resource: string, socket: string): Promise<() => void>
  /** Reads what an earlier kubelet has left. */
  restore(): Promise<void>
  /** Serves kubelet.sock, where plugins register. */
  run(signal: AbortSignal): Promise<void>
  metrics(): string
}

export interface DeviceManagerParts {
  /** The kubelet's own. */
  directory: string
  clock: Clock
  log: Log
  /** What the node's status shows has changed. */
  changed(): void
  /** What these pods' statuses show has changed. */
  refresh(podUid: string): void
  /** Where the container's devices should come from; undefined: from anywhere. */
  affinity?(podUid: string, container: string): ReadonlySet<number> | undefined
}

export const pluginDirectory = (root: string): string => path.join(root, 'device-plugins')
const checkpointFile = (root: string): string => path.join(pluginDirectory(root), 'kubelet_internal_checkpoint')
const text = (error: unknown): string => (error instanceof Error ? error.message : String(error))

export const deviceManager = (parts: DeviceManagerParts): DeviceManager => {
  const { directory, clock, log } = parts
  const [known, owners] = [inventory(clock), ledger()]
  const registrations = new Map<string, number>()

  const save = async (): Promise<void> => {
    const { write } = await answerCodec()
    const registered = Object.fromEntries(known.list().map(([name, { devices }]) => [name, [...devices.keys()]]))
    writeFileSync(`${checkpointFile(directory)}.new`, renderDeviceCheckpoint({ entries: owners.entries(write), registered }), { mode: 0o600 })
    renameSync(`${checkpointFile(directory)}.new`, checkpointFile(directory))
  }
  const saveSoon = (): void => { save().catch((error: unknown) => log.error('cannot write the checkpoint of devices', { error: text(error) })) }
  const factsOf = (resource: string, id: string): DeviceFacts | undefined => known.get(resource)?.devices.get(id)
  const { isKnown, allocatePod, allocateContainer } = allocator({ known, owners, save, affinity: (podUid, container) => parts.affinity?.(podUid, container) })
  const podsWith = (resource: string): string[] => owners.entries(() => Buffer.alloc(0)).filter((each) => each.resource === resource).map(({ podUid }) => podUid)

  const connect = async (resource: string, socket: string): Promise<Endpoint> => {
    const endpoint = await connectPlugin(socket, clock)
    known.connected(resource, endpoint)
    registrations.set(resource, (registrations.get(resource) ?? 0) + 1)
    log.info('device plugin registered', { resource, socket })
    parts.changed()
    const told = (): void => {
      saveSoon()
      parts.changed()
      for (const podUid of podsWith(resource)) parts.refresh(podUid)
    }
    void endpoint.watch((devices) => { if (known.told(resource, endpoint, devices)) told() }).then(() => {
      endpoint.close()
      if (!known.gone(resource, endpoint)) return
      log.info('device plugin is gone', { resource })
      parts.changed()
    })
    return endpoint
  }

  const registered = async ({ version, endpoint, resource_name: resource }: RegisterRequest): Promise<object> => {
    if (version !== apiVersion) throw new Error(`requested API version ${JSON.stringify(version)} is not supported by kubelet. Supported version is [${apiVersion}]`)
    if (!isExtendedResourceName(resource)) throw new Error(`the ResourceName ${JSON.stringify(resource)} is invalid`)
    await connect(resource, path.join(pluginDirectory(directory), endpoint))
    return {}
  }

  return {
    capacity: () => known.capacity(),
    admissible() {
      const { allocatable } = known.capacity()
      return Object.fromEntries(Object.entries(allocatable).map(([name, amount]) => [name, String(Math.max(Number(amount), owners.inUse(name).size))]))
    },
    wants: ({ spec }) => [...(spec.initContainers ?? []), ...spec.containers].some((container) => requestedDevices(container).some(([name]) => isKnown(name))),
    async admit(pod, keep) {
      const { uid } = pod.metadata
      if (keep) for (const other of owners.pods()) if (!keep.has(other) && other !== uid) owners.release(other)
      const had = owners.pods().includes(uid)
      try { await allocatePod(pod) } catch (error) {
        if (!had && owners.release(uid)) saveSoon()
        return { reason: 'UnexpectedAdmissionError', message: `Allocate failed due to ${text(error)}, which is unexpected` }
      }
      return undefined
    },
    release: (podUid) => { if (owners.release(podUid)) saveSoon() },
    async beforeStart({ metadata: { uid } }, container) {
      const wanted = requestedDevices(container).filter(([name, amount]) => amount > 0 && isKnown(name))
      try {
        if (wanted.some(([name]) => !owners.of(uid, container.name).has(name))) await allocateContainer(uid, container)
        for (const [name] of wanted) {
          const [given, endpoint] = [owners.of(uid, container.name).get(name), known.get(name)?.endpoint]
          if (!endpoint?.options.pre_start_required || known.get(name)?.stoppedAt !== undefined || !given) continue
          await endpoint.beforeStart(idsOf(given)).catch((error: unknown) => { throw new Error(`device plugin PreStartContainer rpc failed with err: ${text(error)}`, { cause: error }) })
        }
      } catch (error) { throw new ConfigError(text(error), { cause: error }) }
    },
    of: (podUid, container) => containerDevices([...owners.of(podUid, container).values()].map(({ answer }) => answer)),
    healthOf: (podUid, container) => [...owners.of(podUid, container)].map(([name, given]) => ({ name, resources: idsOf(given).map((id) => ({ resourceID: id, health: factsOf(name, id)?.health ?? 'Healthy' })) })),
    instancesOf: (podUid, container) => [...owners.of(podUid, container)].flatMap(([resource, given]) => idsOf(given).map((id) => ({
      resource, id, nodes: Object.entries(given.devices).filter(([node, ids]) => node !== '-1' && ids.includes(id)).map(([node]) => Number(node)),
    }))),
    allocatable: () => known.list().flatMap(([resource]) => known.healthy(resource).map((id) => ({ resource, id, nodes: factsOf(resource, id)?.nodes ?? [] }))),
    problem: (resource, versions) => {
      if (!versions.includes(apiVersion)) return `manifest version, [${versions.join(' ')}], is not among supported plugin versions [${apiVersion}]`
      return isExtendedResourceName(resource) ? undefined : `invalid name of device plugin socket: the ResourceName ${JSON.stringify(resource)} is invalid`
    },
    register: async (resource, socket) => {
      const endpoint = await connect(resource, socket)
      return () => endpoint.close()
    },
    async restore() {
      mkdirSync(pluginDirectory(directory), { recursive: true, mode: 0o750 })
      let content: string
      try { content = readFileSync(checkpointFile(directory), 'utf8') } catch (error) { if ((error as NodeJS.ErrnoException).code === 'ENOENT') return; throw error }
      try {
        const { entries, registered: names } = parseDeviceCheckpoint(content)
        const { read } = await answerCodec()
        for (const { podUid, container, resource, devices, answer } of entries) owners.give(podUid, container, resource, { devices, answer: read(Buffer.from(answer, 'base64')) })
        // Their plugins come again; until then there is nothing of them.
        for (const name of Object.keys(names)) known.connected(name, undefined)
      } catch (error) {
        log.error('cannot read the checkpoint of devices: nobody knows any more which devices are whose', { file: checkpointFile(directory), error: text(error) })
      }
    },
    async run(signal) {
      // As upstream: plugins see that their sockets are gone, and register again.
      for (const entry of readdirSync(pluginDirectory(directory), { withFileTypes: true })) if (entry.isSocket()) rmSync(path.join(pluginDirectory(directory), entry.name), { force: true })
      await serveSocket({ socket: path.join(pluginDirectory(directory), 'kubelet.sock'), schema: deviceSchema, services: { 'v1beta1.Registration': { Register: registered } }, log }, signal)
      for (const [, { endpoint }] of known.list()) endpoint?.close()
    },
    metrics: () => deviceMetrics(registrations),
  }
}
