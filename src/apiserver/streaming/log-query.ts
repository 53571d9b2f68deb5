/** PodLogOptions in a query: decoded, validated, and as the kubelet is asked. Mirrors apimachinery's url conversion, ValidatePodLogOptions and LogLocation. Pure. */
import { timestamp } from '../../api/clock.ts'
import { badRequest, fieldError, invalid } from '../../api/status.ts'
import type { FieldError } from '../../api/status.ts'

export interface LogQuery {
  container: string
  insecureSkipTLSVerifyBackend: boolean
  /** Of /containerLogs. */
  forKubelet: string
}

const streams = ['All', 'Stderr', 'Stdout'] as const

const isTrue = (query: URLSearchParams, name: string): boolean => { const value = query.get(name); return value !== null && value.toLowerCase() !== 'false' && value !== '0' }

const number = (query: URLSearchParams, name: string): bigint | undefined => {
  const text = query.get(name)
  if (text === null) return undefined
  if (!/^[+-]?\d+$/.test(text)) throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`)
  const value = BigInt(text.replace(/^\+/, ''))
  if (BigInt.asIntN(64, value) !== value) throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: value out of range`)
  return value
}

const rfc3339 = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/

const time = (query: URLSearchParams, name: string): Date | undefined => {
  const text = query.get(name)
  if (text === null || text === '' || text === 'null') return undefined
  const date = new Date(text)
  if (!rfc3339.test(text) || Number.isNaN(date.getTime())) throw badRequest(`parsing time ${JSON.stringify(text)} as "2006-01-02T15:04:05Z07:00": cannot parse ${JSON.stringify(text)} as "2006"`)
  return date
}

/** 400 for what cannot be decoded, 422 for what makes no sense; `pod` is named in the latter. */
export const logQuery = (query: URLSearchParams, pod: string): LogQuery => {
  const tailLines = number(query, 'tailLines')
  const limitBytes = number(query, 'limitBytes')
  const sinceSeconds = number(query, 'sinceSeconds')
  const sinceTime = time(query, 'sinceTime')
  const stream = query.get('stream') ?? 'All'
  const errors: FieldError[] = [
    ...(tailLines !== undefined && tailLines < 0 ? [fieldError.invalid('tailLines', Number(tailLines), 'must be greater than or equal to 0')] : []),
    ...(limitBytes !== undefined && limitBytes < 1 ? [fieldError.invalid('limitBytes', Number(limitBytes), 'must be greater than 0')] : []),
    ...(sinceSeconds !== undefined && sinceTime ? [fieldError.forbidden('', 'at most one of `sinceTime` or `sinceSeconds` may be specified')] : []),
    ...(sinceSeconds !== undefined && !sinceTime && sinceSeconds < 1 ? [fieldError.invalid('sinceSeconds', Number(sinceSeconds), 'must be greater than 0')] : []),
    ...((streams as readonly string[]).includes(stream) ? [] : [fieldError.notSupported('stream', stream, streams)]),
    ...(stream !== 'All' && tailLines !== undefined ? [fieldError.forbidden('', '`tailLines` and specific `stream` are mutually exclusive for now')] : []),
  ]
  if (errors.length > 0) throw invalid({ group: '', kind: 'PodLogOptions' }, pod, errors)
  const asked: [string, string | undefined][] = [
    ...(['follow', 'previous', 'timestamps'] as const).map((name): [string, string | undefined] => [name, isTrue(query, name) ? 'true' : undefined]),
    ['sinceSeconds', sinceSeconds?.toString()], ['sinceTime', sinceTime && timestamp(sinceTime)], ['tailLines', tailLines?.toString()], ['limitBytes', limitBytes?.toString()], ['stream', stream],
  ]
  const forKubelet = new URLSearchParams(asked.filter((each): each is [string, string] => each[1] !== undefined)).toString()
  return { container: query.get('container') ?? '', insecureSkipTLSVerifyBackend: isTrue(query, 'insecureSkipTLSVerifyBackend'), forKubelet }
}
