/** The scheduler: takes the next pod from the queue, decides, and binds while it decides about the next. Mirrors `pkg/scheduler/scheduler.go`, `schedule_one.go`. */
import { setImmediate } from 'node:timers/promises'
import type { Clock } from '../api/clock.ts'
import { CSIDrivers, CSINodes, CSIStorageCapacities, Namespaces, Nodes, PersistentVolumeClaims, PersistentVolumes, Pods, ReplicaSets, ReplicationControllers, Services, StatefulSets, StorageClasses } from '../api/kinds.ts'
import type { Random } from '../api/random.ts'
import { type Selector, selectorFromLabels, selectorFromObject } from '../api/selector.ts'
import { isConflict, isNotFound } from '../api/status.ts'
import type { ReplicaSet, ReplicationController, StatefulSet } from '../api/types.ts'
import type { Client } from '../client/client.ts'
import type { Component, Log } from '../client/component.ts'
import { type EventRecorder, eventSink } from '../client/events.ts'
import type { Informer } from '../client/informer.ts'
import { type Informers, sharedInformers } from '../client/informers.ts'
import { type Election, whenLeading } from '../client/leader-election.ts'
import { bindVolumes } from './bind-volumes.ts'
import { defaultBinder } from './binder.ts'
import { type CycleResult, schedule } from './cycle.ts'
import { type DecisionLog, decisionLog } from './decision-log.ts'
import { feed } from './feed.ts'
import type { Profile } from './framework.ts'
import { type Metrics, schedulerMetrics } from './metrics.ts'
import { assume, bind } from './place.ts'
import { patchPodStatus } from './pod-status.ts'
import type { Storage } from './pod-claims.ts'
import type { PodInfo } from './pod-info.ts'
import { nodeVolumeLimits } from './plugins/node-volume-limits.ts'
import { volumeBinding } from './plugins/volume-binding.ts'
import { volumeRestrictions } from './plugins/volume-restrictions.ts'
import { defaultProfile, withVolumePlugins } from './profile.ts'
import { type Attempt, type SchedulingQueue, schedulingQueue } from './queue.ts'
import { Snapshot, type SpreadingKind } from './snapshot.ts'

export interface SchedulerOptions {
  client: Client
  clock: Clock
  random: Random
  log: Log
  /** Shared ones, in one process with others; else the scheduler has its own. */
  informers?: Informers
  profile?: Profile
  /** Events of one moment are written together, so much after the first of them; at once if absent. */
  eventPauseMilliseconds?: number
  /** Several replicas: only the one that holds the lease schedules. */
  leaderElection?: Pick<Election, 'identity'> & Partial<Pick<Election, 'lease'>>
}

export interface Scheduler extends Component {
  readonly decisions: DecisionLog
  readonly metrics: Metrics
  /** Whether it has seen the cluster, or waits its turn to lead. */
  readonly ready: boolean
}

export const scheduler = (options: SchedulerOptions): Scheduler => {
  const { client, profile: { plugins, ...profile } = defaultProfile } = options
  return new Running(options, { ...profile, plugins: plugins.some((plugin) => plugin.bind) ? plugins : [...plugins, defaultBinder(client)] })
}

// Decisions are faster than bindings: so many may be on their way.
const maxBindings = 128
const unfinishedPods = 'status.phase!=Succeeded,status.phase!=Failed'
const maxEventBytes = 1024

interface PodOwners {
  replicaSets: Pick<Informer<ReplicaSet>, 'lister'>
  statefulSets: Pick<Informer<StatefulSet>, 'lister'>
  replicationControllers: Pick<Informer<ReplicationController>, 'lister'>
}

const selectorOf = ({ replicaSets, statefulSets, replicationControllers }: PodOwners, kind: SpreadingKind, key: string): Selector | undefined => {
  if (kind === 'v1/ReplicationController') {
    const labels = replicationControllers.lister.get(key)?.spec.selector
    return labels && selectorFromLabels(labels)
  }
  const owner = kind === 'apps/v1/ReplicaSet' ? replicaSets.lister.get(key) : statefulSets.lister.get(key)
  return owner && selectorFromObject(owner.spec.selector)
}

class Running implements Scheduler {
  readonly name = 'scheduler'
  readonly decisions = decisionLog()
  readonly metrics: Metrics
  readonly #options: SchedulerOptions
  readonly #profile: Profile
  #queue: SchedulingQueue | undefined
  #ready = false

  constructor(options: SchedulerOptions, profile: Profile) {
    this.#options = options
    this.#profile = profile
    this.metrics = schedulerMetrics(() => this.#queue, profile.schedulerName)
  }

  get ready(): boolean { return this.#ready }

  // Bound, as components are taken apart where they are run.
  readonly run = async (signal: AbortSignal): Promise<void> => {
    const { leaderElection, ...context } = this.#options
    if (!leaderElection) return this.#schedule(signal)
    this.#ready = true // a replica that waits is fine
    await whenLeading({ lease: { namespace: 'kube-system', name: 'kube-scheduler' }, ...leaderElection, ...context }, signal, (leading) => this.#schedule(leading))
  }

  async #schedule(signal: AbortSignal): Promise<void> {
    const { client, clock, random, log, eventPauseMilliseconds: pauseMilliseconds } = this.#options
    const ended = new AbortController()
    const until = AbortSignal.any([signal, ended.signal])
    const informers = this.#options.informers ?? sharedInformers({ client, clock, random, log }, until)
    const watched = {
      pods: informers.of(Pods, { fieldSelector: unfinishedPods }), nodes: informers.of(Nodes), namespaces: informers.of(Namespaces),
      services: informers.of(Services), replicaSets: informers.of(ReplicaSets), statefulSets: informers.of(StatefulSets), replicationControllers: informers.of(ReplicationControllers),
      claims: informers.of(PersistentVolumeClaims), volumes: informers.of(PersistentVolumes), storageClasses: informers.of(StorageClasses),
      csiNodes: informers.of(CSINodes), csiDrivers: informers.of(CSIDrivers), capacities: informers.of(CSIStorageCapacities),
    }
    const { claims, volumes, storageClasses, pods, csiNodes, csiDrivers, capacities } = watched
    const storage: Storage = {
      claim: (key) => claims.lister.get(key), volume: (name) => volumes.lister.get(name), volumes: () => volumes.lister.list(), storageClass: (name) => storageClasses.lister.get(name),
      csiNode: (name) => csiNodes.lister.get(name), csiDriver: (name) => csiDrivers.lister.get(name), capacities: () => capacities.lister.list(),
    }
    const profile = withVolumePlugins(this.#profile, volumeRestrictions(storage), nodeVolumeLimits(storage), volumeBinding({ storage, bind: (plan, at, during) => bindVolumes(plan, { ...at, line: { client, clock, claims, volumes, pods } }, during) }))
    const recorder = eventSink({ client, clock, random, log, pauseMilliseconds }, until).from(this.#profile.schedulerName)
    try {
      await Promise.all(Object.values(watched).map(({ synced }) => synced))
      const snapshot = new Snapshot({
        namespace: (name) => watched.namespaces.lister.get(name), services: (namespace) => watched.services.lister.list(namespace),
        selectorOf: (kind, key) => selectorOf(watched, kind, key),
      })
      // What is there is known before the first decision; the feed tells it once more, and then every change.
      for (const node of watched.nodes.lister.list()) snapshot.setNode(node)
      for (const pod of watched.pods.lister.list()) if (pod.spec.nodeName) snapshot.setPod(pod)
      const queue = schedulingQueue(profile, clock, until)
      this.#queue = queue
      this.#ready = true
      const work: Work = { ...this.#options, profile, snapshot, queue, recorder, metrics: this.metrics, decisions: this.decisions, signal: until }
      await Promise.all([feed(watched, { snapshot, queue, schedulerName: this.#profile.schedulerName }, until), scheduleAll(work)])
    } catch (error) {
      if (!signal.aborted) throw error
    } finally {
      this.#ready = false
      ended.abort()
    }
  }
}

interface Work {
  client: Client
  clock: Clock
  random: Random
  log: Log
  profile: Profile
  snapshot: Snapshot
  queue: SchedulingQueue
  recorder: EventRecorder
  metrics: Metrics
  decisions: DecisionLog
  signal: AbortSignal
}

const scheduleAll = async (work: Work): Promise<void> => {
  const underWay = new Set<Promise<void>>()
  const follow = (task: Promise<void>): void => {
    const tracked = task.finally(() => underWay.delete(tracked))
    underWay.add(tracked)
  }
  let startAt = 0
  for (let attempt = await work.queue.pop(work.signal); attempt; attempt = await work.queue.pop(work.signal)) {
    startAt = scheduleOne(work, attempt, { startAt, follow })
    if (underWay.size >= maxBindings) await Promise.race(underWay)
    else await setImmediate() // lets the answers in, and the binding out
  }
  await Promise.allSettled(underWay)
}

/** Decides about one pod at once; what follows goes on beside. Returns at which node to begin next time. */
const scheduleOne = (work: Work, attempt: Attempt, { startAt, follow }: { startAt: number; follow(task: Promise<void>): void }): number => {
  const { clock, snapshot, profile, random, decisions, metrics } = work
  const pod = attempt.pod.info
  const began = clock.monotonic()
  let result: CycleResult
  try {
    result = schedule(pod, { profile, snapshot, random, startAt })
  } catch (error) {
    metrics.attempt('error', (clock.monotonic() - began) / 1000)
    follow(fail(work, pod, error))
    return startAt
  }
  const { report } = result
  const decision = { pod, at: clock.now(), milliseconds: clock.monotonic() - began, attempt: attempt.attempt, report }
  if (result.node === undefined) {
    const { nominated } = result.postFilter
    decisions.add({ ...decision, node: undefined, message: result.message, ...(nominated && { nominated: { node: nominated.node, victims: nominated.victims.map(({ key }) => key) } }) })
    metrics.attempt('unschedulable', decision.milliseconds / 1000)
    follow(unfit(work, pod, result))
    return startAt
  }
  decisions.add({ ...decision, node: result.node })
  const placement = { pod, node: result.node, profile, snapshot }
  assume(placement)
  follow(bind(placement, work.signal).then(() => {
    work.queue.placed(pod.uid)
    work.recorder.record(Pods, pod.pod, { type: 'Normal', reason: 'Scheduled', message: `Successfully assigned ${pod.key} to ${placement.node}` })
    metrics.attempt('scheduled', (clock.monotonic() - began) / 1000)
    metrics.bound(attempt.attempt, (clock.monotonic() - attempt.pod.queuedAt) / 1000)
  }, (error: unknown) => {
    metrics.attempt('error', (clock.monotonic() - began) / 1000)
    return fail(work, pod, error)
  }))
  return snapshot.nodes.length === 0 ? 0 : (startAt + result.evaluated) % snapshot.nodes.length
}

/** No node was found: makes room if it can, says why, and lets the pod wait. */
const unfit = async (work: Work, pod: PodInfo, { message, rejectedBy, postFilter }: Extract<CycleResult, { node: undefined }>): Promise<void> => {
  const { queue, recorder, snapshot } = work
  const { nominated } = postFilter
  recorder.record(Pods, pod.pod, { type: 'Warning', reason: 'FailedScheduling', message: truncated(message) })
  try {
    if (nominated) {
      snapshot.nominate(pod, nominated.node)
      await Promise.all(nominated.victims.map((victim) => evict(work, victim, { preemptor: pod, node: nominated.node })))
    } else if (postFilter.withdrawsNomination) {
      snapshot.removeNomination(pod.uid)
    }
    await report(work, pod, { reason: 'Unschedulable', message, nominatedNodeName: nominated?.node ?? (postFilter.withdrawsNomination ? null : undefined) })
  } finally {
    queue.unfit(pod.uid, rejectedBy)
  }
}

/** Something went wrong, which says nothing about whether the pod fits. */
const fail = async (work: Work, pod: PodInfo, error: unknown): Promise<void> => {
  const { log, queue, recorder, signal } = work
  try {
    if (signal.aborted || isNotFound(error)) return // it was deleted: the informer tells
    const message = error instanceof Error ? error.message : String(error)
    log[isConflict(error) ? 'info' : 'error'](`scheduling ${pod.key} failed: ${message}`, { pod: pod.key })
    recorder.record(Pods, pod.pod, { type: 'Warning', reason: 'FailedScheduling', message: truncated(message) })
    await report(work, pod, { reason: 'SchedulerError', message })
  } finally {
    queue.failed(pod.uid)
  }
}

const report = async ({ client, clock, log, signal }: Work, pod: PodInfo, { reason, message, nominatedNodeName }: { reason: string; message: string; nominatedNodeName?: string | null | undefined }): Promise<void> => {
  try {
    await patchPodStatus(client, pod.pod, { condition: { type: 'PodScheduled', status: 'False', reason, message }, nominatedNodeName, now: clock.now(), signal })
  } catch (error) {
    if (!signal.aborted && !isNotFound(error)) log.warn(`cannot write the status of ${pod.key}: ${error instanceof Error ? error.message : String(error)}`, { pod: pod.key })
  }
}

const evict = async (work: Work, victim: PodInfo, { preemptor, node }: { preemptor: PodInfo; node: string }): Promise<void> => {
  const { client, clock, log, profile, recorder, signal } = work
  const { name, namespace, uid } = victim.pod.metadata
  if (victim.terminating) return
  try {
    const message = `${profile.schedulerName}: preempting to accommodate a higher priority pod`
    await patchPodStatus(client, victim.pod, { condition: { type: 'DisruptionTarget', status: 'True', reason: 'PreemptionByScheduler', message }, now: clock.now(), signal })
    await client.delete(Pods, { name, namespace }, { preconditions: { uid }, signal })
    recorder.record(Pods, victim.pod, { type: 'Normal', reason: 'Preempted', message: `Preempted by pod ${preemptor.uid} on node ${node}` })
  } catch (error) {
    if (!signal.aborted && !isNotFound(error)) log.error(`cannot preempt ${victim.key}: ${error instanceof Error ? error.message : String(error)}`, { pod: victim.key })
  }
}

const truncated = (message: string): string => (message.length <= maxEventBytes ? message : `${message.slice(0, maxEventBytes - 4)} ...`)
