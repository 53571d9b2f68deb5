/** FlowSchemas. Mirrors upstream's `pkg/registry/flowcontrol/flowschema/strategy.go`, SetDefaults_FlowSchemaSpec and printFlowSchema. */
import { FlowSchemas } from '../../../api/kinds.ts'
import type { FlowSchema } from '../../../api/types.ts'
import { ageColumn, nameColumn } from '../columns.ts'
import { statusSubresource } from '../status-subresource.ts'
import type { Strategy } from '../strategy.ts'
import { checkConditions, checkFlowSchema } from './flow-schema-validation.ts'

const defaultPrecedence = 1000

export const flowSchemaStrategy: Strategy<FlowSchema> = {
  kind: FlowSchemas,
  unconditionalUpdate: false,
  setDefaults({ spec }) { spec.matchingPrecedence ||= defaultPrecedence },
  prepareForCreate(schema) { schema.status = {} },
  validate: checkFlowSchema,
  validateUpdate: checkFlowSchema,
  generationOf: ({ spec }) => spec,
  subresources: { status: statusSubresource({ keepMetadata: true, validate: ({ status }) => checkConditions(status.conditions) }) },
  columns: [
    nameColumn,
    { name: 'PriorityLevel', type: 'string', description: 'The priority level that requests of this schema belong to.', value: ({ spec }) => spec.priorityLevelConfiguration?.name || '<none>' },
    { name: 'MatchingPrecedence', type: 'string', description: 'Which schema counts, of several that match: the one with the smallest number.', value: ({ spec }) => spec.matchingPrecedence ?? 0 },
    { name: 'DistinguisherMethod', type: 'string', description: 'What tells flows apart.', value: ({ spec }) => spec.distinguisherMethod?.type ?? '<none>' },
    ageColumn,
    { name: 'MissingPL', type: 'string', description: 'Whether the priority level is not there.', value: ({ status }) => status?.conditions?.find(({ type }) => type === 'Dangling')?.status ?? '?' },
  ],
}
