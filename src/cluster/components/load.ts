/** kube-apiserver's flags about how much it serves at the same time. */
import { parseDuration } from '../../api/duration.ts'
import { usualInFlightLimits } from '../../apiserver/filters/limit-in-flight.ts'
import type { Flags } from '../flags.ts'
import { UserError } from '../user-error.ts'
import type { LoadOptions } from './control-plane.ts'

export const loadFlags = ['enable-priority-and-fairness', 'max-requests-inflight', 'max-mutating-requests-inflight', 'request-timeout']

export const loadFrom = (flags: Flags): LoadOptions => {
  const fair = flags.get('enable-priority-and-fairness') ?? 'true'
  if (fair !== 'true' && fair !== 'false') throw new UserError(`wherry apiserver: --enable-priority-and-fairness: must be true or false, not ${JSON.stringify(fair)}`)
  const [readOnly, mutating] = [flags.number('max-requests-inflight', usualInFlightLimits.readOnly), flags.number('max-mutating-requests-inflight', usualInFlightLimits.mutating)]
  if (readOnly < 0) throw new UserError('wherry apiserver: --max-requests-inflight can not be negative value')
  if (mutating < 0) throw new UserError('wherry apiserver: --max-mutating-requests-inflight can not be negative value')
  if (fair === 'true' && readOnly + mutating <= 0) throw new UserError('wherry apiserver: --max-requests-inflight and --max-mutating-requests-inflight must sum to a positive number with --enable-priority-and-fairness')
  const timeout = flags.get('request-timeout')
  const requestTimeoutMs = timeout === undefined ? undefined : parseDuration(timeout)
  if (timeout !== undefined && !(requestTimeoutMs !== undefined && requestTimeoutMs > 0)) throw new UserError(`wherry apiserver: --request-timeout: must be a positive duration like 1m0s, not ${JSON.stringify(timeout)}`)
  return { fair: fair === 'true', readOnly, mutating, requestTimeoutMs }
}
