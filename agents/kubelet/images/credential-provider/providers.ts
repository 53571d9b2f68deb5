/**
 * Logins that programs of the node know for a pod's image: each program that is for the image is asked, unless what it said last is still good. Who fails is told of in the log, and
 * the pull goes on without. Mirrors pluginProvider in pkg/credentialprovider/plugin/plugin.go.
 */
import type { Clock } from '../../../../src/api/clock.ts'
import { ServiceAccounts } from '../../../../src/api/kinds.ts'
import type { Pod, ServiceAccount } from '../../../../src/api/types.ts'
import type { Client } from '../../../../src/client/client.ts'
import type { Log } from '../../../../src/client/component.ts'
import type { Tokens } from '../../volumes/tokens.ts'
import { locationMatches, locationOf, type RegistryLogin } from '../docker-config.ts'
import type { AccountUse } from '../pull-records.ts'
import type { CredentialProvider, TokenAttributes } from './configuration.ts'
import type { AskPlugin, PluginAnswer, PluginRequest } from './plugin.ts'

/** `account`: for whose token a program gave it; undefined: it is the node's. */
export interface ProvidedLogin extends RegistryLogin { account: AccountUse | undefined }

export interface CredentialProviders {
  /** `repository`: `docker.io/library/nginx`. The earlier provider's first. */
  logins(pod: Pod, repository: string, signal: AbortSignal): Promise<ProvidedLogin[]>
  /** The service account in whose name a program would be asked; asks none. */
  accounts(pod: Pod, repository: string): Promise<AccountUse[]>
  /** How often each program was asked in vain, and how long it took. */
  usage(): readonly PluginUsage[]
}

/** `within`: how many took no longer than each of `durationBuckets`. */
export interface PluginUsage { name: string; asked: number; failed: number; seconds: number; within: number[] }

/** In seconds: Prometheus' usual ones. */
export const durationBuckets: readonly number[] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

export interface CredentialProviderParts {
  providers: readonly CredentialProvider[]
  ask: AskPlugin
  /** undefined: no API server. */
  client: Client | undefined
  tokens: Pick<Tokens, 'issue'>
  clock: Clock
  log: Log
}

interface Asker { request: PluginRequest; account: AccountUse | undefined; /** Apart from the image, what tells one asker from another; and for how long what was said is good for. */ flight: string; key: string }
interface Kept { auth: PluginAnswer['auth']; expiresAt: number }

const tokenSeconds = 3600
const registryOf = (repository: string): string => repository.split('/')[0] ?? ''
const isFor = ({ matchImages }: CredentialProvider, repository: string): boolean => matchImages.some((each) => locationMatches(locationOf(each) ?? '', repository))

/** undefined: the pod's service account has not what a program wants of it. Pure. */
const annotationsOf = ({ metadata: { annotations = {} } }: ServiceAccount, { requiredAnnotations, optionalAnnotations }: TokenAttributes): Record<string, string> | undefined => {
  const has = (key: string): boolean => Object.hasOwn(annotations, key)
  if (!requiredAnnotations.every(has)) return undefined
  return Object.fromEntries([...requiredAnnotations, ...optionalAnnotations].filter(has).sort().map((key) => [key, annotations[key] ?? '']))
}

export const credentialProviders = ({ providers, ask, client, tokens, clock, log }: CredentialProviderParts): CredentialProviders => {
  const kept = new Map<string, Kept>()
  const flights = new Map<string, Promise<PluginAnswer>>()
  const usages = new Map<string, PluginUsage>(providers.map(({ name }) => [name, { name, asked: 0, failed: 0, seconds: 0, within: durationBuckets.map(() => 0) }]))

  const accountOf = async (pod: Pod, attributes: TokenAttributes): Promise<{ account: AccountUse; annotations: Record<string, string> } | undefined> => {
    const [namespace, name] = [pod.metadata.namespace ?? '', pod.spec.serviceAccountName ?? '']
    if (!client) throw new Error('this kubelet runs without an API server')
    const object = await client.get(ServiceAccounts, { namespace, name })
    const annotations = annotationsOf(object, attributes)
    return annotations && { account: { namespace, name, uid: object.metadata.uid }, annotations }
  }

  /** undefined: it is not asked for this pod. */
  const askerOf = async ({ tokenAttributes: attributes }: CredentialProvider, pod: Pod, image: string): Promise<Asker | undefined> => {
    if (!attributes) return { request: { image }, account: undefined, flight: '', key: '' }
    if (!pod.spec.serviceAccountName) return attributes.requireServiceAccount ? undefined : { request: { image }, account: undefined, flight: '', key: '' }
    const found = await accountOf(pod, attributes)
    if (!found) return undefined
    const { account, annotations } = found
    const { token } = await tokens.issue(pod, { audience: attributes.audience, expirationSeconds: tokenSeconds, path: '' })
    const perToken = attributes.cacheType === 'Token' ? [pod.metadata.name, pod.metadata.uid, token] : []
    return { request: { image, serviceAccountToken: token, ...(Object.keys(annotations).length > 0 && { serviceAccountAnnotations: annotations }) }, account,
      flight: JSON.stringify([token, annotations]), key: JSON.stringify([account.namespace, account.name, account.uid, annotations, ...perToken]) }
  }

  const askOnce = (provider: CredentialProvider, { request, flight }: Asker, signal: AbortSignal): Promise<PluginAnswer> => {
    const key = JSON.stringify([provider.name, request.image, flight])
    const going = flights.get(key)
    if (going) return going
    const usage = usages.get(provider.name)
    const begun = clock.monotonic()
    const asked = ask(provider, request, signal).catch((error: unknown) => { if (usage) usage.failed++; throw error }).finally(() => {
      flights.delete(key)
      const seconds = (clock.monotonic() - begun) / 1000
      if (usage) Object.assign(usage, { asked: usage.asked + 1, seconds: usage.seconds + seconds, within: usage.within.map((times, index) => times + (seconds <= (durationBuckets[index] ?? 0) ? 1 : 0)) })
    })
    flights.set(key, asked)
    return asked
  }

  const authOf = async (provider: CredentialProvider, asker: Asker, signal: AbortSignal): Promise<PluginAnswer['auth']> => {
    const { image } = asker.request
    const keyOf = (base: string): string => JSON.stringify([provider.name, base, asker.key])
    const now = clock.now().getTime()
    for (const [key, { expiresAt }] of kept) if (expiresAt < now) kept.delete(key)
    for (const base of [image, registryOf(image), 'global']) {
      const known = kept.get(keyOf(base))
      if (known) return known.auth
    }
    const { auth, cacheKeyType, cacheMilliseconds = provider.defaultCacheMilliseconds } = await askOnce(provider, asker, signal)
    const { serviceAccountToken: token } = asker.request
    // One pod's token must not be handed out to the account's other pods.
    if (token && provider.tokenAttributes?.cacheType !== 'Token' && Object.values(auth).some(({ password }) => password === token)) throw new Error("it returned the service account token as the password, which is not allowed when cacheType is not 'Token'")
    if (cacheMilliseconds > 0) kept.set(keyOf({ Image: image, Registry: registryOf(image), Global: 'global' }[cacheKeyType]), { auth, expiresAt: clock.now().getTime() + cacheMilliseconds })
    return auth
  }

  const loginsBy = async (provider: CredentialProvider, { pod, repository }: { pod: Pod; repository: string }, signal: AbortSignal): Promise<ProvidedLogin[]> => {
    const asker = await askerOf(provider, pod, repository)
    if (!asker) return []
    return Object.entries(await authOf(provider, asker, signal)).flatMap(([text, credentials]): ProvidedLogin[] => {
      const location = locationOf(text)
      return location === undefined ? [] : [{ location, credentials, account: asker.account }]
    })
  }

  return {
    async logins(pod, repository, signal) {
      const found = await Promise.all(providers.filter((each) => isFor(each, repository)).map((provider) => loginsBy(provider, { pod, repository }, signal).catch((error: unknown) => {
        signal.throwIfAborted()
        log.warn('cannot get credentials from a credential provider', { provider: provider.name, image: repository, error: error instanceof Error ? error.message : String(error) })
        return []
      })))
      return found.flat()
    },
    async accounts(pod, repository) {
      const asked = pod.spec.serviceAccountName ? providers.flatMap((each) => (each.tokenAttributes && isFor(each, repository) ? [each.tokenAttributes] : [])) : []
      const found = await Promise.all(asked.map((attributes) => accountOf(pod, attributes).catch(() => undefined)))
      return found.flatMap((each) => (each ? [each.account] : []))
    },
    usage: () => [...usages.values()],
  }
}
