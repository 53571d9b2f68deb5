import { expect, test } from 'vitest'
import { FlowSchemas, PriorityLevelConfigurations } from '../../src/api/kinds.ts'
import type { FlowSchema, PriorityLevelConfiguration } from '../../src/api/types.ts'
import { planFlowSchema } from '../../src/controller-manager/flow-schema-status.ts'
import { metadata, secondsBefore } from './builders.ts'
import { objectOf, world } from './fake-world.ts'

const schema = (conditions: NonNullable<FlowSchema['status']['conditions']> = [], name = 'low'): FlowSchema =>
  ({ metadata: metadata('fs', { namespace: undefined }), spec: { priorityLevelConfiguration: { name } }, status: { conditions } })
const level: PriorityLevelConfiguration = { metadata: metadata('low', { namespace: undefined }), spec: { type: 'Limited' }, status: {} }
const plan = (given: FlowSchema, levels: PriorityLevelConfiguration[]) => planFlowSchema('fs', world([[FlowSchemas, [given]], [PriorityLevelConfigurations, levels]]))
const found = { type: 'Dangling', status: 'False', reason: 'Found', message: 'This FlowSchema references the PriorityLevelConfiguration object named "low" and it exists', lastTransitionTime: '2026-01-01T12:00:00Z' }
const lost = { type: 'Dangling', status: 'True', reason: 'NotFound', message: 'This FlowSchema references the PriorityLevelConfiguration object named "low" but there is no such object', lastTransitionTime: '2026-01-01T12:00:00Z' }

test.each([
  ['a level that is there', schema(), [level], [found]],
  ['one that is not', schema(), [], [lost]],
  ['one that went', schema([{ ...found, lastTransitionTime: secondsBefore(60) }]), [], [lost]],
  ['others\' conditions stay', schema([{ type: 'Mine', status: 'True' }]), [level], [{ type: 'Mine', status: 'True' }, found]],
  ['another name alone is no transition', schema([{ ...found, message: 'other', lastTransitionTime: secondsBefore(60) }]), [level], [{ ...found, lastTransitionTime: secondsBefore(60) }]],
])('%s', (_, given, levels, expected) => expect(objectOf(plan(given, levels), 'updateStatus', FlowSchemas).status.conditions).toEqual(expected))

test('what is said already is not said again', () => expect(plan(schema([found]), [level])).toEqual([]))
