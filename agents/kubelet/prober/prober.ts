/** Probes running containers, each on its own schedule, and keeps what they say. Mirrors pkg/kubelet/prober's manager and workers; there is no jitter, and no result is polled for. */
import type { Clock } from '../../../src/api/clock.ts'
import type { Container, Pod, Probe } from '../../../src/api/types.ts'
import type { ProbeVerdict } from '../plan.ts'
import { findContainer, type RoledContainer } from '../pod.ts'
import type { ContainerState } from '../runtime/runtime.ts'
import { listensNotYet, pauseBeforeNextTry } from './first-run.ts'
import type { ProbeOutcome, RunProbe } from './probe.ts'
import { freshStreak, nextStreak, type ProbeKind, type Streak } from './thresholds.ts'

export interface ProbeNews {
  pod: Pod
  each: RoledContainer
  state: ContainerState
  kind: ProbeKind
  /** `run`: a first run begins; `failed`: a run failed, whatever the verdict; `verdict`: the verdict changed. */
  what: 'run' | 'failed' | 'verdict'
  verdict: ProbeVerdict
  outcome: ProbeOutcome | undefined
}

export interface ProberOptions {
  clock: Clock
  run: RunProbe
  /** Called at once; must not throw. */
  tell(news: ProbeNews): void
}

export interface Prober {
  /**
   * Probes exactly these running attempts of the pod from now on. Of an attempt that was running before this kubelet was, `known` is the health last reported:
   * it holds until the first verdict. While the pod stops only readiness is probed.
   */
  sync(pod: Pod, running: readonly ContainerState[], facts: { podIP: string; known(state: ContainerState): { started: boolean; ready: boolean } | undefined; stopping: boolean }): void
  verdict(kind: ProbeKind, state: ContainerState): ProbeVerdict | undefined
  health(pod: Pod, state: ContainerState): { started: boolean; ready: boolean }
  forget(podUid: string): void
  /** How often each probe of the pods that are here has ended how. */
  counts(): readonly ProbeCount[]
}

/** Labels as upstream's prober_probe_total has them. */
export interface ProbeCount { labels: { container: string; namespace: string; pod: string; pod_uid: string; probe_type: string; result: string }; count: number }

interface Worker {
  state: ContainerState
  streak: Streak
  podIP: string
  controller: AbortController
  /** Of the run that is under way. */
  run: AbortController | undefined
}

// One for all: hundreds of probes a second would else make as many errors, with their stacks, that nobody reads.
const answered = new Error('the probe answered in time')
const late = new Error('the probe did not answer in time')
const notWanted = new Error('nobody wants to know any more')

const stop = ({ controller, run }: Worker): void => {
  controller.abort(notWanted)
  run?.abort(notWanted)
}

// After its first run a probe's moments are multiples of this: what is due at about the same time is done in one go, for which the kubelet wakes once, and which costs it half as much.
const gridMilliseconds = 100

const kinds: readonly ProbeKind[] = ['startup', 'liveness', 'readiness']
const probeTypes = { startup: 'Startup', liveness: 'Liveness', readiness: 'Readiness' } as const
const maxTries = 3

const onGrid = (moment: number): number => Math.ceil(moment / gridMilliseconds) * gridMilliseconds

const probeOf = (container: Container, kind: ProbeKind): Probe | undefined =>
  (kind === 'startup' ? container.startupProbe : kind === 'liveness' ? container.livenessProbe : container.readinessProbe)

export const prober = ({ clock, run, tell }: ProberOptions): Prober => {
  const workers = new Map<string, Worker>()
  const counts = new Map<string, ProbeCount>()
  const count = (pod: Pod, container: string, kind: ProbeKind, { result }: ProbeOutcome): void => {
    const labels = { container, namespace: pod.metadata.namespace ?? '', pod: pod.metadata.name, pod_uid: pod.metadata.uid, probe_type: probeTypes[kind], result: result === 'unknown' ? 'unknown' : result === 'failure' ? 'failed' : 'successful' }
    const key = `${labels.pod_uid}/${container}/${kind}/${labels.result}`
    const known = counts.get(key)
    if (known) known.count += 1
    else counts.set(key, { labels, count: 1 })
  }
  const keyOf = (kind: ProbeKind, state: ContainerState): string => `${state.podUid}/${state.name}#${state.attempt}/${kind}`

  const verdict = (kind: ProbeKind, state: ContainerState): ProbeVerdict | undefined => workers.get(keyOf(kind, state))?.streak.verdict
  const health = (pod: Pod, state: ContainerState): { started: boolean; ready: boolean } => {
    const container = findContainer(pod, state.name)?.container
    const started = !container?.startupProbe || verdict('startup', state) === 'success'
    return { started, ready: started && (!container?.readinessProbe || verdict('readiness', state) === 'success') }
  }

  const runOnce = async (probe: Probe, worker: Worker, container: Container): Promise<ProbeOutcome> => {
    let outcome: ProbeOutcome = { result: 'unknown', output: '' }
    for (let tries = 0; tries < maxTries && outcome.result === 'unknown' && !worker.controller.signal.aborted; tries++) {
      // Instead of AbortSignal.any(), which is dear. An answer ends the wait for the timeout by the same signal, which nobody listens to any more.
      const current = new AbortController()
      worker.run = current
      clock.sleep((probe.timeoutSeconds ?? 1) * 1000, current.signal).then(() => current.abort(late), () => {}) // it answered before its timeout
      outcome = await run(probe, { container, state: worker.state, podIP: worker.podIP }, current.signal)
      worker.run = undefined
      current.abort(answered)
    }
    return outcome
  }

  /** In the first period of a container that has just begun: again, soon, while nobody listens. */
  const runAtFirst = async (probe: Probe, worker: Worker, { container, until }: { container: Container; until: number }): Promise<ProbeOutcome> => {
    for (let tries = 0; ; tries++) {
      const outcome = await runOnce(probe, worker, container)
      const pause = pauseBeforeNextTry(tries)
      if (worker.controller.signal.aborted || !listensNotYet(outcome) || clock.monotonic() + pause >= until) return outcome
      await clock.sleep(pause, worker.controller.signal)
    }
  }

  const work = async (pod: Pod, each: RoledContainer, { kind, probe, worker }: { kind: ProbeKind; probe: Probe; worker: Worker }): Promise<void> => {
    const { signal } = worker.controller
    const period = (probe.periodSeconds ?? 10) * 1000
    const delay = (probe.initialDelaySeconds ?? 0) * 1000
    const first = (worker.state.startedAt ?? worker.state.createdAt).getTime() + delay
    // Where the clock has been set back meanwhile, nothing is further away than its delay.
    const since = Math.max(-delay, clock.now().getTime() - first)
    // An attempt that was started long ago keeps its own rhythm, so that a new kubelet does not probe everything at one moment.
    const begin = clock.monotonic() + (since < period ? Math.max(0, -since) : period - since % period)
    const news = (what: ProbeNews['what'], outcome?: ProbeOutcome): void => tell({ pod, each, state: worker.state, kind, what, verdict: worker.streak.verdict, outcome })
    for (let next = begin, begun = false; !signal.aborted; next = onGrid(next + period * Math.max(1, Math.ceil((clock.monotonic() - next) / period)))) {
      await clock.sleep(Math.max(0, next - clock.monotonic()), signal)
      if (!begun) news('run')
      begun = true
      const isFirst = next === begin && delay === 0 && since < period
      const outcome = isFirst ? await runAtFirst(probe, worker, { container: each.container, until: begin + period }) : await runOnce(probe, worker, each.container)
      if (signal.aborted) return
      if (isFirst && listensNotYet(outcome)) continue
      count(pod, each.container.name, kind, outcome)
      // What could not be asked says nothing: neither for it nor against it.
      if (outcome.result === 'unknown') { news('failed', outcome); continue }
      const before = worker.streak.verdict
      const healthy = outcome.result === 'success' || outcome.result === 'warning'
      worker.streak = nextStreak(worker.streak, healthy, probe)
      if (outcome.result !== 'success') news('failed', outcome)
      if (worker.streak.verdict !== before) news('verdict', outcome)
      if (kind === 'startup' && worker.streak.verdict === 'success') return
      // What failed for good is about to be restarted; its next attempt is probed anew.
      if (kind !== 'readiness' && worker.streak.verdict === 'failure') return
    }
  }

  const begin = (pod: Pod, each: RoledContainer, { kind, probe, state, podIP, known }: { kind: ProbeKind; probe: Probe; state: ContainerState; podIP: string; known: boolean | undefined }): void => {
    const streak = freshStreak(kind)
    const worker: Worker = { state, controller: new AbortController(), run: undefined, podIP, streak: known ? { ...streak, verdict: 'success' } : streak }
    workers.set(keyOf(kind, state), worker)
    if (kind === 'startup' && known) return
    work(pod, each, { kind, probe, worker }).catch((error: unknown) => { if (!worker.controller.signal.aborted) throw error })
  }

  return {
    sync(pod, running, { podIP, known, stopping }) {
      const wanted = new Set<string>()
      for (const state of running) {
        const each = findContainer(pod, state.name)
        if (!each || each.role === 'init' || each.role === 'ephemeral') continue
        for (const kind of kinds) {
          const probe = probeOf(each.container, kind)
          if (!probe || (stopping && kind !== 'readiness')) continue
          const key = keyOf(kind, state)
          if (kind !== 'startup' && !workers.has(key) && each.container.startupProbe && verdict('startup', state) !== 'success') continue
          wanted.add(key)
          const before = known(state)
          if (!workers.has(key)) begin(pod, each, { kind, probe, state, podIP, known: kind === 'startup' ? before?.started : kind === 'readiness' ? before?.ready : undefined })
        }
      }
      for (const [key, worker] of workers) {
        if (worker.state.podUid !== pod.metadata.uid || wanted.has(key)) continue
        stop(worker)
        workers.delete(key)
      }
    },
    verdict,
    health,
    counts: () => [...counts.values()],
    forget(podUid) {
      for (const key of [...counts.keys()]) if (key.startsWith(`${podUid}/`)) counts.delete(key)
      for (const [key, worker] of workers) {
        if (worker.state.podUid !== podUid) continue
        stop(worker)
        workers.delete(key)
      }
    },
  }
}
