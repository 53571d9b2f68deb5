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
  /** Ends those of a kind that the server serves no more, or in another version; who asks later gets a new one. Nobody may be using them. */
  drop(kind: Kind): void
}

interface Shared { informers: Map<string, Informer<KubeObject>>; stop: AbortController }

/** All its informers run until `signal` aborts, or they are dropped. */
export const sharedInformers = (context: InformerContext, signal: AbortSignal): Informers => {
  const byKind = new Map<string, Shared>()
  const ofKind = (kind: Kind): Shared => {
    const shared = byKind.get(groupResource(kind)) ?? { informers: new Map<string, Informer<KubeObject>>(), stop: new AbortController() }
    byKind.set(groupResource(kind), shared)
    return shared
  }
  return {
    of: <T extends KubeObject>(kind: Kind<T>, selection: Selection = {}): Informer<T> => {
      const { namespace = '', labelSelector = '', fieldSelector = '' } = selection
      const name = JSON.stringify([namespace, labelSelector, fieldSelector])
      const { informers, stop } = ofKind(kind)
      const informer = informers.get(name) ?? startInformer(context, { kind, selection }, AbortSignal.any([signal, stop.signal]))
      informers.set(name, informer as Informer<KubeObject>)
      return informer as Informer<T> // every informer under this kind's name was started with this kind
    },
    running: (kind) => [...ofKind(kind).informers.values()],
    drop(kind) {
      byKind.get(groupResource(kind))?.stop.abort(new Error(`${kind.plural} are served no more`))
      byKind.delete(groupResource(kind))
    },
  }
}
