/** A line to one device plugin. Mirrors pkg/kubelet/cm/devicemanager/plugin/v1beta1/client.go and endpoint.go. */
import type { Client, ClientReadableStream, MethodDefinition, ServiceDefinition, ServiceError } from '@grpc/grpc-js'
import type { Clock } from '../../../src/api/clock.ts'
import { codeName, CsiError } from '../csi/csi-error.ts'
import { encoding, shortPath } from '../grpc/socket-server.ts'
import { type ContainerAnswer, deviceSchema, type DevicePluginOptions, type PluginDevice } from './schema.ts'

export interface Endpoint {
  readonly options: DevicePluginOptions
  /** Resolves when the plugin ends it, or cannot be reached any more. */
  watch(changed: (devices: readonly PluginDevice[]) => void): Promise<void>
  /** Of these the plugin takes so many. */
  prefer(available: readonly string[], mustInclude: readonly string[], size: number): Promise<readonly string[]>
  allocate(ids: readonly string[]): Promise<readonly ContainerAnswer[]>
  beforeStart(ids: readonly string[]): Promise<void>
  close(): void
}

const connectMilliseconds = 10_000
/** Upstream waits for ever, and with it all other pods. */
const allocateMilliseconds = 60_000
/** KubeletPreStartContainerRPCTimeoutInSecs. */
const startMilliseconds = 30_000

const library = async () => {
  // Of a CommonJS module that is loaded late, a bundle knows only the default export.
  const [{ default: grpc }, { default: loader }] = await Promise.all([import('@grpc/grpc-js'), import('@grpc/proto-loader')])
  return { ...grpc, definitions: loader.fromJSON(deviceSchema, encoding) as Record<string, ServiceDefinition> }
}
let loading: ReturnType<typeof library> | undefined

type Library = Awaited<ReturnType<typeof library>>

const methodOf = ({ definitions }: Library, method: string): MethodDefinition<object, unknown> => (definitions['v1beta1.DevicePlugin'] as ServiceDefinition)[method] as MethodDefinition<object, unknown>

/** How an answer is written into the checkpoint, as upstream does, and read from there. */
export const answerCodec = async (): Promise<{ write(answer: ContainerAnswer): Buffer; read(bytes: Buffer): ContainerAnswer }> => {
  const { Keep } = (await (loading ??= library())).definitions['v1beta1.Checkpoint'] as unknown as { Keep: MethodDefinition<ContainerAnswer, ContainerAnswer> }
  return { write: (answer) => Keep.requestSerialize(answer), read: (bytes) => Keep.responseDeserialize(bytes) }
}

/** Rejects when the plugin does not answer. */
export const connectPlugin = async (socket: string, clock: Clock): Promise<Endpoint> => {
  const grpc = await (loading ??= library())
  const { at, done } = shortPath(socket)
  const client: Client = new grpc.Client(`unix:${at}`, grpc.credentials.createInsecure(), {
    'grpc.default_authority': 'localhost', 'grpc.enable_http_proxy': 0, 'grpc.max_receive_message_length': 16 << 20, 'grpc.initial_reconnect_backoff_ms': 100, 'grpc.max_reconnect_backoff_ms': 1_000,
  })
  const close = (): void => { client.close(); done() }
  const ask = <Answer>(method: string, request: object, timeoutMilliseconds: number): Promise<Answer> => new Promise((resolve, reject) => {
    const { path, requestSerialize, responseDeserialize } = methodOf(grpc, method)
    const [answered, late] = [new AbortController(), new CsiError('DeadlineExceeded', 'context deadline exceeded')]
    const call = client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, (error: ServiceError | null, answer) => {
      answered.abort()
      if (error) reject(new CsiError(codeName(grpc.status[error.code]), error.details))
      else resolve(answer as Answer)
    })
    clock.sleep(timeoutMilliseconds, answered.signal).then(() => { reject(late); call.cancel() }, () => {}) // it answered in time
  })
  const options = await ask<DevicePluginOptions>('GetDevicePluginOptions', {}, connectMilliseconds).catch((error: unknown) => { close(); throw error })
  return {
    options, close,
    watch: (changed) => new Promise((resolve) => {
      const { path, requestSerialize, responseDeserialize } = methodOf(grpc, 'ListAndWatch')
      const stream = client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, {}) as ClientReadableStream<{ devices: readonly PluginDevice[] }>
      stream.on('data', ({ devices }: { devices: readonly PluginDevice[] }) => changed(devices))
      stream.on('error', () => resolve()) // however it ends, the plugin is gone
      stream.on('end', () => resolve())
    }),
    async prefer(available, mustInclude, size) {
      const { container_responses: [first] } = await ask<{ container_responses: readonly { deviceIDs: readonly string[] }[] }>('GetPreferredAllocation',
        { container_requests: [{ available_deviceIDs: available, must_include_deviceIDs: mustInclude, allocation_size: size }] }, allocateMilliseconds)
      return first?.deviceIDs ?? []
    },
    allocate: async (ids) => (await ask<{ container_responses: readonly ContainerAnswer[] }>('Allocate', { container_requests: [{ devices_ids: ids }] }, allocateMilliseconds)).container_responses,
    async beforeStart(ids) { await ask('PreStartContainer', { devices_ids: ids }, startMilliseconds) },
  }
}
