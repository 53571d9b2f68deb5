/** What devices a claim asks for. Mirrors validateDeviceClaim of upstream's `pkg/apis/resource/validation`. */
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { DeviceClaim, DeviceClaimConfiguration, DeviceConstraint, DeviceRequest, DeviceSubRequest, ExactDeviceRequest } from '../../../api/types.ts'
import { checkDnsSubdomain, checkEach } from '../field-checks.ts'
import { checkConfiguration, checkDeviceToleration, checkFullyQualifiedAttribute, checkList, checkRequiredLabel, checkSelectors, checkSet } from './device-checks.ts'

const limits = { requests: 32, constraints: 32, config: 32, alternatives: 8 }
const wrongReference = "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'"

/** The names that constraints, settings and results may refer to: `request`, or `request/alternative`. */
export const requestNames = ({ requests = [] }: DeviceClaim): ReadonlySet<string> =>
  new Set(requests.flatMap(({ name, firstAvailable = [] }) => [name, ...firstAvailable.map((each) => `${name}/${each.name}`)]))

export const checkRequestReference = (path: string, name: string, known: ReadonlySet<string>): FieldError[] => {
  const segments = name.split('/')
  if (segments.length > 2) return [fieldError.invalid(path, name, wrongReference)]
  return [...segments.flatMap((segment) => checkRequiredLabel(path, segment)), ...(known.has(name) ? [] : [fieldError.invalid(path, name, wrongReference)])]
}

/** A list of such references. */
export const checkRequestReferences = (path: string, names: readonly string[] | undefined, known: ReadonlySet<string>): FieldError[] =>
  checkSet(path, { items: names, max: limits.requests, keyOf: (name) => name }, (name, at) => checkRequestReference(at, name, known))

const checkMode = (path: string, { allocationMode = '', count = 0 }: ExactDeviceRequest | DeviceSubRequest): FieldError[] => {
  if (allocationMode === 'All') return count === 0 ? [] : [fieldError.invalid(`${path}.count`, count, "must not be specified when allocationMode is 'All'")]
  if (allocationMode === 'ExactCount') return count > 0 ? [] : [fieldError.invalid(`${path}.count`, count, 'must be greater than zero')]
  return [fieldError.notSupported(`${path}.allocationMode`, allocationMode, ['All', 'ExactCount'])]
}

const checkWanted = (path: string, wanted: ExactDeviceRequest | DeviceSubRequest): FieldError[] => [
  ...(wanted.deviceClassName ? checkDnsSubdomain(`${path}.deviceClassName`, wanted.deviceClassName) : [fieldError.required(`${path}.deviceClassName`)]),
  ...checkSelectors(`${path}.selectors`, wanted.selectors),
  ...checkMode(path, wanted),
  ...checkEach(`${path}.tolerations`, wanted.tolerations, (toleration, at) => checkDeviceToleration(at, toleration)),
]

const oneOf = 'exactly one of `exactly` or `firstAvailable` is required'

const checkRequest = (path: string, { name, exactly, firstAvailable = [] }: DeviceRequest): FieldError[] => {
  const ofName = checkRequiredLabel(`${path}.name`, name)
  if (exactly && firstAvailable.length > 0) return [...ofName, fieldError.invalid(path, null, `${oneOf}, but multiple fields are set`)]
  if (exactly) return [...ofName, ...checkWanted(`${path}.exactly`, exactly)]
  if (firstAvailable.length === 0) return [...ofName, fieldError.required(path, oneOf)]
  return [...ofName, ...checkSet(`${path}.firstAvailable`, { items: firstAvailable, max: limits.alternatives, keyOf: (each) => each.name ?? '' },
    (each, at) => [...checkRequiredLabel(`${at}.name`, each.name), ...checkWanted(at, each)])]
}

const checkConstraint = (path: string, { requests, matchAttribute, distinctAttribute }: DeviceConstraint, known: ReadonlySet<string>): FieldError[] => [
  ...checkRequestReferences(`${path}.requests`, requests, known),
  ...(matchAttribute !== undefined ? checkFullyQualifiedAttribute(`${path}.matchAttribute`, matchAttribute)
    : distinctAttribute !== undefined ? checkFullyQualifiedAttribute(`${path}.distinctAttribute`, distinctAttribute)
      : [fieldError.required(path, 'exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set')]),
]

const checkClaimConfiguration = (path: string, config: DeviceClaimConfiguration, known: ReadonlySet<string>): FieldError[] =>
  [...checkRequestReferences(`${path}.requests`, config.requests, known), ...checkConfiguration(path, config)]

export const checkDeviceClaim = (path: string, claim: DeviceClaim): FieldError[] => {
  const known = requestNames(claim)
  return [
    ...checkSet(`${path}.requests`, { items: claim.requests, max: limits.requests, keyOf: ({ name }) => name ?? '' }, (request, at) => checkRequest(at, request)),
    ...checkList(`${path}.constraints`, { items: claim.constraints, max: limits.constraints }, (constraint, at) => checkConstraint(at, constraint, known)),
    ...checkList(`${path}.config`, { items: claim.config, max: limits.config }, (config, at) => checkClaimConfiguration(at, config, known)),
  ]
}

/** Requests that reach past what pods may have need a namespace whose administrator allows it. Mirrors AuthorizedForAdmin of upstream's `pkg/registry/resource`. */
export const checkAdminAccess = (path: string, { requests = [] }: DeviceClaim, allowed: boolean): FieldError[] => (allowed ? [] : checkEach(`${path}.requests`, requests, ({ exactly }, at) =>
  (exactly?.adminAccess ? [fieldError.forbidden(`${at}.exactly.adminAccess`, 'admin access to devices requires the `resource.kubernetes.io/admin-access: true` label on the containing namespace')] : [])))
