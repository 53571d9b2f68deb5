/** A device plugin as vendors write them: it registers at the kubelet's socket, lists its devices as a stream, and answers what is allocated. */
import { rmSync } from 'node:fs'
import path from 'node:path'
import * as grpc from '@grpc/grpc-js'
import { fromJSON } from '@grpc/proto-loader'
import { csiSchema } from '../../agents/kubelet/csi/schema.ts'
import { deviceSchema } from '../../agents/kubelet/devices/schema.ts'
import { podResourcesSchema } from '../../agents/kubelet/pod-resources/schema.ts'

const encoding = { keepCase: true, defaults: true, longs: String, enums: String } as const
const definitions = fromJSON(deviceSchema, encoding) as Record<string, grpc.ServiceDefinition>

export interface TestDevice { id: string; health?: string; nodes?: number[] }

export interface DevicePluginOptions {
  /** Where kubelet.sock is, and this plugin's socket will be. */
  directory: string
  resource: string
  devices: TestDevice[]
  version?: string
  preStart?: boolean
  /** Of what it may take, what it would. */
  prefers?: (available: string[], mustInclude: string[], size: number) => string[]
  answer?: (ids: string[]) => object
  /** The kubelet finds it in `directory`, and asks what it is. */
  found?: boolean
}

export interface DevicePlugin extends AsyncDisposable {
  /** What it was asked, `Allocate gpu-0,gpu-1`. */
  readonly calls: string[]
  /** What the kubelet said of its registration. */
  readonly told: object[]
  readonly socket: string
  register(): Promise<void>
  /** It has these from now on. */
  list(devices: TestDevice[]): void
}

const listed = (devices: TestDevice[]): object => ({ devices: devices.map(({ id, health = 'Healthy', nodes }) => ({ ID: id, health, topology: nodes ? { nodes: nodes.map((ID) => ({ ID })) } : null })) })

/** One call at a socket; rejects with what it answers when that is an error. */
export const callSocket = (socket: string, method: grpc.MethodDefinition<object, object>, request: object): Promise<never> => new Promise((resolve, reject) => {
  const client = new grpc.Client(`unix:${socket}`, grpc.credentials.createInsecure(), { 'grpc.default_authority': 'localhost' })
  client.makeUnaryRequest(method.path, method.requestSerialize, method.responseDeserialize, request, { deadline: Date.now() + 10_000 }, (error, answer) => {
    client.close()
    if (error) reject(error)
    else resolve(answer as never)
  })
})

export const podResourcesOf = async (socket: string, method: 'List' | 'Get' | 'GetAllocatableResources', request: object = {}): Promise<never> => {
  const lister = (fromJSON(podResourcesSchema, encoding) as Record<string, grpc.ServiceDefinition>)['v1.PodResourcesLister'] as grpc.ServiceDefinition
  return callSocket(socket, lister[method] as grpc.MethodDefinition<object, object>, request)
}

export const devicePlugin = async ({ directory, resource, devices, version = 'v1beta1', preStart = false, prefers, answer, found = false }: DevicePluginOptions): Promise<DevicePlugin> => {
  const endpoint = `${resource.replace('/', '_')}.sock`
  const socket = path.join(directory, endpoint)
  const [calls, told]: [string[], object[]] = [[], []]
  const streams = new Set<grpc.ServerWritableStream<object, object>>()
  let now = devices
  const server = new grpc.Server()
  const unary = <Request>(handle: (request: Request) => object): grpc.handleUnaryCall<Request, object> => (call, done) => { try { done(null, handle(call.request)) } catch (error) { done({ code: grpc.status.UNKNOWN, details: (error as Error).message }) } }
  server.addService(definitions['v1beta1.DevicePlugin'] as grpc.ServiceDefinition, {
    GetDevicePluginOptions: unary(() => ({ pre_start_required: preStart, get_preferred_allocation_available: prefers !== undefined })),
    ListAndWatch: (stream: grpc.ServerWritableStream<object, object>) => { streams.add(stream); stream.on('cancelled', () => streams.delete(stream)); stream.write(listed(now)) },
    GetPreferredAllocation: unary(({ container_requests: [first] }: { container_requests: { available_deviceIDs: string[]; must_include_deviceIDs: string[]; allocation_size: number }[] }) => {
      calls.push(`GetPreferredAllocation ${first?.allocation_size ?? 0} of ${first?.available_deviceIDs.join() ?? ''}`)
      return { container_responses: [{ deviceIDs: prefers?.(first?.available_deviceIDs ?? [], first?.must_include_deviceIDs ?? [], first?.allocation_size ?? 0) ?? [] }] }
    }),
    Allocate: unary(({ container_requests: requests }: { container_requests: { devices_ids: string[] }[] }) => {
      calls.push(`Allocate ${requests.map(({ devices_ids: ids }) => ids.join()).join(' ')}`)
      return { container_responses: requests.map(({ devices_ids: ids }) => answer?.(ids) ?? { envs: { DEVICES: ids.join() } }) }
    }),
    PreStartContainer: unary(({ devices_ids: ids }: { devices_ids: string[] }) => { calls.push(`PreStartContainer ${ids.join()}`); return {} }),
  } as unknown as grpc.UntypedServiceImplementation)
  if (found) server.addService((fromJSON(csiSchema, encoding) as Record<string, grpc.ServiceDefinition>)['pluginregistration.Registration'] as grpc.ServiceDefinition, {
    GetInfo: unary(() => ({ type: 'DevicePlugin', name: resource, endpoint: socket, supported_versions: [version] })), NotifyRegistrationStatus: unary((status: object) => { told.push(status); return {} }),
  } as unknown as grpc.UntypedServiceImplementation)
  rmSync(socket, { force: true })
  await new Promise<void>((resolve, reject) => { server.bindAsync(`unix:${socket}`, grpc.ServerCredentials.createInsecure(), (error) => { if (error) reject(error); else resolve() }) })
  const registration = definitions['v1beta1.Registration'] as grpc.ServiceDefinition
  return {
    calls, told, socket,
    register: () => callSocket(path.join(directory, 'kubelet.sock'), registration['Register'] as grpc.MethodDefinition<object, object>, { version, endpoint, resource_name: resource, options: { pre_start_required: preStart, get_preferred_allocation_available: prefers !== undefined } }),
    list(next) { now = next; for (const stream of streams) stream.write(listed(now)) },
    [Symbol.asyncDispose]: () => { server.forceShutdown(); return Promise.resolve() },
  }
}
