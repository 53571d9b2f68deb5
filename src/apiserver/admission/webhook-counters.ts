/** What is counted of admission webhooks. Mirrors apiserver's `pkg/admission/metrics/metrics.go`. */
import type { Clock } from '../../api/clock.ts'
import { StatusError } from '../../api/status.ts'
import type { ServerCounters } from '../counters.ts'
import type { AdmissionAttributes, AdmissionContext } from './plugin.ts'
import { CallingWebhookError } from './webhook-denial.ts'

export interface Counting { counters: ServerCounters; clock: Pick<Clock, 'monotonic'> }

/** Codes beyond what HTTP has are one, so that webhooks cannot make labels. */
const codeLabel = (code: number): string => String(Math.min(code, 600))

/** Runs `ask`, and tells how long the request waited for it. */
export const waitedFor = async <T>(counting: Counting | undefined, { waited }: Pick<AdmissionContext, 'waited'>, ask: () => Promise<T>): Promise<T> => {
  if (!counting || !waited) return ask()
  const begun = counting.clock.monotonic()
  try {
    return await ask()
  } finally {
    waited((counting.clock.monotonic() - begun) / 1000)
  }
}

/** Runs `ask` and counts what comes of it. */
export const counted = async <T>(counting: Counting | undefined, call: { name: string; type: 'admit' | 'validating'; operation: AdmissionAttributes['operation']; ignoresFailure: boolean }, ask: () => Promise<T>): Promise<T> => {
  if (!counting) return ask()
  const { counters, clock } = counting
  const { name, type, operation } = call
  const begun = clock.monotonic()
  const finish = (code: number, rejected: boolean): void => {
    const labels = { name, type, operation, rejected: String(rejected) }
    counters.webhookTimes.observe(labels, (clock.monotonic() - begun) / 1000)
    counters.webhookRequests.count({ ...labels, code: codeLabel(code) })
  }
  try {
    const answer = await ask()
    finish(200, false)
    return answer
  } catch (error) {
    const failed = error instanceof CallingWebhookError
    if (failed && call.ignoresFailure) {
      counters.webhookFailOpens.count({ name, type })
      counters.webhookRejections.count({ name, type, operation, error_type: 'calling_webhook_error', rejection_code: '0' })
      finish(0, false)
      throw error
    }
    const code = error instanceof StatusError ? error.code : 0
    counters.webhookRejections.count({ name, type, operation, error_type: failed ? 'calling_webhook_error' : 'no_error', rejection_code: codeLabel(failed ? 0 : code) })
    finish(failed ? 0 : code, true)
    throw error
  }
}
