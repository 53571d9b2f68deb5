import { ControllerRevisions } from '../../../api/kinds.ts'
import { controllerOf } from '../../../api/meta.ts'
import type { ControllerRevision } from '../../../api/types.ts'
import { ageColumn, nameColumn } from '../columns.ts'
import type { Strategy } from '../strategy.ts'

/** `daemonset.apps/web`. */
const controllerName = (revision: ControllerRevision): string => {
  const owner = controllerOf(revision)
  if (!owner) return '<none>'
  const [group, version] = owner.apiVersion.split('/')
  return `${owner.kind.toLowerCase()}${version === undefined ? '' : `.${group}`}/${owner.name}`
}

export const controllerRevisionStrategy: Strategy<ControllerRevision> = {
  kind: ControllerRevisions,
  columns: [
    nameColumn,
    { name: 'Controller', type: 'string', description: 'Controller of the object', value: controllerName },
    { name: 'Revision', type: 'string', description: 'Which state of the controller this is, counted upwards.', value: ({ revision }) => revision ?? 0 },
    ageColumn,
  ],
}
