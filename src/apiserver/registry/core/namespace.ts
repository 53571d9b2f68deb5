/** Namespaces. Mirrors upstream's `pkg/registry/core/namespace/strategy.go`: they live until the namespace controller has emptied them and taken its finalizer away. */
import { Namespaces } from '../../../api/kinds.ts'
import { isDns1123Label } from '../../../api/names.ts'
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { Namespace } from '../../../api/types.ts'
import { ageColumn, nameColumn } from '../columns.ts'
import { checkEach } from '../field-checks.ts'
import { statusSubresource } from '../status-subresource.ts'
import type { Strategy } from '../strategy.ts'
import { checkFinalizerName } from './finalizer-names.ts'

const nameLabel = 'kubernetes.io/metadata.name'
const controllerFinalizer = 'kubernetes'

/** Selectors find every namespace by its name. */
const labelWithName = ({ metadata }: Namespace): void => {
  if (metadata.name) metadata.labels = { ...metadata.labels, [nameLabel]: metadata.name }
}

const checkStatus = ({ metadata, status }: Namespace): FieldError[] => {
  const [wanted, when] = metadata.deletionTimestamp ? ['Terminating', 'not empty'] : ['Active', 'empty']
  return status.phase === wanted ? [] : [fieldError.invalid('status.Phase', status.phase ?? '', `may only be '${wanted}' if \`deletionTimestamp\` is ${when}`)]
}

export const namespaceStrategy: Strategy<Namespace> = {
  kind: Namespaces,
  validateName: isDns1123Label,
  setDefaults(namespace) {
    namespace.spec ??= {}
    namespace.status ??= {}
    namespace.status.phase ||= 'Active'
    labelWithName(namespace)
  },
  prepareForCreate(namespace) {
    labelWithName(namespace)
    namespace.status = { phase: 'Active' }
    const finalizers = namespace.spec.finalizers ?? []
    if (!finalizers.includes(controllerFinalizer)) namespace.spec.finalizers = [...finalizers, controllerFinalizer]
  },
  validate: ({ spec }) => (spec.finalizers ?? []).flatMap((name) => checkFinalizerName('spec.finalizers', name)),
  prepareForUpdate(next, old) {
    next.spec = old.spec
    next.status = old.status
  },
  markDeleting(namespace) { namespace.status = { ...namespace.status, phase: 'Terminating' } },
  holdsDeletion: ({ spec }) => (spec.finalizers ?? []).length > 0,
  columns: [
    nameColumn,
    { name: 'Status', type: 'string', description: 'The status of the namespace', value: ({ status }) => status.phase ?? '' },
    ageColumn,
  ],
  selectableFields: { 'status.phase': ({ status }) => status.phase ?? '', name: ({ metadata }) => metadata.name },
  subresources: {
    status: statusSubresource({ validate: checkStatus }),
    finalize: {
      prepareForUpdate(next, old) { next.status = old.status },
      validateUpdate: ({ spec }) => checkEach('spec.finalizers', spec.finalizers, (name, at) => checkFinalizerName(at, name)),
    },
  },
}
