/**
 * Gives a Service its families, cluster IPs, node ports and health check port, in place, before it is stored. Mirrors allocateCreate and
 * allocateUpdate of upstream's `pkg/registry/core/service/storage/alloc.go`.
 */
import type { Kind } from '../../../api/kinds.ts'
import type { Random } from '../../../api/random.ts'
import { type FieldError, fieldError, internalError, invalid } from '../../../api/status.ts'
import type { Service, ServicePort } from '../../../api/types.ts'
import { addressText, parseIP } from '../ip-address.ts'
import { type Item, ipItem, itemsOf, portItem } from './service-claims.ts'
import { planFamilies } from './service-ip-families.ts'
import { isHeadless, needsHealthCheckPort } from './service-needs.ts'
import { addressPool, contains, pickFree, portPool } from './service-pools.ts'

export interface ServiceRanges {
  /** Where cluster IPs come from, as `10.96.0.0/16`. */
  serviceCIDR: string
  /** First and last node port. */
  nodePortRange: { first: number; last: number }
}

export interface Surroundings {
  /** The items that nobody may take, apart from the ones that the Service has already. */
  held: ReadonlySet<Item>
  random: Random
}

export type Pools = ReturnType<typeof makePools>

/** The first range says which family the cluster is of. Throws on ranges that make no sense. */
export const makePools = (ranges: ServiceRanges) => {
  const first = addressPool(ranges.serviceCIDR)
  return { ranges, family: first.family, addresses: [{ ...first, range: ranges.serviceCIDR }], ports: portPool(ranges.nodePortRange) }
}

/** The same with other ranges of addresses: those of the cluster's family. */
export const withRanges = (pools: Pools, ranges: readonly string[]): Pools =>
  ({ ...pools, addresses: ranges.map((range) => ({ ...addressPool(range), range })).filter(({ family }) => family === pools.family) })

/** One allocation: collects what it takes. */
interface Operation {
  pools: Pools
  service: Service
  kind: Kind
  random: Random
  isFree(item: Item): boolean
  take(item: Item): void
}

const refuse = ({ kind, service }: Operation, error: FieldError): Error => invalid(kind, service.metadata.name, [error])

const takeIP = (operation: Operation, ip: string): void => {
  const { pools, service: { spec } } = operation
  const parsed = parseIP(ip)
  const why = !parsed || parsed.family !== pools.family || !pools.addresses.some((pool) => contains(pool, parsed.value))
    ? `the provided IP (${ip}) is not in the valid range. The range of valid IPs is ${pools.addresses.map(({ range }) => range).join(', ')}`
    : operation.isFree(ipItem(ip)) ? '' : 'provided IP is already allocated'
  if (why) throw refuse(operation, fieldError.invalid('spec.clusterIPs', spec.clusterIPs, `failed to allocate IP ${ip}: ${why}`))
  operation.take(ipItem(ip))
}

const nextIP = ({ pools, random, isFree, take }: Operation): string => {
  const { family } = pools
  for (const pool of pools.addresses) {
    const value = pickFree(pool, (candidate) => isFree(ipItem(addressText({ family, value: candidate }))), random)
    if (value === undefined) continue
    const ip = addressText({ family, value })
    take(ipItem(ip))
    return ip
  }
  throw internalError(new Error('failed to allocate a serviceIP: range is full'))
}

const portProblem = ({ pools, isFree }: Operation, port: number): string => {
  const { first, last } = pools.ranges.nodePortRange
  if (port < first || port > last) return `provided port is not in the valid range. The range of valid ports is ${first}-${last}`
  return isFree(portItem(port)) ? '' : 'provided port is already allocated'
}

const takePort = (operation: Operation, port: number, path: string): void => {
  const why = portProblem(operation, port)
  if (why) throw refuse(operation, fieldError.invalid(path, port, why))
  operation.take(portItem(port))
}

const nextPort = ({ pools, random, isFree, take }: Operation, what: string): number => {
  const value = pickFree(pools.ports, (candidate) => isFree(portItem(Number(candidate))), random)
  if (value === undefined) throw internalError(new Error(`failed to allocate a ${what}: range is full`))
  take(portItem(Number(value)))
  return Number(value)
}

const allocateAddresses = (operation: Operation, old: Service | undefined): void => {
  const { service, pools, kind } = operation
  const { spec } = service
  if (spec.type === 'ExternalName') return
  const plan = planFamilies(service, old, pools.family)
  if (plan.errors.length > 0) throw invalid(kind, service.metadata.name, plan.errors)
  spec.ipFamilyPolicy = plan.ipFamilyPolicy
  spec.ipFamilies = plan.ipFamilies
  if (plan.clusterIPs.length > 0) spec.clusterIPs = plan.clusterIPs
  if (isHeadless(service)) return
  const kept = new Set(old && old.spec.type !== 'ExternalName' ? itemsOf(old) : [])
  spec.clusterIPs = plan.ipFamilies.map((_, index) => {
    const wanted = plan.clusterIPs[index]
    if (!wanted) return nextIP(operation)
    if (!kept.has(ipItem(wanted))) takeIP(operation, wanted)
    return wanted
  })
  spec.clusterIP = spec.clusterIPs[0]
}

/** The node port that somebody asked for on another entry of the same port number: TCP and UDP may share it. */
const sharedNodePort = (ports: readonly ServicePort[], port: ServicePort): number | undefined => ports.find((other) => other.port === port.port && other.nodePort)?.nodePort

const allocateNodePorts = (operation: Operation, old: Service | undefined): void => {
  const { spec } = operation.service
  if (spec.type !== 'NodePort' && spec.type !== 'LoadBalancer') return
  const ports = spec.ports ?? []
  const own = new Set((old?.spec.ports ?? []).flatMap(({ nodePort }) => nodePort || []))
  const mayAllocate = spec.type === 'NodePort' || spec.allocateLoadBalancerNodePorts === true
  const asked = ports.map(({ nodePort }) => nodePort ?? 0)
  for (const [index, nodePort] of asked.entries()) {
    if (nodePort === 0 || own.has(nodePort)) continue
    takePort(operation, nodePort, `spec.ports[${index}].nodePort`)
    own.add(nodePort)
  }
  for (const port of ports) {
    if (!port.nodePort && mayAllocate) port.nodePort = (old ? undefined : sharedNodePort(ports, port)) ?? nextPort(operation, 'nodePort')
  }
}

const allocateHealthCheckPort = (operation: Operation, old: Service | undefined): void => {
  const { service } = operation
  if (!needsHealthCheckPort(service) || (old && needsHealthCheckPort(old))) return
  const asked = service.spec.healthCheckNodePort
  if (!asked) {
    service.spec.healthCheckNodePort = nextPort(operation, 'HealthCheck NodePort')
    return
  }
  const why = portProblem(operation, asked)
  if (why) throw internalError(new Error(`failed to allocate requested HealthCheck NodePort ${asked}: ${why}`))
  operation.take(portItem(asked))
}

/** The items that the Service did not have before. Throws 422 for what cannot be had, 500 for a full range; `service` may be half filled then. */
export const allocate = (pools: Pools, change: { kind: Kind; service: Service; old: Service | undefined }, { held, random }: Surroundings): Item[] => {
  const taken: Item[] = []
  const isFree = (item: Item): boolean => !held.has(item) && !taken.includes(item)
  const operation: Operation = { pools, random, kind: change.kind, service: change.service, isFree, take: (item) => { taken.push(item) } }
  allocateAddresses(operation, change.old)
  allocateNodePorts(operation, change.old)
  allocateHealthCheckPort(operation, change.old)
  return taken
}
