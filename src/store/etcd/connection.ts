import { Client, type ClientDuplexStream, type ClientReadableStream, connectivityState, credentials, type MethodDefinition, type ServiceDefinition } from '@grpc/grpc-js'
import { fromJSON } from '@grpc/proto-loader'
import { StoreUnavailableError } from '../store.ts'
import { isUnreachable } from './errors.ts'
import { etcdSchema } from './schema.ts'

const answerMilliseconds = 10_000
const connectMilliseconds = 3000

export interface EtcdClock {
  /** The machine's own time: gRPC compares deadlines with it. */
  now(): Date
  /** Rejects when the signal aborts first. */
  sleep(milliseconds: number, signal: AbortSignal): Promise<void>
}

export interface EtcdTls {
  /** PEM: who may have signed the members' certificates; the system's roots if absent. */
  ca?: Uint8Array
  /** PEM: our own certificate and its key, both or neither. */
  cert?: Uint8Array
  key?: Uint8Array
}

export interface ConnectionOptions {
  /** `host:port`, `http://host:port` or `https://host:port`, the members of one cluster. */
  endpoints: readonly string[]
  clock: EtcdClock
  tls?: EtcdTls
}

type Method = MethodDefinition<object, unknown>

const definitions = fromJSON(etcdSchema, { keepCase: true, longs: String, enums: String, defaults: true, oneofs: true })
const methodOf = (name: `${string}.${string}`): Method => {
  const [service = '', method = ''] = name.split('.')
  return (definitions[`etcdserverpb.${service}`] as ServiceDefinition)[method] as Method
}

/**
 * The line to a cluster's members: a call goes to the member that answered last, and to the next one when that cannot be reached. A request leaves only on a
 * connection that stands, so a refusal to connect never leaves a write in doubt; a connection that breaks during a write does, and says so by StoreUnavailableError.
 */
export class EtcdConnection {
  readonly #clients: readonly Client[]
  readonly #endpoints: readonly string[]
  readonly #clock: EtcdClock
  #current = 0
  #closed = false

  constructor({ endpoints, clock, tls }: ConnectionOptions) {
    if (endpoints.length === 0) throw new TypeError('no etcd endpoint is given: name at least one, as host:port')
    this.#endpoints = endpoints
    this.#clock = clock
    this.#clients = endpoints.map((endpoint) => connect(endpoint, tls))
  }

  /** One request, one answer. A request that may be `repeated` (a read) is sent to every member before it is given up. Rejects with etcd's error as it came. */
  async unary<Response>(name: `${string}.${string}`, request: object, repeated = false): Promise<Response> {
    for (let attempt = 1; ; attempt += 1) {
      const client = await this.#ready()
      try {
        return await this.#call<Response>(client, methodOf(name), request)
      } catch (error) {
        if (!isUnreachable(error)) throw error
        this.#leave(client)
        if (!repeated || attempt >= Math.max(2, this.#clients.length)) throw error
      }
    }
  }

  #call<Response>(client: Client, method: Method, request: object): Promise<Response> {
    return new Promise((resolve, reject) => {
      client.makeUnaryRequest(method.path, method.requestSerialize, method.responseDeserialize, request, { deadline: this.#deadline(answerMilliseconds) },
        (error, response) => (error ? reject(error) : resolve(response as Response)))
    })
  }

  /** Streams both ways, until it is cancelled or breaks; a brief one must be over in the time that one answer may take. */
  async duplex<Response>(name: `${string}.${string}`, { brief = false } = {}): Promise<ClientDuplexStream<object, Response>> {
    const { path, requestSerialize, responseDeserialize } = methodOf(name)
    const client = await this.#ready()
    const stream = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, brief ? { deadline: this.#deadline(answerMilliseconds) } : {})
    // Whoever reads gets the error from reading; without a listener, one that comes after they stopped would end the process.
    stream.on('error', (error) => { if (isUnreachable(error) && !this.#closed) this.#leave(client) })
    return stream as ClientDuplexStream<object, Response>
  }

  /** One request, a stream of answers. */
  async serverStream<Response>(name: `${string}.${string}`, request: object): Promise<ClientReadableStream<Response>> {
    const { path, requestSerialize, responseDeserialize } = methodOf(name)
    return (await this.#ready()).makeServerStreamRequest(path, requestSerialize, responseDeserialize, request) as ClientReadableStream<Response>
  }

  /** The current client if its connection stands, or else the first whose connection does. */
  async #ready(): Promise<Client> {
    if (this.#closed) throw new StoreUnavailableError('the store is closed')
    const current = this.#clients[this.#current]!
    if (current.getChannel().getConnectivityState(true) === connectivityState.READY) return current
    const connecting = this.#clients.map(async (client, index) => {
      await new Promise<void>((resolve, reject) => { client.waitForReady(this.#deadline(connectMilliseconds), (error) => (error ? reject(error) : resolve())) })
      return index
    })
    try {
      this.#current = await Promise.any(connecting)
    } catch (error) {
      throw new StoreUnavailableError(`none of etcd's endpoints can be reached: ${this.#endpoints.join(', ')}`, { cause: error })
    }
    return this.#clients[this.#current]!
  }

  #leave(client: Client): void {
    if (this.#clients[this.#current] === client) this.#current = (this.#current + 1) % this.#clients.length
  }

  #deadline(milliseconds: number): Date {
    return new Date(this.#clock.now().getTime() + milliseconds)
  }

  close(): void {
    this.#closed = true
    for (const client of this.#clients) client.close()
  }
}

const connect = (endpoint: string, tls: EtcdTls | undefined): Client => {
  const [, scheme, address = ''] = /^(?:(https?):\/\/)?([^/]+)\/?$/.exec(endpoint) ?? []
  if (!/:\d+$/.test(address)) throw new TypeError(`${JSON.stringify(endpoint)} is no etcd endpoint: write it as https://host:port`)
  if (scheme === 'http' && tls) throw new TypeError(`${endpoint} is without TLS, but certificates are given for it: write https://, or leave them out`)
  const secure = scheme === 'https' || tls !== undefined
  const channelCredentials = secure ? credentials.createSsl(buffer(tls?.ca), buffer(tls?.key), buffer(tls?.cert)) : credentials.createInsecure()
  return new Client(address, channelCredentials, {
    'grpc.max_receive_message_length': -1,
    'grpc.max_send_message_length': -1,
    // A member that vanished without a word is noticed even where nothing is sent.
    'grpc.keepalive_time_ms': 10_000,
    'grpc.keepalive_timeout_ms': 5000,
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 2000,
  })
}

const buffer = (bytes: Uint8Array | undefined): Buffer | null => (bytes ? Buffer.from(bytes) : null)
