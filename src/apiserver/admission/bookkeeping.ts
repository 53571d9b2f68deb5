/** What plugins that keep books in stored objects (ResourceQuota) may do with the store. */
import type { Kind } from '../../api/kinds.ts'
import type { KubeObject } from '../../api/meta.ts'

export interface Bookkeeping {
  now(): Date
  /** Waits until `lookup` shows everything that was acknowledged before. */
  fresh(): Promise<void>
  /** Stores `next` in the place of `old`, as `lookup` showed it: false when that is not what is stored any more. Neither validated nor admitted. */
  replace(kind: Kind, old: KubeObject, next: KubeObject): Promise<boolean>
}
