/**
 * What is special to a kind. The handlers are generic; each kind adds one strategy (registry/<group>/<kind>.ts), an object with
 * optional, pure functions. Mirrors upstream's pkg/registry's strategy.go, pkg/apis' defaults.go and validation.go.
 */
import type { Clock } from '../../api/clock.ts'
import type { Kind } from '../../api/kinds.ts'
import type { Draft, JsonValue, KubeObject } from '../../api/meta.ts'
import type { Random } from '../../api/random.ts'
import type { FieldError } from '../../api/status.ts'

/** Who asks. Mirrors `pkg/authentication/user.Info`. */
export interface UserInfo {
  name: string
  uid?: string
  groups: readonly string[]
  extra?: Readonly<Record<string, readonly string[]>>
}

/** What a strategy may know about the request that it serves. */
export interface StrategyContext {
  user: UserInfo
  clock: Clock
  random: Random
  /** '' for cluster-scoped kinds. */
  namespace: string
  /** Objects of any kind, from the watch cache: for rules that look at others (a Service's node ports, a Pod's PriorityClass). */
  lookup: Lookup
  /** The request came through another version's view of the kind (events.k8s.io/v1 on Events). */
  viewed?: boolean
  /** Nothing may be written. */
  dryRun?: boolean
  /** Absent where there is no server behind the strategy. */
  own?: OwnObjects
  /** Node ports, of which no two servers give the same one away; absent as `own`. */
  ports?: NodePorts
}

/** Objects that the server keeps for others (the addresses of Services), written past admission and validation. */
export interface OwnObjects {
  /** False when the name is taken: by anybody, on any API server. The cache shows who has it then. */
  create<T extends KubeObject>(kind: Kind<T>, object: Draft<NoInfer<T>>): Promise<boolean>
  /** Nothing happens when it is not any more what the cache shows, or gone. */
  remove<T extends KubeObject>(kind: Kind<T>, object: NoInfer<T>): Promise<void>
}

/** The register of node ports. */
export interface NodePorts {
  /** `kept`: the Service has it already. */
  take(port: number, service: Pick<KubeObject, 'metadata'>): Promise<'taken' | 'kept' | 'refused'>
  /** Nothing happens when somebody else has it. */
  drop(port: number, service: Pick<KubeObject, 'metadata'>): Promise<void>
}

export interface Lookup {
  get<T extends KubeObject>(kind: Kind<T>, name: string, namespace?: string): T | undefined
  list<T extends KubeObject>(kind: Kind<T>, namespace?: string): readonly T[]
}

/** A column of the server's Table, which `kubectl get` and the dashboard both print. Names, types and priorities are upstream's (`pkg/printers/internalversion/printers.go`). */
export interface Column<T> {
  name: string
  type: 'string' | 'integer' | 'number' | 'boolean' | 'date'
  format?: 'name'
  description: string
  /** 0: always shown; 1: with `-o wide`. */
  priority?: number
  value(object: T, at: { now: Date }): JsonValue
}

/** How a subresource that is a view on the object itself (status, ephemeralcontainers, finalize, approval) is written. */
export interface SubresourceStrategy<T> {
  /** Takes from `next` only what this subresource owns: mutates `next` into the object to be stored, with everything else from `old`. */
  prepareForUpdate?(next: T, old: T, context: StrategyContext): void
  validateUpdate?(next: T, old: T, context: StrategyContext): FieldError[]
}

/** Reads one field as text. Written as a method's type, so that a `Strategy<Pod>` is a `Strategy`. */
export type FieldReader<T> = { read(object: T): string }['read']

export interface Strategy<T extends KubeObject = KubeObject> {
  kind: Kind<T>
  /** Fills upstream's defaults in place. Also runs on objects read from a client's apply and patch results, so it must be idempotent. */
  setDefaults?(object: T): void
  /** Drops what a client may not set, starts `generation`, and so on; in place. Metadata (uid, creationTimestamp, …) has been filled by then. */
  prepareForCreate?(object: T, context: StrategyContext): void
  /** What is wrong with a new object; not asked on updates. */
  validate?(object: T, context: StrategyContext): FieldError[]
  /** In place; status has been reset to the old one already where the kind has a status subresource. */
  prepareForUpdate?(next: T, old: T, context: StrategyContext): void
  /** What is wrong with an update, the whole of it: includes what `validate` checks. On top of the generic metadata checks (immutable name, uid, namespace, creationTimestamp, deletionTimestamp). */
  validateUpdate?(next: T, old: T, context: StrategyContext): FieldError[]
  /** Warning headers; `old` is what an update changes. */
  warnings?(object: T, context: StrategyContext, old?: T): string[]
  /** The parts whose change makes a new `metadata.generation`; absent: this kind keeps none. */
  generationOf?(object: T): unknown
  /** Whether PUT without resourceVersion is accepted (upstream AllowUnconditionalUpdate); default true. */
  unconditionalUpdate?: boolean
  /** Whether PUT to a name that does not exist creates it (upstream AllowCreateOnUpdate; Lease, Event, Endpoints…); default false. */
  createOnUpdate?: boolean
  /** What is wrong with a name, in upstream's words (a validator of api/names.ts); absent: it must be a DNS subdomain. Generic code checks it on creation. */
  validateName?(name: string): string[]
  /** Whether DELETE answers with the object (upstream ReturnDeletedObject: Pod, Service, ServiceAccount, ...) and not with a Status; default false. */
  returnsDeletedObject?: boolean
  /** Deletion begins but is not finished: Namespace sets its phase Terminating; in place. */
  markDeleting?(object: T): void
  /** Whether something besides metadata.finalizers keeps an object under deletion alive (Namespace: spec.finalizers). */
  holdsDeletion?(object: T): boolean
  columns?: readonly Column<T>[]
  /** Field selectors besides metadata.name and metadata.namespace: path → value. */
  selectableFields?: Readonly<Record<string, FieldReader<T>>>
  subresources?: Readonly<Record<string, SubresourceStrategy<T>>>
  /** What it owns is orphaned by a DELETE that does not say otherwise; with a warning, if there is one. Mirrors `DefaultGarbageCollectionPolicy`. */
  orphansByDefault?: { warning?: string }
  /** Graceful deletion (Pod only): how long, given what was asked; 0 deletes at once. May mutate `object` (its grace seconds). */
  gracefulDeletion?(object: T, askedSeconds: number | undefined): number
  /** Where the scale subresource reads and writes; absent: the kind has none. */
  scale?: { getReplicas(object: T): number; setReplicas(object: T, replicas: number): void; getStatusReplicas(object: T): number; getSelector(object: T): string }
  /**
   * Takes what must be unique in the cluster (a Service's IPs and ports) before the object is stored. `release` gives it back when storing fails,
   * `done` gives back what a stored update does not need any more. Mirrors `genericregistry.Store.BeginCreate/BeginUpdate`; deletion is told by `afterDelete`.
   */
  begin?(next: T, old: T | undefined, context: StrategyContext): Promise<Claimed>
  afterDelete?(object: T, context: StrategyContext): void | Promise<void>
}

export interface Claimed {
  release(): void | Promise<void>
  done?(): void | Promise<void>
}
