/** Who manages which fields of an object: `metadata.managedFields` read and written. Mirrors apimachinery `pkg/util/managedfields/internal/managedfields.go`. */
import type { JsonValue } from '../../meta.ts'
import type { ManagedFieldsEntry } from '../../types.ts'
import { emptySet, type FieldSet, fromFieldsV1, isEmptySet, toFieldsV1, union } from './field-set.ts'

/** One manager's fields; the set is read only when somebody asks. */
export class Manager {
  readonly name: string
  readonly operation: 'Apply' | 'Update'
  readonly apiVersion: string
  readonly subresource: string
  readonly time: string | undefined
  #fields: JsonValue | undefined
  #set: FieldSet | undefined
  #id: string | undefined

  constructor(entry: Pick<ManagedFieldsEntry, 'manager' | 'operation' | 'apiVersion' | 'subresource' | 'time'>, fields: { set: FieldSet } | { json: JsonValue | undefined }) {
    this.name = entry.manager ?? ''
    this.operation = entry.operation === 'Apply' ? 'Apply' : 'Update'
    this.apiVersion = entry.apiVersion ?? ''
    this.subresource = entry.subresource ?? ''
    this.time = entry.time
    if ('set' in fields) this.#set = fields.set
    else this.#fields = fields.json
  }

  get set(): FieldSet { return (this.#set ??= fromFieldsV1(this.#fields)) }

  /** What tells managers apart; appliers stay the same over versions. */
  get id(): string { return (this.#id ??= JSON.stringify([this.name, this.operation, this.operation === 'Apply' ? '' : this.apiVersion, this.subresource])) }

  with(change: { set?: FieldSet; time?: string; apiVersion?: string }): Manager {
    return new Manager({ manager: this.name, operation: this.operation, apiVersion: change.apiVersion ?? this.apiVersion, subresource: this.subresource, time: change.time ?? this.time }, { set: change.set ?? this.set })
  }

  toEntry(): ManagedFieldsEntry {
    return {
      manager: this.name, operation: this.operation, apiVersion: this.apiVersion, ...(this.time !== undefined && { time: this.time }), fieldsType: 'FieldsV1',
      fieldsV1: this.#set ? toFieldsV1(this.#set) : (this.#fields ?? {}), ...(this.subresource !== '' && { subresource: this.subresource }),
    }
  }
}

/** Managers by id. */
export type Managers = ReadonlyMap<string, Manager>

/** Managers of an object's entries. Throws where an entry is none; what it says of its fields is read later. */
export const decodeManagers = (entries: readonly ManagedFieldsEntry[] | undefined): Managers => new Map((entries ?? []).map((entry): [string, Manager] => {
  if (entry.operation !== 'Apply' && entry.operation !== 'Update') throw new Error(`invalid operation type: ${entry.operation ?? ''}`)
  if (entry.fieldsType !== 'FieldsV1') throw new Error(entry.fieldsType ? `unsupported fieldsType: ${entry.fieldsType}` : 'fieldsType must be set')
  const manager = new Manager({ ...entry, manager: entry.manager || 'unknown' }, { json: entry.fieldsV1 })
  return [manager.id, manager]
}))

const order = (left: Manager, right: Manager): number => {
  for (const [a, b] of [[left.operation, right.operation], [left.time ?? '', right.time ?? ''], [left.name, right.name], [left.apiVersion, right.apiVersion], [left.subresource, right.subresource]] as const)
    if (a !== b) return a < b ? -1 : 1
  return 0
}

/** The entries of managers: appliers first, then by time and name. */
export const encodeManagers = (managers: Managers): ManagedFieldsEntry[] => [...managers.values()].sort(order).map((manager) => manager.toEntry())

const maxUpdaters = 10

/** Keeps at most ten entries of updates: the oldest flow together into `ancient-changes`. */
export const capUpdaters = (managers: Managers): Managers => {
  const updaters = [...managers.values()].filter(({ operation }) => operation === 'Update')
  let surplus = updaters.length - maxUpdaters
  if (surplus <= 0) return managers
  const result = new Map(managers)
  const buckets = new Map<string, Manager>()
  for (const manager of updaters.sort((a, b) => ((a.time ?? '') === (b.time ?? '') ? (a.id < b.id ? -1 : 1) : (a.time ?? '') < (b.time ?? '') ? -1 : 1))) {
    if (surplus <= 0) break
    const bucket = buckets.get(manager.apiVersion)
    const entry = { manager: 'ancient-changes', operation: 'Update', apiVersion: manager.apiVersion, time: manager.time }
    if (bucket) {
      result.delete(bucket.id)
      result.delete(manager.id)
      const merged = new Manager(entry, { set: union(bucket.set, manager.set) })
      result.set(merged.id, merged)
      buckets.set(manager.apiVersion, merged)
      surplus--
    } else buckets.set(manager.apiVersion, manager)
  }
  return result
}

export const emptyManager = (entry: Pick<ManagedFieldsEntry, 'manager' | 'operation' | 'apiVersion' | 'subresource'>): Manager => new Manager({ ...entry, manager: entry.manager || 'unknown' }, { set: emptySet })

/** Managers without those that manage nothing. */
export const withoutEmpty = (managers: Managers): Managers => new Map([...managers].filter(([, manager]) => !isEmptySet(manager.set)))
