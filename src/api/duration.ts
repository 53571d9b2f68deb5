/** Durations as Go prints and reads them (`1h30m0s`, `250ms`): metav1.Duration. In milliseconds here; fractions count. */

const units: Readonly<Record<string, number>> = { ns: 1e-6, us: 1e-3, 'µs': 1e-3, 'μs': 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 }
const part = /([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)/y

/** Milliseconds of a Go duration; undefined where the text is none. */
export const parseDuration = (text: string): number | undefined => {
  const sign = text.startsWith('-') ? -1 : 1
  const rest = text.replace(/^[-+]/, '')
  if (rest === '0') return 0
  let total = 0
  part.lastIndex = 0
  while (part.lastIndex < rest.length) {
    const match = part.exec(rest)
    if (!match) return undefined
    total += Number(match[1]) * (units[match[2] ?? ''] ?? 0)
  }
  return rest === '' ? undefined : sign * total
}

const trimmed = (value: number): string => String(Number(value.toFixed(9)))

/** As Go's Duration.String: `0s`, `1.5s`, `2m0s`, `1h0m0s`, `250ms`, `10µs`. */
export const formatDuration = (milliseconds: number): string => {
  if (milliseconds === 0) return '0s'
  const sign = milliseconds < 0 ? '-' : ''
  const nanoseconds = Math.round(Math.abs(milliseconds) * 1e6)
  if (nanoseconds < 1e3) return `${sign}${nanoseconds}ns`
  if (nanoseconds < 1e6) return `${sign}${trimmed(nanoseconds / 1e3)}µs`
  if (nanoseconds < 1e9) return `${sign}${trimmed(nanoseconds / 1e6)}ms`
  const seconds = Math.floor(nanoseconds / 1e9)
  const shown = trimmed((seconds % 60) + (nanoseconds % 1e9) / 1e9)
  if (seconds < 60) return `${sign}${shown}s`
  const minutes = Math.floor(seconds / 60)
  return minutes < 60 ? `${sign}${minutes}m${shown}s` : `${sign}${Math.floor(minutes / 60)}h${minutes % 60}m${shown}s`
}
