/** Services. Mirrors upstream's `pkg/registry/core/service/strategy.go` and its storage's BeginCreate and BeginUpdate. */
import { deepCopy, deepEqual } from '../../../api/equal.ts'
import { ServiceCIDRs, Services } from '../../../api/kinds.ts'
import { isDns1035Label } from '../../../api/names.ts'
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { Service } from '../../../api/types.ts'
import { checkImmutable } from '../field-checks.ts'
import { statusSubresource } from '../status-subresource.ts'
import type { Claimed, Strategy, StrategyContext } from '../strategy.ts'
import { addressesOf, dropAddresses, takeAddresses } from './service-addresses.ts'
import { allocate, makePools, type Pools, type ServiceRanges, withRanges } from './service-allocation.ts'
import { type Claims, ipItem, ipsIn, type Item, makeClaims, portItem, portsIn, portsOf } from './service-claims.ts'
import { checkClusterIPUpdate } from './service-cluster-ip-validation.ts'
import { serviceWarnings } from './service-warnings.ts'
import { serviceColumns } from './service-columns.ts'
import { setServiceDefaults } from './service-defaults.ts'
import { needsHealthCheckPort } from './service-needs.ts'
import { dropPorts, takePorts } from './service-ports.ts'
import { alignClusterIPs, prepareServiceUpdate } from './service-update.ts'
import { checkService, checkServiceStatus } from './service-validation.ts'

export type ServiceOptions = ServiceRanges

const checkUpdate = (next: Service, old: Service): FieldError[] => [
  ...checkClusterIPUpdate(next, old),
  ...(next.spec.type === 'LoadBalancer' && old.spec.type === 'LoadBalancer' && next.spec.loadBalancerClass !== old.spec.loadBalancerClass
    ? [fieldError.invalid('spec.loadBalancerClass', next.spec.loadBalancerClass ?? null, 'may not change once set')] : []),
  ...(needsHealthCheckPort(old) && needsHealthCheckPort(next) ? checkImmutable('spec.healthCheckNodePort', next.spec.healthCheckNodePort, old.spec.healthCheckNodePort) : []),
  ...checkService(next),
]

const nothing: Claimed = { release: () => undefined }

/** The ranges that are ready; until the first of them is, the one that the server was started with. */
const poolsNow = (pools: Pools, { lookup }: StrategyContext): Pools => {
  const ready = lookup.list(ServiceCIDRs).filter(({ metadata, status }) => metadata.deletionTimestamp === undefined && (status.conditions ?? []).some((each) => each.type === 'Ready' && each.status === 'True'))
    .toSorted((left, right) => Date.parse(left.metadata.creationTimestamp) - Date.parse(right.metadata.creationTimestamp)).flatMap(({ spec }) => spec.cidrs ?? [])
  const found = ready.length > 0 ? withRanges(pools, ready) : pools
  return found.addresses.length > 0 ? found : pools
}

/** What is left over is found at the next start: a request does not fail of it. */
const quietly = (work: Promise<void>): Promise<void> => work.catch(() => undefined)

/** The spec as it was before an attempt, in place: others hold the object already. */
const restore = ({ spec }: Service, before: Service['spec']): void => {
  for (const field of Object.keys(spec)) delete spec[field as keyof Service['spec']]
  Object.assign(spec, deepCopy(before))
}

/**
 * Gives `next` what it needs, in place, and makes it the Service's own: on this server by the claims, which are looked at and taken without a
 * wait in between, on all servers by the objects of the addresses and the register of ports. What another server was quicker to take is left out the next time.
 */
const beginService = async (next: Service, old: Service | undefined, { pools, claims, context }: { pools: Pools; claims: Claims; context: StrategyContext }): Promise<Claimed> => {
  const { lookup, random, own, ports, dryRun } = context
  const before = deepCopy(next.spec)
  const elsewhere = new Set<Item>()
  for (;;) {
    const held = new Set([...claims.held(lookup.list(Services)), ...elsewhere])
    const items = allocate(poolsNow(pools, context), { kind: Services, service: next, old }, { held, random })
    const claim = claims.claim(next.metadata.uid, items)
    if (!own || dryRun) return claim
    const release = (error: unknown): never => { claim.release(); throw error }
    const takenPorts = await takePorts(portsIn(items), next, ports).catch(release)
    const result = takenPorts.taken === undefined ? takenPorts : await takeAddresses(ipsIn(items), next, { own, lookup }).catch(async (error: unknown) => { await dropPorts(takenPorts.taken, next, ports); return release(error) })
    if (result.taken && takenPorts.taken) {
      const { taken } = result
      const givenUp = old ? portsOf(old).filter((port) => !portsOf(next).includes(port)) : []
      const unneeded = old ? addressesOf(old).filter((ip) => !addressesOf(next).includes(ip)) : []
      return {
        async release() {
          claim.release()
          await quietly(dropAddresses(taken, next, { own, lookup }))
          await dropPorts(takenPorts.taken, next, ports)
        },
        done: async () => {
          await quietly(dropAddresses(unneeded, next, { own, lookup }))
          await dropPorts(givenUp, next, ports)
        },
      }
    }
    claim.release()
    if (takenPorts.taken) await dropPorts(takenPorts.taken, next, ports)
    elsewhere.add(takenPorts.taken ? ipItem(String(result.refused)) : portItem(Number(result.refused)))
    restore(next, before)
  }
}

/** Has claims of its own: make one for an API server. Throws on ranges that make no sense. */
export const serviceStrategy = (options: ServiceOptions): Strategy<Service> => {
  const pools = makePools(options)
  const claims = makeClaims()
  return {
    kind: Services,
    validateName: isDns1035Label,
    createOnUpdate: true,
    returnsDeletedObject: true,
    setDefaults: setServiceDefaults,
    prepareForCreate(service) {
      service.status = { loadBalancer: {} }
      alignClusterIPs(service, undefined)
    },
    validate: checkService,
    prepareForUpdate(next, old) {
      next.status = old.status
      prepareServiceUpdate(next, old)
    },
    validateUpdate: checkUpdate,
    warnings: serviceWarnings,
    columns: serviceColumns,
    selectableFields: { 'spec.clusterIP': ({ spec }) => spec.clusterIP ?? '', 'spec.type': ({ spec }) => spec.type ?? '' },
    subresources: { status: statusSubresource({ validate: checkServiceStatus }) },
    begin: async (next, old, context) => (old && deepEqual(next.spec, old.spec) ? nothing : beginService(next, old, { pools, claims, context })),
    async afterDelete(service, { own, ports, lookup }) {
      claims.forget(service.metadata.uid)
      // A Service of the same name may have been given the same address already.
      const free = addressesOf(service).filter((ip) => !claims.isElsewhere(ipItem(ip), service.metadata.uid))
      if (own) await quietly(dropAddresses(free, service, { own, lookup }))
      await dropPorts(portsOf(service), service, ports)
    },
  }
}
