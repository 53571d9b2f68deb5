/** What the behaviours of the conformance suite are played with: a cluster for the whole file, a namespace for each of them, and a client that sends what Go's sends. */
import { afterAll, beforeAll, describe, test } from 'vitest'
import { type Kind, Namespaces, ServiceAccounts } from '../../src/api/kinds.ts'
import type { JsonObject, JsonValue, KubeObject } from '../../src/api/meta.ts'
import { StatusError } from '../../src/api/status.ts'
import type { Status } from '../../src/api/types.ts'
import { type Client, createClient, type WatchEvent, type WatchOptions } from '../../src/client/client.ts'
import { text } from '../../src/client/watch.ts'
import { isRoot, startTestCluster, type TestCluster, type TestClusterOptions, until } from './cluster.ts'
import { asGoClient } from './go-client.ts'
import { type LiveClient, liveClient } from './live-client.ts'
import { sayWhatIsSkipped } from './skipped.ts'

export interface Answer { status: number; headers: Readonly<Record<string, string>>; text: string; body: JsonObject }

export interface Watched<T> extends Disposable {
  events: WatchEvent<T>[]
  /** Resolves when all that was there has been told: of a watch without a resourceVersion, which is opened as client-go's informers open theirs. */
  synced(): Promise<void>
  /** Resolves with the first event that is wanted, those before the call included. */
  first(what: string, wanted: (event: WatchEvent<T>) => boolean): Promise<T>
}

export interface World {
  cluster: TestCluster
  live: LiveClient
  /** Sends what upstream's typed clients send. */
  client: Client
  /** One exchange by hand, refusals included; a string is sent as it is, anything else as JSON. */
  ask(method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE', path: string, options?: { body?: JsonValue | string; headers?: Record<string, string> }): Promise<Answer>
  watch<T extends KubeObject>(kind: Kind<T>, options: Omit<WatchOptions, 'signal'>): Watched<T>
  /** Reads the object, changes it, writes it; once more after each conflict. */
  updated<T extends KubeObject>(kind: Kind<T>, at: { name: string; namespace?: string }, change: (object: T) => void, options?: { subresource?: string }): Promise<T>
  /** A namespace in which pods may be made. */
  makeNamespace(name: string): Promise<void>
  gone<T extends KubeObject>(kind: Kind<T>, at: { name: string; namespace?: string }): Promise<void>
}

/** The Status of a request that must be refused. */
export const refused = async (request: Promise<unknown>): Promise<Status> => {
  const answer = await request.catch((error: unknown) => {
    if (error instanceof StatusError) return error
    throw error
  })
  if (answer instanceof StatusError) return answer.status
  throw new Error(`this was to be refused, but was answered with ${JSON.stringify(answer)}`)
}

const watched = <T extends KubeObject>(client: Client, kind: Kind<T>, options: Omit<WatchOptions, 'signal'>): Watched<T> => {
  const stopped = new AbortController()
  const events: WatchEvent<T>[] = []
  let failure: unknown
  let complete = false
  const reading = (async () => {
    for await (const event of client.watch(kind, { sendInitialEvents: options.resourceVersion === undefined, ...options, signal: stopped.signal })) {
      if (event.type !== 'BOOKMARK') events.push(event)
      else if (event.object.metadata.annotations?.['k8s.io/initial-events-end'] === 'true') complete = true
    }
  })()
  reading.catch((error: unknown) => { failure = error })
  return {
    events, [Symbol.dispose]: () => { stopped.abort() },
    synced: async () => { await until('watch: the end of what was there', async () => { if (failure) throw failure; return complete }, 60) },
    first: (what, wanted) => until(`watch: ${what}`, async () => {
      if (failure) throw failure
      return (events.find(wanted) as { object: T } | undefined)?.object
    }, 30) as Promise<T>,
  }
}

const notYet = (error: unknown): undefined => { if (!(error instanceof StatusError) || error.status.code !== 404) throw error }

const worldOf = (cluster: TestCluster, live: LiveClient): World => {
  const client = createClient(asGoClient({ request: (request, signal) => live.client.raw(request, signal) }), { userAgent: 'e2e.test' })
  return {
    cluster, live, client,
    ask: async (method, path, { body, headers = {} } = {}) => {
      const sent = body === undefined ? {} : { body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)) }
      const answer = await live.client.raw({ method, path, headers: { accept: 'application/json', ...(body !== undefined && { 'content-type': 'application/json' }), ...headers }, ...sent })
      const content = await text(answer.body)
      const json = content !== '' && (answer.headers['content-type'] ?? '').includes('json')
      return { status: answer.status, headers: answer.headers, text: content, body: json ? JSON.parse(content) as JsonObject : {} }
    },
    watch: (kind, options) => watched(client, kind, options),
    updated: async (kind, at, change, { subresource } = {}) => {
      for (;;) {
        const object = await client.get(kind, at)
        change(object)
        try {
          return await client.update(kind, object, subresource === undefined ? {} : { subresource })
        } catch (error) {
          if (!(error instanceof StatusError) || error.status.code !== 409) throw error
        }
      }
    },
    makeNamespace: async (name) => {
      await client.create(Namespaces, { metadata: { name, labels: { 'e2e-run': name } }, spec: {} })
      await until(`${name} has its service account`, () => client.get(ServiceAccounts, { namespace: name, name: 'default' }).catch(notYet))
    },
    gone: async (kind, at) => {
      await until(`${kind.kind} ${at.name} is gone`, () => client.get(kind, at).then(() => false, (error: unknown) => error instanceof StatusError && error.status.code === 404), 60)
    },
  }
}

export type Behaviour = (title: string, play: (world: World, namespace: string) => Promise<void>) => void

/** The slow ones wait for what upstream does every five minutes. */
const timeoutMilliseconds = process.env['WHERRY_FULL'] === '1' ? 900_000 : 180_000

let made = 0

/** Starts the cluster of a file; `define` names its behaviours, which run side by side, each in a namespace of its own. */
export const conformance = (file: string, options: TestClusterOptions, define: (behaviour: Behaviour, world: () => World) => void): void => {
  sayWhatIsSkipped(file)
  describe.runIf(isRoot)(file, () => {
    let world: World
    beforeAll(async () => {
      const cluster = await startTestCluster(options)
      world = worldOf(cluster, liveClient(cluster))
    })
    afterAll(async () => {
      world?.live[Symbol.dispose]()
      await world?.cluster[Symbol.asyncDispose]()
    })
    define((title, play) => {
      test.concurrent(title, async () => {
        const namespace = `e2e-${++made}`
        await world.makeNamespace(namespace)
        try {
          await play(world, namespace)
        } finally {
          await world.client.delete(Namespaces, { name: namespace })
        }
      }, timeoutMilliseconds)
    }, () => world)
  })
}
