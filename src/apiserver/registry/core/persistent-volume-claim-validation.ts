/** Mirrors ValidatePersistentVolumeClaimSpec, ValidatePersistentVolumeClaimUpdate and ValidatePersistentVolumeClaimStatusUpdate of upstream's `pkg/apis/core/validation`. */
import { semanticEqual } from '../../../api/equal.ts'
import { isDns1123Label, isDns1123Subdomain } from '../../../api/names.ts'
import { compareQuantities, isValidQuantity } from '../../../api/quantity.ts'
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { PersistentVolumeClaim, PersistentVolumeClaimSpec, TypedObjectReference } from '../../../api/types.ts'
import { changedPaths } from '../changed-paths.ts'
import { checkDnsSubdomain, checkImmutable, checkOptionalOneOf, checkQualifiedName, invalids } from '../field-checks.ts'
import { checkLabelSelector } from '../label-checks.ts'
import { checkAccessModes, checkBasicResource, checkPositiveQuantity } from './persistent-volume-validation.ts'
import { checkResourceQuantity } from './resource-validation.ts'

export const storageClassAnnotation = 'volume.beta.kubernetes.io/storage-class'

/** What a volume is filled from. `oldGroups`: what is stored names a group already, which may be any then. */
const checkDataSource = (path: string, { name, kind, apiGroup = '', namespace }: TypedObjectReference, oldGroups: boolean): FieldError[] => [
  ...(name ? [] : [fieldError.required(`${path}.name`)]),
  ...(kind ? [] : [fieldError.required(`${path}.kind`)]),
  ...(apiGroup === '' && kind !== 'PersistentVolumeClaim' ? [fieldError.invalid(path, kind ?? '', "must be 'PersistentVolumeClaim' when referencing the default apiGroup")] : []),
  ...(apiGroup !== '' && !oldGroups ? invalids(`${path}.apiGroup`, apiGroup, isDns1123Subdomain(apiGroup)) : []),
  ...(namespace ? invalids(`${path}.namespace`, namespace, isDns1123Label(namespace)) : []),
]

const checkDataSources = (path: string, { dataSource, dataSourceRef }: PersistentVolumeClaimSpec, oldGroups: boolean): FieldError[] => {
  const both = dataSource && dataSourceRef
  const same = both && dataSource.apiGroup === dataSourceRef.apiGroup && dataSource.kind === dataSourceRef.kind && dataSource.name === dataSourceRef.name
  return [
    ...(dataSource ? checkDataSource(`${path}.dataSource`, dataSource, oldGroups) : []),
    ...(dataSourceRef ? checkDataSource(`${path}.dataSourceRef`, dataSourceRef, oldGroups) : []),
    ...(both && dataSourceRef.namespace ? [fieldError.invalid(path, `${path}.dataSource`, 'may not be specified when dataSourceRef.namespace is specified')]
      : both && !same ? [fieldError.invalid(path, `${path}.dataSource`, 'must match dataSourceRef')] : []),
  ]
}

const checkSize = (path: string, size: string | undefined): FieldError[] => {
  if (size === undefined) return [fieldError.required(path)]
  const errors = checkPositiveQuantity(path, size)
  return errors.length > 0 ? errors : checkResourceQuantity(path, 'storage', size)
}

/** Also of the templates that StatefulSets and ephemeral volumes make claims from. */
export const checkClaimSpec = (path: string, spec: PersistentVolumeClaimSpec, { oldGroups = false } = {}): FieldError[] => [
  ...checkAccessModes(`${path}.accessModes`, spec.accessModes, 'at least 1 access mode is required'),
  ...checkLabelSelector(`${path}.selector`, spec.selector),
  ...checkSize(`${path}.resources[storage]`, Object.hasOwn(spec.resources?.requests ?? {}, 'storage') ? spec.resources?.requests?.['storage'] : undefined),
  ...(spec.storageClassName ? checkDnsSubdomain(`${path}.storageClassName`, spec.storageClassName) : []),
  ...checkOptionalOneOf(`${path}.volumeMode`, spec.volumeMode, ['Block', 'Filesystem']),
  ...checkDataSources(path, spec, oldGroups),
  ...(spec.volumeAttributesClassName ? checkDnsSubdomain(`${path}.volumeAttributesClassName`, spec.volumeAttributesClassName) : []),
]

export const checkClaim = ({ spec }: PersistentVolumeClaim): FieldError[] => checkClaimSpec('spec', spec)

const requestOf = ({ spec }: PersistentVolumeClaim): string | undefined => spec.resources?.requests?.['storage']

/** A class may be given once, by whoever had none or had it in the annotation of old. */
const givesClass = (next: PersistentVolumeClaim, old: PersistentVolumeClaim): boolean => {
  const annotated = old.metadata.annotations?.[storageClassAnnotation]
  return old.spec.storageClassName === undefined && next.spec.storageClassName !== undefined && (annotated === undefined || annotated === next.spec.storageClassName)
}

const movesAnnotation = (next: PersistentVolumeClaim, old: PersistentVolumeClaim): boolean => {
  const [now, before] = [next, old].map(({ metadata }) => metadata.annotations?.[storageClassAnnotation])
  return before !== undefined && old.spec.storageClassName === undefined && next.spec.storageClassName === before && (now === undefined || now === before)
}

/** The spec without what may change: for comparison. */
const lastingSpec = (next: PersistentVolumeClaim, old: PersistentVolumeClaim): PersistentVolumeClaimSpec => {
  const spec: PersistentVolumeClaimSpec = { ...next.spec, volumeAttributesClassName: old.spec.volumeAttributesClassName }
  if (!old.spec.volumeName) spec.volumeName = old.spec.volumeName
  if (givesClass(next, old)) spec.storageClassName = old.spec.storageClassName
  const size = requestOf(old)
  if (next.status.phase === 'Bound' && spec.resources?.requests && size !== undefined) spec.resources = { ...spec.resources, requests: { ...spec.resources.requests, storage: size } }
  return spec
}

const checkShrinking = (next: PersistentVolumeClaim, old: PersistentVolumeClaim): FieldError[] => {
  const [now, before, capacity] = [requestOf(next) ?? '0', requestOf(old) ?? '0', old.status.capacity?.['storage'] ?? '0']
  if (![now, before, capacity].every(isValidQuantity) || compareQuantities(now, before) >= 0) return []
  return compareQuantities(now, capacity) <= 0 ? [fieldError.forbidden('spec.resources.requests.storage', 'field can not be less than status.capacity')] : []
}

const checkAttributesClass = ({ spec: { volumeAttributesClassName: next } }: PersistentVolumeClaim, { spec: { volumeAttributesClassName: old } }: PersistentVolumeClaim): FieldError[] => {
  if (old === undefined || next === old || next) return []
  return [fieldError.forbidden('spec.volumeAttributesClassName', `update from non-nil value to ${next === undefined ? 'nil' : 'an empty string'} is forbidden`)]
}

const lastingMessage = 'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims'

export const checkClaimUpdate = (next: PersistentVolumeClaim, old: PersistentVolumeClaim): FieldError[] => {
  const oldGroups = old.spec.dataSource?.apiGroup !== undefined || old.spec.dataSourceRef?.apiGroup !== undefined
  const [now, before] = [next, old].map(({ metadata }) => metadata.annotations?.[storageClassAnnotation])
  const lasting = lastingSpec(next, old)
  return [
    ...checkClaimSpec('spec', next.spec, { oldGroups }),
    ...(movesAnnotation(next, old) || now === before ? [] : [fieldError.invalid(`metadata.annotations[${storageClassAnnotation}]`, now ?? '', 'field is immutable')]),
    ...(semanticEqual(lasting, old.spec) ? [] : [fieldError.forbidden('spec', `${lastingMessage}\n${changedPaths(old.spec, lasting, 'spec').join('\n')}`)]),
    ...checkShrinking(next, old),
    ...checkImmutable('volumeMode', next.spec.volumeMode, old.spec.volumeMode),
    ...checkAttributesClass(next, old),
  ]
}

const resizeStatuses = ['ControllerResizeInfeasible', 'ControllerResizeInProgress', 'NodeResizeInfeasible', 'NodeResizeInProgress', 'NodeResizePending']

const checkResourceKey = (path: string, key: string): FieldError[] => {
  const errors = checkQualifiedName(path, key)
  if (errors.length > 0) return errors
  return (!key.includes('/') || key.includes('kubernetes.io/')) && key !== 'storage' ? [fieldError.notSupported(path, key, ['storage'])] : []
}

export const checkClaimStatus = ({ spec, status }: PersistentVolumeClaim): FieldError[] => [
  ...((spec.accessModes ?? []).length === 0 ? [fieldError.required('Spec.accessModes')] : []),
  ...Object.entries(status.capacity ?? {}).flatMap(([name, value]) => checkBasicResource(`status.capacity[${name}]`, value)),
  ...Object.entries(status.allocatedResourceStatuses ?? {}).flatMap(([name, value]) => [
    ...checkResourceKey('status.allocatedResourceStatus', name),
    ...(resizeStatuses.includes(value) ? [] : [fieldError.notSupported('status.allocatedResourceStatus', name, resizeStatuses)]),
  ]),
  ...Object.entries(status.allocatedResources ?? {}).flatMap(([name, value]) => {
    const errors = checkResourceKey('status.allocatedResources', name)
    if (errors.length > 0) return errors
    const negative = checkBasicResource(`status.allocatedResources[${name}]`, value)
    return negative.length > 0 ? negative : checkResourceQuantity(`status.allocatedResources[${name}]`, 'storage', value)
  }),
]
