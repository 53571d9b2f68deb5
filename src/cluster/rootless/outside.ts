/**
 * What of an unprivileged cluster stays outside of its namespaces, as long as these are there: the ports of the machine that lead to Services and pods, and the way out.
 * Its first line says whether that is there.
 */
import { existsSync } from 'node:fs'
import { connect } from 'node:net'
import { systemClock } from '../../api/clock.ts'
import { systemRandom } from '../../api/random.ts'
import type { Log } from '../../client/component.ts'
import { eventSink } from '../../client/events.ts'
import { sharedInformers } from '../../client/informers.ts'
import { readConfig } from '../config.ts'
import { connectAdmin } from '../connect.ts'
import type { Home } from '../home.ts'
import { processLog } from '../log.ts'
import { keepDoors } from './doorkeeper.ts'
import { type Holder, runningHolder } from './holder.ts'
import { tunnelFile } from './tunnel.ts'
import { openWayOut, wayOutProblem } from './way-out.ts'

const pauseMilliseconds = 200

/** Resolves when there is a line into the namespaces, with its end. */
const line = (home: Home): Promise<{ ended: Promise<void> } | undefined> => new Promise((resolve) => {
  const socket = connect({ path: tunnelFile(home) })
  const ended = new Promise<void>((end) => { socket.once('close', () => { end() }) })
  socket.once('error', () => { resolve(undefined) })
  socket.once('connect', () => { socket.write('life\n'); socket.resume(); resolve({ ended }) })
})

/** Resolves when the namespaces are gone. The forwarder in them may begin anew. */
const untilGone = async (home: Home, signal: AbortSignal): Promise<void> => {
  while (await runningHolder(home)) {
    await (await line(home))?.ended
    await systemClock.sleep(pauseMilliseconds, signal)
  }
}

const keepWayOut = async (home: Home, holder: Holder, { log, said, signal }: { log: Log; said(): void; signal: AbortSignal }): Promise<void> => {
  while (!signal.aborted) {
    await openWayOut(home, holder, { log, signal }).then(({ ended }) => { said(); return ended }, (error: unknown) => { log.error('pods have no way out of this machine', { error: String(error) }) })
    said()
    await systemClock.sleep(1_000, signal)
  }
}

const keepPorts = async (home: Home, log: Log, signal: AbortSignal): Promise<void> => {
  while (!existsSync(home.kubeconfig)) await systemClock.sleep(pauseMilliseconds, signal)
  const { client, close } = connectAdmin(home)
  const parts = { client, clock: systemClock, random: systemRandom, log }
  try {
    await keepDoors({ informers: sharedInformers(parts, signal), events: eventSink(parts, signal).from('rootless-ports'), clock: systemClock, log, tunnel: tunnelFile(home), nodeAddress: async () => (await readConfig(home))?.nodes[0]?.address }, signal)
  } finally {
    close()
  }
}

export const runOutside = async (home: Home, signal: AbortSignal): Promise<void> => {
  const log = processLog('rootless-outside')
  const holder = await runningHolder(home)
  if (!holder) return
  const over = new AbortController()
  const either = AbortSignal.any([signal, over.signal])
  const { promise: said, resolve: say } = Promise.withResolvers<void>()
  const problem = wayOutProblem(process.env)
  if (problem) log.warn(problem)
  const working = Promise.allSettled([problem ? say() : keepWayOut(home, holder, { log, said: say, signal: either }), keepPorts(home, log, either)])
  await Promise.race([said, untilGone(home, either)])
  process.stdout.write(`${problem ?? 'ready'}\n`)
  await untilGone(home, either).finally(() => { over.abort() })
  await working
}
