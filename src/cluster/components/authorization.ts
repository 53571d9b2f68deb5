/** Upstream's --authorization-config and --authorization-mode flags: who decides, in which order. */
import { readFile } from 'node:fs/promises'
import { Agent } from 'node:https'
import { type AuthorizerSettings, parseAuthorizationConfiguration } from '../../apiserver/authorization/authorization-configuration.ts'
import type { Authorizer } from '../../apiserver/authorization/authorizer.ts'
import { type AskReview, webhookAuthorizer } from '../../apiserver/authorization/webhook-authorizer.ts'
import { ConfigurationFileError } from '../../apiserver/configuration-file.ts'
import { followFile } from '../../apiserver/configuration-reload.ts'
import { askJson } from '../../apiserver/outbound/ask-json.ts'
import type { Clock } from '../../api/clock.ts'
import type { JsonObject } from '../../api/meta.ts'
import type { Log } from '../../client/component.ts'
import { accessOf, loadKubeconfig } from '../../client/kubeconfig.ts'
import { authorization, type ServerAccess, tlsOptions } from '../../client/server-access.ts'
import type { Flags } from '../flags.ts'
import { UserError } from '../user-error.ts'
import { untilAborted } from './until-aborted.ts'

export const authorizationFlags = ['authorization-config', 'authorization-mode'] as const

type Entry = 'Node' | 'RBAC' | Authorizer
export interface AuthorizationSource {
  /** In the order in which they are asked. */
  authorizers: readonly Entry[]
  changed: (authorizers: readonly Entry[]) => void
  run(signal: AbortSignal): Promise<void>
}

const refused = (flag: string, why: string): UserError => new UserError(`wherry apiserver: --${flag}: ${why}`)

/** POSTs to the very URL that the kubeconfig names, as upstream; no redirects. */
export const reviewsAt = (access: ServerAccess): AskReview => {
  const agent = new Agent({ keepAlive: true, maxSockets: 32 })
  return async (review, timeoutMs) => {
    const [tls, credentials] = await Promise.all([tlsOptions(access), authorization(access)])
    const body = Buffer.from(JSON.stringify(review))
    const headers = { 'content-type': 'application/json', accept: 'application/json', 'content-length': body.length, ...(credentials && { authorization: credentials }) }
    return (await askJson(access.server, { ...tls, agent, method: 'POST', timeoutMs, statuses: [200, 201], headers, body }) ?? {}) as JsonObject
  }
}

const always = (verdict: 'allow' | 'no-opinion', reason: string): Authorizer => ({ authorize: () => ({ verdict, reason }) })

const entryOf = (settings: AuthorizerSettings, parts: { clock: Clock; log: Log }): Entry => {
  if (settings.type === 'AlwaysAllow') return always('allow', '')
  if (settings.type === 'AlwaysDeny') return always('no-opinion', 'Everything is forbidden.')
  if (settings.type !== 'Webhook') return settings.type
  const { kubeConfigFile } = settings.webhook
  return webhookAuthorizer(settings.webhook, { ...parts, ask: reviewsAt(accessOf(loadKubeconfig([kubeConfigFile]))) })
}

const modes = ['Node', 'RBAC', 'AlwaysAllow', 'AlwaysDeny'] as const

export const authorizationFrom = async (flags: Flags, parts: { clock: Clock; log: Log }): Promise<AuthorizationSource> => {
  const [file, mode] = [flags.get('authorization-config'), flags.get('authorization-mode')]
  if (file !== undefined && mode !== undefined) throw refused('authorization-config', 'may not be used together with --authorization-mode')
  if (file === undefined) {
    const named = (mode ?? 'Node,RBAC').split(',').map((each) => each.trim())
    for (const each of named) if (!(modes as readonly string[]).includes(each)) throw refused('authorization-mode', `${JSON.stringify(each)} is not supported; known are ${modes.join(', ')}, and webhooks by --authorization-config`)
    return { authorizers: named.map((type) => entryOf({ type: type as 'Node' }, parts)), changed: () => undefined, run: untilAborted }
  }
  const loaded = (text: string): Entry[] => parseAuthorizationConfiguration(text, file).map((settings) => entryOf(settings, parts))
  const text = await readFile(file, 'utf8').catch((error: Error) => { throw refused('authorization-config', error.message) })
  const source: AuthorizationSource = { authorizers: [], changed: () => undefined, run: (signal) => followFile({ file, text, log: parts.log, apply: (next) => source.changed(loaded(next)) }, signal) }
  try {
    source.authorizers = loaded(text)
  } catch (error) {
    throw error instanceof ConfigurationFileError || (error as Error).name === 'KubeconfigError' ? refused('authorization-config', (error as Error).message) : error
  }
  return source
}
