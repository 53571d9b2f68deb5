/** One step between a container's end and the moment it served again, as kubelets tell it (/wherry/heal, a line of JSON each) and the dashboard shows it. */

export type HealPhase = 'exit' | 'reaped' | 'backoff' | 'created' | 'started' | 'probing' | 'ready' | 'unready' | 'killing' | 'sandbox' | 'endpoint' | 'rules'

export interface HealEvent {
  podUid: string
  podNamespace: string
  podName: string
  container: string
  attempt: number
  phase: HealPhase
  /** RFC 3339 with milliseconds. */
  at: string
  monotonicMs: number
  exitCode?: number
  signal?: number
  message?: string
}

/** What a node's kube-proxy tells of a pod of that node: `service` has it among its ready endpoints, or not any more; and the same of the node's rules. */
export interface EndpointStamp {
  podUid: string
  /** `namespace/name`. */
  service: string
  ready: boolean
  phase: 'endpoint' | 'rules'
  monotonicMs: number
}
