/** What is generic about metadata: filling, checking, and what an update may not touch. Mirrors apimachinery `pkg/api/validation/objectmeta.go` and apiserver's `pkg/registry/rest`. */
import { timestamp } from '../../api/clock.ts'
import type { Kind } from '../../api/kinds.ts'
import { deepEqual } from '../../api/equal.ts'
import type { KubeObject, Metadata } from '../../api/meta.ts'
import { isDns1123Subdomain, isLabelValue, isQualifiedName } from '../../api/names.ts'
import { badRequest, type FieldError, fieldError } from '../../api/status.ts'
import type { Clock } from '../../api/clock.ts'
import type { Random } from '../../api/random.ts'

/** The namespace of the object must be that of the request: set where it is missing, 400 where it differs. Cluster-scoped objects lose theirs. */
export const fitNamespace = (kind: Kind, metadata: Partial<Metadata>, namespace: string): void => {
  if (!kind.namespaced) delete metadata.namespace
  else if (!metadata.namespace) metadata.namespace = namespace
  else if (metadata.namespace !== namespace) throw badRequest('the namespace of the provided object does not match the namespace sent on the request')
}

/** System fields of a new object; whatever the client sent for them is dropped. */
export const fillNewMetadata = (metadata: Metadata, { clock, random }: { clock: Clock; random: Random }): void => {
  metadata.uid = random.uuid()
  metadata.creationTimestamp = timestamp(clock.now())
  delete metadata.deletionTimestamp
  delete metadata.deletionGracePeriodSeconds
  delete metadata.selfLink
  delete metadata.generation
}

const maxAnnotationBytes = 256 * 1024

const labelErrors = (labels: Readonly<Record<string, string>>): FieldError[] => Object.entries(labels).flatMap(([key, value]) => [
  ...isQualifiedName(key).map((why) => fieldError.invalid('metadata.labels', key, why)),
  ...isLabelValue(value).map((why) => fieldError.invalid('metadata.labels', value, why)),
])

const annotationErrors = (annotations: Readonly<Record<string, string>>): FieldError[] => {
  let size = 0
  const errors: FieldError[] = []
  for (const [key, value] of Object.entries(annotations)) {
    size += Buffer.byteLength(key) + Buffer.byteLength(value)
    errors.push(...isQualifiedName(key.toLowerCase()).map((why) => fieldError.invalid('metadata.annotations', key, why)))
  }
  return size > maxAnnotationBytes ? [...errors, fieldError.tooLong('metadata.annotations', maxAnnotationBytes)] : errors
}

const ownerErrors = (owners: NonNullable<Metadata['ownerReferences']>): FieldError[] => [
  ...owners.flatMap(({ apiVersion, kind, name, uid }, index) => {
    const path = `metadata.ownerReferences[${index}]`
    return [
      ...(apiVersion === '' || apiVersion.split('/').at(-1) === '' ? [fieldError.invalid(`${path}.apiVersion`, apiVersion, 'version must not be empty')] : []),
      ...(kind === '' ? [fieldError.invalid(`${path}.kind`, kind, 'must not be empty')] : []),
      ...(name === '' ? [fieldError.invalid(`${path}.name`, name, 'must not be empty')] : []),
      ...(uid === '' ? [fieldError.invalid(`${path}.uid`, uid, 'must not be empty')] : []),
      ...(apiVersion === 'v1' && kind === 'Event' ? [fieldError.invalid(path, `${apiVersion}, Kind=${kind}`, 'is disallowed from being an owner')] : []),
    ]
  }),
  ...(owners.filter((owner) => owner.controller).length > 1
    ? [fieldError.invalid('metadata.ownerReferences', owners.map(({ kind, name }) => `${kind}/${name}`).join(', '), 'Only one reference can have Controller set to true.')] : []),
]

const finalizerErrors = (finalizers: readonly string[]): FieldError[] => [
  ...finalizers.flatMap((finalizer) => isQualifiedName(finalizer).map((why) => fieldError.invalid('metadata.finalizers', finalizer, why))),
  ...(finalizers.includes('orphan') && finalizers.includes('foregroundDeletion') ? [fieldError.invalid('metadata.finalizers', finalizers, 'finalizer orphan and foregroundDeletion cannot be both set')] : []),
]

/** Of every object, new or changed. */
const commonErrors = (metadata: Metadata): FieldError[] => [
  ...(metadata.generation !== undefined && metadata.generation < 0 ? [fieldError.invalid('metadata.generation', metadata.generation, 'must be greater than or equal to 0')] : []),
  ...(metadata.labels ? labelErrors(metadata.labels) : []),
  ...(metadata.annotations ? annotationErrors(metadata.annotations) : []),
  ...(metadata.ownerReferences ? ownerErrors(metadata.ownerReferences) : []),
  ...(metadata.finalizers ? finalizerErrors(metadata.finalizers) : []),
]

const pathSegment = (name: string): string[] => {
  if (name === '.' || name === '..') return [`may not be '${name}'`]
  return ['/', '%'].filter((character) => name.includes(character)).map((character) => `may not contain '${character}'`)
}

/** Of a new object. `generated` is its generateName, checked with an end as a generated name would have one. */
export const newMetadataErrors = (metadata: Metadata, validateName: (name: string) => string[] = isDns1123Subdomain): FieldError[] => [
  ...(metadata.generateName ? validateName(`${metadata.generateName.replace(/-$/, 'a')}`).map((why) => fieldError.invalid('metadata.generateName', metadata.generateName, why)) : []),
  ...(metadata.name ? [...new Set([...validateName(metadata.name), ...pathSegment(metadata.name)])].map((why) => fieldError.invalid('metadata.name', metadata.name, why))
    : [fieldError.required('metadata.name', 'name or generateName is required')]),
  ...commonErrors(metadata),
]

/** What the client left out of an update keeps its value; what is the server's alone cannot be changed. In place. */
export const fillUpdatedMetadata = (next: Metadata, old: Metadata): void => {
  if (!next.uid) next.uid = old.uid
  // What a client sends for the times is not looked at, where there are any.
  next.creationTimestamp = old.creationTimestamp
  if (old.deletionTimestamp !== undefined) next.deletionTimestamp = old.deletionTimestamp
  if (next.deletionGracePeriodSeconds === undefined && old.deletionGracePeriodSeconds !== undefined) next.deletionGracePeriodSeconds = old.deletionGracePeriodSeconds
  if (old.generation === undefined) delete next.generation
  else next.generation = old.generation
  if (next.generateName === undefined && old.generateName !== undefined) next.generateName = old.generateName
  delete next.selfLink
}

const immutable = ['name', 'namespace', 'uid', 'creationTimestamp', 'deletionTimestamp', 'deletionGracePeriodSeconds'] as const

export const updatedMetadataErrors = (next: Metadata, old: Metadata): FieldError[] => {
  const added = old.deletionTimestamp === undefined ? [] : (next.finalizers ?? []).filter((finalizer) => !old.finalizers?.includes(finalizer))
  return [
    ...(added.length > 0 ? [fieldError.forbidden('metadata.finalizers', `no new finalizers can be added if the object is being deleted, found new finalizers []string{${added.map((each) => JSON.stringify(each)).join(', ')}}`)] : []),
    ...immutable.filter((field) => !deepEqual(next[field], old[field])).map((field) => fieldError.invalid(`metadata.${field}`, next[field] ?? '', 'field is immutable')),
    ...commonErrors(next),
  ]
}

/** Metadata in the order of upstream's struct, so that objects read the same. */
export const orderedMetadata = (metadata: Metadata): Metadata => {
  const { name, generateName, namespace, uid, resourceVersion, generation, creationTimestamp, deletionTimestamp, deletionGracePeriodSeconds, labels, annotations, ownerReferences, finalizers, managedFields } = metadata
  return {
    name, ...(generateName && { generateName }), ...(namespace && { namespace }), uid, resourceVersion, ...(generation !== undefined && { generation }), creationTimestamp,
    ...(deletionTimestamp !== undefined && { deletionTimestamp }), ...(deletionGracePeriodSeconds !== undefined && { deletionGracePeriodSeconds }),
    ...(notEmpty(labels) && { labels }), ...(notEmpty(annotations) && { annotations }), ...(ownerReferences && ownerReferences.length > 0 && { ownerReferences }),
    ...(finalizers && finalizers.length > 0 && { finalizers }), ...(managedFields && managedFields.length > 0 && { managedFields }),
  }
}

const notEmpty = (map: Readonly<Record<string, string>> | undefined): boolean => {
  for (const _ in map) return true
  return false
}

/** The object with its metadata in order, `kind` and `apiVersion` first: what is stored. */
export const ordered = (object: KubeObject): KubeObject => ({ ...object, metadata: orderedMetadata(object.metadata) })
