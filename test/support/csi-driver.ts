/**
 * A driver for tests, as upstream's hostpath driver: directories bound into pods, over a real socket, as a process of its own (`node csi-driver.ts '{"socket": …}'`).
 * It keeps what it has made in a file, so that it can die; it answers FAILED_PRECONDITION where a kubelet asks in the wrong order.
 */
import { execFileSync, spawn } from 'node:child_process'
import { appendFileSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, rmdirSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { Server, ServerCredentials, type ServiceDefinition, status, type UntypedServiceImplementation } from '@grpc/grpc-js'
import { fromJSON } from '@grpc/proto-loader'
import { csiEncoding, csiSchema } from '../../agents/kubelet/csi/schema.ts'

export interface DriverSettings {
  name: string
  socket: string
  /** Where volumes, its record and its log are. */
  directory: string
  nodeId: string
  /** Another socket, on which it registers as node-driver-registrar does. */
  registrar?: { socket: string; endpoint: string; versions?: string[] }
  nodeCapabilities?: string[]
  controllerCapabilities?: string[]
  topology?: Record<string, string>
  maxVolumes?: number
}

interface State { volumes: Record<string, { name: string; bytes: number; published: string[]; device?: string; attributes?: Record<string, string> }>; staged: Record<string, string> }
type Request = Record<string, never> & { volume_id: string; target_path: string; staging_target_path: string; name: string; node_id: string; readonly: boolean; volume_capability?: { block?: object | null }; capacity_range?: { required_bytes: string }; secrets: Record<string, string>; volume_content_source?: { volume?: { volume_id: string } | null } | null; mutable_parameters: Record<string, string> }

const refused = (code: number, details: string): Error => Object.assign(new Error(details), { code, details })

const serveDriver = (settings: DriverSettings): void => {
  const { name, socket, directory, nodeId, registrar, nodeCapabilities = ['STAGE_UNSTAGE_VOLUME', 'EXPAND_VOLUME', 'GET_VOLUME_STATS'], controllerCapabilities = ['CREATE_DELETE_VOLUME', 'PUBLISH_UNPUBLISH_VOLUME', 'EXPAND_VOLUME', 'GET_CAPACITY', 'CLONE_VOLUME', 'MODIFY_VOLUME'], topology = {}, maxVolumes = 0 } = settings
  mkdirSync(path.join(directory, 'volumes'), { recursive: true })
  const file = path.join(directory, 'state.json')
  const state: State = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) as State : { volumes: {}, staged: {} }
  const save = (): void => writeFileSync(file, JSON.stringify(state))
  const data = (id: string): string => path.join(directory, 'volumes', id)
  const isMounted = (at: string): boolean => readFileSync('/proc/self/mountinfo', 'utf8').split('\n').some((line) => line.split(' ')[4] === at)
  const bind = (from: string, to: string, readOnly = false): void => {
    mkdirSync(to, { recursive: true })
    if (isMounted(to)) return
    execFileSync('mount', ['--bind', from, to])
    if (readOnly) execFileSync('mount', ['-o', 'remount,bind,ro', to])
  }
  const unbind = (at: string): void => { if (isMounted(at)) execFileSync('umount', [at]); if (existsSync(at)) { if (statSync(at).isDirectory()) rmdirSync(at); else rmSync(at) } }
  const loopDevice = (id: string): string => {
    const image = path.join(data(id), 'disk.img')
    if (!existsSync(image)) writeFileSync(image, Buffer.alloc(1 << 20))
    return execFileSync('losetup', ['--find', '--show', image]).toString().trim()
  }
  const volumeOf = (id: string) => { const found = state.volumes[id]; if (!found) throw refused(status.NOT_FOUND, `volume ${id} not found`); return found }
  const stages = nodeCapabilities.includes('STAGE_UNSTAGE_VOLUME')

  const calls: Record<string, (request: Request) => object> = {
    GetPluginInfo: () => ({ name, vendor_version: '1.0.0' }),
    GetPluginCapabilities: () => ({ capabilities: [...(controllerCapabilities.length > 0 ? ['CONTROLLER_SERVICE'] : []), ...(Object.keys(topology).length > 0 ? ['VOLUME_ACCESSIBILITY_CONSTRAINTS'] : [])].map((type) => ({ service: { type } })) }),
    NodeGetInfo: () => ({ node_id: nodeId, max_volumes_per_node: String(maxVolumes), accessible_topology: { segments: topology } }),
    NodeGetCapabilities: () => ({ capabilities: nodeCapabilities.map((type) => ({ rpc: { type } })) }),
    ControllerGetCapabilities: () => ({ capabilities: controllerCapabilities.map((type) => ({ rpc: { type } })) }),
    CreateVolume({ name: wanted, capacity_range: range, volume_content_source: source, mutable_parameters: attributes }) {
      const id = `vol-${wanted}`
      const known = state.volumes[id]
      if (wanted.includes('refused')) throw refused(status.INVALID_ARGUMENT, 'no such volume can be made')
      mkdirSync(data(id), { recursive: true })
      const bytes = Math.max(Number(range?.required_bytes ?? 0), 1 << 20)
      if (source?.volume && !known) { volumeOf(source.volume.volume_id); cpSync(data(source.volume.volume_id), data(id), { recursive: true }) }
      state.volumes[id] = known ?? { name: wanted, bytes, published: [], attributes }
      save()
      return { volume: { volume_id: id, capacity_bytes: String(state.volumes[id]?.bytes ?? bytes), volume_context: { origin: 'test' }, accessible_topology: Object.keys(topology).length > 0 ? [{ segments: topology }] : [], ...(source && { content_source: source }) } }
    },
    DeleteVolume({ volume_id: id }) {
      if ((state.volumes[id]?.published.length ?? 0) > 0) throw refused(status.FAILED_PRECONDITION, `volume ${id} is published`)
      rmSync(data(id), { recursive: true, force: true })
      Reflect.deleteProperty(state.volumes, id)
      save()
      return {}
    },
    ControllerPublishVolume({ volume_id: id, node_id: node }) {
      const volume = volumeOf(id)
      if (!volume.published.includes(node)) volume.published.push(node)
      save()
      return { publish_context: { device: `disk-of-${id}` } }
    },
    ControllerUnpublishVolume({ volume_id: id, node_id: node }) {
      const volume = state.volumes[id]
      if (state.staged[id] !== undefined) throw refused(status.FAILED_PRECONDITION, `volume ${id} is staged`)
      if (volume) volume.published = volume.published.filter((each) => each !== node)
      save()
      return {}
    },
    ControllerExpandVolume({ volume_id: id, capacity_range: range }) {
      volumeOf(id).bytes = Number(range?.required_bytes ?? 0)
      save()
      return { capacity_bytes: range?.required_bytes ?? '0', node_expansion_required: true }
    },
    ControllerModifyVolume({ volume_id: id, mutable_parameters: attributes }) {
      if (attributes['iops'] === 'none') throw refused(status.INVALID_ARGUMENT, 'no volume is as slow as that')
      volumeOf(id).attributes = attributes
      save()
      return {}
    },
    NodeStageVolume({ volume_id: id, staging_target_path: at, volume_capability: capability }) {
      const volume = volumeOf(id)
      if (controllerCapabilities.includes('PUBLISH_UNPUBLISH_VOLUME') && !volume.published.includes(nodeId)) throw refused(status.FAILED_PRECONDITION, `volume ${id} is not attached to ${nodeId}`)
      if (capability?.block) volume.device = loopDevice(id)
      else bind(data(id), at)
      state.staged[id] = at
      save()
      return {}
    },
    NodeUnstageVolume({ volume_id: id, staging_target_path: at }) {
      unbind(at)
      const device = state.volumes[id]?.device
      if (device) { execFileSync('losetup', ['--detach', device]); Reflect.deleteProperty(volumeOf(id), 'device') }
      Reflect.deleteProperty(state.staged, id)
      save()
      return {}
    },
    NodePublishVolume({ volume_id: id, staging_target_path: staging, target_path: target, readonly, volume_context: context }) {
      const device = state.volumes[id]?.device
      if (device) {
        mkdirSync(path.dirname(target), { recursive: true })
        writeFileSync(target, '')
        if (!isMounted(target)) execFileSync('mount', ['--bind', device, target])
        return {}
      }
      const attributes = context as unknown as Record<string, string>
      const ephemeral = attributes['csi.storage.k8s.io/ephemeral'] === 'true'
      if (!ephemeral && stages && !isMounted(staging)) throw refused(status.FAILED_PRECONDITION, `volume ${id} is not staged at ${staging}`)
      if (ephemeral) mkdirSync(data(id), { recursive: true })
      if (!ephemeral && !stages) volumeOf(id)
      bind(ephemeral || !stages ? data(id) : staging, target, readonly)
      if (ephemeral && !readonly) writeFileSync(path.join(target, 'attributes.json'), JSON.stringify(attributes))
      return {}
    },
    NodeUnpublishVolume({ volume_id: id, target_path: target }) {
      unbind(target)
      if (id.startsWith('csi-')) rmSync(data(id), { recursive: true, force: true })
      return {}
    },
    GetCapacity: () => ({ available_capacity: String(10 * 2 ** 30 - Object.values(state.volumes).reduce((sum, { bytes }) => sum + bytes, 0)) }),
    NodeExpandVolume: ({ capacity_range: range }) => ({ capacity_bytes: range?.required_bytes ?? '0' }),
    NodeGetVolumeStats: ({ volume_id: id }) => ({ usage: [{ total: String(state.volumes[id]?.bytes ?? 0), used: '1', available: '1', unit: 'BYTES' }] }),
    GetInfo: () => ({ type: 'CSIPlugin', name, endpoint: registrar?.endpoint ?? '', supported_versions: registrar?.versions ?? ['1.0.0'] }),
    NotifyRegistrationStatus: () => ({}),
  }

  const definitions = fromJSON(csiSchema, csiEncoding)
  const listen = (at: string, services: readonly string[]): void => {
    rmSync(at, { force: true })
    mkdirSync(path.dirname(at), { recursive: true })
    const server = new Server()
    for (const service of services) {
      const definition = definitions[service] as ServiceDefinition
      const implementation: UntypedServiceImplementation = Object.fromEntries(Object.keys(definition).map((method) => [method, (call: { request: Request }, answer: (error: Error | null, value?: object) => void) => {
        // What the driver was asked, for the test to read: secrets among it.
        appendFileSync(path.join(directory, 'calls.ndjson'), `${JSON.stringify({ method, ...call.request })}\n`)
        try { answer(null, (calls[method] as (request: Request) => object)(call.request)) } catch (error) { answer(error as Error) }
      }]))
      server.addService(definition, implementation)
    }
    server.bindAsync(`unix:${at}`, ServerCredentials.createInsecure(), (error) => { if (error) throw error; console.log(`listening ${at}`) })
  }
  listen(socket, ['csi.v1.Identity', 'csi.v1.Node', ...(controllerCapabilities.length > 0 ? ['csi.v1.Controller'] : [])])
  if (registrar) listen(registrar.socket, ['pluginregistration.Registration'])
}

export interface DriverProcess {
  settings: DriverSettings
  /** What it was asked, in order. */
  calls(method?: string): ({ method: string } & Record<string, unknown>)[]
  /** SIGKILL, as its sockets stay behind; resolves when it is gone. */
  kill(): Promise<void>
}

/** Resolves when it listens. */
export const startDriver = async (settings: DriverSettings): Promise<DriverProcess> => {
  const child = spawn(process.execPath, [import.meta.filename, JSON.stringify(settings)], { stdio: ['ignore', 'pipe', 'inherit'] })
  const gone = new Promise<void>((resolve) => { child.on('exit', () => { resolve() }) })
  const wanted = settings.registrar ? 2 : 1
  await new Promise<void>((resolve, reject) => {
    let text = ''
    child.stdout.on('data', (chunk: Buffer) => { text += chunk.toString(); if (text.split('listening').length > wanted) resolve() })
    void gone.then(() => reject(new Error('the driver ended')))
  })
  const log = path.join(settings.directory, 'calls.ndjson')
  return {
    settings,
    calls: (method) => (existsSync(log) ? readFileSync(log, 'utf8') : '').split('\n').filter(Boolean).map((line) => JSON.parse(line) as { method: string }).filter((each) => method === undefined || each.method === method),
    async kill() { child.kill('SIGKILL'); await gone },
  }
}

if (process.argv[1] === import.meta.filename) serveDriver(JSON.parse(process.argv[2] ?? '{}') as DriverSettings)
