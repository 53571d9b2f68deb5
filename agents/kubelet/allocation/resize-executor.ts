/** Writes what a resize has planned, memory before CPU, and remembers after each step what runs with what. Mirrors doPodResizeAction and validateMemoryResizeAction. */
import type { Container, ResourceRequirements } from '../../../src/api/types.ts'
import { currentOf } from '../observed.ts'
import { findContainer } from '../pod.ts'
import { containerRecord } from '../pod-record.ts'
import type { Machine, PodRun } from '../pod-run.ts'
import type { ResizeStep } from './resize-plan.ts'
import { resizeMessage } from './resize-state.ts'

const retryMilliseconds = 10_000

type Amounts = Record<string, string>

const withAmount = (list: Amounts | undefined, resource: 'cpu' | 'memory', amount: string | undefined): Amounts => {
  const { [resource]: _, ...others } = list ?? {}
  return { ...others, ...(amount !== undefined && { [resource]: amount }) }
}

/** `resources` with `resource` as the container has it. */
const withResource = (resources: ResourceRequirements, resource: 'cpu' | 'memory', container: Container): ResourceRequirements => {
  const side = (name: 'limits' | 'requests'): Partial<ResourceRequirements> => {
    const list = withAmount(resources[name], resource, container.resources?.[name]?.[resource])
    return Object.keys(list).length > 0 ? { [name]: list } : {}
  }
  return { ...side('limits'), ...side('requests') }
}

/** Why memory cannot be taken: it is in use. undefined: it can. */
const memoryInUse = async (machine: Machine, run: PodRun, steps: readonly ResizeStep[]): Promise<string | undefined> => {
  const lowered = steps.filter(({ lowersMemory }) => lowersMemory)
  const usage = lowered.length > 0 ? await machine.runtime.usage(run.pod.metadata.uid) : undefined
  const problems = lowered.flatMap(({ container, limits }) => {
    const used = (container === undefined ? usage?.pod : usage?.containers[container])?.memoryUsageBytes ?? 0
    const limit = limits.memoryLimitBytes ?? Infinity
    if (used < limit) return []
    return [`attempting to set ${container === undefined ? 'pod' : `container ${JSON.stringify(container)}`} memory limit (${limit}) below current usage (${used})`]
  })
  return problems.length === 0 ? undefined : `cannot decrease memory limits: ${problems.length === 1 ? problems[0] : `[${problems.join(', ')}]`}`
}

const take = async (machine: Machine, run: PodRun, { container: name, resource, limits }: ResizeStep): Promise<void> => {
  const uid = run.pod.metadata.uid
  if (name === undefined) {
    await machine.runtime.updateSandbox(uid, limits)
    run.record.sandboxLimits = { ...run.record.sandboxLimits, ...limits }
    return
  }
  await machine.runtime.updateContainer(uid, name, limits)
  const [container, state, record] = [findContainer(run.pod, name)?.container, currentOf(run.observed, name), containerRecord(run.record, name)]
  if (!container || !state) return
  record.actuated = {
    attempt: state.attempt, resources: withResource(record.actuated?.resources ?? {}, resource, container),
    whole: withAmount(record.actuated?.whole, resource, run.pod.spec.resources?.limits?.[resource]),
  }
}

/** Resolves with whether all of it was done; what was not is told in the pod's condition, and tried again. */
export const resize = async (machine: Machine, run: PodRun, steps: readonly ResizeStep[]): Promise<boolean> => {
  const fail = (error: string): false => {
    const generation = run.pod.metadata.generation ?? 0
    const before = run.record.resize?.inProgress
    run.record.resize = { ...run.record.resize, inProgress: { generation: before?.generation ?? generation, since: before?.since ?? machine.clock.now().getTime(), error } }
    if (before?.error !== error) machine.record(run.pod, { type: 'Warning', reason: 'ResizeError', message: resizeMessage('error', run.pod, before?.generation ?? generation, error) })
    run.wake.notifyIn(retryMilliseconds)
    return false
  }
  try {
    const inUse = await memoryInUse(machine, run, steps)
    if (inUse !== undefined) return fail(inUse)
    for (const step of steps) await take(machine, run, step)
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error))
  }
  if (run.record.resize?.inProgress?.error !== undefined) {
    const { error: _, ...going } = run.record.resize.inProgress
    run.record.resize = { ...run.record.resize, inProgress: going }
  }
  return true
}
