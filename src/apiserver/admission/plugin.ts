/** What may be changed or refused before an object is stored. Mirrors `k8s.io/apiserver/pkg/admission`. */
import type { Kind } from '../../api/kinds.ts'
import type { JsonObject, KubeObject } from '../../api/meta.ts'
import type { Lookup, UserInfo } from '../registry/strategy.ts'
import type { ResourceTable } from '../resource-table.ts'
import type { Bookkeeping } from './bookkeeping.ts'
import type { Reinvocation } from './reinvocation.ts'

export interface AdmissionAttributes {
  operation: 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT'
  /** The kind of the resource in the request's path, also for subresources (Pods for pods/exec). */
  kind: Kind
  /** '' for the object itself. */
  subresource: string
  /** '' while a name is still to be generated, and for deletecollection. */
  name: string
  namespace: string
  /** The new object (CREATE, UPDATE; the options of the connection for CONNECT), already defaulted; plugins change it in place in `mutate`. Undefined for DELETE. */
  object: KubeObject | undefined
  /** What is stored now (UPDATE, DELETE). Never to be changed. */
  oldObject: KubeObject | undefined
  /** The kind of `object` where it is not the resource's own: Eviction, Binding, Scale, TokenRequest, PodExecOptions. */
  bodyKind?: { group: string; version: string; kind: string }
  /** CreateOptions, UpdateOptions, PatchOptions or DeleteOptions, as sent. */
  options: JsonObject
  user: UserInfo
  dryRun: boolean
}

export interface AdmissionContext {
  lookup: Lookup
  /** Adds a Warning header. */
  warn(message: string): void
  /** Aborts when the client is gone or the request has timed out. */
  signal: AbortSignal
  /** What is served now: the other versions of an object. */
  resources: ResourceTable
  /** How long the request may still take; Infinity for what has no limit (CONNECT). */
  remainingMs(): number
  /** For plugins that keep count of things. */
  books: Bookkeeping
  /** The second round of mutations. */
  reinvocation: Reinvocation
  /** Begins to measure what a plugin takes; absent: nobody wants to know. */
  timing?(): (labels: Readonly<Record<string, string>>) => void
  /** Tells of seconds that went by while others were asked; absent: nobody wants to know. */
  waited?(seconds: number): void
  /** Adds to the request's audit event; absent where nothing is audited. */
  readonly annotate?: ((key: string, value: string) => void) | undefined
}

/** Refuses by throwing a StatusError (usually `forbidden(kind, name, why)`). */
export interface AdmissionPlugin {
  name: string
  /** Whether the plugin wants to see such a request at all; absent: all. */
  handles?(attributes: AdmissionAttributes): boolean
  /** Runs in the order of the list, before validation. */
  mutate?(attributes: AdmissionAttributes, context: AdmissionContext): void | Promise<void>
  /** Runs after the object's own validation; may not change anything. */
  validate?(attributes: AdmissionAttributes, context: AdmissionContext): void | Promise<void>
}
