/** A second version of stored objects, converted on the way in and out: events.k8s.io/v1 on core Events. */
import type { KubeObject } from '../api/meta.ts'

export interface View {
  /** What the other version's clients see; a new object. */
  toView(stored: KubeObject): KubeObject
  fromView(viewed: KubeObject): KubeObject
  /** The view's field selectors: field → value of the stored object. */
  selectableFields: Readonly<Record<string, (stored: KubeObject) => string>>
}
