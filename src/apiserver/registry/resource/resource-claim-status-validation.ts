/** What a scheduler and drivers say of a claim. Mirrors ValidateResourceClaimStatusUpdate of upstream's `pkg/apis/resource/validation`. */
import { semanticEqual } from '../../../api/equal.ts'
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { AllocatedDeviceStatus, AllocationResult, DeviceAllocationConfiguration, DeviceRequestAllocationResult, NetworkDeviceData, ResourceClaimConsumerReference, ResourceResourceClaim } from '../../../api/types.ts'
import { checkNodeSelector } from '../core/affinity-validation.ts'
import { checkConditions } from '../condition-checks.ts'
import { checkEach, checkImmutable, checkOneOf } from '../field-checks.ts'
import { checkInterfaceAddress } from '../ip-address.ts'
import { checkDriverName } from '../storage/parameters-validation.ts'
import { checkBindingConditions, checkConfiguration, checkDeviceToleration, checkJsonObject, checkList, checkPoolName, checkRequiredLabel, checkSet, checkShareId } from './device-checks.ts'
import { checkRequestReference, checkRequestReferences, requestNames } from './device-claim-validation.ts'

const limits = { results: 32, configs: 64, reservedFor: 256, conditions: 8, addresses: 16, interfaceName: 256, hardwareAddress: 128 }

const checkConsumer = (path: string, { resource, name, uid }: ResourceClaimConsumerReference): FieldError[] =>
  Object.entries({ resource, name, uid }).flatMap(([field, value]) => (value ? [] : [fieldError.required(`${path}.${field}`)]))

const checkResult = (path: string, result: DeviceRequestAllocationResult, known: ReadonlySet<string>): FieldError[] => [
  ...checkRequestReference(`${path}.request`, result.request ?? '', known),
  ...checkDriverName(`${path}.driver`, result.driver ?? ''),
  ...checkPoolName(`${path}.pool`, result.pool),
  ...checkRequiredLabel(`${path}.device`, result.device),
  ...checkBindingConditions(path, result),
  ...checkEach(`${path}.tolerations`, result.tolerations, (toleration, at) => checkDeviceToleration(at, toleration)),
  ...checkShareId(`${path}.shareID`, result.shareID),
]

const checkConfig = (path: string, config: DeviceAllocationConfiguration, known: ReadonlySet<string>): FieldError[] => [
  ...checkOneOf(`${path}.source`, config.source, ['FromClaim', 'FromClass']),
  ...checkRequestReferences(`${path}.requests`, config.requests, known),
  ...checkConfiguration(path, config),
]

const checkAllocation = (path: string, { devices = {}, nodeSelector }: AllocationResult, known: ReadonlySet<string>): FieldError[] => [
  ...checkList(`${path}.devices.results`, { items: devices.results, max: limits.results }, (result, at) => checkResult(at, result, known)),
  ...checkList(`${path}.devices.config`, { items: devices.config, max: limits.configs }, (config, at) => checkConfig(at, config, known)),
  ...(nodeSelector ? checkNodeSelector(`${path}.nodeSelector`, nodeSelector) : []),
]

const checkNetwork = (path: string, { interfaceName = '', hardwareAddress = '', ips }: NetworkDeviceData): FieldError[] => [
  ...(Buffer.byteLength(interfaceName) > limits.interfaceName ? [fieldError.tooLong(`${path}.interfaceName`, limits.interfaceName)] : []),
  ...(Buffer.byteLength(hardwareAddress) > limits.hardwareAddress ? [fieldError.tooLong(`${path}.hardwareAddress`, limits.hardwareAddress)] : []),
  ...checkSet(`${path}.ips`, { items: ips, max: limits.addresses, keyOf: (ip) => ip }, (ip, at) => checkInterfaceAddress(at, ip)),
]

/** As upstream prints a device that may be shared. */
const deviceKey = ({ driver, pool, device, shareID }: Pick<AllocatedDeviceStatus, 'driver' | 'pool' | 'device' | 'shareID'>): string =>
  [driver ?? '', pool ?? '', device ?? '', ...(shareID === undefined ? [] : [shareID])].join('/')

const checkDevice = (path: string, status: AllocatedDeviceStatus, allocated: ReadonlySet<string>): FieldError[] => [
  ...checkDriverName(`${path}.driver`, status.driver ?? ''),
  ...checkPoolName(`${path}.pool`, status.pool),
  ...checkRequiredLabel(`${path}.device`, status.device),
  ...checkShareId(`${path}.shareID`, status.shareID),
  ...(allocated.has(deviceKey(status)) ? [] : [fieldError.invalid(path, deviceKey(status), 'must be an allocated device in the claim')]),
  ...((status.conditions ?? []).length > limits.conditions ? [fieldError.tooMany(`${path}.conditions`, (status.conditions ?? []).length, limits.conditions)] : []),
  ...checkConditions(`${path}.conditions`, status.conditions),
  ...(status.data === undefined ? [] : checkJsonObject(`${path}.data`, status.data)),
  ...(status.networkData ? checkNetwork(`${path}.networkData`, status.networkData) : []),
]

const checkReservations = (next: ResourceResourceClaim, old: ResourceResourceClaim): FieldError[] => {
  const [now, before] = [next.status.reservedFor ?? [], old.status.reservedFor ?? []]
  if (now.length === 0) return []
  if (!next.status.allocation) return [fieldError.forbidden('status.reservedFor', 'may not be specified when `allocated` is not set')]
  const added = now.some((each) => !before.some((other) => semanticEqual(each, other)))
  return next.metadata.deletionTimestamp !== undefined && added
    ? [fieldError.forbidden('status.reservedFor', 'new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set')] : []
}

export const checkResourceClaimStatus = (next: ResourceResourceClaim, old: ResourceResourceClaim): FieldError[] => {
  const { allocation, devices, reservedFor } = next.status
  const known = requestNames(next.spec.devices ?? {})
  const allocated = new Set((allocation?.devices?.results ?? []).map(deviceKey))
  return [
    ...checkSet('status.reservedFor', { items: reservedFor, max: limits.reservedFor, keyOf: ({ uid }) => uid ?? '' }, (consumer, at) => checkConsumer(at, consumer)),
    ...checkSet('status.devices', { items: devices, max: Number.MAX_SAFE_INTEGER, keyOf: deviceKey }, (device, at) => checkDevice(at, device, allocated)),
    ...checkReservations(next, old),
    ...(allocation && old.status.allocation ? checkImmutable('status.allocation', allocation, old.status.allocation) : allocation ? checkAllocation('status.allocation', allocation, known) : []),
  ]
}
