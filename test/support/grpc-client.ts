/** An independent client of the gRPC service: grpc-js, by the .proto file alone. */
import path from 'node:path'
import { credentials, type ClientReadableStream, Metadata, loadPackageDefinition, type ServiceError, type GrpcObject, type ServiceClientConstructor, type CallOptions, type Client } from '@grpc/grpc-js'
import { loadSync } from '@grpc/proto-loader'

export const protoFile = path.resolve(import.meta.dirname, '../../src/api/resource-service.proto')

type Message = Record<string, unknown>
export interface Answer { object: Buffer; list: Buffer; code: number; type: string }

export interface ForeignClient {
  /** Resolves with the only message of an answer, and the metadata before it. */
  call(method: string, request: Message, options?: { metadata?: Record<string, string>; deadline?: Date }): Promise<Answer & { metadata: Metadata }>
  /** The messages of a stream. */
  stream(method: string, request: Message, options?: { metadata?: Record<string, string>; deadline?: Date }): ClientReadableStream<Answer>
  close(): void
}

const metadataOf = (entries: Record<string, string> = {}): Metadata => {
  const metadata = new Metadata()
  for (const [name, value] of Object.entries(entries)) metadata.set(name, value)
  return metadata
}

type Unary = (request: Message, metadata: Metadata, options: CallOptions, done: (error: ServiceError | null, answer: Answer) => void) => { on(event: 'metadata', listener: (metadata: Metadata) => void): void }
type Streaming = (request: Message, metadata: Metadata, options: CallOptions) => ClientReadableStream<Answer>

/** Without a certificate nobody, unless a token says otherwise. */
export const foreignClient = ({ url, ca, admin }: { url: string; ca: string; admin?: { certificate: string; key: string } }): ForeignClient => {
  const definition = loadPackageDefinition(loadSync(protoFile, { keepCase: true, longs: String, enums: String, defaults: true })) as { wherry: { v1: GrpcObject } }
  const Service = definition.wherry.v1['ResourceService'] as ServiceClientConstructor
  const identity = admin ? [Buffer.from(admin.key), Buffer.from(admin.certificate)] as const : [null, null] as const
  const client = new Service(new URL(url).host, credentials.createSsl(Buffer.from(ca), ...identity)) as Client & Record<string, unknown>
  return {
    call: (method, request, { metadata, deadline } = {}) => new Promise((resolve, reject) => {
      let head = new Metadata()
      const call = (client[method] as Unary).call(client, request, metadataOf(metadata), deadline ? { deadline } : {}, (error: ServiceError | null, answer: Answer) => (error ? reject(error) : resolve({ ...answer, metadata: head })))
      call.on('metadata', (received: Metadata) => { head = received })
    }),
    stream: (method, request, { metadata, deadline } = {}) => (client[method] as Streaming).call(client, request, metadataOf(metadata), deadline ? { deadline } : {}),
    close: () => client.close(),
  }
}
