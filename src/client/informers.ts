/** One informer per kind and selection, shared by everyone who asks. Mirrors client-go's SharedInformerFactory. */
import type { Kind } from '../api/kinds.ts'
import type { KubeObject } from '../api/meta.ts'
import type { Informer, Selection } from './informer.ts'

export interface Informers {
  /** The shared informer; the first to ask starts it. */
  of<T extends KubeObject>(kind: Kind<T>, selection?: Selection): Informer<T>
  /** Those running now for this kind. */
  running(kind: Kind): readonly Informer<KubeObject>[]
}
