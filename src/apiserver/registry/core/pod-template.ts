/** PodTemplates. Mirrors upstream's `pkg/registry/core/podtemplate/strategy.go` and ValidatePodTemplate. */
import { PodTemplates } from '../../../api/kinds.ts'
import type { PodTemplate } from '../../../api/types.ts'
import { nameColumn, workloadColumns } from '../columns.ts'
import { formatLabels } from '../format-selector.ts'
import type { Column, Strategy } from '../strategy.ts'
import { setPodTemplateDefaults } from './pod-spec-defaults.ts'
import { checkPodTemplate } from './pod-spec-validation.ts'
import { podWarnings, sameGeneration } from './pod-warnings.ts'

const templateColumns = workloadColumns.slice(0, 2).map(({ value, priority: _priority, ...column }): Column<PodTemplate> =>
  ({ ...column, value: ({ metadata, template }, at) => value({ metadata, spec: { template } }, at) }))

export const podTemplateStrategy: Strategy<PodTemplate> = {
  kind: PodTemplates,
  returnsDeletedObject: true,
  setDefaults(object) {
    object.template ??= {}
    setPodTemplateDefaults(object.template)
  },
  validate: ({ template }) => checkPodTemplate('template', template ?? {}),
  validateUpdate: ({ template }) => checkPodTemplate('template', template ?? {}),
  warnings: ({ metadata, template }, _context, old) => (sameGeneration(metadata, old) ? [] : podWarnings('template', template ?? {})),
  generationOf: ({ template }) => template,
  columns: [nameColumn, ...templateColumns, { name: 'Pod Labels', type: 'string', description: 'The labels of the template.', value: ({ template }) => formatLabels(template?.metadata?.labels) }],
}
