/**
 * Secrets of type `kubernetes.io/service-account-token`: filled with a token of their account, and deleted with it. The token is issued by the API server, bound to
 * the Secret, for as long as one can be (136 years): unlike upstream's, which the controller signs itself, and which have no end. Mirrors pkg/controller/serviceaccount/tokens_controller.go.
 */
import { Secrets, ServiceAccounts } from '../api/kinds.ts'
import { keyOf } from '../api/meta.ts'
import { isConflict, isNotFound } from '../api/status.ts'
import type { AuthenticationTokenRequest, Secret } from '../api/types.ts'
import { type Action, remove, update } from '../client/action.ts'
import type { Client } from '../client/client.ts'
import { type Reconciler, watching, type World } from '../client/controller.ts'
import type { Index } from '../client/informer.ts'

const tokenType = 'kubernetes.io/service-account-token'
const nameAnnotation = 'kubernetes.io/service-account.name'
const uidAnnotation = 'kubernetes.io/service-account.uid'

/** The longest that TokenRequest's validation allows. */
const longestSeconds = 2 ** 32

const base64 = (text: string): string => Buffer.from(text).toString('base64')
const accountKey = ({ metadata }: Secret): string => keyOf({ metadata: { namespace: metadata.namespace, name: metadata.annotations?.[nameAnnotation] ?? '' } })
const isToken = ({ type, metadata }: Secret): boolean => type === tokenType && Boolean(metadata.annotations?.[nameAnnotation])
const byAccount: Index<Secret> = { name: 'account', valuesOf: (secret) => (isToken(secret) ? [accountKey(secret)] : []) }

const filled = (secret: Secret, of: { uid: string; caBundle: string | undefined; token?: string }): Secret => ({
  ...secret, metadata: { ...secret.metadata, annotations: { ...secret.metadata.annotations, [uidAnnotation]: of.uid } },
  data: { ...secret.data, ...(of.caBundle !== undefined && { 'ca.crt': base64(of.caBundle) }), namespace: base64(secret.metadata.namespace ?? ''), ...(of.token !== undefined && { token: base64(of.token) }) },
})

const isFilled = (secret: Secret, next: Secret): boolean => secret.metadata.annotations?.[uidAnnotation] === next.metadata.annotations?.[uidAnnotation]
  && Object.entries(next.data ?? {}).every(([key, value]) => secret.data?.[key] === value)

/** `accountIsGone`: asked of the server, when the informers do not have it. */
export const planTokenSecret = (key: string, world: World, { caBundle, accountIsGone }: { caBundle: string | undefined; accountIsGone: boolean }): Action[] => {
  const secret = world.get(Secrets, key)
  if (!secret || !isToken(secret) || secret.metadata.deletionTimestamp !== undefined) return []
  const account = world.get(ServiceAccounts, accountKey(secret))
  const uid = secret.metadata.annotations?.[uidAnnotation]
  if (accountIsGone || (account && uid !== undefined && uid !== account.metadata.uid)) return [remove(Secrets, secret, { preconditions: { resourceVersion: secret.metadata.resourceVersion } })]
  if (!account || account.metadata.deletionTimestamp !== undefined) return []
  const next = { uid: account.metadata.uid, caBundle }
  if (secret.data?.['token']) return isFilled(secret, filled(secret, next)) ? [] : [update(Secrets, filled(secret, next))]
  const { name, namespace } = account.metadata
  return [{
    do: 'createSubresource', kind: ServiceAccounts, at: { name, namespace }, subresource: 'token',
    body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { audiences: [], expirationSeconds: longestSeconds, boundObjectRef: { apiVersion: 'v1', kind: 'Secret', name: secret.metadata.name, uid: secret.metadata.uid } } },
    then: (answer) => [update(Secrets, filled(secret, { ...next, token: (answer as unknown as AuthenticationTokenRequest).status?.token ?? '' }))],
    // The Secret or its account is gone by now: the next look sees that.
    tolerate: (error) => isNotFound(error) || isConflict(error),
  }]
}

/** `caBundle`: PEM; absent: tokens come without. */
export const tokenSecrets = (client: Client, caBundle: string | undefined): Reconciler => {
  const isGone = async (secret: Secret): Promise<boolean> => {
    try {
      await client.get(ServiceAccounts, { name: secret.metadata.annotations?.[nameAnnotation] ?? '', namespace: secret.metadata.namespace })
      return false
    } catch (error) {
      if (isNotFound(error)) return true
      throw error
    }
  }
  return {
    name: 'serviceaccount-token-controller',
    watches: [
      watching(Secrets, (secret) => [keyOf(secret)], { matters: (secret) => secret !== undefined && isToken(secret) }),
      watching(ServiceAccounts, (account, world) => world.byIndex(Secrets, byAccount, keyOf(account)).map(keyOf), { matters: (account, previous) => account?.metadata.uid !== previous?.metadata.uid }),
    ],
    async plan(key, world) {
      const secret = world.get(Secrets, key)
      const accountIsGone = secret !== undefined && isToken(secret) && world.get(ServiceAccounts, accountKey(secret)) === undefined && await isGone(secret)
      return planTokenSecret(key, world, { caBundle, accountIsGone })
    },
  }
}
