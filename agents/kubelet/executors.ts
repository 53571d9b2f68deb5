/** How each action of a plan is done. An action without an executor does not compile. */
import { mkdirSync } from 'node:fs'
import { readdir, rm } from 'node:fs/promises'
import path from 'node:path'
import { goDuration, nextBackOff } from './back-off.ts'
import { ConfigError } from './env.ts'
import { runtimeRefOf } from './image.ts'
import { currentOf } from './observed.ts'
import type { PodAction } from './plan.ts'
import { describePod, fieldPathOf, findContainer, type RoledContainer } from './pod.ts'
import { containerRecord } from './pod-record.ts'
import { attemptKey, type Machine, type PodRun, spareKey } from './pod-run.ts'
import { containerLogDirectory, localImages, MissingImage, type ObtainedImages, obtainImages, podIPsOf, prepareContainer } from './prepare-container.ts'
import { limitsOf } from './container-spec.ts'
import type { ContainerSpec, ContainerState, SandboxSpec } from './runtime/runtime.ts'
import { resize } from './allocation/resize-executor.ts'
import { keepPodResources } from './allocation/resizer.ts'
import { sandboxLimits } from './resources.ts'
import { sandboxSpec } from './sandbox-spec.ts'
import { stopContainer } from './stop-container.ts'

/** Resolves with whether it was done; what was not is tried again later, and what depends on it must wait. */
export type Executors = { [V in PodAction['do']]: (action: Extract<PodAction, { do: V }>) => Promise<boolean> }

const retryMilliseconds = 10_000
const text = (error: unknown): string => (error instanceof Error ? error.message : String(error))

export const executors = (machine: Machine, run: PodRun): Executors => {
  const { runtime, clock, heal } = machine
  const uid = run.pod.metadata.uid
  const named = (name: string): RoledContainer => {
    const each = findContainer(run.pod, name)
    if (!each) throw new Error(`pod ${describePod(run.pod)} has no container ${name}`)
    return each
  }
  const tell = (each: RoledContainer, type: 'Normal' | 'Warning', [reason, message]: [string, string]): void =>
    machine.record(run.pod, { type, reason, message, fieldPath: fieldPathOf(each) })
  const note = (container: string, attempt: number, phase: Parameters<typeof heal.add>[0]['phase'], more: { message?: string; exitCode?: number; monotonicMs?: number } = {}): void =>
    heal.add({ podUid: uid, podNamespace: run.pod.metadata.namespace ?? '', podName: run.pod.metadata.name, container, attempt, phase, ...more })
  const hold = (each: RoledContainer, reason: string, message: string): false => {
    run.waiting.set(each.container.name, { reason, message })
    run.wake.notifyIn(retryMilliseconds)
    return false
  }
  /** A failed step of a start, in upstream's reasons. */
  const fail = (each: RoledContainer, reason: string, error: unknown): false => {
    if (run.starting.aborted) return false
    const before = run.waiting.get(each.container.name)
    if (error instanceof MissingImage) {
      // Whatever wakes the worker meanwhile is no news of the image.
      const known = before?.reason === error.verdict.reason && before.message === error.verdict.message
      for (const event of known ? [] : error.verdict.events) tell(each, event.type, [event.reason, event.message])
      run.waiting.set(each.container.name, { reason: error.verdict.reason, message: error.verdict.message })
      run.wake.notifyIn(error.verdict.retryMilliseconds ?? retryMilliseconds)
      return false
    }
    if (before?.message !== text(error)) tell(each, 'Warning', ['Failed', `Error: ${text(error)}`])
    return hold(each, error instanceof ConfigError ? 'CreateContainerConfigError' : reason, text(error))
  }

  const create = async (each: RoledContainer, { attempt, images }: { attempt: number; images: ObtainedImages }): Promise<void> => {
    const { container } = each
    const spec = await prepareContainer(machine, run, { container, attempt, images })
    mkdirSync(path.dirname(spec.logPath), { recursive: true, mode: 0o755 })
    containerRecord(run.record, container.name).images[String(attempt)] = container.image ?? ''
    await runtime.createContainer(spec, run.starting)
  }

  const afterStart = async (each: RoledContainer, state: ContainerState): Promise<boolean> => {
    const postStart = each.container.lifecycle?.postStart
    if (!postStart) return true
    try {
      await machine.hook(postStart, { container: each.container, state, podIP: podIPsOf(machine, run)[0] ?? '' }, run.starting)
      return true
    } catch (error) {
      if (run.starting.aborted) return false
      tell(each, 'Warning', ['FailedPostStartHook', `PostStartHook failed: ${text(error)}`])
      stopContainer(machine, run, { each, state, graceSeconds: run.pod.spec.terminationGracePeriodSeconds ?? 30, preStop: false, message: 'FailedPostStartHook' })
      return hold(each, 'PostStartHookError', text(error))
    }
  }

  /** A pod of which a container has CPUs alone is not slowed down as a whole, either. */
  const podSandbox = (attempt: number, facts: Parameters<typeof sandboxSpec>[2]): SandboxSpec => {
    const spec = sandboxSpec(run.pod, attempt, facts)
    const alone = [...(run.pod.spec.initContainers ?? []), ...run.pod.spec.containers].some((container) => machine.cpus.pinOf(uid, container.name)?.exclusive)
    return { ...spec, resources: limitsOf(spec.resources, alone) }
  }

  const countRestart = (name: string): void => {
    const before = currentOf(run.observed, name)
    const record = containerRecord(run.record, name)
    // It ended while no kubelet was there to hear of it.
    if (before?.state === 'exited' && before.finishedAt && !heal.has(uid, name, before.attempt, 'exit')) {
      note(name, before.attempt, 'exit', { monotonicMs: clock.monotonic() - (clock.now().getTime() - before.finishedAt.getTime()), ...(before.exitCode !== undefined && { exitCode: before.exitCode }) })
    }
    // It was stopped to start anew with other resources: that is no failure.
    if (before?.state === 'exited' && record.resizeOf !== before.attempt) record.backOff = nextBackOff(record.backOff, { finishedAt: before.finishedAt?.getTime() ?? 0, now: clock.now().getTime(), longest: machine.maxRestartBackOffMilliseconds })
  }

  return {
    async discardSandbox() {
      machine.record(run.pod, { type: 'Normal', reason: 'SandboxChanged', message: 'Pod sandbox changed, it will be killed and re-created.' })
      await runtime.stopSandbox(uid)
      return true
    },
    async createSandbox({ attempt }) {
      try {
        await machine.checkRuntimeClass(run.pod, run.starting)
        const sandbox = await runtime.runSandbox(podSandbox(attempt, await machine.sandboxFacts()), run.starting)
        run.observed = { ...run.observed, sandbox }
        run.record.sandboxes = attempt + 1
        run.record.sandboxLimits = sandboxLimits(run.pod)
        keepPodResources(run)
        note('', attempt, 'sandbox')
        return true
      } catch (error) {
        if (run.starting.aborted) return false
        machine.record(run.pod, { type: 'Warning', reason: 'FailedCreatePodSandBox', message: `Failed to create pod sandbox: ${text(error)}` })
        run.wake.notifyIn(retryMilliseconds)
        return false
      }
    },
    async startContainer({ container: name, attempt, armed }) {
      const each = named(name)
      const record = containerRecord(run.record, name)
      let images: ObtainedImages | undefined
      try { images = await obtainImages(machine, run, each) } catch (error) { return fail(each, 'CreateContainerError', error) }
      if (!images) return false
      const { image, pulled } = images
      const spare = run.observed.containers.find((state) => state.name === name && state.attempt === attempt)
      // Under the same name there may be another image by now.
      const usable = armed && record.images[String(attempt)] === each.container.image && spare?.imageRef === runtimeRefOf(image.ref)
      machine.spares.gone(spareKey(run.pod, name))
      countRestart(name)
      let spec: ContainerSpec
      try {
        await machine.devices.beforeStart(run.pod, each.container)
        if (armed && !usable) await runtime.removeContainer(uid, name, attempt)
        spec = await prepareContainer(machine, run, { container: each.container, attempt, images })
        if (!pulled) tell(each, 'Normal', ['Pulled', `Container image ${JSON.stringify(each.container.image ?? '')} already present on machine and can be accessed by the pod`])
        if (!usable) await create(each, { attempt, images })
        tell(each, 'Normal', ['Created', 'Container created'])
        run.starting.throwIfAborted()
      } catch (error) {
        return fail(each, 'CreateContainerError', error)
      }
      record.attempts = attempt + 1
      record.purged = false
      record.actuated = { attempt, resources: each.container.resources ?? {}, whole: run.pod.spec.resources?.limits ?? {} }
      delete record.resizeOf
      let state: ContainerState
      try {
      state = await runtime.startContainer(spec)
      // Whose CPUs are whose may have changed since it was prepared.
      const pin = machine.cpus.pinOf(uid, name)
      if (pin && pin.cpus !== spec.cpus) await runtime.setCpus(uid, name, pin.cpus)
    } catch (error) { return fail(each, 'RunContainerError', error) }
      run.waiting.delete(name)
      note(name, attempt, 'started')
      tell(each, 'Normal', ['Started', 'Container started'])
      return afterStart(each, state)
    },
    holdBack({ container: name, delayMilliseconds, remainingMilliseconds }) {
      const message = `back-off ${goDuration(delayMilliseconds)} restarting failed container=${name} pod=${describePod(run.pod)}`
      const attempt = currentOf(run.observed, name)?.attempt ?? 0
      if (run.waiting.get(name)?.message !== message) {
        tell(named(name), 'Warning', ['BackOff', `Back-off restarting failed container ${name} in pod ${describePod(run.pod)}`])
        note(name, attempt + 1, 'backoff', { message: `${remainingMilliseconds} ms` })
      }
      run.waiting.set(name, { reason: 'CrashLoopBackOff', message })
      run.wake.notifyIn(remainingMilliseconds)
      return Promise.resolve(true)
    },
    async armContainer({ container: name, attempt }) {
      try {
        machine.spares.armed(spareKey(run.pod, name))
        await create(named(name), { attempt, images: await localImages(machine, run, named(name).container) })
      } catch (error) {
        // A restart will start cold; why it cannot be prepared will be told then.
        machine.log.debug('cannot arm the next attempt', { pod: describePod(run.pod), container: name, error: text(error) })
      }
      return true
    },
    killContainer({ container: name, attempt, graceSeconds, message, preStop, reason }) {
      if (reason === 'resize') containerRecord(run.record, name).resizeOf = attempt
      const state = run.observed.containers.find((each) => each.name === name && each.attempt === attempt)
      if (state) stopContainer(machine, run, { each: findContainer(run.pod, name), state, graceSeconds, preStop, message })
      return Promise.resolve(true)
    },
    resize: ({ steps }) => resize(machine, run, steps),
    async removeContainer({ container: name, attempt }) {
      const armed = run.observed.containers.some((state) => state.name === name && state.attempt === attempt && state.state === 'created')
      await runtime.removeContainer(uid, name, attempt)
      run.lost = run.lost.filter((lost) => lost.name !== name || lost.attempt !== attempt)
      const record = containerRecord(run.record, name)
      Reflect.deleteProperty(record.images, String(attempt))
      if (armed) machine.spares.gone(spareKey(run.pod, name))
      else if (attempt === record.attempts - 1) record.purged = true
      await removeLogs(containerLogDirectory(machine, run.pod, name), attempt)
      return true
    },
    async stopSandbox() {
      await runtime.stopSandbox(uid)
      return true
    },
  }
}

/** The log of an attempt and what was rotated out of it. */
const removeLogs = async (directory: string, attempt: number): Promise<void> => {
  const names = await readdir(directory).catch(() => [])
  for (const name of names) if (name.startsWith(`${attempt}.log`)) await rm(path.join(directory, name), { force: true })
}

/** One after the other, as planned. What failed holds back the starts that depend on it: a sandbox all of them, an init container those after it. */
export const execute = async (actions: readonly PodAction[], how: Executors): Promise<void> => {
  for (const action of actions) {
    const done = await (how[action.do] as (action: PodAction) => Promise<boolean>)(action)
    if (!done && (action.do === 'createSandbox' || (action.do === 'startContainer' && action.role === 'init'))) return
  }
}

export const isBeingKilled = (run: PodRun, state: ContainerState): boolean => run.killing.has(attemptKey(state))
