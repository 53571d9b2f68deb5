/** The webhooks of a cluster, in the order in which they are called. Mirrors apiserver's `pkg/admission/configuration` and `plugin/webhook/accessors.go`. */
import { MutatingWebhookConfigurations, ValidatingWebhookConfigurations } from '../../api/kinds.ts'
import { type Selector, selectorFromObject } from '../../api/selector.ts'
import type { MutatingWebhook, MutatingWebhookConfiguration, ValidatingWebhookConfiguration } from '../../api/types.ts'
import type { Lookup } from '../registry/strategy.ts'

export interface Hook {
  /** Unique among all: configuration, webhook, and which of its name. */
  id: string
  configuration: string
  /** Its reinvocationPolicy is absent for validating ones. */
  webhook: Omit<MutatingWebhook, 'reinvocationPolicy'> & { reinvocationPolicy?: string | undefined }
  namespaceSelector: Selector
  objectSelector: Selector
}

type Configuration = MutatingWebhookConfiguration | ValidatingWebhookConfiguration

const none: readonly Hook[] = []
/** Made once for each stored version of a configuration. */
const made = new WeakMap<Configuration, readonly Hook[]>()

const hooksIn = (configuration: Configuration): readonly Hook[] => {
  const known = made.get(configuration)
  if (known) return known
  const seen = new Map<string, number>()
  const hooks = (configuration.webhooks ?? []).map((webhook): Hook => {
    const count = seen.get(webhook.name) ?? 0
    seen.set(webhook.name, count + 1)
    return {
      id: `${configuration.metadata.name}/${webhook.name}/${count}`, configuration: configuration.metadata.name, webhook,
      namespaceSelector: selectorFromObject(webhook.namespaceSelector ?? {}), objectSelector: selectorFromObject(webhook.objectSelector ?? {}),
    }
  })
  made.set(configuration, hooks)
  return hooks
}

/** Configurations by name, webhooks as they stand in them. */
const hooksOf = (configurations: readonly Configuration[]): readonly Hook[] => {
  if (configurations.length === 0) return none
  const sorted = configurations.toSorted((left, right) => (left.metadata.name < right.metadata.name ? -1 : 1))
  return sorted.flatMap(hooksIn)
}

export const mutatingHooks = (lookup: Lookup): readonly Hook[] => hooksOf(lookup.list(MutatingWebhookConfigurations))
export const validatingHooks = (lookup: Lookup): readonly Hook[] => hooksOf(lookup.list(ValidatingWebhookConfigurations))
