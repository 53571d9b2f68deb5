/** What somebody may ask of this kubelet: the API server decides, by subresources of this Node. Mirrors pkg/kubelet/server/auth.go. */
import type { Clock } from '../../../src/api/clock.ts'
import type { Client } from '../../../src/client/client.ts'
import { review, type User } from './authentication.ts'

export interface Access { verb: string; subresource: string }

const verbs: Readonly<Record<string, string>> = { GET: 'get', HEAD: 'get', POST: 'create', PUT: 'update', PATCH: 'patch', DELETE: 'delete' }
const subresources: readonly (readonly [string, string])[] = [['/stats', 'stats'], ['/metrics', 'metrics'], ['/logs', 'log'], ['/checkpoint', 'checkpoint']]
// Finer ones that a role may name instead of `proxy`: upstream asks for these first.
const fine: readonly (readonly [string, string])[] = [['/healthz', 'healthz'], ['/configz', 'configz'], ['/pods', 'pods'], ['/runningpods', 'pods']]

const under = (path: string, prefix: string): boolean => path === prefix || path.startsWith(`${prefix}/`)

/** In the order in which they are tried; one that is allowed is enough. */
export const accessesOf = (method: string, path: string): Access[] => {
  const verb = verbs[method] ?? 'get'
  const coarse = subresources.find(([prefix]) => under(path, prefix))?.[1]
  if (coarse) return [{ verb, subresource: coarse }]
  const narrow = fine.find(([prefix]) => under(path, prefix))?.[1]
  return [...(narrow ? [{ verb, subresource: narrow }] : []), { verb, subresource: 'proxy' }]
}

export type Authorize = (user: User, access: Access) => Promise<boolean>

const allowedMilliseconds = 5 * 60_000
const deniedMilliseconds = 30_000
const timeoutMilliseconds = 10_000

export const authorizer = (client: Client | undefined, nodeName: string, clock: Clock): Authorize => {
  const known = new Map<string, { allowed: boolean; until: number }>()
  return async (user, { verb, subresource }) => {
    if (user.groups.includes('system:masters')) return true
    if (!client) return false
    const key = JSON.stringify([user, verb, subresource])
    const before = known.get(key)
    if (before && clock.monotonic() < before.until) return before.allowed
    const spec = {
      user: user.name, ...(user.uid && { uid: user.uid }), groups: [...user.groups], ...(user.extra && { extra: user.extra }),
      resourceAttributes: { verb, group: '', version: 'v1', resource: 'nodes', subresource, name: nodeName },
    }
    const { allowed = false } = await review<{ allowed?: boolean }>(client, '/apis/authorization.k8s.io/v1/subjectaccessreviews',
      { apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview', spec }, AbortSignal.timeout(timeoutMilliseconds))
    if (known.size > 1000) known.clear()
    known.set(key, { allowed, until: clock.monotonic() + (allowed ? allowedMilliseconds : deniedMilliseconds) })
    return allowed
  }
}
