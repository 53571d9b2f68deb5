/** Who owns which field: metadata.managedFields of every write. */
import type { KubeObject } from '../../api/meta.ts'
import type { ResourceRequest } from '../server-parts.ts'

export interface Write {
  /** Its managedFields are set, in place. */
  next: KubeObject
  old: KubeObject | undefined
  manager: string
  /** '' for the object itself. */
  subresource: string
}

export const trackWrite = (_request: ResourceRequest, { next, old }: Write): void => {
  if (next.metadata.managedFields === undefined && old?.metadata.managedFields) next.metadata.managedFields = old.metadata.managedFields
}
