/** API servers behind ours: APIServices say which group versions they answer. Mirrors kube-aggregator. */
import type { Clock } from '../../api/clock.ts'
import { APIServices } from '../../api/kinds.ts'
import type { JsonObject } from '../../api/meta.ts'
import type { Random } from '../../api/random.ts'
import type { APIService } from '../../api/types.ts'
import type { Delegate } from '../extension.ts'
import type { InMemoryTransport } from '../listener/in-memory-transport.ts'
import type { ServerCounters } from '../counters.ts'
import type { Log } from '../log.ts'
import { type ResolveService, serviceResolver } from '../outbound/service-resolver.ts'
import { availableCondition } from '../registry/apiregistration/api-service.ts'
import type { UserInfo } from '../registry/strategy.ts'
import type { ResourceTable } from '../resource-table.ts'
import type { WatchCache } from '../watch-cache/watch-cache.ts'
import type { AggregatedDiscovery, DiscoveredResource, RemoteVersion } from './aggregated-discovery.ts'
import { runAutoRegister } from './auto-register.ts'
import { runAvailability } from './availability-controller.ts'
import { apiServiceWriter } from './own-writes.ts'
import { builtInPriority, customPriority, type Priority } from './priorities.ts'
import { proxyRequest } from './proxy-request.ts'
import { discoveredResources } from './remote-discovery.ts'
import { RemoteOpenapi } from './remote-openapi.ts'
import { type FrontProxyCertificate, remoteServers } from './remote-server.ts'

export interface AggregationOptions {
  /** Upstream's --proxy-client-cert-file and --proxy-client-key-file; absent: aggregated servers cannot know that it is us. */
  frontProxy?: FrontProxyCertificate
  /** Absent: a ready endpoint of the Service. */
  resolve?: ResolveService
}

export interface AggregationParts {
  options: AggregationOptions
  cache: WatchCache
  resources: ResourceTable
  clock: Clock
  random: Random
  log: Log
  counters: ServerCounters
  transport(user: UserInfo): InMemoryTransport
  /** Called once, when the server's own group versions are registered. */
  registered(): void
  /** Called once, when what the servers behind this one say of themselves is asked for. */
  following(): void
  /** Called once, when all servers that were known at the beginning have been asked what they serve. */
  discovered(): void
}

export interface Aggregation extends Delegate {
  discovery: AggregatedDiscovery
  /** The types that other servers describe. */
  openapi: RemoteOpenapi
  run(signal: AbortSignal): Promise<void>
}

/** What servers said last that they serve. */
class Learned {
  private readonly lists = new Map<string, { text: string; resources: readonly DiscoveredResource[] }>()
  /** Grows with every change. */
  generation = 0

  learn({ metadata: { name }, spec: { group = '', version = '' } }: APIService, list: JsonObject): void {
    const text = JSON.stringify(list)
    if (this.lists.get(name)?.text === text) return
    this.lists.set(name, { text, resources: discoveredResources(list, { group, version }) })
    this.generation += 1
  }

  forget(name: string): void {
    if (this.lists.delete(name)) this.generation += 1
  }

  of(name: string): readonly DiscoveredResource[] { return this.lists.get(name)?.resources ?? [] }
}

const isAvailable = (apiService: APIService): boolean => availableCondition(apiService)?.status === 'True'

const discoveryOf = ({ cache }: AggregationParts, learned: Learned, remote: () => APIService[]): AggregatedDiscovery => ({
  get state() { return `${cache.has(APIServices) ? cache.of(APIServices).changedAt : 0}.${learned.generation}` },
  remote: () => remote().map((apiService): RemoteVersion => {
    const { metadata: { name }, spec: { group = '', version = '' } } = apiService
    return { group, version, resources: learned.of(name), freshness: isAvailable(apiService) ? 'Current' : 'Stale' }
  }),
  priorityOf(group, version): Priority {
    const spec = cache.lookup.get(APIServices, `${version}.${group}`)?.spec
    return spec ? { group: spec.groupPriorityMinimum, version: spec.versionPriority } : (builtInPriority(group, version) ?? customPriority)
  },
})

export const aggregation = (parts: AggregationParts): Aggregation => {
  const { options, cache, random, transport } = parts
  const servers = remoteServers(options.resolve ?? serviceResolver(cache.lookup, random), options.frontProxy)
  const learned = new Learned()
  const openapi = new RemoteOpenapi(servers)
  const write = apiServiceWriter(transport)
  const remote = (): APIService[] => cache.lookup.list(APIServices).filter(({ spec }) => spec.service !== undefined)
  const apiServiceOf = (group: string, version: string): APIService | undefined => {
    const found = cache.lookup.get(APIServices, `${version}.${group}`)
    return found?.spec.service ? found : undefined
  }
  return {
    openapi,
    discovery: discoveryOf(parts, learned, remote),
    serves: (group, version) => apiServiceOf(group, version) !== undefined,
    async handle(exchange, { path, user }) {
      // /openapi/v3/apis/… is of the same server as /apis/…
      const [, root, first = '', second = ''] = path.replace(/^\/openapi\/v3/, '').split('/')
      const apiService = root === 'api' ? apiServiceOf('', first) : apiServiceOf(first, second)
      if (apiService) await proxyRequest(servers, apiService, { exchange, user })
    },
    async run(signal) {
      const told = (apiService: APIService, list: JsonObject, until: AbortSignal): void => {
        learned.learn(apiService, list)
        void openapi.learn(apiService, until)
      }
      const forgotten = (name: string): void => {
        learned.forget(name)
        openapi.forget(name)
      }
      parts.following()
      await Promise.all([
        runAutoRegister({ ...parts, write, done: () => parts.registered() }, signal),
        runAvailability({ ...parts, servers, write, learned: told, forgotten, lookedAtAll: () => parts.discovered() }, signal),
      ])
    },
  }
}
