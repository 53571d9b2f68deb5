/** Amounts of resources as they are stored: canonical text, rounded up to thousandths. Mirrors SetDefaults_ResourceList of upstream's `pkg/apis/core/v1/defaults.go`. */
import { formatQuantity, isValidQuantity, roundUp } from '../../../api/quantity.ts'
import { setOwn } from '../../../api/equal.ts'

export type ResourceList = Record<string, string>

/** A quantity as Go would print it again; text that is no quantity is left for validation to name. */
export const canonicalQuantity = (value: string | number, scale?: number): string => {
  const text = String(value)
  if (!isValidQuantity(text)) return text
  return formatQuantity(scale === undefined ? text : roundUp(text, scale))
}

export const setResourceListDefaults = (list: ResourceList | undefined): void => {
  for (const [name, value] of Object.entries(list ?? {})) setOwn(list ?? {}, name, canonicalQuantity(value, -3))
}

/** What is in `limits` and not in `requests` is requested too; the map that results, or undefined where there are no limits. */
export const requestsFromLimits = (limits: ResourceList | undefined, requests: ResourceList | undefined): ResourceList | undefined => {
  if (!limits) return requests
  const filled: ResourceList = { ...requests }
  for (const [name, value] of Object.entries(limits)) if (!Object.hasOwn(filled, name)) setOwn(filled, name, value)
  return filled
}
