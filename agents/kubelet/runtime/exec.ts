/** One more command in a running container: its cgroup, its namespaces, its user; with a terminal or without. */
import { spawn } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { Readable, Writable } from 'node:stream'
import type { Attempt } from './attempt.ts'
import { cgroupDirectories, cgroupPids, emptyCgroup, killCgroup, removeCgroup } from './cgroups/cgroup.ts'
import { bareEnvironment, type Context, scriptsDirectory } from './context.ts'
import { isAlive, readIfThere } from './proc/stat.ts'
import { setprivArguments } from './rootfs/credentials.ts'
import { toolCommand, underFilter } from './rootfs/tools.ts'
import type { ExecOptions } from './runtime.ts'
import { filterFileName } from './seccomp.ts'
import { goScript, type StartFailure, startFailureMessage } from './shim/go-script.ts'
import { completeEnvironment } from './start.ts'
import { openTerminal, resizeTerminal, type Terminal } from './terminal.ts'

interface Session {
  command: readonly string[]
  /** Whose terminal it would get, and who would own it. */
  terminal: { pid: number; owner: number }
  /** Ends everything that the session has started. */
  kill(): Promise<void>
  /** What the command has left behind goes on as the container's own, as with every runtime; only the session is gone. */
  leave(): Promise<void>
  /** After the end: throws if the program could not be executed; removes files. */
  close(): void
}

/** Resolves with the exit code, 128 + signal for a killed one. Rejects when the program cannot be executed, or with the reason of the signal or the timeout. */
export const exec = async (context: Context, attempt: Attempt, options: ExecOptions): Promise<number> => {
  options.signal.throwIfAborted()
  const session = openSession(context, attempt, options)
  const limit = options.timeoutSeconds === undefined ? undefined : AbortSignal.timeout(options.timeoutSeconds * 1000)
  const stop = AbortSignal.any([options.signal, ...(limit ? [limit] : [])])
  const onStop = (): void => { session.kill().catch((error: unknown) => { context.log.error('cannot end an exec session', { error: String(error) }) }) }
  stop.addEventListener('abort', onStop, { once: true })
  try {
    const code = await (options.tty ? runWithTerminal(session, context, options) : runWithPipes(session.command, options))
    if (limit?.aborted) throw new Error(`command ${JSON.stringify(options.command.join(' '))} timed out`)
    options.signal.throwIfAborted()
    session.close()
    await session.leave()
    return code
  } catch (error) {
    await session.kill()
    throw error
  } finally {
    stop.removeEventListener('abort', onStop)
  }
}

const openSession = (context: Context, attempt: Attempt, options: ExecOptions): Session => {
  const { identity, record, directory, cgroup } = attempt
  if (attempt.phase !== 'running' || !identity || !isAlive(identity.process)) throw new Error(`container ${record.name} is not running`)
  const id = context.random.uuid()
  const scriptFile = path.join(directory, `exec-${id}`)
  const statusFile = path.join(directory, `exec-${id}-status`)
  const env = environmentOf(attempt, identity.process.pid)
  const filter = path.join(directory, filterFileName)
  const isFiltered = existsSync(filter)
  const late = isFiltered && identity.credentials.noNewPrivileges
  const program = { command: options.command, workingDir: record.workingDir, filtered: late, env: options.tty ? [{ name: 'TERM', value: 'xterm' }, ...env] : env }
  writeFileSync(scriptFile, goScript(program), { mode: 0o600 })
  // A cgroup of its own below the container's, where all of a session can be ended at once; limits and accounts are the container's.
  const place = context.hierarchies.version === 'none' ? context.hierarchies.controllers.memory : context.hierarchies.unified
  const own = place && path.join(cgroup, `exec-${id}`)
  if (own) mkdirSync(path.join(place, own))
  const groups = cgroupDirectories(context.hierarchies, cgroup).map((each) => (own && each.startsWith(`${place}/`) ? path.join(place, own) : each))
  const before = new Set(own ? [] : cgroupPids(context.hierarchies, cgroup))
  const score = (readIfThere(`/proc/${identity.process.pid}/oom_score_adj`) ?? '0').trim()
  const users = context.pods.get(record.podUid)?.sandbox?.record.users
  const removeFiles = (): void => { for (const each of [scriptFile, statusFile]) rmSync(each, { force: true }) }
  return {
    terminal: { pid: identity.process.pid, owner: identity.credentials.uid + (users ?? 0) },
    command: ['sh', path.join(scriptsDirectory(context), 'session'), scriptFile, statusFile, score, isFiltered ? filter : '', ...groups, '--',
      'nsenter', '--target', String(identity.process.pid), '--mount', '--net', '--ipc', '--uts', '--pid',
      ...(options.tty ? ownTerminal : []), ...(users === undefined ? [] : ownUsers), ...(isFiltered && !late ? underFilter(toolCommand('setpriv')) : toolCommand('setpriv')), ...setprivArguments(identity.credentials, context.boundingSet, context.ownUsers.setGroups), ...toolCommand('sh'), '-s', 'exec'],
    async kill() {
      if (own) {
        killCgroup(context.hierarchies, own)
        await emptyCgroup(context.hierarchies, own, context.clock)
        if (context.hierarchies.version === 'none') await removeCgroup(context.hierarchies, own, context.clock)
        else removeQuietly(path.join(place, own))
      } else {
        killDescendants(cgroupPids(context.hierarchies, cgroup).filter((pid) => !before.has(pid)))
      }
      removeFiles()
    },
    async leave() {
      removeFiles()
      if (!own || !place) return
      if (context.hierarchies.version === 'none') { await removeCgroup(context.hierarchies, own, context.clock); return }
      // Children that are being forked are found at the next look. One that cannot be moved keeps the cgroup, which goes with the container's.
      for (let look = 0; look < 20 && !removeQuietly(path.join(place, own)); look += 1) {
        for (const pid of cgroupPids(context.hierarchies, own)) moveTo(path.join(place, cgroup), pid)
      }
    },
    close() {
      const failure = (readIfThere(statusFile) ?? '').split('\n').find((line) => line.startsWith('fail '))?.slice(5)
      if (failure !== undefined) throw new Error(`failed to exec in container: ${startFailureMessage(failure as StartFailure, program)}`)
    },
  }
}

/**
 * Makes the command the leader of a session whose terminal is the one on descriptor 3, once it is in the container's process namespace: a shell whose
 * process group is outside cannot give the terminal back when it ends.
 */
const ownTerminal = [...toolCommand('sh'), '-c', 'exec 4<&0 0<&3; exec "$@"', 'sh', ...toolCommand('setsid'), '--ctty', ...toolCommand('sh'), '-c', 'exec 0<&4 4<&-; exec "$@"', 'sh']

/** Becomes one of the pod's own users: last, since a terminal is only given to the machine's root. */
const ownUsers = [...toolCommand('nsenter'), '--user=/proc/1/ns/user']

/** As the container was started; a kubelet that adopted it asks the kernel. */
const environmentOf = ({ spec, identity }: Attempt, pid: number): { name: string; value: string }[] => {
  const entries = (readIfThere(`/proc/${pid}/environ`) ?? '').split('\0').filter((entry) => entry.indexOf('=') > 0)
  const running = entries.map((entry) => ({ name: entry.slice(0, entry.indexOf('=')), value: entry.slice(entry.indexOf('=') + 1) }))
  if (!spec) return running
  const hostname = running.find(({ name }) => name === 'HOSTNAME')?.value ?? ''
  return [...completeEnvironment(spec.env, { hostname, home: identity?.credentials.home ?? '/', tty: false })]
}

/** Whether it is gone. */
const removeQuietly = (directory: string): boolean => {
  try {
    rmdirSync(directory)
    return true
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    // Ended already with its container, or its last process is still being collected: then it goes with the container's cgroup.
    if (code !== 'ENOENT' && code !== 'EBUSY') throw error
    return code === 'ENOENT'
  }
}

const moveTo = (directory: string, pid: number): void => {
  try {
    writeFileSync(path.join(directory, 'cgroup.procs'), String(pid))
  } catch (error) {
    // It has ended meanwhile, or the container has.
    if (!['ESRCH', 'ENOENT'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
  }
}

const killDescendants = (pids: readonly number[]): void => {
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
  }
}

const signalNumbers: Readonly<Record<string, number>> = { SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGABRT: 6, SIGKILL: 9, SIGSEGV: 11, SIGPIPE: 13, SIGALRM: 14, SIGTERM: 15 }

const runWithPipes = async ([command = '', ...args]: readonly string[], { stdin, stdout, stderr }: ExecOptions): Promise<number> => {
  const child = spawn(command, args, { stdio: [stdin ? 'pipe' : 'ignore', 'pipe', 'pipe'], env: bareEnvironment, detached: true })
  const exited = new Promise<number>((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (code, signal) => { resolve(code ?? 128 + (signalNumbers[signal ?? ''] ?? 0)) })
  })
  if (stdin && child.stdin) void feed(child.stdin, stdin, exited)
  const [code] = await Promise.all([exited, drainTo(child.stdout, stdout), drainTo(child.stderr, stderr)])
  return code
}

const drainTo = async (stream: Readable | null, sink: (chunk: Uint8Array) => void | Promise<void>): Promise<void> => {
  for await (const chunk of stream ?? []) await sink(chunk as Buffer)
}

/** Ends with the input, or with the process: one that does not read its input any more is no error. */
const feed = async (target: Writable, input: AsyncIterable<Uint8Array>, exited: Promise<unknown>): Promise<void> => {
  let open = true
  target.on('error', () => { open = false })
  void exited.then(() => { open = false }, () => { open = false })
  for await (const chunk of input) {
    if (!open) return
    if (!target.write(chunk)) await Promise.race([new Promise((resolve) => { target.once('drain', resolve) }), exited])
  }
  target.end()
}

/** After its command has ended, a terminal that something else still has open is not waited for any longer. */
const lastWordsMilliseconds = 1000

const runWithTerminal = async ({ command: [command = '', ...args], terminal: at }: Session, context: Context, { stdin, stdout, resize }: ExecOptions): Promise<number> => {
  const { master, slave, device } = await openTerminal(context, at)
  let open = true
  const shown = (async () => { for await (const chunk of master) await stdout(chunk as Buffer) })().catch((error: unknown) => { if ((error as NodeJS.ErrnoException).code !== 'EIO') throw error })
  try {
    const child = spawn(command, args, { stdio: [slave, slave, slave], env: bareEnvironment, detached: true })
    const exited = new Promise<number>((resolve, reject) => {
      child.on('error', reject)
      child.on('exit', (code, signal) => { open = false; resolve(code ?? 128 + (signalNumbers[signal ?? ''] ?? 0)) })
    })
    closeSync(slave)
    const warn = (error: unknown): void => { context.log.warn('a terminal is not followed any more', { error: String(error) }) }
    if (stdin) void type(master, stdin, () => open).catch(warn)
    if (resize) void resizeTerminal(device, resize, () => open).catch(warn)
    const code = await exited
    const enough = new AbortController()
    await Promise.race([shown, context.clock.sleep(lastWordsMilliseconds, enough.signal)]).finally(() => enough.abort())
    return code
  } finally {
    master.destroy()
  }
}

const type = async (master: Terminal['master'], input: AsyncIterable<Uint8Array>, isOpen: () => boolean): Promise<void> => {
  for await (const chunk of input) {
    if (!isOpen()) return
    if (!master.write(chunk)) await new Promise<void>((resolve) => { master.once('drain', resolve); master.once('close', resolve) })
  }
}
