/** What `wherry down` runs for each node: ends its pods with their grace and says what it waits for, then removes every trace of the node. */
import { text } from 'node:stream/consumers'
import { giveBack } from '../../../agents/kubelet/csi/give-back.ts'
import { allPodVolumes } from '../../../agents/kubelet/csi/journal.ts'
import { runHook } from '../../../agents/kubelet/hooks.ts'
import type { ContainerState, Runtime, SandboxState } from '../../../agents/kubelet/runtime/runtime.ts'
import { systemMounter } from '../../../agents/kubelet/volumes/mounter.ts'
import { systemClock } from '../../api/clock.ts'
import type { Pod } from '../../api/types.ts'
import { parseFlags } from '../flags.ts'
import { processLog } from '../log.ts'
import { kubeletFlags, nodeParts } from './kubelet.ts'

interface Group { what: string; holds(pod: SandboxState, spec: Pod | undefined): boolean; graceSeconds: number; volumesFirst?: boolean }

// Whoever registers a driver has one of these in its pod.
const driverDirectories = /^\/var\/lib\/kubelet\/plugins(_registry)?(\/|$)/
const hasDriver = (pod: Pod | undefined): boolean => pod?.spec.volumes?.some(({ hostPath }) => hostPath && driverDirectories.test(hostPath.path)) ?? false
const isServer = ({ podNamespace, podName }: SandboxState): boolean => podNamespace === 'kube-system' && podName.startsWith('kube-apiserver-')

/** The order in which pods end: each group is gone before the next is asked. `graceSeconds` counts where nobody knows what the pod itself asks for; `volumesFirst`: what drivers have given to those before goes back to them. */
const groups: readonly Group[] = [
  { what: 'workloads', holds: ({ podNamespace }, pod) => podNamespace !== 'kube-system' && !hasDriver(pod), graceSeconds: 10 },
  { what: 'system pods', holds: (sandbox, pod) => sandbox.podNamespace === 'kube-system' && !isServer(sandbox) && !hasDriver(pod), graceSeconds: 5 },
  { what: 'drivers of volumes', holds: (sandbox) => !isServer(sandbox), graceSeconds: 10, volumesFirst: true },
  { what: 'the API server', holds: () => true, graceSeconds: 10 },
]

const minimumGraceSeconds = 2 // as the kubelet leaves it after a hook that took all the time

/** As the kubelet ends it: the preStop hook, the signal, and of its grace what is left. */
const stopContainer = async (runtime: Runtime, state: ContainerState, { pod, podIP, graceSeconds }: { pod: Pod | undefined; podIP: string; graceSeconds: number }): Promise<void> => {
  const begun = systemClock.monotonic()
  const container = pod?.spec.containers.find(({ name }) => name === state.name)
  const hook = container?.lifecycle?.preStop
  if (container && hook && graceSeconds > 0) {
    await runHook(runtime, systemClock)(hook, { container, state, podIP }, AbortSignal.timeout(Math.min(graceSeconds * 1000, 2 ** 31 - 1)))
      .catch((error: unknown) => process.stderr.write(`  ${state.name}: preStop: ${error instanceof Error ? error.message : String(error)}\n`))
  }
  const left = graceSeconds - (systemClock.monotonic() - begun) / 1000
  await runtime.stopContainer(state.podUid, state.name, hook ? Math.max(left, minimumGraceSeconds) : Math.max(left, 0))
}

const stopPod = async (runtime: Runtime, sandbox: SandboxState, { containers, pod, graceSeconds }: { containers: readonly ContainerState[]; pod: Pod | undefined; graceSeconds: number }): Promise<void> => {
  const running = containers.filter((each) => each.podUid === sandbox.podUid && each.state === 'running')
  await Promise.all(running.map((state) => stopContainer(runtime, state, { pod, podIP: sandbox.podIP ?? pod?.status.podIP ?? '', graceSeconds })))
}

const reminderMilliseconds = 3_000

/** Says now and then what is still waited for, until the signal aborts. */
const remind = async (waiting: ReadonlySet<string>, signal: AbortSignal): Promise<void> => {
  while (await systemClock.sleep(reminderMilliseconds, signal).then(() => true, () => false)) process.stderr.write(`  still waiting for ${[...waiting].join(' ')}\n`)
}

/** Volumes of pods that have ended are given back to their drivers; those that no driver takes are unmounted with everything else. */
const returnVolumes = async (runtime: Runtime, { node, root }: { node: string; root: string }): Promise<void> => {
  const runs = new Set((await runtime.listContainers()).filter(({ state }) => state === 'running').map(({ podUid }) => podUid))
  // What stands ready to start again has the volumes, too.
  for (const { podUid } of await allPodVolumes(root)) if (!runs.has(podUid)) await runtime.removeSandbox(podUid)
  for (const why of await giveBack({ root, clock: systemClock, log: processLog('down', 'error'), mounter: systemMounter, keeps: (podUid) => runs.has(podUid) })) process.stderr.write(`${node}: unmounting without the driver: ${why}\n`)
}

/** `pods`: as the API server had them, for their grace and their hooks; with `--pods=-` they come by standard input. */
export const runTearDown = async (args: readonly string[], _signal?: AbortSignal, given?: readonly Pod[]): Promise<void> => {
  const flags = parseFlags('tear-down', [...kubeletFlags, 'now', 'pods'], args)
  const known = new Map((given ?? (flags.get('pods') === '-' ? JSON.parse(await text(process.stdin)) as Pod[] : [])).map((pod) => [pod.metadata.uid, pod]))
  const graceOf = ({ podUid }: SandboxState, otherwise: number): number => known.get(podUid)?.spec.terminationGracePeriodSeconds ?? otherwise
  const { runtime, network } = await nodeParts(flags, processLog('down', 'error'))
  const ended = new Set<string>()
  // A node that is killed gets no grace: that is what is wanted.
  for (const { what, holds, graceSeconds, volumesFirst } of flags.get('now') === 'true' ? [] : groups) {
    if (volumesFirst) await returnVolumes(runtime, { node: flags.need('node-name'), root: flags.need('root-dir') })
    const [sandboxes, containers] = await Promise.all([runtime.listSandboxes(), runtime.listContainers()])
    const pods = sandboxes.filter((pod) => !ended.has(pod.podUid) && holds(pod, known.get(pod.podUid)) && containers.some(({ podUid, state }) => podUid === pod.podUid && state === 'running'))
    if (pods.length === 0) continue
    const waiting = new Set(pods.map(({ podNamespace, podName }) => `${podNamespace}/${podName}`))
    process.stderr.write(`${flags.need('node-name')}: ending ${what} (grace ${Math.max(...pods.map((pod) => graceOf(pod, graceSeconds)))} s): ${[...waiting].join(' ')}\n`)
    const done = new AbortController()
    void remind(waiting, done.signal)
    await Promise.all(pods.map(async (pod) => { await stopPod(runtime, pod, { containers, pod: known.get(pod.podUid), graceSeconds: graceOf(pod, graceSeconds) }); waiting.delete(`${pod.podNamespace}/${pod.podName}`); ended.add(pod.podUid) }))
    done.abort()
  }
  await runtime.destroy()
  await network.remove()
}
