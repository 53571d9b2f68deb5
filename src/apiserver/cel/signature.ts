/** Signatures of functions as text: `string.charAt(int): string`, `list<A>.join(string): string`, `_+_(int, int): int`. */
import * as t from './types.ts'
import type { CelType } from './types.ts'
import type { CelValue } from './values.ts'

/** Charges the budget for work beyond what the arguments' sizes tell. */
export interface CallContext { charge(cost: number): void }

export type Implementation = (args: readonly CelValue[], context: CallContext) => CelValue

export interface Overload {
  name: string
  /** Whether the first parameter stands before the dot. */
  member: boolean
  params: readonly CelType[]
  result: CelType
  call: Implementation
}

const simple: Readonly<Record<string, CelType>> = {
  dyn: t.dyn, null: t.nullType, bool: t.bool, int: t.int, uint: t.uint, double: t.double, string: t.string, bytes: t.bytes, timestamp: t.timestamp, duration: t.duration,
}

/** Splits at commas that stand in no angle brackets. */
const splitTypes = (text: string): string[] => {
  const parts: string[] = []
  let depth = 0
  let start = 0
  for (const [index, letter] of [...text].entries()) {
    if (letter === '<') depth += 1
    else if (letter === '>') depth -= 1
    else if (letter === ',' && depth === 0) {
      parts.push(text.slice(start, index))
      start = index + 1
    }
  }
  return [...parts, text.slice(start)].map((part) => part.trim()).filter((part) => part !== '')
}

export const parseType = (text: string): CelType => {
  if (Object.hasOwn(simple, text)) return simple[text] ?? t.dyn
  if (/^[A-Z]$/.test(text)) return { kind: 'param', name: text }
  const [, name, inner] = /^(list|map|optional|type)<(.*)>$/.exec(text) ?? []
  if (inner === undefined) return t.opaque(text)
  const [first = t.dyn, second = t.dyn] = splitTypes(inner).map(parseType)
  switch (name) {
    case 'list': return t.listOf(first)
    case 'map': return t.mapOf(first, second)
    case 'optional': return t.optionalOf(first)
    default: return t.typeOf(first)
  }
}

/** Names of functions with a namespace (`sets.contains`) are told from members by their receiver, which must be written as `<type>` with a name or be one of the simple types. */
export const overload = (signature: string, call: Implementation): Overload => {
  const open = signature.indexOf('(', signature.startsWith('(') ? signature.indexOf(')') : 0)
  const close = signature.lastIndexOf('):')
  const head = signature.slice(0, open)
  const [, receiver, name = head] = /^\((.+)\)\.(\w+)$/.exec(head) ?? /^((?:list|map|optional|type)<.+>|[a-z]+)\.(\w+)$/.exec(head) ?? []
  const member = receiver !== undefined && !namespaces.has(receiver)
  const params = splitTypes(signature.slice(open + 1, close)).map(parseType)
  return { name: member ? name : head, member, params: member ? [parseType(receiver), ...params] : params, result: parseType(signature.slice(close + 2).trim()), call }
}

const namespaces: ReadonlySet<string> = new Set(['optional', 'sets', 'strings', 'jsonpatch', 'format', 'ip', 'cidr', 'math'])

/** One implementation for several signatures. */
export const overloads = (signatures: readonly string[], call: Implementation): Overload[] => signatures.map((signature) => overload(signature, call))
