/**
 * What a scheduling plugin is: an object with optional functions, one for each extension point. Plugins decide and touch nothing;
 * the scheduler acts. Mirrors `k8s.io/kube-scheduler/framework` and `pkg/scheduler/framework/interface.go`.
 */
import type { Node, PersistentVolume, PersistentVolumeClaim, Pod, StorageClass } from '../api/types.ts'
import type { CycleState } from './cycle-state.ts'
import type { NodeInfo } from './node-info.ts'
import type { PodInfo } from './pod-info.ts'

/** `resolvable`: removing pods from the node might help (upstream's Unschedulable against UnschedulableAndUnresolvable). */
export type Verdict = { fits: true } | { fits: false; why: readonly string[]; resolvable: boolean }
export type Rejection = Extract<Verdict, { fits: false }>

export const fits: Verdict = { fits: true }
/** Does not fit, and would if other pods went away. */
export const reject = (...why: string[]): Rejection => ({ fits: false, why, resolvable: true })
/** Does not fit, whatever pods go away. */
export const rejectForGood = (...why: string[]): Rejection => ({ fits: false, why, resolvable: false })

/** What plugins may look at: all nodes and the pods on them, those assumed there among them. */
export interface SnapshotView {
  readonly nodes: readonly NodeInfo[]
  node(name: string): NodeInfo | undefined
  /** The labels of a namespace, for namespace selectors; empty when it is not known. */
  namespaceLabels(namespace: string): Readonly<Record<string, string>>
  /** The selector under which a pod is spread by default: of the Services and the owner that select it; undefined when there is none. */
  defaultSelector(pod: Pod): ((labels: Readonly<Record<string, string>>) => boolean) | undefined
}

export interface PreFilterAnswer {
  verdict: Verdict
  /** Only these nodes come into question. */
  nodes?: ReadonlySet<string>
  /** This plugin's filter has nothing to say about the pod. */
  skip?: boolean
}

/** Something changed in the cluster that may make a pod schedulable. `pod`, `node`: as it is now, absent when gone; `previous`: as it was, absent when new. */
export type ClusterEvent =
  | { on: 'Node'; node: Node | undefined; previous: Node | undefined }
  | { on: 'AssignedPod'; pod: Pod | undefined; previous: Pod | undefined }
  /** The waiting pod itself. */
  | { on: 'Pod'; pod: Pod; previous: Pod }
  | { on: 'Namespace' }
  | { on: 'PersistentVolumeClaim'; claim: PersistentVolumeClaim | undefined }
  | { on: 'PersistentVolume'; volume: PersistentVolume | undefined }
  | { on: 'CSINode' } | { on: 'CSIDriver' } | { on: 'CSIStorageCapacity' }
  | { on: 'StorageClass'; storageClass: StorageClass | undefined; previous: StorageClass | undefined }

/** A pod in the scheduling queue. */
export interface QueuedPod {
  info: PodInfo
  /** When it came into the queue, or came back: clock.monotonic(). */
  queuedAt: number
  /** Ascending with every entry into the queue: decides between pods of one moment. */
  sequence: number
}

/** What postFilter found for a pod that fits nowhere: where it would fit if `victims` went. */
export interface PostFilterAnswer {
  nominated?: { node: string; victims: readonly PodInfo[] }
  /** Said after the reasons of the nodes: `preemption: 0/3 nodes are available: ...`. */
  message?: string
  /** The node that the pod was promised before is of no use to it any more. */
  withdrawsNomination?: boolean
}

export interface Plugin {
  name: string
  /** queueSort: whether `a` is scheduled before `b`. Exactly one plugin has it. */
  before?(a: QueuedPod, b: QueuedPod): boolean
  /** Whether the pod may enter the active queue at all. */
  preEnqueue?(pod: Pod): Verdict
  preFilter?(pod: PodInfo, snapshot: SnapshotView, state: CycleState): PreFilterAnswer
  /** Keep what preFilter computed right while a pod is put on, or taken from, a node in a trial. */
  podAdded?(pod: PodInfo, trial: { other: PodInfo; node: NodeInfo }, state: CycleState): void
  podRemoved?(pod: PodInfo, trial: { other: PodInfo; node: NodeInfo }, state: CycleState): void
  filter?(pod: PodInfo, node: NodeInfo, state: CycleState): Verdict
  postFilter?(pod: PodInfo, failed: FailedCycle): PostFilterAnswer
  /** 'skip': the plugin's scores say nothing about the pod. */
  preScore?(pod: PodInfo, candidates: { nodes: readonly NodeInfo[]; snapshot: SnapshotView }, state: CycleState): 'skip' | undefined
  score?(pod: PodInfo, node: NodeInfo, state: CycleState): number
  /** Turns raw scores into 0..100, in place; `scores[i]` is of `nodes[i]`. */
  normalize?(scores: number[], nodes: readonly NodeInfo[], state: CycleState): void
  reserve?(pod: PodInfo, node: string): Verdict
  unreserve?(pod: PodInfo, node: string): void
  /** May wait; throwing, or rejecting the pod, sends it back to the queue. */
  permit?(pod: PodInfo, node: string, signal: AbortSignal): Promise<Verdict>
  preBind?(pod: PodInfo, node: string, signal: AbortSignal): Promise<void>
  /** True: bound; false: not this plugin's business. */
  bind?(pod: PodInfo, node: string, signal: AbortSignal): Promise<boolean>
  postBind?(pod: PodInfo, node: string): void
  /** The queueing hint: whether the event may make a pod fit that this plugin rejected. Absent: every event may. */
  mayHelp?(event: ClusterEvent, pod: Pod): boolean
}

/** A cycle in which no node was found, for postFilter. */
export interface FailedCycle {
  snapshot: SnapshotView
  state: CycleState
  /** Why each node was rejected; a node that is not here was not among those that preFilter left. */
  rejections: ReadonlyMap<string, Rejection>
  /** Whether the pod fits on the node as it is (or as it is in a trial), with the state of that trial. */
  filter(node: NodeInfo, state: CycleState): Verdict
  /** Tells the plugins of a trial. */
  podAdded(trial: { other: PodInfo; node: NodeInfo }, state: CycleState): void
  podRemoved(trial: { other: PodInfo; node: NodeInfo }, state: CycleState): void
}

/** The plugins of a profile, in order, and how much each score counts. */
export interface Profile {
  schedulerName: string
  plugins: readonly Plugin[]
  weights: Readonly<Record<string, number>>
}

export const maxScore = 100
