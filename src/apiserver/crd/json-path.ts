/**
 * The JSONPath that printer columns use: fields, indexes, slices, wildcards, descent and filters, as client-go's `util/jsonpath` reads them between braces.
 * A path is parsed once; looking something up costs what is looked at.
 */
import type { JsonValue } from '../../api/meta.ts'
import { isObject } from './schema/structural.ts'

/** What a path cannot be read for. */
export class JsonPathError extends Error {
  override readonly name = 'JsonPathError'
}

type Step = (values: readonly JsonValue[]) => JsonValue[]
export type JsonPath = (value: JsonValue) => JsonValue[]

const maxValues = 10_000

const field = (name: string): Step => (values) => values.flatMap((value) => (isObject(value) && Object.hasOwn(value, name) ? [value[name] ?? null] : []))
const members = (value: JsonValue): JsonValue[] => (Array.isArray(value) ? value : isObject(value) ? Object.keys(value).map((key) => value[key] ?? null) : [])
const everything: Step = (values) => values.flatMap(members)
const descend: Step = (values) => {
  const found: JsonValue[] = []
  const visit = (value: JsonValue): void => {
    if (found.length >= maxValues) return
    found.push(value)
    for (const member of members(value)) if (typeof member === 'object' && member !== null) visit(member)
  }
  values.forEach(visit)
  return found
}

const index = (at: number): Step => (values) => values.flatMap((value) => { const item = Array.isArray(value) ? value.at(at) : undefined; return item === undefined ? [] : [item] })
const slice = (start: number | undefined, end: number | undefined, step: number): Step => (values) =>
  values.flatMap((value) => (Array.isArray(value) ? value.slice(start, end).filter((_, position) => position % step === 0) : []))
const union = (steps: readonly Step[]): Step => (values) => values.flatMap((value) => steps.flatMap((step) => step([value])))

type Operand = (value: JsonValue) => JsonValue | undefined
const operators: Readonly<Record<string, (left: JsonValue, right: JsonValue) => boolean>> = {
  '==': (left, right) => left === right, '!=': (left, right) => left !== right,
  '<': (left, right) => left !== null && right !== null && left < right, '<=': (left, right) => left !== null && right !== null && left <= right,
  '>': (left, right) => left !== null && right !== null && left > right, '>=': (left, right) => left !== null && right !== null && left >= right,
}

class Parser {
  readonly #text: string
  #at = 0
  constructor(text: string) { this.#text = text }

  get #rest(): string { return this.#text.slice(this.#at) }
  #fail(why: string): never { throw new JsonPathError(`${why} at ${JSON.stringify(this.#rest)}`) }
  #take(pattern: RegExp): string | undefined {
    const [found] = pattern.exec(this.#rest) ?? []
    if (found !== undefined) this.#at += found.length
    return found
  }

  /** Steps until the end, or until something that `stop` knows. */
  steps(stop: (rest: string) => boolean): Step[] {
    const steps: Step[] = []
    if (this.#take(/^[$@]/) === undefined && !/^[.[]/.test(this.#rest)) this.#fail('unrecognized path')
    while (this.#at < this.#text.length && !stop(this.#rest)) steps.push(...this.#step())
    return steps
  }

  #step(): Step[] {
    if (this.#take(/^\.\./) !== undefined) return [descend, ...(this.#rest.startsWith('[') ? [] : [this.#name()])]
    if (this.#take(/^\./) !== undefined) return this.#rest === '' || this.#rest.startsWith('[') ? [] : [this.#name()]
    if (this.#take(/^\[/) !== undefined) return [this.#bracket()]
    return this.#fail('unterminated path')
  }

  #name(): Step {
    const name = this.#take(/^(?:\\.|[^\s.[\]()=<>!|&,\\])+/)
    if (name === undefined) return this.#fail('a field name is missing')
    return name === '*' ? everything : field(name.replaceAll(/\\(.)/g, '$1'))
  }

  #quoted(): string | undefined {
    const text = this.#take(/^\s*(?:'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")\s*/)?.trim()
    return text?.slice(1, -1).replaceAll(/\\(.)/g, '$1')
  }

  #bracket(): Step {
    if (this.#take(/^\?\(/) !== undefined) return this.#filter()
    const steps: Step[] = []
    do steps.push(this.#selector())
    while (this.#take(/^,/) !== undefined)
    if (this.#take(/^\]/) === undefined) this.#fail('unterminated array')
    return steps.length === 1 ? (steps[0] as Step) : union(steps)
  }

  #selector(): Step {
    const name = this.#quoted()
    if (name !== undefined) return field(name)
    if (this.#take(/^\s*\*\s*/) !== undefined) return everything
    const text = this.#take(/^\s*-?\d*(?:\s*:\s*-?\d*){0,2}\s*/)?.replaceAll(/\s/g, '') ?? ''
    if (/^-?\d+$/.test(text)) return index(Number(text))
    if (!text.includes(':')) this.#fail('invalid array index')
    const [start = '', end = '', step = ''] = text.split(':')
    const number = (part: string): number | undefined => (part === '' ? undefined : Number(part))
    if (step !== '' && Number(step) <= 0) this.#fail('step must be > 0')
    return slice(number(start), number(end), number(step) ?? 1)
  }

  #operand(): Operand {
    const text = this.#quoted()
    if (text !== undefined) return () => text
    const literal = this.#take(/^\s*(?:true|false|null|-?\d+(?:\.\d+)?)\s*/)?.trim()
    if (literal !== undefined) { const value = JSON.parse(literal) as JsonValue; return () => value }
    this.#take(/^\s+/)
    const path = run(this.steps((rest) => /^(?:\s|\)|==|!=|<|>)/.test(rest)))
    return (value) => path(value)[0]
  }

  #filter(): Step {
    const left = this.#operand()
    const operator = this.#take(/^\s*(?:==|!=|<=|>=|<|>)\s*/)?.trim()
    const right = operator === undefined ? undefined : this.#operand()
    if (this.#take(/^\s*\)\]/) === undefined) this.#fail('unterminated filter')
    const holds = (item: JsonValue): boolean => {
      const value = left(item)
      if (operator === undefined || right === undefined) return value !== undefined
      const other = right(item)
      return value !== undefined && other !== undefined && operators[operator]?.(value, other) === true
    }
    return (values) => values.flatMap((value) => members(value).filter(holds))
  }
}

const run = (steps: readonly Step[]): JsonPath => (value) => steps.reduce<JsonValue[]>((values, step) => (values.length > maxValues ? values.slice(0, maxValues) : step(values)), [value])

/** `.status.conditions[?(@.type=="Ready")].status` as a function; what is missing is no result. Throws JsonPathError. */
export const parseJsonPath = (text: string): JsonPath => run(new Parser(text).steps(() => false))

/** A plain path of field names (`.spec.replicas`), as scale and selectable fields have it; undefined for anything else. */
export const simplePath = (text: string): string[] | undefined => {
  if (!text.startsWith('.')) return undefined
  const names = text.slice(1).match(/(?:\['(?:\\.|[^'])*'\]|(?:\\.|[^.[\\])+)/g) ?? []
  return names.map((name) => (name.startsWith("['") ? name.slice(2, -2) : name).replaceAll(/\\(.)/g, '$1'))
}
