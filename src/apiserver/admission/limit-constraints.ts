/** One limit against one list of amounts, in the words of upstream's `plugin/pkg/admission/limitranger`. Pure. */
import type { Amounts } from '../../api/pod-resources.ts'
import { compareQuantities, formatQuantity, toMilli, toWhole, type Quantity } from '../../api/quantity.ts'
import type { LimitRangeItem } from '../../api/types.ts'
import { amountsOf } from '../../api/pod-resources.ts'

export interface Asked {
  requests: Amounts
  limits: Amounts
}

const maxMilli = 9_223_372_036_854_775n

/** Go's integers: thousandths where all fit, whole units otherwise. */
const comparable = (...quantities: readonly Quantity[]): number[] =>
  quantities.map(quantities.every((each) => toWhole(each) <= maxMilli) ? (each) => Number(toMilli(each)) : (each) => Number(toWhole(each)))

interface Rule { resource: string; type: string; enforced: Quantity }

const outside = (kind: 'minimum' | 'maximum', { resource, type, enforced }: Rule, detail: string): string => `${kind} ${resource} usage per ${type} is ${formatQuantity(enforced)}${detail}`

const minimum = (rule: Rule, { requests, limits }: Asked): string | undefined => {
  const [request, limit] = [requests.get(rule.resource), limits.get(rule.resource)]
  if (!request) return outside('minimum', rule, '.  No request is specified')
  if (compareQuantities(request, rule.enforced) < 0) return outside('minimum', rule, `, but request is ${formatQuantity(request)}`)
  return limit && compareQuantities(limit, rule.enforced) < 0 ? outside('minimum', rule, `, but limit is ${formatQuantity(limit)}`) : undefined
}

const maximum = (rule: Rule, { requests, limits }: Asked): string | undefined => {
  const [request, limit] = [requests.get(rule.resource), limits.get(rule.resource)]
  if (!limit) return outside('maximum', rule, '.  No limit is specified')
  if (compareQuantities(limit, rule.enforced) > 0) return outside('maximum', rule, `, but limit is ${formatQuantity(limit)}`)
  return request && compareQuantities(request, rule.enforced) > 0 ? outside('maximum', rule, `, but request is ${formatQuantity(request)}`) : undefined
}

const maximumRequest = (rule: Rule, { requests }: Asked): string | undefined => {
  const request = requests.get(rule.resource)
  if (!request) return outside('maximum', rule, '.  No request is specified')
  return compareQuantities(request, rule.enforced) > 0 ? outside('maximum', rule, `, but request is ${formatQuantity(request)}`) : undefined
}

const ratio = ({ resource, type, enforced }: Rule, { requests, limits }: Asked): string | undefined => {
  const said = `${resource} max limit to request ratio per ${type} is ${formatQuantity(enforced)}`
  const [request, limit] = [requests.get(resource), limits.get(resource)]
  const [requested = 0, limited = 0] = request && limit ? comparable(request, limit, enforced) : []
  if (!request || compareQuantities(request, '0') === 0) return `${said}, but no request is specified or request is 0`
  if (!limit || compareQuantities(limit, '0') === 0) return `${said}, but no limit is specified or limit is 0`
  // As upstream, the ratio that is shown is the one that is compared, a thousandfold where thousandths can be.
  const exact = toWhole(enforced) <= maxMilli
  const observed = (limited / requested) * (exact ? 1000 : 1)
  return observed > Number(exact ? toMilli(enforced) : toWhole(enforced)) ? `${said}, but provided ratio is ${(limited / requested).toFixed(6)}` : undefined
}

type Check = (rule: Rule, asked: Asked) => string | undefined

const each = (list: Readonly<Record<string, string>> | undefined, type: string, { check, asked }: { check: Check; asked: Asked }): string[] =>
  [...amountsOf(list)].flatMap(([resource, enforced]) => check({ resource, type, enforced }, asked) ?? [])

/** What is wrong with a container's or a pod's amounts. */
export const violations = (item: LimitRangeItem, asked: Asked): string[] => [
  ...each(item.min, item.type, { check: minimum, asked }),
  ...each(item.max, item.type, { check: maximum, asked }),
  ...each(item.maxLimitRequestRatio, item.type, { check: ratio, asked }),
]

/** Of claims only requests count. */
export const claimViolations = (item: LimitRangeItem, requests: Amounts): string[] => {
  const asked: Asked = { requests, limits: new Map() }
  return [...each(item.min, item.type, { check: minimum, asked }), ...each(item.max, item.type, { check: maximumRequest, asked })]
}
