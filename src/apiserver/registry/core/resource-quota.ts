/** ResourceQuotas. Mirrors upstream's `pkg/registry/core/resourcequota/strategy.go` and printResourceQuota. */
import { ResourceQuotas } from '../../../api/kinds.ts'
import type { ResourceQuota } from '../../../api/types.ts'
import { ageColumn, nameColumn } from '../columns.ts'
import { statusSubresource } from '../status-subresource.ts'
import type { Strategy } from '../strategy.ts'
import { setResourceListDefaults } from './resource-lists.ts'
import { checkResourceQuota, checkResourceQuotaStatusUpdate, checkResourceQuotaUpdate } from './resource-quota-validation.ts'

const isLimit = (name: string): boolean => name.startsWith('limits.')

/** `pods: 1/4, requests.cpu: 500m/1`: of what the quota controller has counted. */
const amounts = ({ status }: ResourceQuota, wanted: (name: string) => boolean): string =>
  Object.keys(status.hard ?? {}).filter(wanted).sort().map((name) => `${name}: ${status.used?.[name] ?? '0'}/${status.hard?.[name] ?? '0'}`).join(', ')

export const resourceQuotaStrategy: Strategy<ResourceQuota> = {
  kind: ResourceQuotas,
  returnsDeletedObject: true,
  setDefaults(quota) {
    quota.spec ??= {}
    quota.status ??= {}
    for (const list of [quota.spec.hard, quota.status.hard, quota.status.used]) setResourceListDefaults(list)
  },
  prepareForCreate(quota) { quota.status = {} },
  validate: checkResourceQuota,
  prepareForUpdate(next, old) { next.status = old.status },
  validateUpdate: checkResourceQuotaUpdate,
  columns: [
    nameColumn,
    { name: 'Request', type: 'string', description: 'What is requested, of how much may be.', value: (quota) => amounts(quota, (name) => !isLimit(name)) },
    { name: 'Limit', type: 'string', description: 'The sum of the limits, of how much it may be.', value: (quota) => amounts(quota, isLimit) },
    ageColumn,
  ],
  subresources: { status: statusSubresource({ validate: checkResourceQuotaStatusUpdate }) },
}
