/**
 * `npm run bench`: the figures of the bars as one table, each with its goal. `node test/bench/run.ts [name...]` for some of them: start healing cost restart restarts pods density store apiserver transports scheduler.
 * A bench that cannot run here says why, and the others go on; the exit code tells.
 */
import path from 'node:path'
import { execa } from 'execa'
import { type BenchRow, printRows } from './cluster-figures.ts'

/** One line of JSON a measure, from a bench that is a program of its own. */
const restart = async (): Promise<BenchRow[]> => {
  const { stdout } = await execa(process.execPath, [path.join(import.meta.dirname, 'restart.bench.ts')], { timeout: 300_000 })
  return stdout.trim().split('\n').flatMap((line) => {
    const { measure, unit, p50, p99 } = JSON.parse(line) as { measure: string; unit: string; p50: number; p99: number }
    return [{ name: `runtime: ${measure}, p50`, value: p50, unit }, { name: `runtime: ${measure}, p99`, value: p99, unit }]
  })
}

const benches: Record<string, () => Promise<BenchRow[]>> = {
  start: async () => (await import('./start.bench.ts')).run(),
  healing: async () => (await import('./healing.bench.ts')).run(),
  cost: async () => (await import('./cost.bench.ts')).run(),
  restart,
  restarts: async () => (await import('./restarts.bench.ts')).run(),
  pods: async () => (await import('./pods.bench.ts')).run(),
  density: async () => (await import('./density.bench.ts')).run(),
  store: async () => (await import('./store.bench.ts')).run(),
  apiserver: async () => (await import('./apiserver.bench.ts')).apiserverBench(),
  transports: async () => (await import('./transports.bench.ts')).transportsBench(),
  scheduler: async () => (await import('./scheduler.bench.ts')).schedulerBench(),
}
const needRoot = ['start', 'healing', 'cost', 'restart', 'restarts', 'pods', 'density']

const asked = process.argv.slice(2)
const unknown = asked.filter((name) => !Object.hasOwn(benches, name))
if (unknown.length > 0) { console.error(`there is no bench ${unknown.join(', ')}; benches: ${Object.keys(benches).join(' ')}`); process.exit(2) }

let failed = false
for (const [name, bench] of Object.entries(benches).filter(([each]) => asked.length === 0 || asked.includes(each))) {
  console.log(`\n== ${name}`)
  if (needRoot.includes(name) && process.getuid?.() !== 0) { console.log('SKIPPED: needs root'); continue }
  try {
    printRows(await bench())
  } catch (error) {
    failed = true
    console.log(`FAILED: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
  }
}
process.exit(failed ? 1 : 0)
