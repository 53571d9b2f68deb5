/** What `wherry down` runs for each node: ends its pods with their grace and says what it waits for, then removes every trace of the node. */
import type { ContainerState, Runtime, SandboxState } from '../../../agents/kubelet/runtime/runtime.ts'
import { systemClock } from '../../api/clock.ts'
import { parseFlags } from '../flags.ts'
import { processLog } from '../log.ts'
import { kubeletFlags, nodeParts } from './kubelet.ts'

/** The order in which pods end: each group is gone before the next is asked. */
const groups: readonly { what: string; holds(pod: SandboxState): boolean; graceSeconds: number }[] = [
  { what: 'workloads', holds: ({ podNamespace }) => podNamespace !== 'kube-system', graceSeconds: 10 },
  { what: 'system pods', holds: ({ podNamespace, podName }) => podNamespace === 'kube-system' && !podName.startsWith('kube-apiserver-'), graceSeconds: 5 },
  { what: 'the API server', holds: () => true, graceSeconds: 10 },
]

const stopPod = async (runtime: Runtime, pod: SandboxState, { containers, graceSeconds }: { containers: readonly ContainerState[]; graceSeconds: number }): Promise<void> => {
  const running = containers.filter((each) => each.podUid === pod.podUid && each.state === 'running')
  await Promise.all(running.map(({ name }) => runtime.stopContainer(pod.podUid, name, graceSeconds)))
}

const reminderMilliseconds = 3_000

/** Says now and then what is still waited for, until the signal aborts. */
const remind = async (waiting: ReadonlySet<string>, signal: AbortSignal): Promise<void> => {
  while (await systemClock.sleep(reminderMilliseconds, signal).then(() => true, () => false)) process.stderr.write(`  still waiting for ${[...waiting].join(' ')}\n`)
}

export const runTearDown = async (args: readonly string[]): Promise<void> => {
  const flags = parseFlags('tear-down', [...kubeletFlags, 'now'], args)
  const { runtime, network } = await nodeParts(flags, processLog('down', 'error'))
  const ended = new Set<string>()
  // A node that is killed gets no grace: that is what is wanted.
  for (const { what, holds, graceSeconds } of flags.get('now') === 'true' ? [] : groups) {
    const [sandboxes, containers] = await Promise.all([runtime.listSandboxes(), runtime.listContainers()])
    const pods = sandboxes.filter((pod) => !ended.has(pod.podUid) && holds(pod) && containers.some(({ podUid, state }) => podUid === pod.podUid && state === 'running'))
    if (pods.length === 0) continue
    const waiting = new Set(pods.map(({ podNamespace, podName }) => `${podNamespace}/${podName}`))
    process.stderr.write(`${flags.need('node-name')}: ending ${what} (grace ${graceSeconds} s): ${[...waiting].join(' ')}\n`)
    const done = new AbortController()
    void remind(waiting, done.signal)
    await Promise.all(pods.map(async (pod) => { await stopPod(runtime, pod, { containers, graceSeconds }); waiting.delete(`${pod.podNamespace}/${pod.podName}`); ended.add(pod.podUid) }))
    done.abort()
  }
  await runtime.destroy()
  await network.remove()
}
