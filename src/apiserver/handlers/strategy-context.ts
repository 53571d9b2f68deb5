import type { StrategyContext } from '../registry/strategy.ts'
import type { ResourceRequest } from '../server-parts.ts'

export const strategyContext = ({ server, user, namespace, resource }: Pick<ResourceRequest, 'server' | 'user' | 'namespace' | 'resource'>): StrategyContext =>
  ({ user, clock: server.clock, random: server.random, namespace, lookup: server.cache.lookup, viewed: resource.view !== undefined })
