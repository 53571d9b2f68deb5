/** How many devices of which class a ResourceClaim may be given. Mirrors upstream's `pkg/quota/v1/evaluator/core/resource_claims.go`. Pure. */
import { addAmounts, maxAmounts, type Amounts } from './pod-resources.ts'
import { quantityOf } from './quantity.ts'
import type { DeviceRequest, ResourceResourceClaim } from './types.ts'

export const deviceSuffix = '.deviceclass.resource.k8s.io/devices'
/** What "all" may come to at most. */
const maxDevices = 32

const wanted = ({ deviceClassName, allocationMode, count }: { deviceClassName: string; allocationMode?: string | undefined; count?: number | undefined }): Amounts =>
  new Map([[`${deviceClassName}${deviceSuffix}`, quantityOf(allocationMode === 'All' ? maxDevices : count ?? 1)]])

/** Of alternatives the worst of each class counts. */
const ofRequest = ({ exactly, firstAvailable = [] }: DeviceRequest): Amounts => {
  if (exactly) return wanted(exactly)
  return firstAvailable.reduce<Amounts>((most, alternative) => maxAmounts(most, wanted(alternative)), new Map())
}

export const deviceUsage = ({ spec }: ResourceResourceClaim): Amounts => (spec.devices?.requests ?? []).reduce<Amounts>((sum, request) => addAmounts(sum, ofRequest(request)), new Map())
