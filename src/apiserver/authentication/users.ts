/** Well-known users and groups. Mirrors `pkg/authentication/user` and `serviceaccount`. */
import type { UserInfo } from '../registry/strategy.ts'

export const mastersGroup = 'system:masters'
export const nodesGroup = 'system:nodes'
export const nodeUserPrefix = 'system:node:'
const authenticatedGroup = 'system:authenticated'

export const anonymous: UserInfo = { name: 'system:anonymous', groups: ['system:unauthenticated'] }

/** The user, as a member of system:authenticated. */
export const authenticated = (user: UserInfo): UserInfo =>
  (user.groups.includes(authenticatedGroup) ? user : { ...user, groups: [...user.groups, authenticatedGroup] })

export const serviceAccountPrefix = 'system:serviceaccount:'
export const serviceAccountUser = (namespace: string, name: string): string => `${serviceAccountPrefix}${namespace}:${name}`
export const serviceAccountGroups = (namespace: string): string[] => ['system:serviceaccounts', `system:serviceaccounts:${namespace}`]

/** Namespace and name of a service account's user name; undefined for other users. */
export const splitServiceAccountUser = (user: string): { namespace: string; name: string } | undefined => {
  if (!user.startsWith(serviceAccountPrefix)) return undefined
  const [namespace, name, ...rest] = user.slice(serviceAccountPrefix.length).split(':')
  return namespace && name && rest.length === 0 ? { namespace, name } : undefined
}

/** The node of a kubelet's user; undefined for everybody else. */
export const nodeOf = (user: UserInfo): string | undefined =>
  (user.groups.includes(nodesGroup) && user.name.startsWith(nodeUserPrefix) ? user.name.slice(nodeUserPrefix.length) : undefined)
