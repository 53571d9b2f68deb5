import type { StrategyContext } from '../registry/strategy.ts'
import type { ResourceRequest } from '../server-parts.ts'
import { nodePorts } from '../storage/node-ports.ts'
import { ownObjects } from './own-objects.ts'

/** What a strategy may know; `own` is made when somebody asks for it. */
export const strategyContext = ({ server, user, namespace, resource }: Pick<ResourceRequest, 'server' | 'user' | 'namespace' | 'resource'>, { dryRun = false } = {}): StrategyContext => ({
  user, clock: server.clock, random: server.random, namespace, lookup: server.cache.lookup, viewed: resource.view !== undefined, dryRun,
  get own() { return ownObjects(server) },
  get ports() { return nodePorts(server) },
})
