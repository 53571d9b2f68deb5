/** PriorityLevelConfigurations. Mirrors upstream's `pkg/registry/flowcontrol/prioritylevelconfiguration/strategy.go`, its defaults and printPriorityLevelConfiguration. */
import { PriorityLevelConfigurations } from '../../../api/kinds.ts'
import type { PriorityLevelConfiguration, QueuingConfiguration } from '../../../api/types.ts'
import { ageColumn, nameColumn } from '../columns.ts'
import { statusSubresource } from '../status-subresource.ts'
import type { Column, Strategy } from '../strategy.ts'
import { checkConditions } from './flow-schema-validation.ts'
import { checkPriorityLevel } from './priority-level-configuration-validation.ts'

const defaults = { shares: 30, queues: 64, handSize: 8, queueLengthLimit: 50 }

const setDefaults = ({ spec: { limited, exempt } }: PriorityLevelConfiguration): void => {
  if (exempt) {
    exempt.nominalConcurrencyShares ??= 0
    exempt.lendablePercent ??= 0
  }
  if (!limited) return
  limited.nominalConcurrencyShares ??= defaults.shares
  limited.lendablePercent ??= 0
  const queuing = limited.limitResponse?.queuing
  if (!queuing) return
  queuing.queues ||= defaults.queues
  queuing.handSize ||= defaults.handSize
  queuing.queueLengthLimit ||= defaults.queueLengthLimit
}

const ofQueues = (name: string, field: keyof QueuingConfiguration, description: string): Column<PriorityLevelConfiguration> =>
  ({ name, type: 'string', description, value: ({ spec }) => (spec.limited?.limitResponse?.queuing ? spec.limited.limitResponse.queuing[field] ?? 0 : '<none>') })

export const priorityLevelConfigurationStrategy: Strategy<PriorityLevelConfiguration> = {
  kind: PriorityLevelConfigurations,
  unconditionalUpdate: false,
  setDefaults,
  prepareForCreate(level) { level.status = {} },
  validate: checkPriorityLevel,
  validateUpdate: checkPriorityLevel,
  generationOf: ({ spec }) => spec,
  subresources: { status: statusSubresource({ keepMetadata: true, validate: ({ status }) => checkConditions(status.conditions) }) },
  columns: [
    nameColumn,
    { name: 'Type', type: 'string', description: 'Whether requests of this level are limited.', value: ({ spec }) => spec.type ?? '' },
    { name: 'NominalConcurrencyShares', type: 'string', description: 'The part of the server that the level gets.', value: ({ spec }) => (spec.limited ? spec.limited.nominalConcurrencyShares ?? 0 : '<none>') },
    ofQueues('Queues', 'queues', 'How many queues the level has.'),
    ofQueues('HandSize', 'handSize', 'How many queues a flow is spread over.'),
    ofQueues('QueueLengthLimit', 'queueLengthLimit', 'How many requests may wait in a queue.'),
    ageColumn,
  ],
}
