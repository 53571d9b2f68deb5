/** What the kubelet serves by gRPC at a socket of the machine. The library is loaded with the first connection: most machines never have one. */
import { chmodSync, closeSync, constants, mkdirSync, openSync, rmSync } from 'node:fs'
import { createServer, type Server as NetServer, type Socket } from 'node:net'
import path from 'node:path'
import type { handleUnaryCall, ServiceDefinition, UntypedHandleCall } from '@grpc/grpc-js'
import type { Log } from '../../../src/client/component.ts'
import type { Namespace } from './shapes.ts'

/** By method. What one throws is told to the caller with the code Unknown, as Go's servers do, or with the code of a GrpcRefusal. */
export type Handlers = Readonly<Record<string, (request: never) => Promise<object> | object>>

/** An answer with a code of gRPC's: `RESOURCE_EXHAUSTED`... */
export class GrpcRefusal extends Error {
  override readonly name = 'GrpcRefusal'
  readonly code: 'RESOURCE_EXHAUSTED' | 'NOT_FOUND' | 'INVALID_ARGUMENT'
  constructor(code: GrpcRefusal['code'], message: string) {
    super(message)
    this.code = code
  }
}

export interface SocketServerOptions {
  /** An absolute path; its directory is made if it is missing. */
  socket: string
  schema: Namespace
  /** By the full name of the service. */
  services: Readonly<Record<string, Handlers>>
  log: Log
}

/** As messages are read and written: field names as they are, numbers of 64 bits as texts, everything that was not sent at its default. */
export const encoding = { keepCase: true, defaults: true, longs: String, enums: String } as const

// sun_path has 108 bytes, with the zero behind it.
const longestPath = 107

/** Names the socket by its directory's descriptor where its path is too long for the kernel. Answers with what gives the descriptor back. */
export const shortPath = (socket: string): { at: string; done(): void } => {
  if (Buffer.byteLength(socket) <= longestPath) return { at: socket, done: () => {} }
  const directory = openSync(path.dirname(socket), constants.O_RDONLY | constants.O_DIRECTORY)
  return { at: `/proc/self/fd/${directory}/${path.basename(socket)}`, done: () => closeSync(directory) }
}

const injector = async ({ schema, services }: SocketServerOptions) => {
  const [{ default: grpc }, { default: loader }] = await Promise.all([import('@grpc/grpc-js'), import('@grpc/proto-loader')])
  const definitions = loader.fromJSON(schema, encoding) as Record<string, ServiceDefinition | undefined>
  const server = new grpc.Server()
  const answering = (handle: Handlers[string] & {}): handleUnaryCall<object, object> => (call, done) => {
    void (async () => handle(call.request as never))().then((answer) => done(null, answer), (error: unknown) => {
      done({ code: error instanceof GrpcRefusal ? grpc.status[error.code] : grpc.status.UNKNOWN, details: error instanceof Error ? error.message : String(error) })
    })
  }
  for (const [name, handlers] of Object.entries(services)) {
    const definition = definitions[name]
    if (!definition) throw new Error(`the schema has no service ${name}`)
    server.addService(definition, Object.fromEntries(Object.entries(handlers).map(([method, handle]): [string, UntypedHandleCall] => [method, answering(handle)])))
  }
  return { inject: server.createConnectionInjector(grpc.ServerCredentials.createInsecure()), close: () => server.forceShutdown() }
}

const listen = (server: NetServer, socket: string): Promise<void> => new Promise((resolve, reject) => {
  const { at, done } = shortPath(socket)
  server.once('error', (error) => { done(); reject(new Error(`cannot listen at ${socket}: ${error.message}`, { cause: error })) })
  server.listen(at, () => { done(); resolve() })
})

/** Serves until `signal` aborts; a socket that lies there is replaced. Where there can be none, that is said, and the kubelet goes on without it. */
export const serveSocket = async (options: SocketServerOptions, signal: AbortSignal): Promise<void> => {
  const { socket, log } = options
  let loading: ReturnType<typeof injector> | undefined
  const open = new Set<Socket>()
  const server = createServer((connection) => {
    open.add(connection)
    connection.on('error', (error) => log.debug('a connection broke', { socket, error: error.message }))
    connection.once('close', () => open.delete(connection))
    void (loading ??= injector(options)).then(({ inject }) => inject.injectConnection(connection), (error: unknown) => {
      log.error('cannot serve a socket', { socket, error: String(error) })
      connection.destroy()
    })
  })
  try {
    mkdirSync(path.dirname(socket), { recursive: true, mode: 0o750 })
    rmSync(socket, { force: true })
    await listen(server, socket)
    chmodSync(socket, 0o600)
  } catch (error) {
    log.error('cannot serve a socket', { socket, error: String(error) })
    return
  }
  await new Promise<void>((resolve) => { if (signal.aborted) resolve(); else signal.addEventListener('abort', () => resolve(), { once: true }) })
  server.close()
  await loading?.then(({ close }) => close(), () => {}) // what it could not load was told
  for (const connection of open) connection.destroy()
}
