/** The API's types at run time: the generated schema joined with our table of facts, built type by type when first asked for. */
import * as facts from './facts.ts'
import generated from './generated/schema.gen.json' with { type: 'json' }

export type ScalarKind = 'string' | 'int32' | 'int64' | 'double' | 'boolean' | 'bytes' | 'time' | 'microtime' | 'quantity' | 'int-or-string'

/** What a value is. `any` is arbitrary JSON that nobody looks into (RawExtension, FieldsV1, JSON schema defaults). */
export type FieldType =
  | { readonly kind: ScalarKind | 'any' }
  | { readonly kind: 'ref'; readonly name: string }
  | { readonly kind: 'array'; readonly items: FieldType }
  | { readonly kind: 'map'; readonly values: FieldType }

export interface FieldSchema {
  readonly name: string
  readonly type: FieldType
  readonly required: boolean
  /** Go has a zero value here and not nil, so a decoded object always has the field: `{}`, `[]`, `''`, `0`, `false`. */
  readonly always: boolean
  /** Strategic merge of lists: 'merge' by `mergeKey`, or as a set of scalars without; undefined replaces. */
  readonly patchStrategy?: 'merge' | 'replace' | undefined
  readonly mergeKey?: string | undefined
  /** Strategic merge honours `$retainKeys` here. */
  readonly retainKeys: boolean
  /** Server-side apply of lists: atomic, a set of scalars, or a map of items by keys. */
  readonly listType: 'atomic' | 'set' | 'map'
  readonly listMapKeys: readonly string[]
  /** Server-side apply of maps and structs: whether they are owned as a whole. */
  readonly atomic: boolean
}

export interface TypeSchema {
  /** Our name: `Pod`, `EventsEvent`, `MetricSpecV2`. */
  readonly name: string
  /** The name of upstream's struct, and with its package: `Event`, `v1.Event`. */
  readonly goName: string
  readonly goType: string
  readonly fields: ReadonlyMap<string, FieldSchema>
  /** Defaults of fields that serve as keys of a list of this type. */
  readonly keyDefaults: Readonly<Record<string, string>>
}

/** Type → `ClassName|field:type|required!:type`; see generate.ts. */
const types: Readonly<Record<string, string>> = generated

const indexed = (fields: readonly string[]): ReadonlySet<string> => new Set(fields)
const sets = indexed(facts.setLists)
const replacedLists = indexed(facts.replacedMapLists)
const retained = indexed(facts.retainKeys)
const replacedStructs = indexed(facts.replacedStructs)
const atomicFields = indexed(facts.atomicFields)
const granularFields = indexed(facts.granularFields)
const atomicTypes = indexed(facts.atomicTypes)
const quantities = indexed(facts.quantityFields)
const values = indexed(facts.valueStructs)
const absentStrings = indexed(facts.absentStrings)
export const hasTypeSchema = (name: string): boolean => Object.hasOwn(types, name)

const mapKeys: ReadonlyMap<string, readonly string[]> = new Map(Object.entries(facts.mapLists).flatMap(([keys, fields]) => fields.map((field) => [field, keys.split(' ')] as const)))

/** client-node's class name as upstream's struct and package: `CoreV1Event` → `Event`, `v1`. */
const goNames = (className: string): { goName: string; goType: string } => {
  const [, version = 'V1', goName = className] = /^(?:[A-Z][a-z]+)?(V\d(?:alpha\d|beta\d)?)([A-Z].*)$/.exec(className) ?? []
  return { goName, goType: `${version.toLowerCase()}.${goName}` }
}

const scalars = new Set<string>(['string', 'int32', 'int64', 'double', 'boolean', 'bytes', 'time', 'microtime', 'int-or-string', 'any'])
const isScalar = (type: string): type is ScalarKind | 'any' => scalars.has(type)

const parseType = (type: string, quantity: boolean): FieldType => {
  if (type.startsWith('[]')) return { kind: 'array', items: parseType(type.slice(2), quantity) }
  if (type.startsWith('{}')) return { kind: 'map', values: parseType(type.slice(2), quantity) }
  if (isScalar(type)) return { kind: quantity && type === 'string' ? 'quantity' : type }
  if (!hasTypeSchema(type)) throw new Error(`the generated schema names a type that it does not have: ${type}`)
  return { kind: 'ref', name: type }
}

const isAlways = (path: string, type: FieldType, required: boolean): boolean => {
  switch (type.kind) {
    case 'ref': return values.has(path) || /\.(metadata|spec|status)$/.test(path)
    case 'string': return required && !absentStrings.has(path)
    case 'any': case 'time': case 'microtime': case 'bytes': case 'quantity': return false
    default: return required
  }
}

/** `text` is `field:type` or `field!:type`. */
const fieldSchema = (owner: string, text: string): FieldSchema => {
  const colon = text.indexOf(':')
  const required = text.charAt(colon - 1) === '!'
  const name = text.slice(0, required ? colon - 1 : colon)
  const path = `${owner}.${name}`
  const type = parseType(text.slice(colon + 1), quantities.has(path))
  const keys = mapKeys.get(path)
  const mergeKey = facts.mergedLists[path] ?? (keys && !replacedLists.has(path) ? keys[0] : undefined)
  return {
    name, type, required, always: isAlways(path, type, required),
    patchStrategy: mergeKey !== undefined ? 'merge' : replacedStructs.has(path) ? 'replace' : undefined,
    mergeKey: mergeKey === '' ? undefined : mergeKey,
    retainKeys: retained.has(path),
    listType: keys ? 'map' : sets.has(path) ? 'set' : 'atomic',
    listMapKeys: keys ?? [],
    atomic: atomicFields.has(path) || (type.kind === 'ref' && atomicTypes.has(type.name) && !granularFields.has(path)),
  }
}

const built = new Map<string, TypeSchema>()

/** The schema of a type by our name; throws where there is none. */
export const typeSchema = (name: string): TypeSchema => {
  const known = built.get(name)
  if (known) return known
  const text = hasTypeSchema(name) ? types[name] : undefined
  if (text === undefined) throw new Error(`no type ${JSON.stringify(name)} in the schema`)
  const [className = '', ...fields] = text.split('|')
  const schema: TypeSchema = {
    name, ...goNames(className),
    fields: new Map(fields.map((field) => fieldSchema(name, field)).map((field) => [field.name, field])),
    keyDefaults: Object.fromEntries(Object.entries(facts.keyDefaults).filter(([path]) => path.startsWith(`${name}.`)).map(([path, value]) => [path.slice(name.length + 1), value])),
  }
  built.set(name, schema)
  return schema
}

/** All types' names. */
export const typeNames = (): string[] => Object.keys(types)

/** Whether server-side apply owns values of this type as a whole wherever they stand (items of lists, values of maps). */
export const isAtomicType = (type: FieldType): boolean => type.kind === 'ref' && atomicTypes.has(type.name)
