/** MutatingWebhookConfigurations and ValidatingWebhookConfigurations. Mirrors upstream's `pkg/registry/admissionregistration/{mutating,validating}webhookconfiguration`. */
import { MutatingWebhookConfigurations, ValidatingWebhookConfigurations, type Kind } from '../../../api/kinds.ts'
import type { KubeObject } from '../../../api/meta.ts'
import type { MutatingWebhook, MutatingWebhookConfiguration, ValidatingWebhookConfiguration } from '../../../api/types.ts'
import { ageColumn, nameColumn } from '../columns.ts'
import type { Strategy } from '../strategy.ts'
import { checkWebhooks, type ConditionProblem, setWebhookDefaults, strictest, strictnessAfter, type Webhook } from './webhook-validation.ts'

interface Configuration extends KubeObject { webhooks?: Webhook[] | undefined }

const strategyOf = <T extends Configuration>(kind: Kind<T>, problemOf: ConditionProblem): Strategy<T> => ({
  kind,
  setDefaults({ webhooks }) { for (const webhook of webhooks ?? []) setWebhookDefaults(webhook) },
  validate: ({ webhooks }) => checkWebhooks(webhooks, strictest, problemOf),
  validateUpdate: ({ webhooks }, { webhooks: old }) => checkWebhooks(webhooks, strictnessAfter(webhooks ?? [], old ?? []), problemOf),
  generationOf: ({ webhooks }) => webhooks ?? [],
  unconditionalUpdate: false,
  columns: [
    nameColumn,
    { name: 'Webhooks', type: 'integer', description: 'Webhooks indicates the number of webhooks registered in this configuration', value: ({ webhooks }) => (webhooks ?? []).length },
    ageColumn,
  ],
})

export const mutatingWebhookConfigurationStrategy = (problemOf: ConditionProblem): Strategy<MutatingWebhookConfiguration> => {
  const strategy = strategyOf<MutatingWebhookConfiguration>(MutatingWebhookConfigurations, problemOf)
  return { ...strategy, setDefaults(configuration) {
    strategy.setDefaults?.(configuration)
    for (const webhook of (configuration.webhooks ?? []) as MutatingWebhook[]) webhook.reinvocationPolicy ??= 'Never'
  } }
}

export const validatingWebhookConfigurationStrategy = (problemOf: ConditionProblem): Strategy<ValidatingWebhookConfiguration> =>
  strategyOf<ValidatingWebhookConfiguration>(ValidatingWebhookConfigurations, problemOf)
