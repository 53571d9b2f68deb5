import { Services } from '../../../api/kinds.ts'
import type { Service } from '../../../api/types.ts'
import type { Strategy } from '../strategy.ts'
import { serviceColumns } from './service-columns.ts'

export interface ServiceOptions {
  /** Where cluster IPs come from, as `10.96.0.0/16`. */
  serviceCIDR: string
  /** First and last node port. */
  nodePortRange: { first: number; last: number }
}

export const serviceStrategy = (_options: ServiceOptions): Strategy<Service> => ({
  kind: Services,
  columns: serviceColumns,
  selectableFields: { 'spec.clusterIP': ({ spec }) => spec.clusterIP ?? '', 'spec.type': ({ spec }) => spec.type ?? '' },
})
