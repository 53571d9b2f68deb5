/** JSON values as Go's fmt prints what encoding/json has made of them (`%+v`): `map[spec:map[replicas:x]]`. Pure. */
import type { JsonValue } from './meta.ts'

const byBytes = (left: string, right: string): number => Buffer.compare(Buffer.from(left), Buffer.from(right))

/** Floating point numbers as Go's %v: with an exponent below 1e-4 and from 1e21 on. */
const number = (value: number): string => {
  if (Number.isInteger(value) && Math.abs(value) < 1e21) return String(value)
  const size = Math.abs(value)
  if (size >= 1e-4 && size < 1e21) return String(value)
  return value.toExponential().replace(/e([+-])(\d)$/, 'e$10$2')
}

export const goText = (value: JsonValue | undefined): string => {
  if (value === null || value === undefined) return '<nil>'
  if (Array.isArray(value)) return `[${value.map(goText).join(' ')}]`
  if (typeof value === 'object') return `map[${Object.keys(value).sort(byBytes).map((key) => `${key}:${goText(value[key])}`).join(' ')}]`
  return typeof value === 'number' ? number(value) : String(value)
}
