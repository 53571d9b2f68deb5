/**
 * Cron schedules as upstream reads them: robfig/cron's ParseStandard and SpecSchedule.Next. (The package croner differs: it refuses `5/15` and `@every`,
 * takes six fields, and moves what falls into the gap of a time change, where upstream leaves it out.)
 */
import { parseDuration } from '../../api/duration.ts'
import { isTimeZone, type LocalTime, localTime } from './local-time.ts'

export interface Schedule {
  /** The first moment after this one, in milliseconds of the epoch; undefined when there is none within five years. */
  next(after: number): number | undefined
}

/** Thrown by `parseSchedule`. */
export class ScheduleError extends Error {
  override readonly name = 'ScheduleError'
}

interface Field { values: ReadonlySet<number>; /** `*` without a step: says nothing about the day. */ open: boolean }
interface Bounds { min: number; max: number; names?: readonly string[] }

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const weekdays = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']
const bounds: readonly Bounds[] = [{ min: 0, max: 59 }, { min: 0, max: 23 }, { min: 1, max: 31 }, { min: 1, max: 12, names: months }, { min: 0, max: 6, names: weekdays }]
const descriptors: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *', '@annually': '0 0 1 1 *', '@monthly': '0 0 1 * *', '@weekly': '0 0 * * 0', '@daily': '0 0 * * *', '@midnight': '0 0 * * *', '@hourly': '0 * * * *',
}

const minute = 60_000
const hour = 60 * minute
const fiveYears = 5 * 366 * 24 * hour

const parseNumber = (text: string, { min, names = [] }: Bounds): number => {
  const named = names.indexOf(text.toLowerCase())
  if (named >= 0) return named + min
  if (!/^\d+$/.test(text)) throw new ScheduleError(`failed to parse int from ${text}`)
  return Number(text)
}

const parseRange = (expression: string, of: Bounds): Field => {
  const [range = '', step, ...more] = expression.split('/')
  const [low = '', high, ...others] = range.split('-')
  if (more.length > 0 || others.length > 0) throw new ScheduleError(`too many ${more.length > 0 ? 'slashes' : 'hyphens'}: ${expression}`)
  const open = low === '*' || low === '?'
  const start = open ? of.min : parseNumber(low, of)
  const end = open || (step !== undefined && high === undefined) ? of.max : high === undefined ? start : parseNumber(high, of)
  const by = step === undefined ? 1 : parseNumber(step, { min: 0, max: 0 })
  if (start < of.min || end > of.max || start > end || by === 0) throw new ScheduleError(`not within ${of.min}-${of.max}: ${expression}`)
  return { open: open && by === 1, values: new Set(Array.from({ length: Math.floor((end - start) / by) + 1 }, (_, index) => start + index * by)) }
}

const parseField = (text: string, of: Bounds): Field => {
  const ranges = text.split(',').filter((each) => each !== '').map((each) => parseRange(each, of))
  return { open: ranges.some(({ open }) => open), values: ranges.reduce((all, { values }) => all.union(values), new Set<number>()) }
}

interface Fields { minutes: Field; hours: Field; days: Field; months: Field; weekdays: Field }

/** When both the day of the month and that of the week are given, one of them suffices. */
const isDay = ({ days, weekdays: week }: Fields, at: LocalTime): boolean => {
  const [byDay, byWeek] = [days.values.has(at.day), week.values.has(at.weekday)]
  return days.open || week.open ? byDay && byWeek : byDay || byWeek
}

/** The first moment of the next local day, wherever the clock is moved. */
const nextDay = (at: number, zone: string): number => {
  const { day, hour: hours, minute: minutes } = localTime(at, zone)
  const guess = at + 24 * hour - hours * hour - minutes * minute
  const landed = localTime(guess, zone)
  if (landed.day === day || (landed.hour === 0 && landed.minute === 0)) return guess // a day of 25 hours: the next round goes on
  const back = guess - landed.hour * hour - landed.minute * minute
  return localTime(back, zone).day === landed.day ? back : guess
}

const nextOf = (fields: Fields, zone: string, after: number): number | undefined => {
  let at = Math.floor(after / minute) * minute + minute
  while (at - after < fiveYears) {
    const local = localTime(at, zone)
    if (!fields.months.values.has(local.month) || !isDay(fields, local)) at = nextDay(at, zone)
    else if (!fields.hours.values.has(local.hour)) at += hour - local.minute * minute
    else if (!fields.minutes.values.has(local.minute)) at += minute
    else return at
  }
  return undefined
}

const every = (text: string): Schedule => {
  const duration = parseDuration(text)
  if (duration === undefined) throw new ScheduleError(`failed to parse duration @every ${text}`)
  const seconds = Math.max(1, Math.floor(duration / 1000))
  return { next: (after) => Math.floor(after / 1000 + seconds) * 1000 }
}

/** `zone`: an IANA name; `TZ=` or `CRON_TZ=` before the schedule goes before it. Throws ScheduleError. */
export const parseSchedule = (schedule: string, zone: string): Schedule => {
  const [, own, rest] = /^(?:CRON_)?TZ=(\S*)\s+(.*)$/s.exec(schedule) ?? []
  const in_ = own || zone
  if (!isTimeZone(in_)) throw new ScheduleError(`provided bad location ${in_}: unknown time zone ${in_}`)
  const text = (rest ?? schedule).trim()
  if (text.startsWith('@every ')) return every(text.slice('@every '.length))
  const parts = (Object.hasOwn(descriptors, text) ? descriptors[text] ?? '' : text).split(/\s+/)
  if (parts.length !== bounds.length) throw new ScheduleError(`expected exactly ${bounds.length} fields, found ${parts.length}: ${text}`)
  const [minutes, hours, days, monthsOf, weekdaysOf] = bounds.map((of, index) => parseField(parts[index] ?? '', of)) as [Field, Field, Field, Field, Field]
  const fields: Fields = { minutes, hours, days, months: monthsOf, weekdays: weekdaysOf }
  return { next: (after) => nextOf(fields, in_, after) }
}
