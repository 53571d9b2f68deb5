/** Names of finalizers that lack a domain must be Kubernetes' own. Mirrors validateFinalizerName of upstream's core validation. */
import type { FieldError } from '../../../api/status.ts'
import { fieldError } from '../../../api/status.ts'
import { checkQualifiedName } from '../field-checks.ts'

const standard = ['kubernetes', 'orphan', 'foregroundDeletion']

export const checkFinalizerName = (path: string, name: string): FieldError[] => [
  ...checkQualifiedName(path, name),
  ...(!name.includes('/') && !standard.includes(name) ? [fieldError.invalid(path, name, 'name is neither a standard finalizer name nor is it fully qualified')] : []),
]
