/** Static types of expressions. Mirrors cel-go's `common/types/types.go`. */

export type SimpleKind = 'dyn' | 'error' | 'null' | 'bool' | 'int' | 'uint' | 'double' | 'string' | 'bytes' | 'timestamp' | 'duration'

/** A type with named fields; `field` answers lazily, so that types may contain themselves. */
export interface ObjectType {
  kind: 'object'
  name: string
  field(name: string): CelType | undefined
}

export type CelType =
  | { kind: SimpleKind }
  | { kind: 'list'; of: CelType }
  | { kind: 'map'; key: CelType; value: CelType }
  | { kind: 'optional'; of: CelType }
  | { kind: 'type'; of: CelType | undefined }
  /** Values of a library (`net.IP`), told apart by name only. */
  | { kind: 'opaque'; name: string }
  /** A type parameter of a signature, or a type that is still to be found out (`_var3`). */
  | { kind: 'param'; name: string }
  | ObjectType

const simple = (kind: SimpleKind): CelType => ({ kind })
export const dyn = simple('dyn')
export const errorType = simple('error')
export const nullType = simple('null')
export const bool = simple('bool')
export const int = simple('int')
export const uint = simple('uint')
export const double = simple('double')
export const string = simple('string')
export const bytes = simple('bytes')
export const timestamp = simple('timestamp')
export const duration = simple('duration')
export const listOf = (of: CelType): CelType => ({ kind: 'list', of })
export const mapOf = (key: CelType, value: CelType): CelType => ({ kind: 'map', key, value })
export const optionalOf = (of: CelType): CelType => ({ kind: 'optional', of })
export const typeOf = (of: CelType | undefined): CelType => ({ kind: 'type', of })
export const opaque = (name: string): CelType => ({ kind: 'opaque', name })
export const objectType = (name: string, fields: Readonly<Record<string, CelType>>): ObjectType => ({
  kind: 'object', name, field: (field) => (Object.hasOwn(fields, field) ? fields[field] : undefined),
})

/** Whether anything may be a value of it. */
export const isDynamic = (type: CelType): boolean => type.kind === 'dyn' || type.kind === 'error'

/** As in the messages of the type checker (`checker.FormatCELType`). */
export const formatType = (type: CelType): string => {
  switch (type.kind) {
    case 'error': return '!error!'
    case 'list': return `list(${formatType(type.of)})`
    case 'map': return `map(${formatType(type.key)}, ${formatType(type.value)})`
    case 'optional': return `optional_type(${formatType(type.of)})`
    case 'type': return type.of ? `type(${formatType(type.of)})` : 'type'
    case 'object': case 'opaque': case 'param': return type.name
    default: return type.kind
  }
}

const runtimeNames: Partial<Record<CelType['kind'], string>> = { null: 'null_type', timestamp: 'google.protobuf.Timestamp', duration: 'google.protobuf.Duration' }

/** As types call themselves (`types.Type.String`, what `type(x)` prints). */
export const typeName = (type: CelType): string => {
  switch (type.kind) {
    case 'list': return `list(${typeName(type.of)})`
    case 'map': return `map(${typeName(type.key)}, ${typeName(type.value)})`
    case 'optional': return `optional_type(${typeName(type.of)})`
    default: return runtimeNames[type.kind] ?? formatType(type)
  }
}
