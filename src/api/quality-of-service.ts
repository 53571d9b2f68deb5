/** Guaranteed, Burstable or BestEffort. Mirrors ComputePodQOS of upstream's `pkg/apis/core/v1/helper/qos`. */
import { addQuantities, compareQuantities, isValidQuantity, isZero, type Quantity } from './quantity.ts'
import { hasPodLevelResources } from './pod-resources.ts'
import type { PodSpec } from './types.ts'

const counted = ['cpu', 'memory'] as const
type Totals = Map<string, Quantity | string>

const add = (totals: Totals, list: Readonly<Record<string, string>> | undefined): number => {
  let found = 0
  for (const name of counted) {
    const value = list?.[name]
    if (value === undefined || !isValidQuantity(value) || isZero(value)) continue
    const before = totals.get(name)
    totals.set(name, before === undefined ? value : addQuantities(before, value))
    found++
  }
  return found
}

/** What is said for the pod as a whole counts alone, where it is. */
export const qualityOfService = (spec: PodSpec): 'Guaranteed' | 'Burstable' | 'BestEffort' => {
  const [requests, limits]: [Totals, Totals] = [new Map(), new Map()]
  let allLimited = true
  const { initContainers = [], containers = [] } = spec
  for (const { resources } of hasPodLevelResources(spec) ? [spec] : [...containers, ...initContainers]) {
    add(requests, resources?.requests)
    if (add(limits, resources?.limits) < counted.length) allLimited = false
  }
  if (requests.size === 0 && limits.size === 0) return 'BestEffort'
  const equal = requests.size === limits.size && [...requests].every(([name, request]) => {
    const limit = limits.get(name)
    return limit !== undefined && compareQuantities(request, limit) === 0
  })
  return allLimited && equal ? 'Guaranteed' : 'Burstable'
}
