/** What the benches of whole clusters share: rows, percentiles, commands. */
import path from 'node:path'

/** `goal`: at most, unless it is counted per second. */
export interface BenchRow { name: string; value: number; unit: string; goal?: number }

export const shopManifest = path.resolve(import.meta.dirname, '../../manifests/examples/shop.yaml')

export const percentile = (samples: readonly number[], share: number): number => {
  const sorted = samples.toSorted((one, other) => one - other)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN
}

/** p50 and p99 of milliseconds, each with its goal. */
export const latencyRows = (name: string, samples: readonly number[], goal?: number, goalOfP99?: number): BenchRow[] => [
  { name: `${name}, p50 of ${samples.length}`, value: percentile(samples, 0.5), unit: 'ms', ...(goal !== undefined && { goal }) },
  { name: `${name}, p99`, value: percentile(samples, 0.99), unit: 'ms', ...(goalOfP99 !== undefined && { goal: goalOfP99 }) },
]

/** CLOCK_MONOTONIC in milliseconds, the clock that a program in a pod reads too. */
export const monotonic = (): number => Number(process.hrtime.bigint()) / 1e6

/** Perl's first instruction: what that clock says, appended to a file. The system call has another number on each kind of processor. */
export const stampProgram = (file: string): string => `BEGIN { my $t = "\\0" x 16; syscall(${process.arch === 'arm64' ? 113 : 228}, 1, $t); my ($s, $n) = unpack 'qq', $t; open my $f, '>>', '${file}'; printf $f "%.3f\\n", $s * 1e3 + $n / 1e6; close $f }`

export const printRows = (rows: readonly BenchRow[]): void => {
  const width = Math.max(...rows.map(({ name }) => name.length))
  for (const { name, value, unit, goal } of rows) {
    const met = goal === undefined ? '' : (unit.endsWith('/s') ? value >= goal : value <= goal) ? 'met' : 'missed'
    console.log(`${name.padEnd(width)}  ${value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0).padStart(9)} ${unit.padEnd(6)}${goal === undefined ? '' : `  goal ${goal} ${met}`}`)
  }
}

