/** A gRPC health check (grpc.health.v1.Health/Check) in plain HTTP/2. Mirrors pkg/probe/grpc. The library is loaded when the first such probe runs. */
import type { Client, ServiceError } from '@grpc/grpc-js'
import type { ProbeOutcome } from './probe.ts'

export interface GrpcTarget { address: string; service: string; timeoutSeconds: number }

const servingStatus: readonly string[] = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN']

// HealthCheckRequest { string service = 1 }: a tag, a length (names are short: one or two bytes of varint), the bytes.
const encodeRequest = (service: string): Buffer => {
  const name = Buffer.from(service)
  if (name.length === 0) return Buffer.alloc(0)
  const length = name.length < 128 ? [name.length] : [(name.length & 0x7f) | 0x80, name.length >> 7]
  return Buffer.concat([Buffer.from([0x0a, ...length]), name])
}

// HealthCheckResponse { ServingStatus status = 1 }: a tag and a number below 128; absent means 0.
const decodeResponse = (bytes: Buffer): number => (bytes[0] === 0x08 ? (bytes[1] ?? 0) : 0)

/** Codes as Go names them: DATA_LOSS is DataLoss. */
const codeName = (name: string | undefined): string => (name === 'CANCELLED' ? 'Canceled' : (name ?? 'UNKNOWN').toLowerCase().replace(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase()))

const isConnected = (client: Client, signal: AbortSignal): Promise<boolean> => new Promise((resolve) => {
  signal.addEventListener('abort', () => resolve(false), { once: true })
  client.waitForReady(Infinity, (error) => { resolve(error === undefined || error === null) })
})

export const grpcHealth = async ({ address, service, timeoutSeconds }: GrpcTarget, signal: AbortSignal): Promise<ProbeOutcome> => {
  // Of a CommonJS module that is loaded late, a bundle knows only the default export.
  const { Client: HealthClient, Metadata, credentials, status } = (await import('@grpc/grpc-js')).default
  const client = new HealthClient(address, credentials.createInsecure(), { 'grpc.primary_user_agent': 'kube-probe/1.36', 'grpc.enable_http_proxy': 0 })
  try {
    // A port that nobody listens on yet is tried until the time is over.
    if (!await isConnected(client, signal)) return { result: 'failure', output: `timeout: failed to connect service ${JSON.stringify(address)} within ${timeoutSeconds}s: context deadline exceeded` }
    return await new Promise<ProbeOutcome>((resolve) => {
      const call = client.makeUnaryRequest('/grpc.health.v1.Health/Check', encodeRequest, decodeResponse, service, new Metadata(), (error: ServiceError | null, answer?: number) => {
        if (!error) {
          const word = servingStatus[answer ?? 0] ?? String(answer)
          resolve(word === 'SERVING' ? { result: 'success', output: 'service healthy' } : { result: 'failure', output: `service unhealthy (responded with ${JSON.stringify(word)})` })
        } else if (signal.aborted || error.code === status.DEADLINE_EXCEEDED) {
          resolve({ result: 'failure', output: `timeout: health rpc did not complete within ${timeoutSeconds}s` })
        } else if (error.code === status.UNIMPLEMENTED) {
          resolve({ result: 'failure', output: `error: this server does not implement the grpc health protocol (grpc.health.v1.Health): ${error.details}` })
        } else {
          resolve({ result: 'failure', output: `error: health rpc failed: rpc error: code = ${codeName(status[error.code])} desc = ${error.details}` })
        }
      })
      signal.addEventListener('abort', () => call.cancel(), { once: true })
    })
  } finally {
    client.close()
  }
}
