/** How refusals of webhooks read. Mirrors apiserver's `plugin/webhook/errors/statuserror.go` and `pkg/util/webhook/error.go`. Pure. */
import type { JsonObject } from '../../api/meta.ts'
import { badRequest, StatusError } from '../../api/status.ts'
import type { Status, StatusDetails } from '../../api/types.ts'

const isObject = (value: unknown): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value)

/** The webhook's own status, completed: a refusal is never a success. */
export const denied = (webhook: string, given: JsonObject | undefined): StatusError => {
  const { code, reason, message, details } = given ?? {}
  const by = `admission webhook ${JSON.stringify(webhook)} denied the request`
  const why = typeof message === 'string' && message !== '' ? `: ${message}` : typeof reason === 'string' && reason !== '' ? `: ${reason}` : ' without explanation'
  const status: Status = {
    kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message: `${by}${why}`, ...(typeof reason === 'string' && reason !== '' && { reason }),
    ...(isObject(details) && { details: details as StatusDetails }), code: typeof code === 'number' && Number.isInteger(code) && code >= 400 && code <= 599 ? code : 400,
  }
  return new StatusError(status)
}

export const dryRunUnsupported = (webhook: string): StatusError => badRequest(`admission webhook ${JSON.stringify(webhook)} does not support dry run`)

/** A webhook did not do what webhooks must: whether that refuses the request is its failurePolicy's matter. */
export class CallingWebhookError extends Error {
  override readonly name = 'CallingWebhookError'
  constructor(webhook: string, reason: string) {
    super(`failed calling webhook ${JSON.stringify(webhook)}: ${reason}`)
  }
}
