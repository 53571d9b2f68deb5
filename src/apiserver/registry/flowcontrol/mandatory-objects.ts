/** The flow schemas and priority levels that every cluster has, as they must be. Mirrors apiserver's `pkg/apis/flowcontrol/bootstrap`. */
import type { FlowcontrolSubject, FlowSchemaSpec, PriorityLevelConfigurationSpec } from '../../../api/types.ts'

const everything: Omit<NonNullable<FlowSchemaSpec['rules']>[number], 'subjects'> = {
  resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'], clusterScope: true, namespaces: ['*'] }],
  nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
}

export const groupSubject = (name: string): FlowcontrolSubject => ({ kind: 'Group', group: { name } })
export const everybody: readonly FlowcontrolSubject[] = [groupSubject('system:unauthenticated'), groupSubject('system:authenticated')]

/** A schema for all that `subjects` ask; no method: all of them are one flow. */
export const schemaOfAll = (level: string, matchingPrecedence: number, { subjects, method }: { subjects: readonly FlowcontrolSubject[]; method?: 'ByUser' | 'ByNamespace' }): FlowSchemaSpec => ({
  priorityLevelConfiguration: { name: level }, matchingPrecedence, ...(method && { distinguisherMethod: { type: method } }), rules: [{ subjects: [...subjects], ...everything }],
})

export const mandatoryFlowSchemas: Readonly<Record<string, FlowSchemaSpec>> = {
  exempt: schemaOfAll('exempt', 1, { subjects: [groupSubject('system:masters')] }),
  'catch-all': schemaOfAll('catch-all', 10_000, { subjects: everybody, method: 'ByUser' }),
}

export const mandatoryPriorityLevels: Readonly<Record<string, PriorityLevelConfigurationSpec>> = {
  exempt: { type: 'Exempt', exempt: { nominalConcurrencyShares: 0, lendablePercent: 0 } },
  'catch-all': { type: 'Limited', limited: { nominalConcurrencyShares: 5, limitResponse: { type: 'Reject' }, lendablePercent: 0 } },
}
