/**
 * How long a restart takes below the kubelet's own thinking: from `kill -9` of a container's process to the first instruction of its armed successor.
 * Run: node test/bench/restart.bench.ts [rounds]   (as root; prints one line of JSON for each measure)
 */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { RuntimeEvent } from '../../agents/kubelet/runtime/runtime.ts'
import { aContainer, aSandbox, launch, leavePlace, newPlace, never, openRuntime, until } from '../support/runtime-node.ts'

const rounds = Number(process.argv[2] ?? 100)
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

const report = (measure: string, samples: number[]): void => {
  const sorted = [...samples].sort((one, other) => one - other)
  const at = (share: number): number => Number((sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0).toFixed(2))
  process.stdout.write(`${JSON.stringify({ measure, unit: 'ms', count: sorted.length, p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) })}\n`)
}

// The clock of both sides is the same: CLOCK_REALTIME, in microseconds, written by the first instruction of the program into a file on a volume.
const mounts = [{ hostPath: place.scratch, containerPath: '/out', readOnly: false, propagation: 'private' as const }]
const program = ['perl', '-e', 'BEGIN { require "syscall.ph" if 0; use Time::HiRes; $t = Time::HiRes::time() } open my $f, ">", "/out/stamp-$ENV{N}"; printf $f "%.6f", $t; close $f; sleep 1000']
const stamp = async (attempt: number): Promise<number> => {
  const text = await until('the stamp', () => { try { return readFileSync(path.join(place.scratch, `stamp-${attempt}`), 'utf8') } catch { return undefined } })
  return Number(text) * 1000
}
const now = (): number => performance.timeOrigin + performance.now()

try {
  const sandboxes: number[] = []
  for (let index = 0; index < Math.min(rounds, 30); index++) {
    const begun = performance.now()
    await runtime.runSandbox(aSandbox(`box-${index}`), never)
    sandboxes.push(performance.now() - begun)
  }
  report('sandbox creation', sandboxes)

  const spec = (attempt: number) => aContainer(place, 'box-0', program, { attempt, mounts, env: [{ name: 'N', value: String(attempt) }] })
  const [arming, exits, restarts, starts]: [number[], number[], number[], number[]] = [[], [], [], []]
  let pid = await launch(runtime, spec(0))
  await stamp(0)
  for (let attempt = 1; attempt <= rounds; attempt++) {
    const begun = performance.now()
    await runtime.createContainer(spec(attempt), never)
    arming.push(performance.now() - begun)
    await delay(5)
    const killed = now()
    process.kill(pid, 'SIGKILL')
    await nextExit()
    const seen = now()
    pid = (await runtime.startContainer(spec(attempt))).pid ?? 0
    const first = await stamp(attempt)
    exits.push(seen - killed)
    starts.push(first - seen)
    restarts.push(first - killed)
    await runtime.removeContainer('box-0', 'main', attempt - 1)
  }
  report('arming a spare', arming)
  report('kill -9 to exit event', exits)
  report('exit event to first instruction (a perl program)', starts)
  report('kill -9 to first instruction (a perl program)', restarts)
} finally {
  stop.abort()
  await runtime.destroy()
  leavePlace(place)
}
