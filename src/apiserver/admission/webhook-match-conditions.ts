/** CEL conditions of webhooks. Mirrors apiserver's `plugin/webhook/matchconditions`. */
import type { AdmissionAttributes, AdmissionContext } from './plugin.ts'
import type { Invocation } from './webhook-call.ts'

export const matchConditionsHold = async (_invocation: Invocation, _attributes: AdmissionAttributes, _context: AdmissionContext): Promise<{ holds: boolean; error?: string }> =>
  ({ holds: false, error: 'matchConditions are not supported' })
