/** Which stored resources have further versions. */
import type { StoredResource } from './resource-table.ts'

export const viewedResources = (_stored: StoredResource): StoredResource[] => []
