/** Whether the priority level that a flow schema names is there. Upstream's API server says it: `k8s.io/apiserver/pkg/util/flowcontrol/apf_controller.go`. */
import { timestamp } from '../api/clock.ts'
import { FlowSchemas, PriorityLevelConfigurations } from '../api/kinds.ts'
import { keyOf } from '../api/meta.ts'
import { type Action, updateStatus } from '../client/action.ts'
import { type Reconciler, watching, type World } from '../client/controller.ts'
import { findCondition, withoutCondition } from './conditions.ts'

export const planFlowSchema = (key: string, world: World): Action[] => {
  const schema = world.get(FlowSchemas, key)
  if (!schema) return []
  const { name } = schema.spec.priorityLevelConfiguration
  const named = `This FlowSchema references the PriorityLevelConfiguration object named ${JSON.stringify(name)}`
  const wanted = world.get(PriorityLevelConfigurations, name) ? { status: 'False', reason: 'Found', message: `${named} and it exists` } : { status: 'True', reason: 'NotFound', message: `${named} but there is no such object` }
  const present = (schema.status.conditions ?? []).map((each) => ({ ...each, type: each.type ?? '', status: each.status ?? '' }))
  const current = findCondition(present, 'Dangling')
  if (current?.status === wanted.status && current.message === wanted.message) return []
  // Another level that is there as well is no transition.
  const since = (current?.status === wanted.status ? current.lastTransitionTime : undefined) ?? timestamp(world.now)
  const conditions = [...withoutCondition(present, 'Dangling'), { type: 'Dangling', ...wanted, lastTransitionTime: since }]
  return [updateStatus(FlowSchemas, { ...schema, status: { ...schema.status, conditions } })]
}

export const flowSchemaStatus: Reconciler = {
  name: 'flow-schema-status-controller',
  watches: [
    watching(FlowSchemas, (schema) => [keyOf(schema)]),
    watching(PriorityLevelConfigurations, (level, world) => world.list(FlowSchemas).filter(({ spec }) => spec.priorityLevelConfiguration.name === level.metadata.name).map(keyOf)),
  ],
  plan: planFlowSchema,
}
