/** Mirrors ValidatePriorityLevelConfiguration of upstream's `pkg/apis/flowcontrol/validation`. */
import { semanticEqual } from '../../../api/equal.ts'
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { ExemptPriorityLevelConfiguration, LimitedPriorityLevelConfiguration, LimitResponse, PriorityLevelConfiguration, PriorityLevelConfigurationSpec, QueuingConfiguration } from '../../../api/types.ts'
import { checkConditions } from './flow-schema-validation.ts'
import { mandatoryPriorityLevels } from './mandatory-objects.ts'

const maxQueues = 10_000_000
/** Bits of the hash that a hand is dealt by. */
const maxHashBits = 60

const checkShares = (path: string, shares: number | undefined): FieldError[] => ((shares ?? 0) < 0 ? [fieldError.invalid(path, shares, 'must be a non-negative integer')] : [])
const checkLendable = (path: string, percent: number | undefined): FieldError[] =>
  (percent !== undefined && (percent < 0 || percent > 100) ? [fieldError.invalid(path, percent, 'must be between 0 and 100, inclusive')] : [])

const checkHand = (path: string, handSize: number, queues: number): FieldError[] => {
  if (handSize <= 0) return [fieldError.invalid(path, handSize, 'must be positive')]
  if (handSize > queues) return [fieldError.invalid(path, handSize, `should not be greater than queues (${queues})`)]
  return Math.ceil(handSize * Math.log2(queues)) > maxHashBits
    ? [fieldError.invalid(path, handSize, `required entropy bits of deckSize ${queues} and handSize ${handSize} should not be greater than ${maxHashBits}`)] : []
}

const checkQueuing = (path: string, { queues = 0, handSize = 0, queueLengthLimit = 0 }: QueuingConfiguration): FieldError[] => [
  ...(queueLengthLimit <= 0 ? [fieldError.invalid(`${path}.queueLengthLimit`, queueLengthLimit, 'must be positive')] : []),
  ...(queues <= 0 ? [fieldError.invalid(`${path}.queues`, queues, 'must be positive')]
    : queues > maxQueues ? [fieldError.invalid(`${path}.queues`, queues, `must not be greater than ${maxQueues}`)] : []),
  ...checkHand(`${path}.handSize`, handSize, queues),
]

const checkResponse = (path: string, { type, queuing }: LimitResponse): FieldError[] => {
  if (type === 'Reject') return queuing ? [fieldError.forbidden(`${path}.queuing`, 'must be nil if limited.limitResponse.type is not Limited')] : []
  if (type !== 'Queue') return [fieldError.notSupported(`${path}.type`, type ?? '', ['Queue', 'Reject'])]
  return queuing ? checkQueuing(`${path}.queuing`, queuing) : [fieldError.required(`${path}.queuing`, 'must not be empty if limited.limitResponse.type is Limited')]
}

const checkLimited = (path: string, { nominalConcurrencyShares, lendablePercent, borrowingLimitPercent, limitResponse }: LimitedPriorityLevelConfiguration): FieldError[] => [
  ...checkShares(`${path}.nominalConcurrencyShares`, nominalConcurrencyShares),
  ...checkResponse(`${path}.limitResponse`, limitResponse ?? { type: '' }),
  ...checkLendable(`${path}.lendablePercent`, lendablePercent),
  ...((borrowingLimitPercent ?? 0) < 0 ? [fieldError.invalid(`${path}.borrowingLimitPercent`, borrowingLimitPercent, 'if specified, must be a non-negative integer')] : []),
]

const checkExempt = (path: string, { nominalConcurrencyShares, lendablePercent }: ExemptPriorityLevelConfiguration): FieldError[] =>
  [...checkShares(`${path}.nominalConcurrencyShares`, nominalConcurrencyShares), ...checkLendable(`${path}.lendablePercent`, lendablePercent)]

const checkByType = ({ type, limited, exempt }: PriorityLevelConfigurationSpec): FieldError[] => {
  if (type === 'Exempt') return [...(limited ? [fieldError.forbidden('spec.limited', 'must be nil if the type is not Limited')] : []), ...(exempt ? checkExempt('spec.exempt', exempt) : [])]
  if (type !== 'Limited') return [fieldError.notSupported('spec.type', type ?? '', ['Exempt', 'Limited'])]
  return [
    ...(exempt ? [fieldError.forbidden('spec.exempt', 'must be nil if the type is Limited')] : []),
    ...(limited ? checkLimited('spec.limited', limited) : [fieldError.required('spec.limited', 'must not be empty when type is Limited')]),
  ]
}

/** How much of the server the exempt level is worth may be changed, nothing else of the mandatory ones. */
const checkMandatory = (name: string, spec: PriorityLevelConfigurationSpec): FieldError[] => {
  const fixed = Object.hasOwn(mandatoryPriorityLevels, name) ? mandatoryPriorityLevels[name] : undefined
  if (!fixed) return []
  if (name !== 'exempt') return semanticEqual(spec, fixed) ? [] : [fieldError.invalid('spec', spec, `spec of '${name}' must equal the fixed value`)]
  return semanticEqual({ ...spec, exempt: undefined }, { ...fixed, exempt: undefined }) ? [] : [fieldError.invalid('spec', spec, `spec of '${name}' except the 'spec.exempt' field must equal the fixed value`)]
}

export const checkPriorityLevel = ({ metadata: { name }, spec, status }: PriorityLevelConfiguration): FieldError[] => [
  ...((name === 'exempt') !== (spec.type === 'Exempt') ? [fieldError.invalid('spec.type', spec.type ?? '', "type must be 'Exempt' if and only if name is 'exempt'")] : []),
  ...checkByType(spec),
  ...checkMandatory(name, spec),
  ...checkConditions(status.conditions),
]
