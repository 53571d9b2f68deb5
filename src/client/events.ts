/** Events: what happened to an object, told to people. Mirrors client-go `tools/record`. */
import type { Kind } from '../api/kinds.ts'
import type { KubeObject } from '../api/meta.ts'

export interface Occurrence {
  type: 'Normal' | 'Warning'
  /** One word in upper camel case. */
  reason: string
  message: string
  /** A part of the object, `spec.containers{web}`. */
  fieldPath?: string
  annotations?: Record<string, string>
}

export interface EventRecorder {
  /** Never waits, never throws: an event that cannot be written is logged and dropped. */
  record(kind: Kind, object: KubeObject, what: Occurrence): void
}

export interface Events {
  /** A recorder for a component as upstream names it (`kubelet`, `deployment-controller`). */
  from(component: string, host?: string): EventRecorder
  /** Resolves when everything recorded so far is written or dropped. */
  flush(): Promise<void>
}
