/** Server-side apply: PATCH with application/apply-patch+yaml; creates what is not there. */
import { notImplemented } from '../../api/status.ts'
import type { ResourceRequest } from '../server-parts.ts'

export const apply = (_request: ResourceRequest): Promise<void> => Promise.reject(notImplemented('server-side apply is not supported yet'))
