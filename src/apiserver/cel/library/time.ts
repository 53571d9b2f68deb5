/** Parts of timestamps and durations, and counting with them. Mirrors cel-go's `common/types/timestamp.go` and `duration.go`. */
import { celError } from '../errors.ts'
import { type Overload, overload } from '../signature.ts'
import { CelDuration, CelTimestamp, type CelValue } from '../values.ts'
import { maxTimestamp, minTimestamp, toMilliseconds } from './time-text.ts'

const fixedZone = /^([+-]?)(\d{2}):(\d{2})$/

/** The moment's local time in a zone, told as if it were UTC. */
const localDate = (nanoseconds: bigint, zone: string): Date => {
  const milliseconds = toMilliseconds(nanoseconds)
  if (zone === '' || zone === 'UTC') return new Date(milliseconds)
  const fixed = fixedZone.exec(zone)
  if (fixed) return new Date(milliseconds + (Number(fixed[2]) * 60 + Number(fixed[3])) * 60_000 * (fixed[1] === '-' ? -1 : 1))
  let parts: Intl.DateTimeFormatPart[]
  try {
    parts = new Intl.DateTimeFormat('en-US', { timeZone: zone, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' }).formatToParts(milliseconds)
  } catch {
    throw celError(`unknown time zone ${zone}`)
  }
  const part = (type: string): number => Number(parts.find((each) => each.type === type)?.value ?? 0)
  return new Date(Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'), part('second'), ((milliseconds % 1000) + 1000) % 1000))
}

const dayOfYear = (date: Date): number => Math.floor((date.getTime() - Date.UTC(date.getUTCFullYear(), 0, 1)) / 86_400_000)

const getters: Readonly<Record<string, (date: Date) => number>> = {
  getFullYear: (date) => date.getUTCFullYear(), getMonth: (date) => date.getUTCMonth(), getDayOfYear: dayOfYear, getDayOfMonth: (date) => date.getUTCDate() - 1, getDate: (date) => date.getUTCDate(),
  getDayOfWeek: (date) => date.getUTCDay(), getHours: (date) => date.getUTCHours(), getMinutes: (date) => date.getUTCMinutes(), getSeconds: (date) => date.getUTCSeconds(), getMilliseconds: (date) => date.getUTCMilliseconds(),
}

const nanosecondsOf = (value: CelValue | undefined): bigint => (value instanceof CelTimestamp || value instanceof CelDuration ? value.nanoseconds : 0n)

export const makeTimestamp = (nanoseconds: bigint): CelTimestamp => {
  if (nanoseconds < minTimestamp || nanoseconds > maxTimestamp) throw celError('timestamp overflow')
  return new CelTimestamp(nanoseconds)
}

export const makeDuration = (nanoseconds: bigint): CelDuration => {
  if (BigInt.asIntN(64, nanoseconds) !== nanoseconds) throw celError('duration overflow')
  return new CelDuration(nanoseconds)
}

/** a + b and a - b, where one of them is a moment or a span; undefined where neither is. */
export const addTimes = (a: CelValue, b: CelValue): CelValue | undefined => {
  const sum = nanosecondsOf(a) + nanosecondsOf(b)
  if (a instanceof CelDuration && b instanceof CelDuration) return makeDuration(sum)
  if ((a instanceof CelTimestamp && b instanceof CelDuration) || (a instanceof CelDuration && b instanceof CelTimestamp)) return makeTimestamp(sum)
  return undefined
}
export const subtractTimes = (a: CelValue, b: CelValue): CelValue | undefined => {
  const difference = nanosecondsOf(a) - nanosecondsOf(b)
  if (a instanceof CelTimestamp && b instanceof CelDuration) return makeTimestamp(difference)
  if ((a instanceof CelTimestamp && b instanceof CelTimestamp) || (a instanceof CelDuration && b instanceof CelDuration)) return makeDuration(difference)
  return undefined
}

const durationUnits: Readonly<Record<string, bigint>> = { getHours: 3_600_000_000_000n, getMinutes: 60_000_000_000n, getSeconds: 1_000_000_000n }

export const timeFunctions: readonly Overload[] = [
  ...Object.entries(getters).flatMap(([name, get]) => [
    overload(`timestamp.${name}(): int`, ([moment]) => BigInt(get(localDate(nanosecondsOf(moment), '')))),
    overload(`timestamp.${name}(string): int`, ([moment, zone]) => BigInt(get(localDate(nanosecondsOf(moment), String(zone))))),
  ]),
  ...Object.entries(durationUnits).map(([name, unit]) => overload(`duration.${name}(): int`, ([span]) => nanosecondsOf(span) / unit)),
  overload('duration.getMilliseconds(): int', ([span]) => (nanosecondsOf(span) % 1_000_000_000n) / 1_000_000n),
]
