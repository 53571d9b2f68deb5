import { internalError } from '../../api/status.ts'
import type { AuthorizationAttributes, Authorizer } from '../authorization/authorizer.ts'
import type { RequestHeaders } from '../exchange.ts'
import type { UserInfo } from '../registry/strategy.ts'
import type { Filter } from '../request-context.ts'
import { refusal } from './authorize.ts'

const extraPrefix = 'impersonate-extra-'

interface Wanted { user: string; uid: string; groups: string[]; extra: Record<string, string[]> }

const listOf = (value: string | undefined): string[] => (value ?? '').split(',').map((each) => each.trim()).filter((each) => each !== '')

const decodeKey = (key: string): string => {
  try {
    return decodeURIComponent(key)
  } catch {
    return key
  }
}

/** Nearly no request does: found out without making anything. */
const asksForIt = (headers: RequestHeaders): boolean => {
  for (const name in headers) if (name.startsWith('impersonate-')) return true
  return false
}

/** Whom a request wants to be taken for; undefined: nobody else. */
export const wantedUser = (headers: RequestHeaders): Wanted | undefined => {
  if (!asksForIt(headers)) return undefined
  const user = headers['impersonate-user'] ?? ''
  const groups = listOf(headers['impersonate-group'])
  const uid = headers['impersonate-uid'] ?? ''
  const extra: Record<string, string[]> = Object.create(null) as Record<string, string[]>
  for (const [name, value] of Object.entries(headers)) if (name.startsWith(extraPrefix)) extra[decodeKey(name.slice(extraPrefix.length))] = listOf(value)
  const others = groups.length > 0 || uid !== '' || Object.keys(extra).length > 0
  if (user === '' && others) throw internalError('requested impersonation of groups, uid or extra without impersonating a user')
  return user === '' ? undefined : { user, uid, groups, extra }
}

const serviceAccount = (user: string): { namespace: string; name: string } | undefined => {
  const [, namespace, name] = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(user) ?? []
  return namespace !== undefined && name !== undefined ? { namespace, name } : undefined
}

/** What the caller must be allowed to impersonate, each by itself. */
export const impersonationChecks = (caller: UserInfo, path: string, { user, uid, groups, extra }: Wanted): AuthorizationAttributes[] => {
  const check = (resource: string, name: string, more: Partial<AuthorizationAttributes> = {}): AuthorizationAttributes =>
    ({ user: caller, verb: 'impersonate', resourceRequest: true, apiGroup: '', apiVersion: 'v1', resource, subresource: '', namespace: '', name, path, ...more })
  const account = serviceAccount(user)
  const authentication = { apiGroup: 'authentication.k8s.io' }
  return [
    account ? check('serviceaccounts', account.name, { namespace: account.namespace }) : check('users', user),
    ...groups.map((group) => check('groups', group)),
    ...Object.entries(extra).flatMap(([key, values]) => values.map((value) => check('userextras', value, { ...authentication, subresource: key }))),
    ...(uid === '' ? [] : [check('uids', uid, authentication)]),
  ]
}

const anonymous = 'system:anonymous'

const asUser = ({ user, uid, groups, extra }: Wanted): UserInfo => {
  const account = serviceAccount(user)
  const given = groups.length === 0 && account ? ['system:serviceaccounts', `system:serviceaccounts:${account.namespace}`] : groups
  const signedIn = user === anonymous ? 'system:unauthenticated' : 'system:authenticated'
  return {
    name: user, ...(uid !== '' && { uid }), groups: given.includes(signedIn) || given.includes('system:unauthenticated') ? given : [...given, signedIn],
    ...(Object.keys(extra).length > 0 && { extra }),
  }
}

/** `kubectl --as`: the request goes on as somebody else, if its sender may. Mirrors apiserver `pkg/endpoints/filters/impersonation.go`. */
export const impersonate = (authorizer: Authorizer): Filter => async (context, next) => {
  const wanted = wantedUser(context.exchange.headers)
  if (!wanted) return next()
  for (const attributes of impersonationChecks(context.user, context.info.path, wanted)) {
    const { verdict, reason } = await authorizer.authorize(attributes)
    if (verdict !== 'allow') throw refusal(attributes, reason)
  }
  context.user = asUser(wanted)
  context.exchange.audit?.impersonates(context.user)
  return next()
}
