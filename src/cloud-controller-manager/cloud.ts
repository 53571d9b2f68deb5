/** What a cloud must know how to do for its nodes. Mirrors k8s.io/cloud-provider/cloud.go. */
import type { Node, NodeAddress } from '../api/types.ts'

export interface InstanceMetadata {
  /** `ssh://host`, unlike that of any other machine. */
  providerID: string
  instanceType?: string
  /** Where the machine can be reached; kubelet's own are replaced by these. */
  addresses: readonly NodeAddress[]
  zone?: string
  region?: string
  additionalLabels?: Readonly<Record<string, string>>
}

/** The machines. Every answer is what is so now; what cannot be told rejects, and is asked again later. */
export interface Instances {
  /** Whether the machine of this node still exists: one that is only switched off does. */
  exists(node: Node, signal: AbortSignal): Promise<boolean>
  isShutdown(node: Node, signal: AbortSignal): Promise<boolean>
  metadata(node: Node, signal: AbortSignal): Promise<InstanceMetadata>
}

/** The way to one node's pods. */
export interface Route {
  /** Unlike that of any other route of the cluster. */
  name: string
  targetNode: string
  targetNodeAddresses?: readonly NodeAddress[]
  destinationCIDR: string
  /** Its target is gone: it leads nowhere. */
  blackhole?: boolean
}

/** The ways between the machines. */
export interface Routes {
  list(clusterName: string, signal: AbortSignal): Promise<readonly Route[]>
  create(clusterName: string, route: Route, signal: AbortSignal): Promise<void>
  remove(clusterName: string, route: Route, signal: AbortSignal): Promise<void>
}

/** A cloud without `routes` has a network of its own in which pods reach each other. */
export interface Cloud {
  /** `ssh`; the scheme of its provider ids. */
  name: string
  instances: Instances
  routes?: Routes
}
