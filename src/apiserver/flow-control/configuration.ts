/** What the stored objects say, with the mandatory ones put in where they are missing. Mirrors digestConfigObjects of apiserver's `pkg/util/flowcontrol`. */
import type { FlowSchema, PriorityLevelConfiguration, PriorityLevelConfigurationSpec } from '../../api/types.ts'
import { mandatoryFlowSchemas, mandatoryPriorityLevels } from '../registry/flowcontrol/mandatory-objects.ts'
import { byPrecedence } from './classify.ts'

export interface FlowConfiguration {
  levels: ReadonlyMap<string, { spec: PriorityLevelConfigurationSpec; uid: string }>
  /** In the order in which they are asked; each has its level. */
  schemas: readonly FlowSchema[]
}

const isBroken = ({ type, limited }: PriorityLevelConfigurationSpec): boolean => (type === 'Exempt') !== (limited === undefined)

export const flowConfiguration = (schemas: readonly FlowSchema[], levels: readonly PriorityLevelConfiguration[]): FlowConfiguration => {
  const known = new Map<string, { spec: PriorityLevelConfigurationSpec; uid: string }>()
  for (const { metadata, spec } of levels) if (!isBroken(spec)) known.set(metadata.name, { spec, uid: metadata.uid ?? '' })
  for (const [name, spec] of Object.entries(mandatoryPriorityLevels)) if (!known.has(name)) known.set(name, { spec, uid: '' })
  // Whose level is missing does not count: the next schema that matches does.
  const used = schemas.filter(({ spec }) => known.has(spec.priorityLevelConfiguration?.name ?? ''))
  for (const [name, spec] of Object.entries(mandatoryFlowSchemas)) {
    if (!used.some(({ metadata }) => metadata.name === name)) used.push({ apiVersion: 'flowcontrol.apiserver.k8s.io/v1', kind: 'FlowSchema', metadata: { name }, spec, status: {} } as FlowSchema)
  }
  return { levels: known, schemas: used.toSorted(byPrecedence) }
}
