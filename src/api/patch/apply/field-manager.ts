/**
 * Field management of one write: who owns what after a create, update or patch (`trackUpdate`), and server-side apply (`applyConfiguration`).
 * Mirrors apimachinery's `pkg/util/managedfields` over structured-merge-diff's `merge.Updater`.
 */
import { timestamp } from '../../clock.ts'
import { decodeKind } from '../../custom-type.ts'
import { type BodyKind, DecodeError } from '../../decode.ts'
import { deepEqual, semanticEqual } from '../../equal.ts'
import { apiVersionOf } from '../../kinds.ts'
import type { JsonObject, JsonValue, KubeObject } from '../../meta.ts'
import { badRequest, unclassified } from '../../status.ts'
import type { ManagedFieldsEntry } from '../../types.ts'
import { compareTyped, type Comparison, isSame } from './compare.ts'
import { ApplyConflicts, type Conflict } from './conflict.ts'
import { difference, emptySet, type FieldSet, intersection, isEmptySet, setsEqual, union } from './field-set.ts'
import { fieldSetOf } from './field-set-of.ts'
import { annotationOf, lastAppliedFields, lastAppliedText, lastAppliedAnnotation } from './last-applied.ts'
import { capUpdaters, decodeManagers, emptyManager, encodeManagers, type Manager, type Managers, withoutEmpty } from './managed-fields.ts'
import { mergeTyped } from './merge-typed.ts'
import { pruneApplied } from './prune.ts'
import { kindShape } from './shape.ts'
import { stripMetadata, trackedShape } from './tracked.ts'
import { validateTyped } from './validate.ts'

/** What is known of the write. */
export interface FieldManagement {
  kind: BodyKind
  /** See `fieldManagerName`. */
  manager: string
  subresource?: string | undefined
  now: Date
  /** Paths that this endpoint does not write, and so does not come to own: `status`; upstream's GetResetFields. */
  resetFields?: readonly string[] | undefined
}

/** The manager of a write: what the client asks for, else the program's name of its User-Agent. */
export const fieldManagerName = (asked: string | undefined, userAgent: string | undefined): string =>
  asked || [...(userAgent ?? '').split('/', 1)[0] ?? ''].filter((character) => /[^\p{C}\p{Zl}\p{Zp}]/u.test(character)).slice(0, 128).join('') || 'unknown'

const zeroObject = (kind: BodyKind): JsonObject => decodeKind<JsonObject>({}, kind).value
const managedFieldsOf = (object: object | undefined): ManagedFieldsEntry[] | undefined => (object as Partial<KubeObject> | undefined)?.metadata?.managedFields

const readable = (entries: ManagedFieldsEntry[]): Managers | undefined => {
  try {
    const managers = decodeManagers(entries)
    // Reads every set.
    return [...managers.values()].every(({ set }) => set !== undefined) ? managers : undefined
  } catch {
    // Entries that nobody can read count as none, as upstream.
    return undefined
  }
}

/** Entries of what a client sends or, where they are none or unreadable, of what is stored. */
const managersOf = (sent: ManagedFieldsEntry[] | undefined, stored: ManagedFieldsEntry[] | undefined): Managers => {
  const managers = sent && !deepEqual(sent, stored) ? readable(sent) : undefined
  return managers && managers.size > 0 ? managers : decodeManagers(stored)
}

const isReset = (entries: ManagedFieldsEntry[] | undefined): boolean => entries !== undefined && (entries.length === 0 || (entries.length === 1 && Object.keys(entries[0] ?? {}).length === 0))

/** Takes what changed from everybody else; what went away, nobody owns. */
const disown = (managers: Managers, self: string, { added, modified, removed }: Comparison): Managers => {
  const taken = union(union(added, modified), removed)
  if (isEmptySet(taken)) return managers
  return new Map([...managers].map(([id, manager]) => {
    if (id === self) return [id, manager]
    const rest = difference(manager.set, taken)
    return [id, setsEqual(rest, manager.set) ? manager : manager.with({ set: rest })]
  }))
}

/** Managers after an update by `entry` that made `comparison` of the object. */
const managersAfterUpdate = (managers: Managers, entry: Manager, change: { comparison: Comparison; time: string }): Managers => {
  const { comparison, time } = change
  if (isSame(comparison)) return managers
  const result = new Map(disown(managers, entry.id, comparison))
  const own = result.get(entry.id) ?? entry
  const gained = stripMetadata(union(comparison.modified, comparison.added))
  const kept = difference(own.set, comparison.removed)
  if (!isEmptySet(gained)) result.set(entry.id, own.with({ set: union(kept, gained), time }))
  else if (result.has(entry.id)) result.set(entry.id, own.with({ set: kept }))
  return capUpdaters(withoutEmpty(result))
}

const entryFor = ({ kind, manager, subresource }: FieldManagement, operation: 'Apply' | 'Update'): Manager => emptyManager({ manager, operation, apiVersion: apiVersionOf(kind), ...(subresource && { subresource }) })

/**
 * Sets `next.metadata.managedFields` after a create (`live` undefined) or an update that was not an apply. `next` is as it is to be stored.
 * A client may send managedFields of its own, and `[]` or `[{}]` to start anew; through a subresource it may not.
 */
export const trackUpdate = (live: object | undefined, next: object, management: FieldManagement): void => {
  const { kind, resetFields = [], subresource, now } = management
  const metadata = (next as KubeObject).metadata
  const sent = subresource ? undefined : metadata.managedFields
  const managers = isReset(sent) ? new Map<string, Manager>() : managersOf(sent, managedFieldsOf(live))
  delete metadata.managedFields
  let after = managers
  // An object that nobody tracks is tracked from its creation or from its first apply on.
  if (live === undefined || managers.size > 0) {
    const comparison = compareTyped((live as JsonObject | undefined) ?? zeroObject(kind), next as JsonObject, trackedShape(kindShape(kind), resetFields))
    after = managersAfterUpdate(managers, entryFor(management, 'Update'), { comparison, time: timestamp(now) })
  }
  if (after.size > 0) metadata.managedFields = encodeManagers(after)
}

export interface ApplyRequest extends FieldManagement {
  /** The stored object; undefined creates. */
  live: object | undefined
  /** The configuration as it was sent. */
  config: JsonValue
  force: boolean
}

const isObject = (value: JsonValue): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value)

const groupVersionKind = (config: JsonObject): string => {
  const apiVersion = String(config['apiVersion'] ?? '')
  return `${apiVersion.includes('/') ? '' : '/'}${apiVersion}, Kind=${String(config['kind'] ?? '')}`
}

const describe = (object: JsonObject, ofKind: JsonObject): string => {
  const metadata = isObject(object['metadata'] ?? null) ? (object['metadata'] as JsonObject) : {}
  return `${String(metadata['namespace'] ?? '')}/${String(metadata['name'] ?? '')}; ${groupVersionKind(ofKind)}`
}

const checkConfiguration = (config: JsonValue, kind: BodyKind): JsonObject => {
  if (!isObject(config)) throw badRequest(`error decoding YAML: error unmarshaling JSON: json: cannot unmarshal ${Array.isArray(config) ? 'array' : config === null ? 'null' : typeof config} into Go value of type map[string]interface {}`)
  if (config['apiVersion'] !== apiVersionOf(kind) || config['kind'] !== kind.kind) throw badRequest(`invalid object type: ${groupVersionKind(config)}`)
  const metadata = config['metadata'] ?? null
  if (isObject(metadata) && metadata['managedFields'] !== undefined && metadata['managedFields'] !== null) throw badRequest('metadata.managedFields must be nil')
  const wrong = validateTyped(config, kindShape(kind))
  if (wrong !== undefined) throw unclassified(`failed to create typed patch object (${describe(config, config)}): ${wrong}`)
  return config
}

/** Managers of the live object; where there are none, what is there belongs to `before-first-apply`. */
const managersBefore = (live: JsonObject, request: ApplyRequest): Managers => {
  const managers = decodeManagers(managedFieldsOf(live))
  if (managers.size > 0 || request.live === undefined) return managers
  const comparison = compareTyped(zeroObject(request.kind), live, trackedShape(kindShape(request.kind), request.resetFields ?? []))
  return managersAfterUpdate(managers, entryFor({ ...request, manager: 'before-first-apply' }, 'Update'), { comparison, time: timestamp(request.now) })
}

const conflictsWith = (managers: Managers, self: string, { added, modified }: Comparison): Conflict[] => {
  const taken: FieldSet = union(added, modified)
  return isEmptySet(taken) ? [] : [...managers.values()].filter(({ id }) => id !== self).map((manager) => ({ manager, fields: intersection(manager.set, taken) })).filter(({ fields }) => !isEmptySet(fields))
}

interface Merged { object: JsonObject; managers: Managers }

/** structured-merge-diff's Updater.Apply. Throws ApplyConflicts. */
const merge = (live: JsonObject, before: Managers, request: ApplyRequest & { config: JsonObject }): Merged => {
  const { config, kind, force, resetFields = [] } = request
  const shape = kindShape(kind)
  const entry = entryFor(request, 'Apply')
  const owned = stripMetadata(fieldSetOf(config, trackedShape(kindShape(kind), resetFields)))
  const previous = before.get(entry.id)
  const managers: Managers = new Map(before).set(entry.id, (previous ?? entry).with({ set: owned }))
  const last = previous?.set ?? emptySet
  const managed = [...managers.values()].reduce((all, { set }) => union(all, set), fieldSetOf(config, shape))
  const merged = pruneApplied((mergeTyped(live, config, shape) ?? {}) as JsonObject, { last, managed, shape })
  const comparison = compareTyped(live, merged, trackedShape(kindShape(kind), resetFields))
  const conflicts = force ? [] : conflictsWith(managers, entry.id, comparison)
  if (conflicts.length > 0) throw new ApplyConflicts(conflicts)
  return { object: merged, managers: withoutEmpty(disown(managers, entry.id, comparison)) }
}

/** As `merge`; what kubectl itself applied from the client before is no conflict for it. */
const mergeAfterClientSideApply = (live: JsonObject, before: Managers, request: ApplyRequest & { config: JsonObject }): Merged => {
  try {
    return merge(live, before, request)
  } catch (error) {
    if (!(error instanceof ApplyConflicts)) throw error
    const allowed = request.manager === 'kubectl' ? lastAppliedFields(live, kindShape(request.kind)) : undefined
    const left = allowed ? error.without(allowed) : error
    if (left.conflicts.length > 0) throw left.status
    return merge(live, before, { ...request, force: true })
  }
}

const sameManagers = (left: Managers, right: Managers): boolean => left.size === right.size && [...left].every(([id, manager]) => {
  const other = right.get(id)
  return other !== undefined && manager.apiVersion === other.apiVersion && setsEqual(manager.set, other.set)
})

/**
 * Server-side apply: the object that results, decoded, with its managedFields; not yet defaulted or validated. `changed` is false where applying it again made no difference.
 * Throws StatusError: 409 for conflicts (unless forced), 400 and 500 in upstream's words for what is no configuration of the kind.
 */
export const applyConfiguration = <T = JsonObject>(request: ApplyRequest): { object: T; changed: boolean } => {
  const config = checkConfiguration(request.config, request.kind)
  const live: JsonObject = (request.live as JsonObject | undefined) ?? zeroObject(request.kind)
  const before = managersBefore(live, request)
  const merged = mergeAfterClientSideApply(live, before, { ...request, config })
  const object = decodeMerged(merged.object, { live, kind: request.kind })
  if (request.manager === 'kubectl' && annotationOf(object, lastAppliedAnnotation) !== undefined) {
    const annotations = (object['metadata'] as JsonObject)['annotations'] as JsonObject
    annotations[lastAppliedAnnotation] = lastAppliedText(config)
  }
  delete (object['metadata'] as JsonObject)['managedFields']
  const { metadata: { managedFields: _, ...metadata }, ...rest } = live as JsonObject & { metadata: JsonObject }
  const sameObject = request.live !== undefined && semanticEqual(object, { ...rest, metadata })
  const entry = entryFor(request, 'Apply')
  const own = merged.managers.get(entry.id)
  const managers = own && !(sameObject && sameManagers(before, merged.managers)) ? new Map(merged.managers).set(entry.id, own.with({ time: timestamp(request.now), apiVersion: apiVersionOf(request.kind) })) : merged.managers
  const entries = encodeManagers(managers)
  if (entries.length > 0) (object as unknown as KubeObject).metadata.managedFields = entries
  return { object: object as T, changed: !(sameObject && deepEqual(entries, managedFieldsOf(live) ?? [])) }
}

const decodeMerged = (merged: JsonObject, { live, kind }: { live: JsonObject; kind: BodyKind }): JsonObject => {
  try {
    return { ...decodeKind<JsonObject>(merged, kind).value, apiVersion: apiVersionOf(kind), kind: kind.kind }
  } catch (error) {
    throw error instanceof DecodeError ? unclassified(`failed to convert new typed object (${describe(live, merged)}) to object: ${error.message}`) : error
  }
}
