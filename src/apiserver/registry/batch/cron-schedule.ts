/** What is wrong with a cron schedule, in the words of robfig/cron's ParseStandard, which upstream's validation passes on. */

interface Bounds { min: number; max: number; names?: Readonly<Record<string, number>> }

const numbered = (names: string, first: number): Record<string, number> => Object.fromEntries(names.split(' ').map((name, index) => [name, first + index]))

const fields: readonly Bounds[] = [
  { min: 0, max: 59 }, { min: 0, max: 23 }, { min: 1, max: 31 },
  { min: 1, max: 12, names: numbered('jan feb mar apr may jun jul aug sep oct nov dec', 1) },
  { min: 0, max: 6, names: numbered('sun mon tue wed thu fri sat', 0) },
]
const descriptors = ['@yearly', '@annually', '@monthly', '@weekly', '@daily', '@midnight', '@hourly']
const every = '@every '
const goDuration = /^[+-]?(?:0|(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+)$/

class ScheduleError extends Error {}

const parseNumber = (text: string, expression: string, names?: Bounds['names']): number => {
  const named = names && Object.hasOwn(names, text.toLowerCase()) ? names[text.toLowerCase()] : undefined
  if (named !== undefined) return named
  if (!/^[+-]?\d+$/.test(text)) throw new ScheduleError(`failed to parse int from ${text}: strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`)
  const number = Number(text)
  if (number < 0) throw new ScheduleError(`negative number (${number}) not allowed: ${expression}`)
  return number
}

const rangeOf = (range: string, expression: string, { min, max, names }: Bounds): { start: number; end: number; single: boolean } => {
  const ends = range.split('-')
  const [low = '', high = ''] = ends
  if (low === '*' || low === '?') return { start: min, end: max, single: false }
  const start = parseNumber(low, expression, names)
  if (ends.length > 2) throw new ScheduleError(`too many hyphens: ${expression}`)
  return { start, end: ends.length === 2 ? parseNumber(high, expression, names) : start, single: ends.length === 1 }
}

const checkExpression = (expression: string, bounds: Bounds): void => {
  const parts = expression.split('/')
  const [range = '', stepText = ''] = parts
  const { start, end: given, single } = rangeOf(range, expression, bounds)
  if (parts.length > 2) throw new ScheduleError(`too many slashes: ${expression}`)
  const step = parts.length === 2 ? parseNumber(stepText, expression) : 1
  // `5/15` means from 5 on.
  const end = parts.length === 2 && single ? bounds.max : given
  if (start < bounds.min) throw new ScheduleError(`beginning of range (${start}) below minimum (${bounds.min}): ${expression}`)
  if (end > bounds.max) throw new ScheduleError(`end of range (${end}) above maximum (${bounds.max}): ${expression}`)
  if (start > end) throw new ScheduleError(`beginning of range (${start}) beyond end of range (${end}): ${expression}`)
  if (step === 0) throw new ScheduleError(`step of range should be a positive number: ${expression}`)
}

const isTimeZone = (name: string): boolean => {
  try {
    return name === '' || name === 'Local' || Intl.DateTimeFormat('en', { timeZone: name }) !== undefined
  } catch (error) {
    if (error instanceof RangeError) return false
    throw error
  }
}

const checkDescriptor = (text: string): void => {
  if (descriptors.includes(text)) return
  if (!text.startsWith(every)) throw new ScheduleError(`unrecognized descriptor: ${text}`)
  const duration = text.slice(every.length)
  if (!goDuration.test(duration)) throw new ScheduleError(`failed to parse duration ${text}: time: invalid duration ${JSON.stringify(duration)}`)
}

const check = (schedule: string): void => {
  if (schedule === '') throw new ScheduleError('empty spec string')
  const zone = /^(?:TZ|CRON_TZ)=([^ ]*)( ?.*)$/s.exec(schedule)
  if (zone && !isTimeZone(zone[1] ?? '')) throw new ScheduleError(`provided bad location ${zone[1] ?? ''}: unknown time zone ${zone[1] ?? ''}`)
  const text = (zone ? zone[2] ?? '' : schedule).trim()
  if (text.startsWith('@')) return checkDescriptor(text)
  const given = text.split(/\s+/).filter((each) => each !== '')
  if (given.length !== fields.length) throw new ScheduleError(`expected exactly ${fields.length} fields, found ${given.length}: [${given.join(' ')}]`)
  fields.forEach((bounds, index) => given[index]?.split(',').filter((each) => each !== '').forEach((expression) => checkExpression(expression, bounds)))
}

/** Undefined for a schedule that is well-formed. */
export const scheduleError = (schedule: string): string | undefined => {
  try {
    check(schedule)
    return undefined
  } catch (error) {
    if (error instanceof ScheduleError) return error.message
    throw error
  }
}

/** Whether the machine's time zone data has a zone of this name. */
export const isKnownTimeZone = (name: string): boolean => name !== '' && isTimeZone(name)
