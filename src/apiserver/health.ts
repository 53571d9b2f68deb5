/** /healthz, /livez and /readyz. Mirrors apiserver `pkg/server/healthz`. */
import { pathNotFound } from '../api/status.ts'
import type { Exchange } from './exchange.ts'

export interface HealthCheck {
  name: string
  /** Only /readyz asks it: not being ready is no reason to be restarted. */
  readyOnly?: boolean
  /** What is wrong; undefined if nothing is. */
  check(): Promise<string | undefined> | string | undefined
}

const ask = async ({ check }: HealthCheck): Promise<string | undefined> => {
  try {
    return await check()
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

const respond = (exchange: Exchange, status: number, text: string): void =>
  exchange.respond(status, { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff', 'cache-control': 'no-cache, private' }, Buffer.from(text))

/** `path` is `/readyz`, `/readyz/etcd`, and so on. The reasons of failures are logged, and shown only to those who may ask for one check. */
export const health = async (exchange: Exchange, path: string, { checks, failed, seen }: { checks: readonly HealthCheck[]; failed: (name: string, why: string) => void; seen: (name: string, endpoint: string, well: boolean) => void }): Promise<void> => {
  const [, endpoint = '', ...rest] = path.replace(/\/+$/, '').split('/')
  const single = rest.join('/')
  const mine = checks.filter(({ name, readyOnly }) => (endpoint === 'readyz' || !readyOnly) && (single === '' || name === single))
  if (mine.length === 0) throw pathNotFound()
  if (single !== '') {
    const [only] = mine
    const why = only && await ask(only)
    seen(single, endpoint, why === undefined)
    if (why !== undefined) failed(single, why)
    return respond(exchange, why === undefined ? 200 : 500, why === undefined ? 'ok' : `internal server error: ${why}\n`)
  }
  const excluded = new Set(exchange.query.getAll('exclude'))
  const lines: string[] = []
  let bad = false
  for (const each of mine) {
    if (excluded.delete(each.name)) {
      lines.push(`[+]${each.name} excluded: ok`)
      continue
    }
    const why = await ask(each)
    seen(each.name, endpoint, why === undefined)
    if (why !== undefined) failed(each.name, why)
    bad ||= why !== undefined
    lines.push(why === undefined ? `[+]${each.name} ok` : `[-]${each.name} failed: reason withheld`)
  }
  if (excluded.size > 0) lines.push(`warn: some health checks cannot be excluded: no matches for ${[...excluded].sort().map((name) => JSON.stringify(name)).join(', ')}`)
  if (bad) respond(exchange, 500, `${lines.join('\n')}\n${endpoint} check failed\n`)
  else if (exchange.query.has('verbose')) respond(exchange, 200, `${lines.join('\n')}\n${endpoint} check passed\n`)
  else respond(exchange, 200, 'ok')
}
