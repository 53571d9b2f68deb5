/** What a clock on the wall shows in a time zone. */

export interface LocalTime { year: number; month: number; day: number; weekday: number; hour: number; minute: number }

const formats = new Map<string, Intl.DateTimeFormat>()

/** Throws a RangeError for a zone that the machine's time zone data does not have. */
const formatOf = (zone: string): Intl.DateTimeFormat => {
  const found = formats.get(zone) ?? new Intl.DateTimeFormat('en-US', { timeZone: zone, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' })
  formats.set(zone, found)
  return found
}

export const isTimeZone = (zone: string): boolean => {
  try {
    return formatOf(zone) !== undefined
  } catch (error) {
    if (error instanceof RangeError) return false
    throw error
  }
}

/** The wall clock at a moment, as if it were one of UTC, in milliseconds. */
const wallClock = (milliseconds: number, zone: string): Date => {
  if (zone === 'UTC') return new Date(milliseconds)
  const parts = Object.fromEntries(formatOf(zone).formatToParts(milliseconds).map(({ type, value }) => [type, Number(value)]))
  return new Date(Date.UTC(parts['year'] ?? 0, (parts['month'] ?? 1) - 1, parts['day'] ?? 1, parts['hour'] ?? 0, parts['minute'] ?? 0, parts['second'] ?? 0))
}

/** `month` from 1, `weekday` from 0, Sunday. */
export const localTime = (milliseconds: number, zone: string): LocalTime => {
  const wall = wallClock(milliseconds, zone)
  return { year: wall.getUTCFullYear(), month: wall.getUTCMonth() + 1, day: wall.getUTCDate(), weekday: wall.getUTCDay(), hour: wall.getUTCHours(), minute: wall.getUTCMinutes() }
}

/** RFC 3339 with the zone's offset, as Go prints it: `2026-03-08T01:30:00-05:00`, `…Z`. */
export const formatLocal = (milliseconds: number, zone: string): string => {
  const wall = wallClock(milliseconds, zone)
  const minutes = Math.round((wall.getTime() - milliseconds) / 60_000)
  const two = (value: number): string => String(value).padStart(2, '0')
  return `${wall.toISOString().slice(0, 19)}${minutes === 0 ? 'Z' : `${minutes < 0 ? '-' : '+'}${two(Math.floor(Math.abs(minutes) / 60))}:${two(Math.abs(minutes) % 60)}`}`
}

/** The zone of the machine; `UTC` where it says none. */
export const localTimeZone = (): string => new Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC'
