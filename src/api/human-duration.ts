/** Durations as kubectl prints ages: the two most telling units, the smaller one left out once it stops mattering. Mirrors apimachinery's `pkg/util/duration`. */

const minute = 60
const hour = 60 * minute
const day = 24 * hour
const year = 365 * day

/** One unit, and the next smaller one unless it is zero: `2m30s`, `3h`. */
const twoUnits = (seconds: number, large: [size: number, unit: string], small: [size: number, unit: string]): string => {
  const rest = Math.floor((seconds % large[0]) / small[0])
  return `${Math.floor(seconds / large[0])}${large[1]}${rest === 0 ? '' : `${rest}${small[1]}`}`
}

/** `milliseconds` as an age: `45s`, `2m5s`, `17m`, `3h20m`, `12h`, `3d4h`, `90d`, `2y35d`, `9y`. A time up to two seconds ahead is forgiven as clock skew; further ahead is `<invalid>`. */
export const humanDuration = (milliseconds: number): string => {
  const seconds = Math.trunc(milliseconds / 1000)
  if (seconds < -1) return '<invalid>'
  if (seconds < 0) return '0s'
  if (seconds < 2 * minute) return `${seconds}s`
  if (seconds < 10 * minute) return twoUnits(seconds, [minute, 'm'], [1, 's'])
  if (seconds < 3 * hour) return `${Math.floor(seconds / minute)}m`
  if (seconds < 8 * hour) return twoUnits(seconds, [hour, 'h'], [minute, 'm'])
  if (seconds < 48 * hour) return `${Math.floor(seconds / hour)}h`
  if (seconds < 8 * day) return twoUnits(seconds, [day, 'd'], [hour, 'h'])
  if (seconds < 2 * year) return `${Math.floor(seconds / day)}d`
  if (seconds < 8 * year) return twoUnits(seconds, [year, 'y'], [day, 'd'])
  return `${Math.floor(seconds / year)}y`
}

/** How long ago a timestamp lies, as kubectl's AGE column; no timestamp (or none that can be read) is `<unknown>`. */
export const ageOf = (timestamp: string | undefined, now: Date): string => {
  const at = timestamp === undefined ? NaN : Date.parse(timestamp)
  return Number.isNaN(at) ? '<unknown>' : humanDuration(now.getTime() - at)
}
