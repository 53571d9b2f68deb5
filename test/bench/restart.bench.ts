/**
 * How long a restart takes below the kubelet's own thinking: from `kill -9` of a container's process to the first instruction of its armed successor.
 * Run: node test/bench/restart.bench.ts [rounds] [seccomp | seccomp-last]   (as root; prints one line of JSON for each measure; with a filter that is loaded when the
 * attempt is armed, or as the last thing before its program)
 */
import { closeSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fifoPool } from '../../agents/kubelet/runtime/fifo-pool.ts'
import { openForBoth, openForReading, readFifo } from '../../agents/kubelet/runtime/fifo.ts'
import type { RuntimeEvent } from '../../agents/kubelet/runtime/runtime.ts'
import { systemClock } from '../../src/api/clock.ts'
import { systemRandom } from '../../src/api/random.ts'
import { aContainer, aSandbox, launch, leavePlace, newPlace, never, openRuntime } from '../support/runtime-node.ts'

const rounds = Number(process.argv[2] ?? 100)
const profile = { seccomp: { seccomp: { kind: 'default' as const } }, 'seccomp-last': { seccomp: { kind: 'default' as const }, allowPrivilegeEscalation: false } }[process.argv[3] ?? ''] ?? {}
const place = newPlace('bench')
const runtime = await openRuntime(place)
const stop = new AbortController()
const events = runtime.events(stop.signal)[Symbol.asyncIterator]()
const nextExit = async (): Promise<RuntimeEvent> => {
  for (;;) {
    const { value } = (await events.next()) as { value: RuntimeEvent }
    if (value.kind === 'exited') return value
  }
}

const now = (): number => performance.now()

const report = (measure: string, samples: number[]): void => {
  const sorted = [...samples].sort((one, other) => one - other)
  const at = (share: number): number => Number((sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0).toFixed(2))
  process.stdout.write(`${JSON.stringify({ measure, unit: 'ms', count: sorted.length, p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) })}\n`)
}

// The program's first instruction writes into a FIFO on a volume, at whose other end we listen: what we see is later than what happened, never earlier.
const mounts = [{ hostPath: place.scratch, containerPath: '/out', readOnly: false, propagation: 'private' as const }]
const program = ['sh', '-c', 'echo up >/out/first; exec sleep 1000']
const pool = fifoPool({ stock: path.join(place.scratch, 'stock'), clock: systemClock, random: systemRandom, failed: (error) => { throw error } })
await pool.place(place.scratch, ['first'])
pool.close()
let heard = Promise.withResolvers<number>()
const hold = openForBoth(path.join(place.scratch, 'first'))
const reader = readFifo(openForReading(path.join(place.scratch, 'first')), { data() { heard.resolve(now()) } })
try {
  const sandboxes: number[] = []
  for (let index = 0; index < Math.min(rounds, 30); index++) {
    const begun = performance.now()
    await runtime.runSandbox(aSandbox(`box-${index}`), never)
    sandboxes.push(performance.now() - begun)
  }
  report('sandbox creation', sandboxes)

  const spec = (attempt: number) => aContainer(place, 'box-0', program, { attempt, mounts, ...profile })
  const [arming, exits, restarts, starts]: [number[], number[], number[], number[]] = [[], [], [], []]
  let pid = await launch(runtime, spec(0))
  await heard.promise
  for (let attempt = 1; attempt <= rounds; attempt++) {
    const begun = performance.now()
    await runtime.createContainer(spec(attempt), never)
    arming.push(performance.now() - begun)
    await delay(5)
    heard = Promise.withResolvers<number>()
    const killed = now()
    process.kill(pid, 'SIGKILL')
    await nextExit()
    const seen = now()
    pid = (await runtime.startContainer(spec(attempt))).pid ?? 0
    const first = await heard.promise
    exits.push(seen - killed)
    starts.push(first - seen)
    restarts.push(first - killed)
    await runtime.removeContainer('box-0', 'main', attempt - 1)
  }
  report('arming a spare', arming)
  report('kill -9 to exit event', exits)
  report('exit event to first instruction', starts)
  report('kill -9 to first instruction', restarts)
} finally {
  stop.abort()
  reader.close()
  closeSync(hold)
  await runtime.destroy()
  leavePlace(place)
}
