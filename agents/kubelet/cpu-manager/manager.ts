/**
 * Gives containers CPUs of their own where the node's policy is `static`, keeps all others off them, and remembers it through restarts. Mirrors pkg/kubelet/cm/cpumanager; what changes is written
 * to cgroups at once and not every ten seconds. With the policy `none` nobody is pinned, and what an earlier kubelet had pinned is let go.
 */
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { Clock } from '../../../src/api/clock.ts'
import type { Pod } from '../../../src/api/types.ts'
import type { Log } from '../../../src/client/component.ts'
import type { Rejection } from '../admission.ts'
import type { Runtime } from '../runtime/runtime.ts'
import { Wakeable } from '../wakeable.ts'
import { NotEnoughCpus } from './assign.ts'
import { parseCheckpoint, renderCheckpoint } from './checkpoint.ts'
import { type CpuSet, difference, formatCpuSet } from './cpu-set.ts'
import { cpuMetrics } from './metrics.ts'
import { assignCpus, type CpuRoom, type CpuState, emptyState, hasExclusiveCpus, releaseCpus, reservedCpus, SmtAlignmentError, stateProblem } from './policy.ts'
import { cpusOf, type CpuTopology, readTopology } from './topology.ts'

export interface CpuManagerSettings {
  /** CPUs that are never one container's: these, or so many as are reserved. */
  reserved: { named: CpuSet } | { milli: bigint }
  /** The policy's options `full-pcpus-only` and `strict-cpu-reservation`. */
  fullCores?: boolean
  strict?: boolean
  /** The machine's own if absent. */
  topology?: CpuTopology
}

export interface Pin { cpus: string; exclusive: boolean }

export interface CpuManager {
  readonly isStatic: boolean
  /** undefined: it may run anywhere. */
  pinOf(podUid: string, container: string): Pin | undefined
  /** Gives the pod's containers what they ask for. `keep`: whose CPUs are not free; everybody's if undefined. */
  admit(pod: Pod, keep: ReadonlySet<string> | undefined): Rejection | undefined
  /** Those that containers may have alone. */
  allocatable(): CpuSet
  /** Nothing of the pod runs any more. */
  release(podUid: string): void
  /** Writes it to what runs, whenever it changes. */
  run(signal: AbortSignal): Promise<void>
  metrics(): string
}

export interface CpuManagerParts {
  /** undefined: the policy is `none`. */
  settings: CpuManagerSettings | undefined
  /** The kubelet's own. */
  directory: string
  runtime: Pick<Runtime, 'listContainers' | 'setCpus'>
  clock: Clock
  log: Log
}

const retryMilliseconds = 10_000
const stateFile = (directory: string): string => path.join(directory, 'cpu_manager_state')

/** Every container that runs, or is about to. Rejects with the first failure, after all have been tried. */
const pinAll = async (runtime: CpuManagerParts['runtime'], cpus: (podUid: string, container: string) => string | undefined): Promise<void> => {
  const live = (await runtime.listContainers()).filter(({ state }) => state === 'created' || state === 'running')
  const results = await Promise.allSettled(live.map(({ podUid, name }) => { const own = cpus(podUid, name); return own === undefined ? Promise.resolve() : runtime.setCpus(podUid, name, own) }))
  const failed = results.find(({ status }) => status === 'rejected')
  if (failed?.status === 'rejected') throw failed.reason
}

const nobodyPinned = ({ directory, runtime, log }: CpuManagerParts): CpuManager => ({
  isStatic: false, pinOf: () => undefined, allocatable: () => [], admit: () => undefined, release: () => {}, metrics: () => '',
  async run() {
    if (!existsSync(stateFile(directory))) return
    try {
      await pinAll(runtime, () => formatCpuSet(cpusOf(readTopology())))
      rmSync(stateFile(directory), { force: true })
    } catch (error) {
      log.error('containers keep CPUs that an earlier policy gave them', { error: String(error) })
    }
  },
})

/** Throws, with the remedy, what cannot be gone on with. */
const restore = (file: string, room: CpuRoom): CpuState => {
  if (!existsSync(file)) return emptyState(room)
  try {
    const state = parseCheckpoint(readFileSync(file, 'utf8'))
    const problem = stateProblem(state, room)
    if (problem !== undefined) throw new Error(problem)
    return state
  } catch (error) {
    throw new Error(`could not restore state from checkpoint: ${error instanceof Error ? error.message : String(error)}, please drain this node and delete the CPU manager checkpoint file ${JSON.stringify(file)} before restarting Kubelet`, { cause: error })
  }
}

export const cpuManager = (parts: CpuManagerParts): CpuManager => {
  const { settings, directory, runtime, clock, log } = parts
  if (!settings) return nobodyPinned(parts)
  const topology = settings.topology ?? readTopology()
  const room: CpuRoom = { topology, reserved: reservedCpus(topology, settings.reserved), fullCores: settings.fullCores ?? false, strict: settings.strict ?? false }
  const file = stateFile(directory)
  const wake = new Wakeable(clock)
  const counts = { requests: 0, errors: 0 }
  let state = restore(file, room)

  const save = (): void => {
    writeFileSync(`${file}.new`, renderCheckpoint(state), { mode: 0o600 })
    renameSync(`${file}.new`, file)
  }
  const change = (next: CpuState): void => {
    if (next === state) return
    state = next
    save()
    wake.notify()
  }
  const pinOf = (podUid: string, container: string): Pin | undefined => {
    const own = state.assignments.get(podUid)?.get(container)
    // Where what is reserved is strictly so, nothing may be left to share: as upstream, nobody is moved then.
    if (!own && state.shared.length === 0) return undefined
    return { cpus: formatCpuSet(own ?? state.shared), exclusive: own !== undefined }
  }
  save()
  wake.notify()
  return {
    isStatic: true, pinOf, allocatable: () => difference(cpusOf(topology), room.reserved),
    admit(pod, keep) {
      if (keep) change([...state.assignments.keys()].filter((uid) => !keep.has(uid) && uid !== pod.metadata.uid).reduce(releaseCpus, state))
      if (!hasExclusiveCpus(pod) || state.assignments.has(pod.metadata.uid)) return undefined
      counts.requests++
      try { change(assignCpus(state, pod, room)) } catch (error) {
        if (!(error instanceof NotEnoughCpus) && !(error instanceof SmtAlignmentError)) throw error
        counts.errors++
        if (error instanceof SmtAlignmentError) return { reason: 'SMTAlignmentError', message: error.message }
        return { reason: 'UnexpectedAdmissionError', message: `Allocate failed due to ${error.message}, which is unexpected` }
      }
      return undefined
    },
    release: (podUid) => { change(releaseCpus(state, podUid)) },
    async run(signal) {
      for (;;) {
        await wake.next(signal)
        try { await pinAll(runtime, (podUid, name) => pinOf(podUid, name)?.cpus) } catch (error) {
          log.error('cannot pin containers to their CPUs', { error: String(error) })
          wake.notifyIn(retryMilliseconds)
        }
      }
    },
    metrics: () => cpuMetrics(state, counts),
  }
}
