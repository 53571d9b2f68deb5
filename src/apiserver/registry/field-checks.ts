/** Small checks that validations are put together from; each returns what is wrong, in upstream's words. Mirrors apimachinery's `pkg/api/validation`. */
import { semanticEqual } from '../../api/equal.ts'
import { isDns1123Label, isDns1123Subdomain, isPercent, isQualifiedName } from '../../api/names.ts'
import { fieldError, type FieldError } from '../../api/status.ts'

export const maxInt32 = 2 ** 31 - 1
export const negativeMessage = 'must be greater than or equal to 0'
export const notPositiveMessage = 'must be greater than zero'
export const immutableMessage = 'field is immutable'

/** One Invalid for each message. */
export const invalids = (path: string, value: unknown, messages: readonly string[]): FieldError[] => messages.map((message) => fieldError.invalid(path, value, message))

export const checkDnsLabel = (path: string, value: string): FieldError[] => invalids(path, value, isDns1123Label(value))
export const checkDnsSubdomain = (path: string, value: string): FieldError[] => invalids(path, value, isDns1123Subdomain(value))
export const checkQualifiedName = (path: string, value: string): FieldError[] => invalids(path, value, isQualifiedName(value))

export const checkNonNegative = (path: string, value: number | undefined): FieldError[] => (value !== undefined && value < 0 ? [fieldError.invalid(path, value, negativeMessage)] : [])

/** Required when empty, refused when not one of `supported`. */
export const checkOneOf = (path: string, value: string | undefined, supported: readonly string[]): FieldError[] => {
  if (!value) return [fieldError.required(path)]
  return supported.includes(value) ? [] : [fieldError.notSupported(path, value, supported)]
}

/** As checkOneOf, but the field may be left out. */
export const checkOptionalOneOf = (path: string, value: string | undefined, supported: readonly string[]): FieldError[] =>
  (value === undefined || supported.includes(value) ? [] : [fieldError.notSupported(path, value, supported)])

export const checkImmutable = (path: string, next: unknown, old: unknown): FieldError[] => (semanticEqual(next, old) ? [] : [fieldError.invalid(path, next ?? null, immutableMessage)])

/** A whole number that is not negative, or a percentage. */
export const checkIntOrPercent = (path: string, value: number | string): FieldError[] => (typeof value === 'string' ? invalids(path, value, isPercent(value)) : checkNonNegative(path, value))

/** The number in `5` or `5%`. */
export const intOrPercentValue = (value: number | string | undefined): number => (typeof value === 'string' ? Number.parseInt(value, 10) || 0 : value ?? 0)

export const checkAtMost100Percent = (path: string, value: number | string): FieldError[] =>
  (typeof value === 'string' && isPercent(value).length === 0 && intOrPercentValue(value) > 100 ? [fieldError.invalid(path, value, 'must not be greater than 100%')] : [])

/** A check for each item of a list, given its path: `spec.ports[2]`. */
export const checkEach = <T>(path: string, items: readonly T[] | undefined, check: (item: T, path: string, index: number) => FieldError[]): FieldError[] =>
  (items ?? []).flatMap((item, index) => check(item, `${path}[${index}]`, index))

/** Items that stand in a list for a second time are told with Duplicate. */
export const checkUnique = <T>(path: string, items: readonly T[] | undefined, keyOf: (item: T) => { key: string; path?: string; value?: unknown } | undefined): FieldError[] => {
  const seen = new Set<string>()
  return checkEach(path, items, (item, itemPath) => {
    const found = keyOf(item)
    if (!found) return []
    if (seen.has(found.key)) return [fieldError.duplicate(`${itemPath}${found.path ?? ''}`, found.value ?? found.key)]
    seen.add(found.key)
    return []
  })
}
