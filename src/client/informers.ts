/** One informer per kind and selection, shared by everyone who asks. Mirrors client-go's SharedInformerFactory. */
import { type Kind, groupResource } from '../api/kinds.ts'
import type { KubeObject } from '../api/meta.ts'
import type { Informer, Selection } from './informer.ts'
import { type InformerContext, startInformer } from './reflector.ts'

export interface Informers {
  /** The shared informer; the first to ask starts it. */
  of<T extends KubeObject>(kind: Kind<T>, selection?: Selection): Informer<T>
  /** Those running now for this kind. */
  running(kind: Kind): readonly Informer<KubeObject>[]
}

/** All its informers run until `signal` aborts. */
export const sharedInformers = (context: InformerContext, signal: AbortSignal): Informers => {
  const byKind = new Map<string, Map<string, Informer<KubeObject>>>()
  const ofKind = (kind: Kind): Map<string, Informer<KubeObject>> => {
    const informers = byKind.get(groupResource(kind)) ?? new Map<string, Informer<KubeObject>>()
    byKind.set(groupResource(kind), informers)
    return informers
  }
  return {
    of: <T extends KubeObject>(kind: Kind<T>, selection: Selection = {}): Informer<T> => {
      const { namespace = '', labelSelector = '', fieldSelector = '' } = selection
      const name = JSON.stringify([namespace, labelSelector, fieldSelector])
      const informers = ofKind(kind)
      const informer = informers.get(name) ?? startInformer(context, { kind, selection }, signal)
      informers.set(name, informer as Informer<KubeObject>)
      return informer as Informer<T> // every informer under this kind's name was started with this kind
    },
    running: (kind) => [...ofKind(kind).values()],
  }
}
