/** Semantic versions. Mirrors `k8s.io/apiserver/pkg/cel/library/semverlib.go` (version 1). */
import { celError } from '../errors.ts'
import { type Overload, overload, overloads } from '../signature.ts'
import { CelOpaque, type CelValue } from '../values.ts'

const name = 'kubernetes.Semver'
const form = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-((?:0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*)(?:\.(?:0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*))*))?(?:\+([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?$/

class CelSemver extends CelOpaque {
  readonly typeName = name
  readonly numbers: readonly bigint[]
  readonly prerelease: readonly string[]
  constructor(numbers: readonly bigint[], prerelease: readonly string[]) {
    super()
    this.numbers = numbers
    this.prerelease = prerelease
  }
  equals(other: CelValue): boolean { return other instanceof CelSemver && compare(this, other) === 0 }
}

const order = <T>(a: T, b: T): number => (a < b ? -1 : a > b ? 1 : 0)

const compareIdentifiers = (a: string | undefined, b: string | undefined): number => {
  if (a === undefined || b === undefined) return a === b ? 0 : a === undefined ? -1 : 1
  const numeric = [/^\d+$/.test(a), /^\d+$/.test(b)]
  if (numeric[0] && numeric[1]) return order(BigInt(a), BigInt(b))
  return numeric[0] === numeric[1] ? order(a, b) : numeric[0] ? -1 : 1
}

const compare = (a: CelSemver, b: CelSemver): number => {
  for (const [index, number] of a.numbers.entries()) {
    const difference = order(number, b.numbers[index] ?? 0n)
    if (difference !== 0) return difference
  }
  if (a.prerelease.length === 0 || b.prerelease.length === 0) return order(b.prerelease.length, a.prerelease.length)
  for (let index = 0; index < Math.max(a.prerelease.length, b.prerelease.length); index += 1) {
    const difference = compareIdentifiers(a.prerelease[index], b.prerelease[index])
    if (difference !== 0) return difference
  }
  return 0
}

/** `v1.2` as 1.2.0, leading zeros dropped, as the library's normalization. */
const normalize = (text: string): string => {
  const [core = '', rest = ''] = /^v?([^-+]*)(.*)$/s.exec(text)?.slice(1) ?? []
  const numbers = core.split('.').map((part) => part.replace(/^0+(?=\d)/, ''))
  return `${[...numbers, '0', '0'].slice(0, Math.max(3, numbers.length)).join('.')}${rest}`
}

const find = (text: string, normalized: boolean): CelSemver | undefined => {
  const match = text.length > 1000 ? null : form.exec(normalized ? normalize(text) : text)
  return match ? new CelSemver([match[1], match[2], match[3]].map((part) => BigInt(part ?? 0)), match[4]?.split('.') ?? []) : undefined
}

const parse = (text: string, normalized: boolean): CelSemver => {
  const version = find(text, normalized)
  if (!version) throw celError(`Semver parse error during conversion from string: ${JSON.stringify(text.slice(0, 100))} is not a semantic version`)
  return version
}

const compared = (a: CelValue | undefined, b: CelValue | undefined): number => (a instanceof CelSemver && b instanceof CelSemver ? compare(a, b) : Number.NaN)
const numberAt = (value: CelValue | undefined, index: number): bigint => (value instanceof CelSemver ? value.numbers[index] ?? 0n : 0n)

export const semverFunctions: readonly Overload[] = [
  ...overloads([`semver(string): ${name}`, `semver(string, bool): ${name}`], ([text, normalized]) => parse(String(text), normalized === true)),
  ...overloads(['isSemver(string): bool', 'isSemver(string, bool): bool'], ([text, normalized]) => find(String(text), normalized === true) !== undefined),
  overload(`(${name}).isLessThan(${name}): bool`, ([a, b]) => compared(a, b) < 0),
  overload(`(${name}).isGreaterThan(${name}): bool`, ([a, b]) => compared(a, b) > 0),
  overload(`(${name}).compareTo(${name}): int`, ([a, b]) => BigInt(compared(a, b))),
  ...['major', 'minor', 'patch'].map((part, index) => overload(`(${name}).${part}(): int`, ([version]) => numberAt(version, index))),
]
