/** The keyed data of ConfigMaps and Secrets. */
import { isConfigMapKey } from '../../../api/names.ts'
import { fieldError, type FieldError } from '../../../api/status.ts'
import { deepEqual } from '../../../api/equal.ts'
import { invalids } from '../field-checks.ts'

export type DataMap = Readonly<Record<string, string>>

export const maxDataBytes = 1024 * 1024

export const checkKeys = (path: string, data: DataMap | undefined): FieldError[] => Object.keys(data ?? {}).flatMap((key) => invalids(`${path}[${key}]`, key, isConfigMapKey(key)))

export const base64Bytes = (data: DataMap | undefined): number => Object.values(data ?? {}).reduce((sum, value) => sum + Buffer.byteLength(value, 'base64'), 0)

const frozen = 'field is immutable when `immutable` is set'

/** What is marked immutable keeps its data and the mark. */
export const checkKept = <K extends string>(next: { immutable?: boolean | undefined } & Partial<Record<K, DataMap | undefined>>, old: typeof next, fields: readonly K[]): FieldError[] => {
  if (!old.immutable) return []
  return [
    ...(next.immutable ? [] : [fieldError.forbidden('immutable', frozen)]),
    ...fields.filter((field) => !deepEqual(next[field] ?? {}, old[field] ?? {})).map((field) => fieldError.forbidden(field, frozen)),
  ]
}
