/** The columns that many kinds share. Mirrors what recurs in upstream's `pkg/printers/internalversion/printers.go`. */
import { ageOf } from '../../api/human-duration.ts'
import type { KubeObject } from '../../api/meta.ts'
import type { LabelSelector, PodTemplateSpec } from '../../api/types.ts'
import { formatLabelSelector } from './format-selector.ts'
import type { Column } from './strategy.ts'

export const nameColumn: Column<KubeObject> = { name: 'Name', type: 'string', format: 'name', description: 'The name of the object, unique within its namespace.', value: ({ metadata }) => metadata.name }

export const ageColumn: Column<KubeObject> = { name: 'Age', type: 'string', description: 'How long ago the object was created.', value: ({ metadata }, { now }) => ageOf(metadata.creationTimestamp, now) }

/** What kinds without columns of their own show: name and time of creation, as apiserver's default table convertor. */
export const defaultColumns: readonly Column<KubeObject>[] = [
  nameColumn,
  { name: 'Created At', type: 'date', description: 'When the object was created, in RFC 3339 form and UTC.', value: ({ metadata }) => metadata.creationTimestamp },
]

/** Something with a pod template and a selector: Deployment, ReplicaSet, DaemonSet, Job. */
export interface Templated extends KubeObject {
  spec: { template?: PodTemplateSpec | undefined; selector?: LabelSelector | undefined }
}

const containersOf = (object: Templated): readonly { name: string; image?: string | undefined }[] => object.spec.template?.spec?.containers ?? []

/** Containers, Images, Selector: shown with `-o wide`. */
export const workloadColumns: readonly Column<Templated>[] = [
  { name: 'Containers', type: 'string', priority: 1, description: 'Names of each container in the template.', value: (object) => containersOf(object).map(({ name }) => name).join(',') },
  { name: 'Images', type: 'string', priority: 1, description: 'Images referenced by each container in the template.', value: (object) => containersOf(object).map(({ image }) => image ?? '').join(',') },
  { name: 'Selector', type: 'string', priority: 1, description: 'The label query over the pods that belong to the object.', value: ({ spec }) => formatLabelSelector(spec.selector) },
]

/** The first three of a list, and how many more there are: `a,b,c + 2 more...`; `none` when the list is empty. */
export const listWithMore = (items: readonly string[], none: string): string => {
  const shown = items.slice(0, 3).join(',')
  return items.length > 3 ? `${shown} + ${items.length - 3} more...` : shown || none
}
