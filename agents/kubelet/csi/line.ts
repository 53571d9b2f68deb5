/** A line to a plugin's socket: one call after the other over one connection, which is made when it is needed and again after it broke. The library is loaded with the first plugin. */
import type { Client, MethodDefinition, ServiceDefinition, ServiceError } from '@grpc/grpc-js'
import { CsiError, codeName } from './csi-error.ts'
import { csiEncoding, csiSchema } from './schema.ts'

export type Service = 'csi.v1.Identity' | 'csi.v1.Controller' | 'csi.v1.Node' | 'pluginregistration.Registration'

export interface Line {
  /** Rejects with a CsiError. Upstream's csiTimeout if no time is said. */
  call<Answer>(service: Service, method: string, request: object, options?: { timeoutMilliseconds?: number; signal?: AbortSignal }): Promise<Answer>
  close(): void
}

const callMilliseconds = 120_000

const library = async () => {
  // Of a CommonJS module that is loaded late, a bundle knows only the default export.
  const [grpc, loader] = await Promise.all([import('@grpc/grpc-js'), import('@grpc/proto-loader')])
  return { ...grpc.default, definitions: loader.default.fromJSON(csiSchema, csiEncoding) as Record<string, ServiceDefinition | undefined> }
}
let loading: ReturnType<typeof library> | undefined

/** `socket`: an absolute path. `now`: for deadlines. */
export const openLine = async (socket: string, now: () => Date): Promise<Line> => {
  const { Client: GrpcClient, credentials, status, definitions } = await (loading ??= library())
  const client: Client = new GrpcClient(`unix:${socket}`, credentials.createInsecure(), {
    'grpc.default_authority': 'localhost', 'grpc.enable_http_proxy': 0, 'grpc.max_receive_message_length': 4 << 20, 'grpc.initial_reconnect_backoff_ms': 100, 'grpc.max_reconnect_backoff_ms': 1_000,
  })
  return {
    call: (service, method, request, { timeoutMilliseconds = callMilliseconds, signal } = {}) => new Promise((resolve, reject) => {
      const { path, requestSerialize, responseDeserialize } = (definitions[service] as ServiceDefinition)[method] as MethodDefinition<object, unknown>
      const call = client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, { deadline: now().getTime() + timeoutMilliseconds }, (error: ServiceError | null, answer) => {
        signal?.removeEventListener('abort', cancel)
        if (error) reject(new CsiError(codeName(status[error.code]), error.details))
        else resolve(answer as never)
      })
      const cancel = (): void => call.cancel()
      signal?.addEventListener('abort', cancel, { once: true })
    }),
    close: () => client.close(),
  }
}
