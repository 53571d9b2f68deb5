/** Tokens by which new machines introduce themselves: Secrets of kube-system say who knows them. Mirrors `plugin/pkg/auth/authenticator/token/bootstrap` and `k8s.io/cluster-bootstrap`. */
import { timingSafeEqual } from 'node:crypto'
import type { Clock } from '../../api/clock.ts'
import { canonicalTime } from '../../api/go-time.ts'
import { Secrets } from '../../api/kinds.ts'
import type { Secret } from '../../api/types.ts'
import type { Lookup, UserInfo } from '../registry/strategy.ts'
import type { TokenReviewer } from './service-account-token.ts'
import { authenticated } from './users.ts'

const namespace = 'kube-system'
const secretType = 'bootstrap.kubernetes.io/token'
const bootstrappersGroup = 'system:bootstrappers'
const tokenPattern = /^([a-z0-9]{6})\.([a-z0-9]{16})$/
const groupPattern = /^system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]$/

const bytesOf = ({ data }: Secret, key: string): Buffer => Buffer.from(data && Object.hasOwn(data, key) ? (data[key] ?? '') : '', 'base64')
const textOf = (secret: Secret, key: string): string => bytesOf(secret, key).toString()

const isSame = (one: Buffer, other: Buffer): boolean => one.length === other.length && timingSafeEqual(one, other)

/** A moment that cannot be read has passed. */
const hasExpired = (expiration: string, now: Date): boolean => {
  if (expiration === '') return false
  return 'error' in canonicalTime(expiration, 'time') || Date.parse(expiration) <= now.getTime()
}

/** Sorted; undefined where one of the extra groups is none that a bootstrap token may give. */
const groupsOf = (secret: Secret): string[] | undefined => {
  const extra = textOf(secret, 'auth-extra-groups')
  const groups = extra === '' ? [] : extra.split(',')
  return groups.every((group) => groupPattern.test(group)) ? [...new Set([bootstrappersGroup, ...groups])].sort() : undefined
}

/** The user whom a token, split at its dot, stands for; undefined if the Secret does not say so. */
const userOf = (secret: Secret, { id, value, now }: { id: string; value: string; now: Date }): UserInfo | undefined => {
  if (secret.metadata.deletionTimestamp || secret.type !== secretType) return undefined
  if (!isSame(bytesOf(secret, 'token-secret'), Buffer.from(value)) || textOf(secret, 'token-id') !== id) return undefined
  if (hasExpired(textOf(secret, 'expiration'), now) || textOf(secret, 'usage-bootstrap-authentication') !== 'true') return undefined
  const groups = groupsOf(secret)
  return groups && authenticated({ name: `system:bootstrap:${id}`, groups })
}

/** Such tokens are for the API server itself, so for all of its `audiences`. */
export const bootstrapTokens = ({ lookup, clock, audiences }: { lookup: Lookup; clock: Clock; audiences: readonly string[] }): TokenReviewer => ({
  review: async (token, asked) => {
    const [, id, value] = tokenPattern.exec(token) ?? []
    const common = audiences.filter((audience) => asked.includes(audience))
    if (id === undefined || value === undefined || common.length === 0) return undefined
    const secret = lookup.get(Secrets, `bootstrap-token-${id}`, namespace)
    const user = secret && userOf(secret, { id, value, now: clock.now() })
    return user && { user, audiences: common }
  },
})
