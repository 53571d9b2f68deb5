/**
 * Nothing is made that a ResourceQuota does not allow; what is allowed is written into the quota's status at once, so that requests at
 * the same time cannot take the same room twice. The quota controller counts anew when something goes. Mirrors upstream's
 * `plugin/pkg/admission/resourcequota`.
 */
import { Namespaces, ResourceQuotas } from '../../api/kinds.ts'
import { amountsAsList, amountsOf, subtractAmounts } from '../../api/resource-usage.ts'
import { conflict, forbidden } from '../../api/status.ts'
import type { ResourceQuota } from '../../api/types.ts'
import type { AdmissionAttributes, AdmissionContext, AdmissionPlugin } from './plugin.ts'
import type { LimitedResource } from './configuration/quota-configuration.ts'
import { type Charge, chargesQuota, checkQuotas, isLimited } from './quota-check.ts'

/** How often somebody else may be faster at a quota's status, the quota controller or another API server. */
const maxAttempts = 10

const withUsed = (quota: ResourceQuota, used: Record<string, string>): ResourceQuota => ({ ...quota, status: { ...quota.status, used } })

/** What has been taken by this request already, by quota: given back when another quota refuses. */
type Taken = Map<string, { before: Record<string, string>; after: Record<string, string> }>

const giveBack = async (namespace: string, taken: Taken, context: AdmissionContext): Promise<void> => {
  for (const [name, { before, after }] of taken) {
    for (let attempt = 1; attempt <= maxAttempts; attempt += 1) {
      const quota = context.lookup.get(ResourceQuotas, name, namespace)
      if (!quota) break
      const surplus = subtractAmounts(amountsOf(after), amountsOf(before))
      if (await context.books.replace(ResourceQuotas, quota, withUsed(quota, amountsAsList(subtractAmounts(amountsOf(quota.status.used), surplus))))) break
      await context.books.fresh()
    }
  }
}

const write = async (charges: readonly Charge[], taken: Taken, context: AdmissionContext): Promise<boolean> => {
  for (const { quota, used } of charges) {
    if (!await context.books.replace(ResourceQuotas, quota, withUsed(quota, used))) return false
    taken.set(quota.metadata.name, { before: quota.status.used ?? {}, after: used })
  }
  return true
}

const settle = async (attributes: AdmissionAttributes, context: AdmissionContext, limited: readonly LimitedResource[]): Promise<void> => {
  const { kind, name, namespace, dryRun } = attributes
  const taken: Taken = new Map()
  for (let attempt = 1; attempt <= maxAttempts; attempt += 1) {
    const quotas = context.lookup.list(ResourceQuotas, namespace).filter(({ metadata }) => !taken.has(metadata.name)).toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
    const verdict = checkQuotas(attributes, quotas, { now: context.books.now(), limited })
    if ('refused' in verdict) {
      await giveBack(namespace, taken, context)
      throw forbidden(kind, name, verdict.refused)
    }
    if (dryRun || await write(verdict.charges, taken, context)) return
    await context.books.fresh()
  }
  await giveBack(namespace, taken, context)
  throw conflict(ResourceQuotas, name, 'the quotas of the namespace change too fast; please try again')
}

/** One server charges one request at a time in each namespace; several servers find out by compare-and-put. `limited`: what may only be consumed where a quota covers it. */
export const resourceQuotaAdmission = (limited: readonly LimitedResource[] = []): AdmissionPlugin => {
  const turns = new Map<string, Promise<void>>()
  return {
    name: 'ResourceQuota',
    handles: (attributes) => attributes.namespace !== '' && attributes.kind.namespaced && attributes.kind !== Namespaces && chargesQuota(attributes),
    validate: async (attributes, context) => {
      const { namespace } = attributes
      if (context.lookup.list(ResourceQuotas, namespace).length === 0 && !isLimited(attributes, limited)) return
      const before = turns.get(namespace)
      const turn = (before ?? Promise.resolve()).then(() => settle(attributes, context, limited))
      const done = turn.catch(() => undefined)
      turns.set(namespace, done)
      try {
        await turn
      } finally {
        if (turns.get(namespace) === done) turns.delete(namespace)
      }
    },
  }
}
