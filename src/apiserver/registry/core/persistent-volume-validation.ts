/** Mirrors ValidatePersistentVolumeSpec and ValidatePersistentVolumeUpdate of upstream's `pkg/apis/core/validation`. */
import { semanticEqual } from '../../../api/equal.ts'
import { isValidQuantity, signOf } from '../../../api/quantity.ts'
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { PersistentVolume, PersistentVolumeSpec, VolumeNodeAffinity } from '../../../api/types.ts'
import { checkDnsSubdomain, checkImmutable, checkOptionalOneOf, notPositiveMessage } from '../field-checks.ts'
import { changedPaths } from '../changed-paths.ts'
import { checkNodeSelector } from './affinity-validation.ts'
import { checkVolumeSource, sourcesOf } from './persistent-volume-source-validation.ts'

const accessModes = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod']
const inlineContext = 'in the context of inline volumes'

/** Of volumes and claims; `missing` is what is said when there are none. */
export const checkAccessModes = (path: string, modes: readonly string[] | undefined, missing = ''): FieldError[] => [
  ...((modes ?? []).length === 0 ? [fieldError.required(path, missing)] : []),
  ...(modes ?? []).flatMap((mode) => checkOptionalOneOf(path, mode, accessModes)),
  ...(modes?.includes('ReadWriteOncePod') && modes.some((mode) => mode !== 'ReadWriteOncePod' && accessModes.includes(mode)) ? [fieldError.forbidden(path, 'may not use ReadWriteOncePod with other access modes')] : []),
]

export const checkPositiveQuantity = (path: string, value: string): FieldError[] => {
  if (!isValidQuantity(value)) return []
  return signOf(value) > 0 ? [] : [fieldError.invalid(path, value, notPositiveMessage)]
}

export const checkBasicResource = (path: string, value: string): FieldError[] => (isValidQuantity(value) && signOf(value) < 0 ? [fieldError.invalid(path, value, 'must be a valid resource quantity')] : [])

const checkCapacity = (path: string, capacity: Readonly<Record<string, string>>): FieldError[] => {
  const names = Object.keys(capacity)
  return [
    ...(names.length === 0 ? [fieldError.required(path)] : []),
    ...(names.length !== 1 || names[0] !== 'storage' ? [fieldError.notSupported(path, capacity, ['storage'])] : []),
    ...Object.entries(capacity).flatMap(([name, value]) => [...checkBasicResource(`${path}[${name}]`, value), ...checkPositiveQuantity(`${path}[${name}]`, value)]),
  ]
}

const checkNodeAffinity = (path: string, { required }: VolumeNodeAffinity): FieldError[] =>
  (required ? checkNodeSelector(`${path}.required`, required) : [fieldError.required(`${path}.required`, 'must specify required node constraints')])

/** What a volume that stands inline in a VolumeAttachment may not say. */
const checkInline = (path: string, spec: PersistentVolumeSpec): FieldError[] => [
  ...(spec.claimRef ? [fieldError.forbidden(`${path}.claimRef`, `may not be specified ${inlineContext}`)] : []),
  ...(Object.keys(spec.capacity ?? {}).length > 0 ? [fieldError.forbidden(`${path}.capacity`, `may not be specified ${inlineContext}`)] : []),
  ...(spec.csi ? [] : [fieldError.required(`${path}.csi`, `has to be specified ${inlineContext}`)]),
  ...checkAccessModes(`${path}.accessModes`, spec.accessModes),
  ...(spec.persistentVolumeReclaimPolicy && spec.persistentVolumeReclaimPolicy !== 'Retain' ? [fieldError.forbidden(`${path}.persistentVolumeReclaimPolicy`, `may only be Retain ${inlineContext}`)] : []),
  ...(spec.nodeAffinity ? [fieldError.forbidden(`${path}.nodeAffinity`, `may not be specified ${inlineContext}`)] : []),
  ...checkVolumeSource(path, spec),
  ...(spec.storageClassName ? [fieldError.forbidden(`${path}.storageClassName`, `may not be specified ${inlineContext}`)] : []),
  ...(spec.volumeMode !== undefined && spec.volumeMode !== 'Filesystem' ? [fieldError.forbidden(`${path}.volumeMode`, `may not specify volumeMode other than Filesystem ${inlineContext}`)] : []),
]

const checkAttributesClass = (path: string, { volumeAttributesClassName: name, csi }: PersistentVolumeSpec): FieldError[] => (name === undefined ? [] : [
  ...(name === '' ? [fieldError.required(`${path}.volumeAttributesClassName`, 'an empty string is disallowed')] : checkDnsSubdomain(`${path}.volumeAttributesClassName`, name)),
  ...(csi ? [] : [fieldError.required(`${path}.csi`, 'has to be specified when using volumeAttributesClassName')]),
])

const isRoot = (path: string): boolean => /^\/(\.?\/)*\.?$/.test(path)

export const checkPersistentVolumeSpec = (path: string, spec: PersistentVolumeSpec, { inline = false } = {}): FieldError[] => (inline ? checkInline(path, spec) : [
  ...checkAccessModes(`${path}.accessModes`, spec.accessModes),
  ...checkCapacity(`${path}.capacity`, spec.capacity ?? {}),
  ...(spec.persistentVolumeReclaimPolicy ? checkOptionalOneOf(`${path}.persistentVolumeReclaimPolicy`, spec.persistentVolumeReclaimPolicy, ['Delete', 'Recycle', 'Retain']) : []),
  ...(spec.nodeAffinity ? checkNodeAffinity(`${path}.nodeAffinity`, spec.nodeAffinity) : []),
  ...checkVolumeSource(path, spec),
  ...(spec.hostPath && isRoot(spec.hostPath.path) && spec.persistentVolumeReclaimPolicy === 'Recycle' ? [fieldError.forbidden(`${path}.persistentVolumeReclaimPolicy`, "may not be 'recycle' for a hostPath mount of '/'")] : []),
  ...(spec.storageClassName ? checkDnsSubdomain(`${path}.storageClassName`, spec.storageClassName) : []),
  ...checkOptionalOneOf(`${path}.volumeMode`, spec.volumeMode, ['Block', 'Filesystem']),
  ...checkAttributesClass(path, spec),
])

export const checkPersistentVolume = ({ spec }: PersistentVolume): FieldError[] => checkPersistentVolumeSpec('spec', spec)

/** The source as it may not change: whoever has no secret for expansion yet may add one. */
const lastingSource = (spec: PersistentVolumeSpec, old: PersistentVolumeSpec): object => {
  const source = Object.fromEntries(sourcesOf(spec).map((type) => [type, spec[type]]))
  if (!spec.csi || !old.csi || old.csi.controllerExpandSecretRef) return source
  const { controllerExpandSecretRef: _added, ...csi } = spec.csi
  return { ...source, csi }
}

export const checkPersistentVolumeUpdate = (next: PersistentVolume, old: PersistentVolume): FieldError[] => {
  const [now, before] = [lastingSource(next.spec, old.spec), lastingSource(old.spec, old.spec)]
  const className = 'spec.volumeAttributesClassName'
  return [
    ...checkPersistentVolume(next),
    ...(semanticEqual(now, before) ? [] : [fieldError.forbidden('spec.persistentvolumesource', `spec.persistentvolumesource is immutable after creation\n${changedPaths(before, now, 'spec').join('\n')}`)]),
    ...checkImmutable('volumeMode', next.spec.volumeMode, old.spec.volumeMode),
    ...(old.spec.nodeAffinity && !semanticEqual(next.spec.nodeAffinity, old.spec.nodeAffinity) ? [fieldError.invalid('nodeAffinity', next.spec.nodeAffinity ?? null, 'field is immutable, except for updating from beta label to GA')] : []),
    ...(old.spec.volumeAttributesClassName !== undefined && next.spec.volumeAttributesClassName === undefined ? [fieldError.forbidden(className, 'update from non-nil value to nil is forbidden')] : []),
  ]
}
