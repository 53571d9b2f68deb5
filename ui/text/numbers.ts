/** Numbers as a table shows them: short, without unit where the heading names it, as k9s does. */

/** Milli-cores. */
export const cpuText = (nanoCores: number): string => String(Math.round(nanoCores / 1e6))
/** Mebibytes. */
export const memoryText = (bytes: number): string => String(Math.round(bytes / 1024 ** 2))

/** `412ms`, `1.24s`, `38.1s`, `2m5s`: a duration that somebody waited for. */
export const durationText = (milliseconds: number): string => {
  if (milliseconds < 1000) return `${Math.round(milliseconds)}ms`
  if (milliseconds < 10_000) return `${(milliseconds / 1000).toFixed(2)}s`
  if (milliseconds < 100_000) return `${(milliseconds / 1000).toFixed(1)}s`
  const seconds = Math.round(milliseconds / 1000)
  return `${Math.floor(seconds / 60)}m${seconds % 60 ? `${seconds % 60}s` : ''}`
}

/** An age of one unit, so that it changes rarely: `5s`, `14m`, `3h`, `12d`. */
export const shortAge = (milliseconds: number): string => {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000))
  if (seconds < 120) return `${seconds}s`
  if (seconds < 2 * 3600) return `${Math.floor(seconds / 60)}m`
  if (seconds < 48 * 3600) return `${Math.floor(seconds / 3600)}h`
  return `${Math.floor(seconds / 86_400)}d`
}

/** `1.9G`, `340M`. */
export const bytesText = (bytes: number): string => {
  const units = ['', 'K', 'M', 'G', 'T']
  let value = bytes
  let unit = 0
  while (value >= 1024 && unit < units.length - 1) { value /= 1024; unit++ }
  return `${value >= 10 || unit === 0 ? Math.round(value) : value.toFixed(1)}${units[unit]}`
}

/** `[####......]`, `cells` wide inside. */
export const bar = (fraction: number, cells: number): string => {
  const full = Math.max(0, Math.min(cells, Math.round(fraction * cells)))
  return `[${'#'.repeat(full)}${'.'.repeat(cells - full)}]`
}

const levels = '_.-=#'
/** The newest values last, `cells` of them, each against the largest: `__.-=#==`. Nothing known: spaces. */
export const trend = (values: readonly number[], cells: number): string => {
  const perCell = Math.max(1, Math.ceil(values.length / cells))
  const groups: number[] = []
  for (let end = values.length; end > 0 && groups.length < cells; end -= perCell) groups.unshift(Math.max(...values.slice(Math.max(0, end - perCell), end)))
  const top = Math.max(...groups, 5e6) // below five milli-cores everything is rest
  return groups.map((value) => levels[Math.min(levels.length - 1, Math.floor((value / top) * (levels.length - 0.01)))]).join('').padStart(cells)
}

/** The value below which `share` of the sorted values lie. */
export const percentile = (sorted: readonly number[], share: number): number => sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? 0
