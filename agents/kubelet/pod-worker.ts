/**
 * One pod's worker: looks at what is wanted and what is there, plans, acts, reports; then sleeps until something wakes it (the pod changed, the kernel told of an exit,
 * a probe spoke, a moment has come). It never polls. Mirrors pkg/kubelet/pod_workers.go and syncPod in kubelet.go.
 */
import type { Pod, PodStatus } from '../../src/api/types.ts'
import { allocationOf, type PendingResize } from './allocation/allocation.ts'
import { actuatedOf, actuatedWholeOf, adoptWanted, decideResize, pendingResize, type ResizeFacts, settleInProgress, settlePending } from './allocation/resizer.ts'
import { ownedConditions } from './conditions.ts'
import { execute, executors, isBeingKilled } from './executors.ts'
import { currentOf, isRunning, runningOf } from './observed.ts'
import { findLost, observe } from './observe.ts'
import { plan } from './plan.ts'
import { planTermination } from './plan-termination.ts'
import { findContainer, describePod, isStaticPod, isTerminalPhase } from './pod.ts'
import { containerRecord, freshRecord, type PodRecord, rememberedPod } from './pod-record.ts'
import { attemptKey, type Machine, type PodRun, spareKey } from './pod-run.ts'
import { podIPsOf, readsFiles } from './prepare-container.ts'
import { prepareVolumes } from './prepare-volumes.ts'
import { readinessChanges } from './readiness-changes.ts'
import { forgetPod, reclaimPod } from './reclaim-pod.ts'
import { reportedHealth } from './reported-health.ts'
import { rejectedStatus } from './rejected-status.ts'
import type { ContainerState } from './runtime/runtime.ts'
import { NetworkError, setbacks } from './setbacks.ts'
import { podStatus } from './status.ts'
import type { PodFailure } from './status.ts'
import { decideStop, graceOf, remainingLife } from './stop-decision.ts'
import { Wakeable } from './wakeable.ts'

export interface PodWorker {
  /** With what is allocated to it. */
  readonly pod: Pod
  /** As the API server has it. */
  readonly wanted: Pod
  /** It asks for other resources than it has. */
  readonly pendingResize: PendingResize | undefined
  /** Decides on that; answers whether it was allocated. */
  resize(facts: ResizeFacts): boolean
  /** Everything has stopped, and all but logs and records is reclaimed. */
  readonly finished: boolean
  update(pod: Pod): void
  /** Nobody wants the pod any more: stop it with this grace, then forget it. */
  remove(graceSeconds: number): void
  /** The pod fails as a whole. The first reason counts. */
  fail(failure: PodFailure): void
  /** It is failing for such a reason. */
  readonly failing: boolean
  wake(): void
  /** Something that its volumes or environment show has changed. */
  refresh(): void
  /** Resolves when the pod is gone from this machine, or the signal aborts. */
  run(signal: AbortSignal): Promise<void>
}

const armDelayMilliseconds = 1000
const deadlineMessage = 'Pod was active on the node longer than the specified deadline'

export interface PodWorkerOptions {
  /** This machine does not take the pod; its worker only says so, and waits until it is deleted. */
  rejected?: { reason: string; message: string } | undefined
  /** What a kubelet before this one has remembered of it. */
  known?: PodRecord | undefined
}

export const podWorker = (machine: Machine, first: Pod, { rejected, known }: PodWorkerOptions = {}): PodWorker => {
  const { clock, prober, statuses } = machine
  const starting = new AbortController()
  let failure: PodFailure | undefined = rejected
  let withdrawn = false
  let removedGrace: number | undefined
  let finished = false
  const messages = new Map<string, string>()
  const run: PodRun = {
    pod: first, wanted: first,
    // Of a static pod the record has the status; of others the API server's is newer.
    record: known ? { ...known, allocation: known.allocation ?? allocationOf(first), pod: rememberedPod({ ...first, status: known.pod.status ?? {} }) } : freshRecord(first), observed: { sandbox: undefined, containers: [] }, lost: [], waiting: new Map(), killing: new Map(), stopping: undefined,
    wake: new Wakeable(clock), starting: starting.signal, volumesReady: false,
  }
  adoptWanted(run, first)
  const how = executors(machine, run)
  const troubles = setbacks(machine, run)

  const begin = async (signal: AbortSignal): Promise<void> => {
    signal.addEventListener('abort', () => starting.abort(signal.reason), { once: true })
    machine.references.retain(run.pod)
    run.observed = await observe(machine, run, messages)
    run.lost = findLost(machine, run)
    // What a restart of the machine has ended has not failed.
    for (const { name } of run.lost) Reflect.deleteProperty(containerRecord(run.record, name), 'backOff')
  }

  /** The status as last made, with what others have written beside it. */
  const old = (): PodStatus => {
    const mine = statuses.get(run.pod.metadata.uid)
    if (!mine) return (isStaticPod(run.pod) ? run.record.pod.status : run.pod.status) ?? {}
    const foreign = (run.pod.status?.conditions ?? []).filter(({ type }) => !ownedConditions.includes(type))
    return { ...mine, conditions: [...foreign, ...(mine.conditions ?? []).filter(({ type }) => ownedConditions.includes(type))] }
  }

  /** Whatever is being started is given up at once, also a hook that the worker waits for. */
  const giveUpStarting = (): void => starting.abort(new Error(`pod ${describePod(run.pod)} stops`))

  const stop = (graceSeconds: number): void => {
    giveUpStarting()
    run.stopping = { graceSeconds, since: run.stopping?.since ?? clock.monotonic() }
    // Waiting reasons of what will never start are not reported any more: the settled states are.
    run.waiting.clear()
  }

  const checkStop = (): void => {
    const [status, now] = [old(), clock.now().getTime()]
    const life = failure ? undefined : remainingLife(run.pod, status, now)
    if (life === 0) {
      failure = { reason: 'DeadlineExceeded', message: deadlineMessage }
      machine.record(run.pod, { type: 'Normal', reason: 'DeadlineExceeded', message: 'Pod was active on the node longer than specified deadline' })
    } else if (life !== undefined) run.wake.notifyIn(life)
    const graceSeconds = decideStop({ pod: run.pod, status, failedGrace: failure && (failure.graceSeconds ?? graceOf(run.pod)), removedGrace, stopping: run.stopping, now: clock.monotonic() })
    if (graceSeconds !== undefined) stop(graceSeconds)
  }

  const mayArm = (name: string): boolean => {
    const container = findContainer(run.pod, name)?.container
    if (container && readsFiles(container)) return false
    const state = currentOf(run.observed, name)
    const age = clock.now().getTime() - (state?.startedAt?.getTime() ?? 0)
    // One that was started in the future was started before the clock was set back.
    const isOld = age >= armDelayMilliseconds || age < 0
    // Those that begin come first.
    if (isOld && !machine.turns.busy) return machine.spares.mayArm(spareKey(run.pod, name), containerRecord(run.record, name).backOff !== undefined)
    run.wake.notifyIn(isOld ? armDelayMilliseconds : armDelayMilliseconds - age)
    return false
  }

  // An armed attempt has not counted yet: where it cannot be used (its sandbox is lost) it is removed, and its number is used again.
  const nextAttempt = (name: string): number =>
    Math.max(containerRecord(run.record, name).attempts, (currentOf(run.observed, name)?.attempt ?? -1) + 1)

  const syncRunning = async (): Promise<void> => {
    const actions = plan({
      pod: run.pod, observed: run.observed, now: clock.now().getTime(), nextAttempt, mayArm,
      verdict: (probe, state) => prober.verdict(probe, state),
      imageOf: (state) => containerRecord(run.record, state.name).images[String(state.attempt)],
      backOff: (name) => containerRecord(run.record, name).backOff,
      nextSandboxAttempt: Math.max(run.record.sandboxes, run.observed.sandbox ? run.observed.sandbox.attempt + 1 : 0),
      isBeingKilled: (state) => isBeingKilled(run, state), podLimits: run.record.sandboxLimits,
      actuated: (state) => actuatedOf(run, state), actuatedWhole: (state) => actuatedWholeOf(run, state), resizeOf: (state) => containerRecord(run.record, state.name).resizeOf === state.attempt,
    })
    const starts = actions.some((action) => action.do === 'createSandbox' || action.do === 'startContainer')
    const problem = starts && !run.pod.spec.hostNetwork ? machine.networkProblem() : undefined
    if (problem) throw new NetworkError(`network is not ready: container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:${problem}`)
    // A token has grown old, or a driver wants to be asked again.
    if ((machine.volumes.renewIn(run.pod.metadata.uid) ?? 1) <= 0) run.volumesReady = false
    const turnOver = actions.some((action) => action.do === 'createSandbox') ? await machine.turns.take(run.starting) : () => {}
    try {
      if (!run.volumesReady && (starts || runningOf(run.observed).length > 0)) await prepareVolumes(machine, run)
      // What is allocated is on the disk before anything runs with it.
      if (actions.some((action) => action.do === 'resize' || (action.do === 'killContainer' && action.reason === 'resize'))) await machine.records.save(run.pod.metadata.uid, run.record)
      await execute(actions, how)
    } finally { turnOver() }
    if (actions.some((action) => action.do !== 'holdBack')) run.observed = await observe(machine, run, messages)
  }

  const syncStopping = async (): Promise<void> => {
    if (!run.stopping) return
    const { actions, stopped, wakeMilliseconds } = planTermination({
      pod: run.pod, observed: run.observed, ...run.stopping, now: clock.monotonic(), killDeadline: (state) => run.killing.get(attemptKey(state))?.deadline,
    })
    await execute(actions, how)
    if (wakeMilliseconds !== undefined) run.wake.notifyIn(wakeMilliseconds)
    if (actions.some((action) => action.do === 'stopSandbox')) { run.wake.notify(); return }
    if (stopped && run.killing.size === 0) {
      report(true)
      await reclaimPod(machine, run.pod)
      finished = true
      for (const held of [machine.cpus, machine.devices]) held.release(run.pod.metadata.uid)
    }
  }

  const syncProbes = (): void => {
    const running = run.observed.containers.filter((state) => isRunning(state) && (!isBeingKilled(run, state) || run.stopping))
    prober.sync(run.pod, running, { podIP: podIPsOf(machine, run)[0] ?? '', stopping: run.stopping !== undefined, known: (state) => reportedHealth(old(), state) })
  }

  const report = (stopped: boolean): void => {
    if (rejected) { statuses.set(run.pod, rejectedStatus(run.pod, old(), rejected, clock.now())); return }
    const before = old()
    const { status, phase } = podStatus({
      pod: run.pod, observed: run.observed, old: before, waiting: run.waiting, failure, stopped, hostIPs: machine.hostIPs, now: clock.now(),
      health: (state: ContainerState) => prober.health(run.pod, state), resize: run.record.resize, actuated: (state: ContainerState) => actuatedOf(run, state), podResources: run.record.podResources, deviceHealth: (name) => machine.devices.healthOf(run.pod.metadata.uid, name),
    })
    statuses.set(run.pod, status)
    run.record.pod = rememberedPod({ ...run.pod, status })
    for (const { container, attempt, ready } of readinessChanges(before, status)) {
      machine.heal.add({ podUid: run.pod.metadata.uid, podNamespace: run.pod.metadata.namespace ?? '', podName: run.pod.metadata.name, container, attempt, phase: ready ? 'ready' : 'unready' })
    }
    if (isTerminalPhase({ phase }) && !run.stopping) {
      stop(graceOf(run.pod))
      run.wake.notify()
    }
  }

  const sync = async (): Promise<void> => {
    run.observed = await observe(machine, run, messages)
    checkStop()
    syncProbes()
    if (run.stopping) await syncStopping()
    else {
      await syncRunning()
      settleInProgress(machine, run)
    }
    if (finished) return
    syncProbes()
    report(false)
    if (run.volumesReady) {
      const renewal = machine.volumes.renewIn(run.pod.metadata.uid)
      if (renewal !== undefined) run.wake.notifyIn(Math.max(1000, renewal))
    }
    await machine.records.save(run.pod.metadata.uid, run.record)
  }

  const recover = (error: unknown): void => {
    troubles.add(error)
    report(false)
  }

  const withdraw = async (): Promise<void> => {
    if (!withdrawn) await forgetPod(machine, run.pod)
    withdrawn = true
    statuses.finish(run.pod)
  }

  return {
    get pod() { return run.pod },
    get wanted() { return run.wanted },
    get pendingResize() { return finished || rejected ? undefined : pendingResize(run) },
    resize: (facts) => decideResize(machine, run, facts),
    get finished() { return finished },
    update(pod) {
      const shown = JSON.stringify([run.pod.metadata.labels, run.pod.metadata.annotations]) !== JSON.stringify([pod.metadata.labels, pod.metadata.annotations])
      adoptWanted(run, pod)
      settlePending(run)
      run.record.pod = rememberedPod({ ...run.pod, status: run.record.pod.status })
      if (shown) run.volumesReady = false
      if (pod.metadata.deletionTimestamp || isTerminalPhase(pod.status ?? {})) giveUpStarting()
      else machine.references.retain(pod)
      run.wake.notify()
    },
    remove(graceSeconds) {
      removedGrace = Math.max(1, graceSeconds)
      giveUpStarting()
      run.wake.notify()
    },
    get failing() { return failure !== undefined },
    fail(why) {
      failure ??= why
      giveUpStarting()
      run.wake.notify()
    },
    wake: () => run.wake.notify(),
    refresh() {
      run.volumesReady = false
      run.wake.notify()
    },
    async run(signal) {
      try {
        await begin(signal)
        run.wake.notify()
        for (;;) {
          await run.wake.next(signal)
          try {
            if (!finished) await sync()
            troubles.clear()
          } catch (error) {
            if (signal.aborted) throw error
            recover(error)
          }
          if (!finished || (!run.pod.metadata.deletionTimestamp && removedGrace === undefined)) continue
          try {
            await withdraw()
            if (removedGrace !== undefined) return
          } catch (error) { recover(error) }
        }
      } catch (error) {
        if (!signal.aborted) throw error
      } finally {
        starting.abort()
        prober.forget(run.pod.metadata.uid)
        await machine.records.save(run.pod.metadata.uid, run.record).catch(() => {}) // a record that cannot be kept costs only counts
        if (removedGrace !== undefined && finished) await machine.records.remove(run.pod.metadata.uid)
      }
    },
  }
}
