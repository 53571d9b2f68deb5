/** Services. Mirrors upstream's `pkg/registry/core/service/strategy.go` and its storage's BeginCreate and BeginUpdate. */
import { deepEqual } from '../../../api/equal.ts'
import { Services } from '../../../api/kinds.ts'
import { isDns1035Label } from '../../../api/names.ts'
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { Service } from '../../../api/types.ts'
import { checkImmutable } from '../field-checks.ts'
import { statusSubresource } from '../status-subresource.ts'
import type { Strategy } from '../strategy.ts'
import { allocate, makePools, type ServiceRanges } from './service-allocation.ts'
import { makeClaims } from './service-claims.ts'
import { checkClusterIPUpdate } from './service-cluster-ip-validation.ts'
import { serviceColumns } from './service-columns.ts'
import { setServiceDefaults } from './service-defaults.ts'
import { needsHealthCheckPort } from './service-needs.ts'
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
    columns: serviceColumns,
    selectableFields: { 'spec.clusterIP': ({ spec }) => spec.clusterIP ?? '', 'spec.type': ({ spec }) => spec.type ?? '' },
    subresources: { status: statusSubresource({ validate: checkServiceStatus }) },
    // Without a wait between looking and claiming: two requests at once cannot be given the same.
    async begin(next, old, { lookup, random }) {
      if (old && deepEqual(next.spec, old.spec)) return { release: () => undefined }
      return claims.claim(next.metadata.uid, allocate(pools, { kind: Services, service: next, old }, { held: claims.held(lookup.list(Services)), random }))
    },
    afterDelete({ metadata }) { claims.forget(metadata.uid) },
  }
}
