/** Of several defaults the newest counts; of equally old ones the first by name. As upstream chooses default classes. */
import type { KubeObject } from '../../api/meta.ts'

export const newestFirst = <T extends KubeObject>(objects: readonly T[]): T | undefined => objects.toSorted((left, right) =>
  Date.parse(right.metadata.creationTimestamp) - Date.parse(left.metadata.creationTimestamp) || (left.metadata.name < right.metadata.name ? -1 : 1))[0]
