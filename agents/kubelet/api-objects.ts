/** What a kubelet watches of the API server: its pods, its node, the Services. Without a client there is nothing, and that is complete. */
import { Nodes, Pods, Services } from '../../src/api/kinds.ts'
import type { KubeObject, Node, Pod, Service } from '../../src/api/types.ts'
import type { Informer } from '../../src/client/informer.ts'
import { type InformerContext, startInformer } from '../../src/client/reflector.ts'

export interface ApiObjects {
  pods: Informer<Pod> | undefined
  nodes: Informer<Node> | undefined
  services: Informer<Service> | undefined
}

export const apiObjects = (context: InformerContext | undefined, nodeName: string, signal: AbortSignal): ApiObjects => (context ? {
  pods: startInformer(context, { kind: Pods, selection: { fieldSelector: `spec.nodeName=${nodeName}` } }, signal),
  nodes: startInformer(context, { kind: Nodes, selection: { fieldSelector: `metadata.name=${nodeName}` } }, signal),
  services: startInformer(context, { kind: Services }, signal),
} : { pods: undefined, nodes: undefined, services: undefined })

/** Calls `heard` after the first list and after every change, until the signal aborts. */
export const follow = async <T extends KubeObject>(informer: Informer<T> | undefined, heard: () => void, signal: AbortSignal): Promise<void> => {
  if (!informer) return
  try {
    await informer.synced
    heard()
    for await (const _ of informer.changes(signal)) heard()
  } catch (error) { if (!signal.aborted) throw error }
}
