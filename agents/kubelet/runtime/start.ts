/** Lets an armed attempt execute its program. */
import type { Attempt } from './attempt.ts'
import { attemptFile } from './attempt-files.ts'
import type { Context } from './context.ts'
import { writeFifo } from './fifo.ts'
import type { ContainerSpec, ContainerState } from './runtime.ts'
import { goScript, type Program } from './shim/go-script.ts'

const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** The environment that runtimes add where the container says nothing itself. */
export const completeEnvironment = (env: Program['env'], { hostname, home, tty }: { hostname: string; home: string; tty: boolean }): Program['env'] =>
  [{ name: 'PATH', value: defaultPath }, { name: 'HOSTNAME', value: hostname }, { name: 'HOME', value: home }, ...(tty ? [{ name: 'TERM', value: 'xterm' }] : []), ...env]

/** Resolves when the program has been executed; rejects, with the attempt ended, when it could not be. */
export const start = async (context: Context, attempt: Attempt, spec: ContainerSpec, hostname: string): Promise<ContainerState> => {
  const { state, directory, record } = attempt
  if (attempt.phase !== 'armed' || attempt.go === undefined) throw new Error(`container ${record.name} (attempt ${record.attempt}) cannot be started: it is ${attempt.phase}`)
  const script = goScript({ command: spec.command, workingDir: spec.workingDir, env: completeEnvironment(spec.env, { hostname, home: attempt.identity?.credentials.home ?? '/', tty: record.tty }), filtered: spec.seccomp !== undefined && !spec.allowPrivilegeEscalation })
  attempt.pump?.begin()
  const startedAt = context.clock.now()
  attemptFile.write(directory, 'start', { startedAt: startedAt.toISOString() })
  attempt.spec = spec
  attempt.phase = 'starting'
  state.startedAt = startedAt
  const heard = attempt.heard.promise
  await writeFifo(attempt.go, script, context.clock)
  const word = await heard
  if (word === 'go') {
    if (attempt.phase === 'starting') markRunning(context, attempt)
    return state
  }
  await attempt.ended.promise
  throw new Error(state.message ?? `container ${record.name} ended before its program was executed`)
}

export const markRunning = (context: Context, attempt: Attempt): void => {
  attempt.phase = 'running'
  attempt.state.state = 'running'
  attempt.state.pid = attempt.identity?.process.pid
  context.emit({ podUid: attempt.record.podUid, container: attempt.record.name, attempt: attempt.record.attempt, kind: 'started' })
}
