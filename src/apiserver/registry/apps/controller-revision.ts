/** ControllerRevisions: what a workload was, for rolling back. Mirrors upstream's ValidateControllerRevision. */
import { ControllerRevisions } from '../../../api/kinds.ts'
import { controllerOf } from '../../../api/meta.ts'
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { ControllerRevision } from '../../../api/types.ts'
import { ageColumn, nameColumn } from '../columns.ts'
import { checkImmutable, checkNonNegative } from '../field-checks.ts'
import type { Strategy } from '../strategy.ts'

/** `daemonset.apps/web`. */
const controllerName = (revision: ControllerRevision): string => {
  const owner = controllerOf(revision)
  if (!owner) return '<none>'
  const [group, version] = owner.apiVersion.split('/')
  return `${owner.kind.toLowerCase()}${version === undefined ? '' : `.${group}`}/${owner.name}`
}

const check = ({ data, revision }: ControllerRevision): FieldError[] => [
  ...(data === undefined || data === null ? [fieldError.required('data', 'data is mandatory')] : []),
  ...checkNonNegative('revision', revision),
]

export const controllerRevisionStrategy: Strategy<ControllerRevision> = {
  kind: ControllerRevisions,
  setDefaults(revision) { revision.revision ??= 0 },
  validate: check,
  validateUpdate: (next, old) => [...check(next), ...checkImmutable('data', next.data, old.data)],
  columns: [
    nameColumn,
    { name: 'Controller', type: 'string', description: 'Controller of the object', value: controllerName },
    { name: 'Revision', type: 'string', description: 'Which state of the controller this is, counted upwards.', value: ({ revision }) => revision ?? 0 },
    ageColumn,
  ],
}
