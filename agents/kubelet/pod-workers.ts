/** All pods of this machine: a worker for each, made when a source brings the pod and ended when no source has it any more. Mirrors HandlePodAdditions, HandlePodCleanups and pod_workers.go. */
import type { Node, Pod } from '../../src/api/types.ts'
import { admit, fits } from './admission.ts'
import { byUrgency } from './allocation/allocation.ts'
import { describePod, graceSecondsOf, isStaticPod, isTerminalPhase } from './pod.ts'
import type { PodRecord } from './pod-record.ts'
import type { Machine } from './pod-run.ts'
import type { PodFailure } from './status.ts'
import { podWorker, type PodWorker, type PodWorkerOptions } from './pod-worker.ts'

export interface PodSet {
  /** All pods that shall be here, static ones and the API server's; mirror pods are not among them. */
  pods: readonly Pod[]
  /** Of which origins `pods` is complete: what is missing there is gone. */
  complete: { static: boolean; api: boolean }
}

export interface PodWorkers {
  /** The pods as they are wanted now. Call again whenever something changed. */
  update(set: PodSet): Promise<void>
  wake(podUid: string): void
  refresh(podUid: string): void
  get(podUid: string): Pod | undefined
  list(): readonly Pod[]
  /** Pods that run, or may: those that end for good are not among them. */
  active(): readonly Pod[]
  /** Nothing of the pod runs any more. */
  hasStopped(podUid: string): boolean
  /** The pod fails as a whole: evicted. */
  fail(podUid: string, failure: PodFailure): void
  /** Something on the node has changed that pods show or are checked against. */
  wakeAll(): void
  /** Called whenever a worker has ended. */
  onEnd(heard: () => void): void
  settled(): Promise<void>
}

const fullName = (pod: Pod): string => `${pod.metadata.name}_${pod.metadata.namespace ?? ''}`

export const podWorkers = (machine: Machine, node: () => Node, signal: AbortSignal): PodWorkers => {
  const workers = new Map<string, { worker: PodWorker; done: Promise<void> }>()
  let newest: PodSet = { pods: [], complete: { static: false, api: false } }
  let cleaned = { static: false, api: false }
  let ended = (): void => {}

  const begin = (pod: Pod, options: PodWorkerOptions = {}): PodWorker => {
    const worker = podWorker(machine, pod, options)
    const done = worker.run(signal)
      .catch((error: unknown) => machine.log.error('pod worker ended', { pod: describePod(pod), error: error instanceof Error ? (error.stack ?? error.message) : String(error) }))
      .finally(() => {
        workers.delete(pod.metadata.uid)
        if (!signal.aborted) for (const held of [machine.cpus, machine.devices]) held.release(pod.metadata.uid)
        machine.statuses.forget(pod.metadata.uid)
        // A static pod of the same name may be waiting for this one's end.
        if (!signal.aborted) ended()
      })
    workers.set(pod.metadata.uid, { worker, done })
    return worker
  }

  /** Pods that are here and have not ended. */
  const active = (): Pod[] => [...workers.values()].filter(({ worker }) => !worker.finished && !isTerminalPhase(worker.pod.status ?? {})).map(({ worker }) => worker.pod)

  /** Whose CPUs are not free: of pods that are here, and of those that are still to come; undefined as long as not all are known. */
  const claiming = (): Set<string> | undefined => {
    if (!newest.complete.static || !newest.complete.api) return undefined
    const coming = newest.pods.filter((pod) => !workers.has(pod.metadata.uid) && !isTerminalPhase(pod.status ?? {}))
    return new Set([...active(), ...coming].map(({ metadata }) => metadata.uid))
  }

  /** Everybody who asks for other resources than they have; what one gives up is there for those that wait. */
  const resizeAll = (): void => {
    const waiting = new Set([...workers.values()].map(({ worker }) => worker).filter(({ pendingResize }) => pendingResize))
    for (let again = true; again;) {
      again = false
      const inOrder = [...waiting].flatMap((worker) => (worker.pendingResize ? [{ worker, pending: worker.pendingResize }] : [])).sort((left, right) => byUrgency(left.pending, right.pending))
      for (const { worker } of inOrder) {
        const others = active().filter(({ metadata }) => metadata.uid !== worker.pod.metadata.uid)
        const allocatable = machine.allocatable()
        const done = worker.resize({ allocatable, admitted: (pod) => fits({ pod, node: node(), allocatable, others }) })
        if (done) { waiting.delete(worker); again = true }
      }
    }
  }

  const add = async (pod: Pod, known: PodRecord | undefined, adopted: boolean): Promise<void> => {
    // A changed static pod is another pod of the same name: one after the other.
    if (isStaticPod(pod) && [...workers.values()].some(({ worker }) => isStaticPod(worker.pod) && fullName(worker.pod) === fullName(pod))) return
    const exempt = adopted || isTerminalPhase(pod.status ?? {}) || pod.metadata.deletionTimestamp !== undefined
    const rejected = exempt ? undefined : admit({ pod, node: node(), allocatable: machine.allocatable(), others: active(), pressures: machine.pressures(), shuttingDown: machine.isShuttingDown(), appArmor: machine.appArmor, ...(machine.ownUsers && { ownUsers: machine.ownUsers }), allowedUnsafeSysctls: machine.allowedUnsafeSysctls })
    // What is here already gets what is left, and shares if that is not enough.
    const short = rejected || isTerminalPhase(pod.status ?? {}) ? undefined : machine.cpus.admit(pod, claiming())
    if (short && exempt) machine.log.warn('a pod that is here already gets no CPUs of its own', { pod: describePod(pod), why: short.message })
    const given = rejected ?? short ?? (!exempt && machine.devices.wants(pod) ? await machine.devices.admit(pod, claiming()) : undefined)
    const refusal = exempt ? undefined : given
    if (refusal && !rejected) machine.cpus.release(pod.metadata.uid)
    if (refusal) machine.record(pod, { type: 'Warning', ...refusal })
    begin(pod, { rejected: refusal, known })
  }

  /** What runs here and nobody knows: stopped with the grace that its record tells. */
  const cleanUp = async (known: ReadonlySet<string>): Promise<void> => {
    const [sandboxes, containers] = await Promise.all([machine.runtime.listSandboxes(), machine.runtime.listContainers()])
    const here = new Map<string, { name: string; namespace: string }>()
    // A kubelet that died while it made a pod's first volumes, or took back its last, may have left nothing else.
    for (const podUid of await machine.volumes.list()) here.set(podUid, { name: podUid, namespace: '' })
    for (const { podUid } of containers) here.set(podUid, { name: podUid, namespace: '' })
    for (const podUid of await machine.records.list()) here.set(podUid, { name: podUid, namespace: '' })
    for (const { podUid, podName, podNamespace } of sandboxes) here.set(podUid, { name: podName, namespace: podNamespace })
    for (const [uid, { name, namespace }] of here) {
      if (known.has(uid) || workers.has(uid)) continue
      const record = await machine.records.load(uid)
      const pod = record?.pod ?? unknownPod(uid, name, namespace)
      if (isStaticPod(pod) ? !newest.complete.static : !newest.complete.api) continue
      begin(pod, { known: record }).remove(graceSecondsOf(pod))
    }
  }

  const removeMissing = (known: ReadonlySet<string>): void => {
    for (const { worker } of workers.values()) {
      if (known.has(worker.pod.metadata.uid)) continue
      const ofStatic = isStaticPod(worker.pod)
      if (!(ofStatic ? newest.complete.static : newest.complete.api)) continue
      // The API server lets go of a pod only when it has stopped, unless somebody insisted.
      worker.remove(ofStatic || worker.pod.metadata.deletionTimestamp ? graceSecondsOf(worker.pod) : 1)
    }
  }

  return {
    async update(set) {
      newest = set
      const known = new Set(set.pods.map(({ metadata }) => metadata.uid))
      removeMissing(known)
      const fresh: Pod[] = []
      for (const pod of set.pods) {
        const entry = workers.get(pod.metadata.uid)
        if (!entry) fresh.push(pod)
        else if (entry.worker.wanted !== pod) entry.worker.update(pod)
      }
      if (fresh.length > 0) {
        const recorded = new Set(await machine.records.list())
        const here = new Set([...(await machine.runtime.listSandboxes()).map(({ podUid }) => podUid), ...recorded])
        const known = new Map<string, PodRecord | undefined>()
        for (const { metadata: { uid } } of fresh) if (recorded.has(uid)) known.set(uid, await machine.records.load(uid))
        const byAge = fresh.sort((left, right) => Number(isStaticPod(right)) - Number(isStaticPod(left)) || (left.metadata.creationTimestamp < right.metadata.creationTimestamp ? -1 : 1))
        for (const pod of byAge) if (!workers.has(pod.metadata.uid) && newest.pods.includes(pod)) await add(pod, known.get(pod.metadata.uid), here.has(pod.metadata.uid))
      }
      resizeAll()
      const { complete } = newest
      if ((complete.static && !cleaned.static) || (complete.api && !cleaned.api)) {
        cleaned = complete
        await cleanUp(new Set(newest.pods.map(({ metadata }) => metadata.uid)))
      }
    },
    wake: (podUid) => workers.get(podUid)?.worker.wake(),
    refresh: (podUid) => workers.get(podUid)?.worker.refresh(),
    get: (podUid) => workers.get(podUid)?.worker.pod,
    list: () => [...workers.values()].map(({ worker }) => worker.pod),
    active: () => [...workers.values()].filter(({ worker }) => !worker.finished && !worker.failing && !isTerminalPhase(worker.pod.status ?? {})).map(({ worker }) => worker.pod),
    hasStopped: (podUid) => workers.get(podUid)?.worker.finished ?? true,
    fail: (podUid, failure) => workers.get(podUid)?.worker.fail(failure),
    wakeAll: () => { for (const { worker } of workers.values()) worker.wake() },
    onEnd: (heard) => { ended = heard },
    settled: async () => { await Promise.all([...workers.values()].map(({ done }) => done)) },
  }
}

const unknownPod = (uid: string, name: string, namespace: string): Pod => ({
  apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace, uid, resourceVersion: '', creationTimestamp: '' },
  spec: { containers: [], restartPolicy: 'Never', terminationGracePeriodSeconds: 30 }, status: {},
})
