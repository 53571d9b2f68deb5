/** Timestamps (RFC 3339) and durations (Go's `1h30m`) from and to text, in nanoseconds. */

const second = 1_000_000_000n
const units: Readonly<Record<string, bigint>> = { h: 3600n * second, m: 60n * second, s: second, ms: 1_000_000n, us: 1000n, 'µs': 1000n, 'μs': 1000n, ns: 1n }
const durationPart = /(\d*)(?:\.(\d*))?(h|ms|m|s|us|µs|μs|ns)/y
const maxNanoseconds = 2n ** 63n - 1n

/** Undefined where the text is none, or too long for 64 bits of nanoseconds. */
export const parseDuration = (text: string): bigint | undefined => {
  const body = text.replace(/^[+-]/, '')
  if (body === '0') return 0n
  if (body === '' || body.length > 200) return undefined
  let total = 0n
  for (let at = 0; at < body.length;) {
    durationPart.lastIndex = at
    const match = durationPart.exec(body)
    const [whole, digits = '', fraction = '', unit = ''] = match ?? []
    if (whole === undefined || digits + fraction === '') return undefined
    const size = units[unit] ?? 0n
    total += BigInt(digits || '0') * size + (BigInt(fraction || '0') * size) / 10n ** BigInt(fraction.length)
    at += whole.length
  }
  if (total > maxNanoseconds) return undefined
  return text.startsWith('-') ? -total : total
}

/** As cel-go prints durations: seconds, with as much of a fraction as there is. */
export const formatDuration = (nanoseconds: bigint): string => {
  const size = nanoseconds < 0n ? -nanoseconds : nanoseconds
  const fraction = (size % second).toString().padStart(9, '0').replace(/0+$/, '')
  return `${nanoseconds < 0n ? '-' : ''}${size / second}${fraction === '' ? '' : `.${fraction}`}s`
}

const timestampForm = /^(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(?:[.,](\d{1,9})\d*)?(?:[Zz]|([+-])(\d{2}):(\d{2}))$/
export const minTimestamp = -62_135_596_800n * second
export const maxTimestamp = 253_402_300_799n * second + 999_999_999n

/** Nanoseconds since 1970; undefined where the text is no RFC 3339 moment. */
export const parseTimestamp = (text: string): bigint | undefined => {
  const match = text.length > 100 ? null : timestampForm.exec(text)
  if (!match) return undefined
  const [year = 0, month = 0, day = 0, hours = 0, minutes = 0, seconds = 0] = match.slice(1, 7).map(Number)
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  date.setUTCHours(hours, minutes, seconds)
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day || hours > 23 || minutes > 59 || seconds > 59) return undefined
  const [, , , , , , , fraction = '', sign, zoneHours = '0', zoneMinutes = '0'] = match
  const offset = BigInt(Number(zoneHours) * 3600 + Number(zoneMinutes) * 60) * (sign === '-' ? -1n : 1n)
  const nanoseconds = BigInt(date.getTime()) * 1_000_000n + BigInt(fraction.padEnd(9, '0')) - offset * second
  return nanoseconds < minTimestamp || nanoseconds > maxTimestamp ? undefined : nanoseconds
}

const floorDivide = (value: bigint, divisor: bigint): bigint => (value < 0n && value % divisor !== 0n ? value / divisor - 1n : value / divisor)

/** The millisecond that the moment lies in. */
export const toMilliseconds = (nanoseconds: bigint): number => Number(floorDivide(nanoseconds, 1_000_000n))

export const formatTimestamp = (nanoseconds: bigint): string => {
  const seconds = floorDivide(nanoseconds, second)
  const fraction = (nanoseconds - seconds * second).toString().padStart(9, '0').replace(/0+$/, '')
  return `${new Date(Number(seconds) * 1000).toISOString().slice(0, 19)}${fraction === '' ? '' : `.${fraction}`}Z`
}
