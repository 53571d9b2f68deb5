/** Mirrors ValidateResourceSlice of upstream's `pkg/apis/resource/validation`. */
import { semanticEqual } from '../../../api/equal.ts'
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { Counter, CounterSet, Device, DeviceAttribute, ResourceSlice, ResourceSliceSpec } from '../../../api/types.ts'
import { checkNodeSelector } from '../core/affinity-validation.ts'
import { checkDnsLabel, checkDnsSubdomain, checkEach, checkImmutable } from '../field-checks.ts'
import { checkDriverName } from '../storage/parameters-validation.ts'
import { checkRequestPolicy } from './capacity-policy-validation.ts'
import { checkBindingConditions, checkDeviceTaint, checkList, checkPoolName, checkQualifiedAttribute, checkRequiredLabel, checkSet } from './device-checks.ts'

const limits = { devices: 128, advancedDevices: 64, attributes: 32, attributeValue: 64, key: 96, taints: 16, counterSets: 8, counters: 32, consumptions: 2 }

const identifier = String.raw`(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)`
const semantic = new RegExp(String.raw`^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-${identifier}(\.${identifier})*)?(\+[0-9a-zA-Z-]+(\.[0-9a-zA-Z-]+)*)?$`)

/** Keys of maps stand in paths, cut in the middle when they are too long. */
const shortKey = (key: string): string => (key.length <= limits.key ? key : `${key.slice(0, 47)}...${key.slice(-46)}`)

const checkText = (path: string, value: string): FieldError[] => (Buffer.byteLength(value) > limits.attributeValue ? [fieldError.tooLong(path, limits.attributeValue)] : [])
const checkVersion = (path: string, value: string): FieldError[] =>
  [...(semantic.test(value) ? [] : [fieldError.invalid(path, value, 'must be a string compatible with semver.org spec 2.0.0')]), ...checkText(path, value)]

const checkAttribute = (path: string, attribute: DeviceAttribute): FieldError[] => {
  const given = Object.values(attribute).filter((value) => value !== undefined).length
  return [
    ...(attribute.string === undefined ? [] : checkText(`${path}.string`, attribute.string)),
    ...(attribute.version === undefined ? [] : checkVersion(`${path}.version`, attribute.version)),
    ...(['bools', 'ints', 'strings', 'versions'] as const).flatMap((list) => (attribute[list]?.length === 0 ? [fieldError.invalid(`${path}.${list}`, [], 'must not be empty if specified')] : [])),
    ...checkEach(`${path}.strings`, attribute.strings, (value, at) => checkText(at, value)),
    ...checkEach(`${path}.versions`, attribute.versions, (value, at) => checkVersion(at, value)),
    ...(given === 1 ? [] : [fieldError.invalid(path, given === 0 ? '' : attribute, 'exactly one value must be specified')]),
  ]
}

const checkCapacities = (path: string, { capacity = {}, allowMultipleAllocations }: Device): FieldError[] => Object.entries(capacity).flatMap(([name, { value, requestPolicy }]) => {
  const at = `${path}[${shortKey(name)}].requestPolicy`
  return [
    ...checkQualifiedAttribute(path, name),
    ...(!requestPolicy ? [] : allowMultipleAllocations ? checkRequestPolicy(at, requestPolicy, value) : [fieldError.forbidden(at, 'allowMultipleAllocations must be true')]),
  ]
})

const checkCounters = (path: string, counters: Readonly<Record<string, Counter>> | undefined): FieldError[] => {
  const names = Object.keys(counters ?? {})
  if (names.length === 0) return [fieldError.required(path)]
  return names.length > limits.counters ? [fieldError.tooMany(path, names.length, limits.counters)] : names.flatMap((name) => checkDnsLabel(path, name))
}

const checkTrue = (path: string, value: boolean | undefined): FieldError[] => (value === false ? [fieldError.invalid(path, false, 'must be either unset or set to true')] : [])

/** Which of the ways to say where something is are used. */
const placesOf = (of: { nodeName?: string | undefined; nodeSelector?: unknown; allNodes?: boolean | undefined; perDeviceNodeSelection?: boolean | undefined }): string[] =>
  (['nodeName', 'nodeSelector', 'allNodes', 'perDeviceNodeSelection'] as const).filter((field) => of[field]).map((field) => `\`${field}\``)

const checkDevicePlace = (path: string, device: Device, perDevice: boolean): FieldError[] => {
  if (!perDevice) {
    return device.nodeName !== undefined || device.nodeSelector || device.allNodes !== undefined
      ? [fieldError.invalid(path, null, '`nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` is set to true in the ResourceSlice spec')] : []
  }
  const places = placesOf(device)
  const one = 'exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when `perDeviceNodeSelection` is set to true in the ResourceSlice spec'
  return [
    ...(device.nodeName === undefined ? [] : device.nodeName === '' ? [fieldError.invalid(`${path}.nodeName`, '', 'must not be empty')] : checkDnsSubdomain(`${path}.nodeName`, device.nodeName)),
    ...(device.nodeSelector ? checkNodeSelector(`${path}.nodeSelector`, device.nodeSelector) : []),
    ...checkTrue(`${path}.allNodes`, device.allNodes),
    ...(places.length === 0 ? [fieldError.required(path, one)] : places.length > 1 ? [fieldError.invalid(path, `{${places.join(', ')}}`, one)] : []),
  ]
}

const checkDevice = (path: string, device: Device, { old, perDevice }: { old: Device | undefined; perDevice: boolean }): FieldError[] => {
  const count = Object.keys(device.attributes ?? {}).length + Object.keys(device.capacity ?? {}).length
  return [
    ...checkRequiredLabel(`${path}.name`, device.name),
    ...(count > limits.attributes ? [fieldError.invalid(path, count, `the total number of attributes and capacities must not exceed ${limits.attributes}`)] : []),
    ...Object.entries(device.attributes ?? {}).flatMap(([name, attribute]) => [...checkQualifiedAttribute(`${path}.attributes`, name), ...checkAttribute(`${path}.attributes[${shortKey(name)}]`, attribute)]),
    ...(old && semanticEqual(old.capacity, device.capacity) ? [] : checkCapacities(`${path}.capacity`, device)),
    ...(old && semanticEqual(old.taints, device.taints) ? [] : checkList(`${path}.taints`, { items: device.taints, max: limits.taints }, (taint, at) => checkDeviceTaint(at, taint))),
    ...checkSet(`${path}.consumesCounters`, { items: device.consumesCounters, max: limits.consumptions, keyOf: ({ counterSet }) => counterSet ?? '' },
      ({ counterSet, counters }, at) => [...checkRequiredLabel(`${at}.counterSet`, counterSet), ...checkCounters(`${at}.counters`, counters)]),
    ...checkDevicePlace(path, device, perDevice),
    ...checkBindingConditions(path, device),
  ]
}

const checkPlace = ({ nodeName, nodeSelector, allNodes, perDeviceNodeSelection }: ResourceSliceSpec): FieldError[] => {
  const places = placesOf({ nodeName, nodeSelector, allNodes, perDeviceNodeSelection })
  const one = 'exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required'
  const terms = nodeSelector?.nodeSelectorTerms ?? []
  return [
    ...(nodeName === undefined ? [] : nodeName === '' ? [fieldError.invalid('spec.nodeName', '', 'must be either unset or set to a non-empty string')] : checkDnsSubdomain('spec.nodeName', nodeName)),
    ...(nodeSelector ? checkNodeSelector('spec.nodeSelector', nodeSelector) : []),
    ...(nodeSelector && terms.length !== 1 ? [fieldError.invalid('spec.nodeSelector.nodeSelectorTerms', terms, 'must have exactly one node selector term')] : []),
    ...checkTrue('spec.allNodes', allNodes),
    ...checkTrue('spec.perDeviceNodeSelection', perDeviceNodeSelection),
    ...(places.length === 0 ? [fieldError.required('spec', one)] : places.length > 1 ? [fieldError.invalid('spec', `{${places.join(', ')}}`, `${one}, but multiple fields are set`)] : []),
  ]
}

const checkPool = ({ pool }: ResourceSliceSpec): FieldError[] => [
  ...checkPoolName('spec.pool.name', pool?.name),
  ...((pool?.resourceSliceCount ?? 0) <= 0 ? [fieldError.invalid('spec.pool.resourceSliceCount', pool?.resourceSliceCount ?? 0, 'must be greater than zero')] : []),
  ...((pool?.generation ?? 0) < 0 ? [fieldError.invalid('spec.pool.generation', pool?.generation, 'must be greater than or equal to zero')] : []),
]

const checkCounterSet = (path: string, { name, counters }: CounterSet): FieldError[] => [...checkRequiredLabel(`${path}.name`, name), ...checkCounters(`${path}.counters`, counters)]

const isAdvanced = ({ taints = [], consumesCounters = [], attributes = {} }: Device): boolean =>
  taints.length > 0 || consumesCounters.length > 0 || Object.values(attributes).some(({ bools, ints, strings, versions }) => bools ?? ints ?? strings ?? versions)

/** `old` is what is stored now, when the slice is changed. */
export const checkResourceSlice = ({ spec }: ResourceSlice, old?: ResourceSlice): FieldError[] => {
  const devices = spec.devices ?? []
  const before = new Map((old?.spec.devices ?? []).map((device) => [device.name, device]))
  return [
    ...checkDriverName('spec.driver', spec.driver ?? ''),
    ...checkPool(spec),
    ...(old ? [...checkImmutable('spec.pool.name', spec.pool?.name, old.spec.pool?.name), ...checkImmutable('spec.driver', spec.driver, old.spec.driver), ...checkImmutable('spec.nodeName', spec.nodeName, old.spec.nodeName)] : []),
    ...checkPlace(spec),
    ...(spec.sharedCounters && spec.devices ? [fieldError.invalid('spec', '', 'only one of `sharedCounters` or `devices` is allowed')] : []),
    ...checkSet('spec.devices', { items: devices, max: devices.some(isAdvanced) ? limits.advancedDevices : limits.devices, keyOf: ({ name }) => name ?? '' },
      (device, at) => checkDevice(at, device, { old: before.get(device.name), perDevice: spec.perDeviceNodeSelection === true })),
    ...checkSet('spec.sharedCounters', { items: spec.sharedCounters, max: limits.counterSets, keyOf: ({ name }) => name ?? '' }, (set, at) => checkCounterSet(at, set)),
  ]
}
