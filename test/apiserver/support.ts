/** An API server over a store in memory, spoken to in memory: real handlers, no sockets. */
import { systemClock, type Clock } from '../../src/api/clock.ts'
import type { JsonObject } from '../../src/api/meta.ts'
import { systemRandom, type Random } from '../../src/api/random.ts'
import { type ApiServer, type ApiServerOptions, createApiServer } from '../../src/apiserver/api-server.ts'
import { alwaysAllow } from '../../src/apiserver/authorization/authorizer.ts'
import { silent } from '../../src/apiserver/log.ts'
import { defaultRegistryOptions, makeStrategies } from '../../src/apiserver/registry/registry.ts'
import type { UserInfo } from '../../src/apiserver/registry/strategy.ts'
import { openMemoryStore } from '../../src/store/embedded/open.ts'
import type { Store } from '../../src/store/store.ts'

export const admin: UserInfo = { name: 'admin', groups: ['system:masters', 'system:authenticated'] }

export interface Answer {
  status: number
  headers: Readonly<Record<string, string>>
  text: string
  bytes: Uint8Array
  /** The body as JSON. */
  body: JsonObject & { metadata: Record<string, unknown>; items: JsonObject[]; message: string; reason: string }
}

export interface Ask {
  headers?: Record<string, string>
  body?: unknown
  user?: UserInfo
  signal?: AbortSignal
}

export interface TestServer extends AsyncDisposable {
  server: ApiServer
  store: Store
  ask(method: string, path: string, more?: Ask): Promise<Answer>
  /** The events of a watch as they come; ends with the signal, or when the server ends it. */
  watch(path: string, signal: AbortSignal, headers?: Record<string, string>): AsyncGenerator<WatchLine>
}

export interface WatchLine { type: string; object: JsonObject & { metadata: { name?: string; resourceVersion: string; annotations?: Record<string, string> } } }

const never = new AbortController().signal
const bytesOf = (body: unknown): Uint8Array => (body instanceof Uint8Array ? body : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)))

async function* lines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let rest = ''
  for await (const chunk of chunks) {
    const parts = (rest + Buffer.from(chunk).toString()).split('\n')
    rest = parts.pop() ?? ''
    yield* parts
  }
}

export interface TestServerOptions extends Partial<Omit<ApiServerOptions, 'clock' | 'random'>> {
  clock?: Clock
  random?: Random
}

export const startTestServer = async (options: TestServerOptions = {}): Promise<TestServer> => {
  const clock = options.clock ?? systemClock
  const store = options.store ?? (await openMemoryStore({ clock }))
  const server = createApiServer({
    random: systemRandom, log: silent, version: '0.0.0', strategies: makeStrategies(defaultRegistryOptions), authenticator: { authenticate: () => undefined }, authorizer: alwaysAllow, admission: [],
    ...options, store, clock,
  })
  const stop = new AbortController()
  const running = server.run(stop.signal)
  await Promise.race([server.ready, running])
  return {
    server, store,
    async ask(method, path, { headers = {}, body, user = admin, signal = never } = {}) {
      const sent = body === undefined ? {} : { body: bytesOf(body) }
      const type = body === undefined ? {} : { 'content-type': 'application/json' }
      const response = await server.inMemoryTransport(user).request({ method, path, headers: { ...type, ...headers }, ...sent }, signal)
      const chunks: Uint8Array[] = []
      for await (const chunk of response.body) chunks.push(chunk)
      const bytes = Buffer.concat(chunks)
      const text = bytes.toString()
      const isJson = (response.headers['content-type'] ?? '').startsWith('application/json') && text !== '' && response.headers['content-encoding'] === undefined
      return { status: response.status, headers: response.headers, text, bytes, body: (isJson ? JSON.parse(text) : {}) as Answer['body'] }
    },
    async *watch(path, signal, headers = {}) {
      const response = await server.inMemoryTransport(admin).request({ method: 'GET', path, headers }, signal)
      for await (const line of lines(response.body)) yield JSON.parse(line) as WatchLine
    },
    async [Symbol.asyncDispose]() {
      stop.abort()
      await running
      await store[Symbol.asyncDispose]()
    },
  }
}

/** The next `count` events. */
export const take = async <T>(events: AsyncGenerator<T>, count: number): Promise<T[]> => {
  const taken: T[] = []
  while (taken.length < count) {
    const { value, done } = await events.next()
    if (done) break
    taken.push(value)
  }
  return taken
}

export const configMap = (name: string, more: JsonObject = {}): JsonObject => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, ...more })
export const configMaps = '/api/v1/namespaces/default/configmaps'
