/** Values of a configuration's fields, each refused by the name of its field. Pure. */
import { parseDuration } from '../../api/duration.ts'

export type Fields = Readonly<Record<string, unknown>>
export type Fail = (field: string, why: string) => never

export const isMap = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value)

export const mapOf = (fields: Fields, field: string, fail: Fail): Record<string, string> => {
  const value = fields[field] ?? {}
  if (!isMap(value)) return fail(field, 'must be a map')
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, typeof each === 'string' || typeof each === 'number' ? String(each) : fail(`${field}[${name}]`, 'must be a text')]))
}

export const millisecondsOf = (text: unknown, field: string, fail: Fail): number => {
  const milliseconds = typeof text === 'string' ? parseDuration(text) : undefined
  return milliseconds === undefined || milliseconds < 0 ? fail(field, 'must be a duration like 30s') : milliseconds
}

export const wholeOf = (value: unknown, field: string, fail: Fail): number => (Number.isInteger(value) ? (value as number) : fail(field, 'must be a whole number'))

export const textOf = (value: unknown, field: string, fail: Fail): string => (typeof value === 'string' ? value : fail(field, 'must be a text'))

export const textsOf = (value: unknown, field: string, fail: Fail): string[] =>
  (Array.isArray(value) && value.every((each): each is string => typeof each === 'string') ? value : fail(field, 'must be a list of texts'))

/** `0-1,4`: numbers, in order, each once. */
export const cpusOf = (value: unknown, field: string, fail: Fail): number[] => {
  const numbers = textOf(value, field, fail).split(',').flatMap((part) => {
    const [, first, last] = /^(\d{1,4})(?:-(\d{1,4}))?$/.exec(part.trim()) ?? fail(field, 'must be a list of CPUs like 0-1,4')
    const [from, to] = [Number(first), Number(last ?? first)]
    return to < from ? fail(field, 'must be a list of CPUs like 0-1,4') : Array.from({ length: to - from + 1 }, (_, index) => from + index)
  })
  return [...new Set(numbers)].sort((left, right) => left - right)
}
