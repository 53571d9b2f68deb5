/**
 * What a kubelet that comes back finds: pods that ran on without it. Each is known by its files, and believed only where the kernel agrees:
 * this boot, its cgroup, its start time, and a shim that holds `life` open. What was begun and not finished is taken back.
 */
import { readlinkSync } from 'node:fs'
import path from 'node:path'
import { type Attempt, discard, endHolder, finish, listen, newAttempt } from './attempt.ts'
import { attemptFile, listDirectory, readStatus, removeDirectory } from './attempt-files.ts'
import { cgroupPids, cgroupShims, childDirectories, emptyCgroup, removeCgroup } from './cgroups/cgroup.ts'
import { type Context, logWriterDirectory, nodeCgroup, podDirectory, podOf, rootsDirectory, shimCgroup } from './context.ts'
import { hasWriter } from './fifo.ts'
import { isAlive, isGone } from './proc/stat.ts'
import { listenToSandbox, readSandboxRecord, type Sandbox, sandboxCgroup, sandboxOf } from './sandbox/sandbox.ts'
import { markRunning } from './start.ts'

export const adopt = async (context: Context): Promise<void> => {
  for (const uid of listDirectory(path.join(context.stateDirectory, 'pods'))) {
    await adoptSandbox(context, uid)
    for (const name of listDirectory(podDirectory(context, uid))) {
      if (name === '.sandbox') continue
      for (const attempt of listDirectory(path.join(podDirectory(context, uid), name))) {
        const directory = path.join(podDirectory(context, uid), name, attempt)
        // One that cannot be taken over, or ended, must not keep the node from its other pods.
        await adoptAttempt(context, directory).catch((error: unknown) => { context.log.error('cannot adopt a container', { directory, error: String(error) }) })
      }
    }
    const pod = context.pods.get(uid)
    if (!pod?.sandbox && !pod?.attempts.length) await removeDirectory(podDirectory(context, uid))
  }
  await sweepCgroups(context)
  sweepShims(context)
  for (const uid of listDirectory(rootsDirectory(context))) if (!context.pods.has(uid)) await removeDirectory(path.join(rootsDirectory(context), uid))
  await context.network.keepOnly(new Set([...context.pods.values()].filter(({ sandbox }) => sandbox?.state.podIP !== undefined).map(({ uid }) => uid)))
}

const adoptSandbox = async (context: Context, uid: string): Promise<void> => {
  const parent = path.join(podDirectory(context, uid), '.sandbox')
  for (const name of listDirectory(parent).sort((one, other) => Number(one) - Number(other))) {
    const directory = path.join(parent, name)
    const record = readSandboxRecord(directory)
    if (!record || record.bootId !== context.bootId) { await removeDirectory(directory); continue }
    const sandbox = sandboxOf(directory, record)
    podOf(context, uid).sandbox = sandbox
    if (!isHeld(context, sandbox)) continue
    sandbox.state.ready = true
    listenToSandbox(context, sandbox)
  }
}

/** A sandbox that was not finished, or whose process has ended, is known but not ready: it will be stopped and made again. */
const isHeld = (context: Context, { directory, record }: Sandbox): boolean =>
  record.holder !== undefined && isAlive(record.holder) && cgroupPids(context.hierarchies, sandboxCgroup(record)).includes(record.holder.pid) && hasWriter(path.join(directory, 'life'))

const goDeadlineMilliseconds = 500

const adoptAttempt = async (context: Context, directory: string): Promise<void> => {
  const record = attemptFile.read(directory, 'record')
  const sandbox = record && context.pods.get(record.podUid)?.sandbox
  if (!record || !sandbox || record.bootId !== context.bootId) { await removeDirectory(directory); return }
  const attempt = newAttempt({ directory, cgroup: path.join(sandbox.record.cgroup, `${record.name}-${record.attempt}`), record })
  podOf(context, record.podUid).attempts.push(attempt)
  attempt.identity = attemptFile.read(directory, 'identity')
  const started = attemptFile.read(directory, 'start')
  if (started) attempt.state.startedAt = new Date(started.startedAt)
  if (adoptEnded(attempt)) { endHolder(attempt); return }
  const supervised = hasWriter(path.join(directory, 'life'))
  if (!started || !(await hasGone(context, attempt, supervised))) {
    // A spare stays one if it is whole and belongs to the sandbox that is there.
    const whole = !started && supervised && attempt.identity && isOurs(context, attempt) && sandbox.state.ready && record.sandboxAttempt === sandbox.record.attempt
    listenAgain(context, attempt, whole ? 'armed' : 'arming')
    if (!whole) await discard(context, attempt)
    return
  }
  listenAgain(context, attempt, 'running')
  if (supervised && isOurs(context, attempt)) {
    markRunning(context, attempt)
    attempt.pump?.begin()
    return
  }
  attempt.life?.close()
  await finish(context, attempt, 0)
}

const listenAgain = (context: Context, attempt: Attempt, phase: Attempt['phase']): void => {
  attempt.phase = phase
  try {
    listen(context, attempt)
  } catch (error) {
    // Its FIFOs had not been made yet.
    if (!isGone(error)) throw error
  }
}

const adoptEnded = (attempt: Attempt): boolean => {
  const end = attemptFile.read(attempt.directory, 'end')
  if (!end) return false
  attempt.phase = 'ended'
  attempt.ended.resolve()
  Object.assign(attempt.state, { state: 'exited', finishedAt: new Date(end.finishedAt), exitCode: end.exitCode, oomKilled: end.oomKilled, reason: end.reason, message: end.message })
  return true
}

const isOurs = (context: Context, { identity, cgroup }: Attempt): boolean =>
  identity !== undefined && isAlive(identity.process) && cgroupPids(context.hierarchies, cgroup).includes(identity.process.pid)

/** Whether the program was executed, or at least could have been: a process that was told to go does so at once, or was never told all of it. */
const hasGone = async (context: Context, { directory }: Attempt, supervised: boolean): Promise<boolean> => {
  const deadline = context.clock.monotonic() + goDeadlineMilliseconds
  for (;;) {
    if (readStatus(directory).some((line) => line === 'go' || line.startsWith('fail '))) return true
    if (!supervised || context.clock.monotonic() > deadline) return false
    await context.clock.sleep(5, new AbortController().signal)
  }
}

/** Cgroups of pods and attempts that nobody knows are emptied and removed. */
const sweepCgroups = async (context: Context): Promise<void> => {
  const known = new Set([...context.pods.values()].flatMap(({ sandbox, attempts }) => [
    ...(sandbox ? [sandbox.record.cgroup, sandboxCgroup(sandbox.record)] : []), ...attempts.filter(({ phase }) => phase !== 'ended').map(({ cgroup }) => cgroup),
  ]))
  const root = context.hierarchies.controllers.memory ?? ''
  for (const qos of ['guaranteed', 'burstable', 'besteffort']) {
    for (const pod of childDirectories(path.join(root, nodeCgroup(context), qos))) {
      const parent = path.join(nodeCgroup(context), qos, pod)
      const strays = known.has(parent) ? childDirectories(path.join(root, parent)).map((name) => path.join(parent, name)).filter((each) => !known.has(each)) : [parent]
      for (const stray of strays) {
        await emptyCgroup(context.hierarchies, stray, context.clock)
        await removeCgroup(context.hierarchies, stray, context.clock)
      }
    }
  }
}

/** Shims wait to be told that all has been read; those of attempts that are gone, or whose end has been written down, are told nothing any more, and are ended. What carries logs goes on. */
const sweepShims = (context: Context): void => {
  const known = new Set([logWriterDirectory(context), ...[...context.pods.values()].flatMap(({ attempts }) => attempts.filter(({ phase }) => phase !== 'ended').map(({ directory }) => directory))])
  for (const pid of cgroupShims(context.hierarchies, shimCgroup(context))) {
    try {
      if (!known.has(readlinkSync(`/proc/${pid}/cwd`))) process.kill(pid, 'SIGKILL')
    } catch (error) {
      if (!isGone(error)) throw error
    }
  }
}
