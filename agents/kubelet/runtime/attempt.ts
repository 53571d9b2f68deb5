/** One attempt of a container while the kubelet knows it: what it listens to, and what has become of it. */
import { closeSync, readlinkSync } from 'node:fs'
import path from 'node:path'
import { type AttemptIdentity, type AttemptRecord, attemptFile, readExit, readStatus, readTerminationMessage, removeDirectory } from './attempt-files.ts'
import { cgroupPids, emptyCgroup, killCgroup, removeCgroup } from './cgroups/cgroup.ts'
import { readOomKills } from './cgroups/usage.ts'
import { type Context, podOf, rootsDirectory } from './context.ts'
import { openForBoth, openForReading, type Reader, readFifo, writeFifo } from './fifo.ts'
import { type LogPump, logPump } from './logs/log-pump.ts'
import { isWithin } from './proc/mount-info.ts'
import { identify, type ProcessIdentity, readIfThere, signalProcess } from './proc/stat.ts'
import { terminationMessageIn } from './rootfs/termination-file.ts'
import type { ContainerSpec, ContainerState } from './runtime.ts'
import { type StartFailure, startFailureMessage } from './shim/go-script.ts'

export interface Attempt {
  directory: string
  cgroup: string
  record: AttemptRecord
  state: ContainerState
  /** arming → armed → starting → running → ended; a spare that is not wanted any more is discarded. */
  phase: 'arming' | 'armed' | 'starting' | 'running' | 'ended' | 'discarded'
  identity: AttemptIdentity | undefined
  /** The program as it was started; unknown to a kubelet that adopted it. */
  spec: ContainerSpec | undefined
  life: Reader | undefined
  pump: LogPump | undefined
  go: number | undefined
  /** The shim's own words: armed, go, fail …; undefined at its end. */
  heard: PromiseWithResolvers<string | undefined>
  /** Why its shim could not be started at all. Not in a file, for there may be none to be had. */
  problem?: string
  ended: PromiseWithResolvers<void>
  oomKills: number
  /** When its end was heard of, on the monotonic clock. */
  endedMilliseconds: number | undefined
}

export const newAttempt = (fields: Pick<Attempt, 'directory' | 'cgroup' | 'record'>): Attempt => ({
  ...fields, phase: 'arming', identity: undefined, spec: undefined, life: undefined, pump: undefined, go: undefined,
  heard: Promise.withResolvers(), ended: Promise.withResolvers(), oomKills: 0, endedMilliseconds: undefined,
  state: {
    podUid: fields.record.podUid, name: fields.record.name, attempt: fields.record.attempt, id: fields.record.id, state: 'created', pid: undefined,
    createdAt: new Date(fields.record.createdAt), startedAt: undefined, finishedAt: undefined, exitCode: undefined, signal: undefined, oomKilled: false,
    reason: undefined, message: undefined, imageRef: fields.record.imageRef, ...(fields.record.shownImage && { shownImage: fields.record.shownImage }), logPath: fields.record.logPath,
  },
})

/** Opens the attempt's FIFOs and listens: to the shim's words and its end, and to what the container says. */
export const listen = (context: Context, attempt: Attempt): void => {
  const { directory, record } = attempt
  attempt.go = openForBoth(path.join(directory, 'go'))
  const onError = (error: Error): void => { context.log.error('cannot write a container log', { logPath: record.logPath, error: error.message }) }
  const pumped = { directory, tty: record.tty, file: record.logPath, limits: context.logLimits, clock: context.clock, onError }
  attempt.pump = context.logWriter?.take(pumped) ?? logPump(pumped)
  let line = ''
  attempt.life = readFifo(openForReading(path.join(directory, 'life')), {
    data(chunk) {
      line += chunk.toString('latin1')
      for (let end = line.indexOf('\n'); end >= 0; end = line.indexOf('\n')) {
        const { resolve } = attempt.heard
        attempt.heard = Promise.withResolvers()
        resolve(line.slice(0, end))
        line = line.slice(end + 1)
      }
    },
    end() { onShimEnded(context, attempt) },
  })
}

/** The shim has closed `life`: its container has ended, or it has itself. */
export const onShimEnded = (context: Context, attempt: Attempt): void => {
  attempt.endedMilliseconds = context.clock.monotonic()
  attempt.life?.close()
  if (attempt.phase === 'starting' || attempt.phase === 'running') {
    finish(context, attempt).catch((error: unknown) => { context.log.error('cannot finish a container', { directory: attempt.directory, error: String(error) }) })
  } else if (attempt.phase === 'armed') {
    // A spare that was killed from outside: as if it had never been armed.
    discard(context, attempt).catch((error: unknown) => { context.log.error('cannot discard a spare', { directory: attempt.directory, error: String(error) }) })
  }
  attempt.heard.resolve(undefined)
}

const unknownExitCode = 137
const tidyDelayMilliseconds = 20

/** Writes down how it ended and tells it; then takes away what is left of it but its files. */
export const finish = async (context: Context, attempt: Attempt, tidyDelay = tidyDelayMilliseconds): Promise<void> => {
  const { state, directory, cgroup } = attempt
  const exit = readExit(directory)
  const failure = readStatus(directory).find((line) => line.startsWith('fail '))?.slice(5)
  killCgroup(context.hierarchies, cgroup)
  // In a process namespace of its own nothing outlives the first process; elsewhere, or without a shim, this has to be waited for.
  if (cgroupPids(context.hierarchies, cgroup).length > 0) await emptyCgroup(context.hierarchies, cgroup, context.clock)
  await attempt.pump?.finish()
  attempt.phase = 'ended'
  state.state = 'exited'
  state.pid = undefined
  state.finishedAt = exit?.at ?? context.clock.now()
  state.exitCode = exit?.code ?? unknownExitCode
  state.signal = exit && exit.code > 128 && exit.code <= 128 + 64 ? exit.code - 128 : undefined
  state.oomKilled = readOomKills(context.hierarchies, cgroup) > 0
  if (failure !== undefined) {
    state.reason = 'StartError'
    state.message = startFailureMessage(failure as StartFailure, attempt.spec ?? { command: [], workingDir: attempt.record.workingDir, env: [] })
  } else if (!exit) {
    state.reason ??= 'ContainerStatusUnknown'
    state.message ??= 'The container could not be located when the pod was terminated: its supervisor was killed'
  }
  // Those that were armed before it stood with the layers have it here.
  state.message ??= readTerminationMessage(terminationMessageIn(attempt.record.rootDirectory)) ?? readTerminationMessage(path.join(directory, 'termination'))
  writeEnd(attempt)
  context.emit({ podUid: state.podUid, container: state.name, attempt: state.attempt, kind: 'exited', ...(attempt.endedMilliseconds !== undefined && { exitedMilliseconds: attempt.endedMilliseconds }) })
  attempt.ended.resolve()
  // What comes after it goes first: its successor waits for nothing of this.
  if (tidyDelay > 0) await context.clock.sleep(tidyDelay, new AbortController().signal)
  await release(context, attempt)
  await removeCgroup(context.hierarchies, cgroup, context.clock)
}

const writeEnd = ({ directory, state }: Attempt): void => {
  attemptFile.write(directory, 'end', {
    finishedAt: (state.finishedAt ?? state.createdAt).toISOString(), exitCode: state.exitCode ?? unknownExitCode, oomKilled: state.oomKilled,
    ...(state.reason !== undefined && { reason: state.reason }), ...(state.message !== undefined && { message: state.message }),
  })
}

/**
 * Whatever holds the container's input open: as it was found when the attempt was armed, or, where arming was broken off, as its file says, if that process has this very input.
 */
const holderOf = ({ identity, directory }: Attempt): ProcessIdentity | undefined => {
  if (identity) return identity.holder
  const pid = Number(readIfThere(path.join(directory, 'holder')) ?? 0)
  try {
    return pid > 0 && readlinkSync(`/proc/${pid}/fd/0`) === path.join(directory, 'in') ? identify(pid) : undefined
  } catch {
    return undefined // gone already
  }
}

/** Ends what holds the container's input open: it is in none of our cgroups. */
export const endHolder = (attempt: Attempt): void => {
  const holder = holderOf(attempt)
  if (holder) signalProcess(holder, 'SIGKILL')
}

/**
 * Lets the shim, which keeps what nobody has read yet, go; and whatever held the container's input open. `meanwhile` is done before the FIFO is closed: one that comes
 * to it late still finds the word.
 */
export const release = async (context: Context, attempt: Attempt, meanwhile: () => Promise<void> = () => Promise.resolve()): Promise<void> => {
  endHolder(attempt)
  const go = attempt.go
  attempt.go = undefined
  try {
    if (go !== undefined) await writeFifo(go, '\n', context.clock)
    await meanwhile()
  } finally {
    if (go !== undefined) closeSync(go)
  }
}

/** Ends an attempt that never ran, and removes all of it. Idempotent. */
export const discard = async (context: Context, attempt: Attempt): Promise<void> => {
  if (attempt.phase === 'discarded') { await attempt.ended.promise; return }
  attempt.phase = 'discarded'
  forget(context, attempt)
  attempt.life?.close()
  await attempt.pump?.finish()
  killCgroup(context.hierarchies, attempt.cgroup)
  await emptyCgroup(context.hierarchies, attempt.cgroup, context.clock)
  // Without its cgroup there is no first process any more: a shim that was forked by a kubelet that is dead, and has not come so far, ends when its child cannot join.
  await removeCgroup(context.hierarchies, attempt.cgroup, context.clock)
  await release(context, attempt, () => removeFiles(context, attempt))
  attempt.ended.resolve()
}

export const forget = (context: Context, attempt: Attempt): void => {
  const pod = podOf(context, attempt.record.podUid)
  pod.attempts = pod.attempts.filter((each) => each !== attempt)
}

export const removeFiles = async (context: Context, { directory, record }: Attempt): Promise<void> => {
  await removeDirectory(directory)
  // The record is ours, but it is read from a file: nothing outside of the place for layers is ever removed.
  if (isWithin(record.rootDirectory, rootsDirectory(context))) await removeDirectory(record.rootDirectory)
}
