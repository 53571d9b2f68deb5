/** Names that a device plugin may give to what it has: `example.com/gpu`. Mirrors IsExtendedResourceName (pkg/apis/core/v1/helper). Pure. */
import { isQualifiedName } from '../../../src/api/names.ts'

export const isExtendedResourceName = (name: string): boolean =>
  name.includes('/') && !name.includes('kubernetes.io/') && !name.startsWith('requests.') && isQualifiedName(`requests.${name}`).length === 0
