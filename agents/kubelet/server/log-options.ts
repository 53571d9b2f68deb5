/** The options of /containerLogs, as PodLogOptions in a query. Pure. Mirrors ValidatePodLogOptions. */
export interface LogOptions {
  follow: boolean
  previous: boolean
  timestamps: boolean
  /** Milliseconds since the epoch. */
  since: number | undefined
  tailLines: number | undefined
  limitBytes: number | undefined
  stream: 'stdout' | 'stderr' | undefined
}

/** Answered with 422. */
export class LogOptionError extends Error { override readonly name = 'LogOptionError' }

const isTrue = (query: URLSearchParams, name: string): boolean => ['true', '1', ''].includes(query.get(name) ?? 'false')

const count = (query: URLSearchParams, name: string, least: number): number | undefined => {
  const text = query.get(name)
  if (text === null || text === '') return undefined
  const value = Number(text)
  if (!Number.isInteger(value) || value < least) throw new LogOptionError(`${name}: Invalid value: ${text}: must be ${least === 0 ? 'greater than or equal to 0' : 'greater than 0'}`)
  return value
}

export const logOptions = (query: URLSearchParams, now: Date): LogOptions => {
  const sinceSeconds = count(query, 'sinceSeconds', 1)
  const sinceTime = query.get('sinceTime')
  if (sinceSeconds !== undefined && sinceTime) throw new LogOptionError('at most one of `sinceTime` or `sinceSeconds` may be specified')
  const since = sinceTime ? Date.parse(sinceTime) : sinceSeconds === undefined ? undefined : now.getTime() - sinceSeconds * 1000
  if (since !== undefined && Number.isNaN(since)) throw new LogOptionError(`sinceTime: Invalid value: ${JSON.stringify(sinceTime)}: must be an RFC 3339 time`)
  const stream = query.get('stream')
  if (stream && !['All', 'Stdout', 'Stderr'].includes(stream)) throw new LogOptionError(`stream: Unsupported value: ${JSON.stringify(stream)}: supported values: "All", "Stderr", "Stdout"`)
  return {
    follow: isTrue(query, 'follow'), previous: isTrue(query, 'previous'), timestamps: isTrue(query, 'timestamps'), since,
    tailLines: count(query, 'tailLines', 0), limitBytes: count(query, 'limitBytes', 1), stream: stream === 'Stdout' ? 'stdout' : stream === 'Stderr' ? 'stderr' : undefined,
  }
}
