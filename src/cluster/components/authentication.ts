/** Upstream's --authentication-config, --anonymous-auth and --oidc-… flags: who else says who somebody is. */
import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { type AuthenticationConfiguration, type JwtIssuer, parseAuthenticationConfiguration } from '../../apiserver/authentication/jwt/authentication-configuration.ts'
import { ConfigurationFileError } from '../../apiserver/configuration-file.ts'
import { followFile } from '../../apiserver/configuration-reload.ts'
import type { Log } from '../../client/component.ts'
import type { Flags } from '../flags.ts'
import { UserError } from '../user-error.ts'
import { untilAborted } from './until-aborted.ts'

const oidcFlags = ['oidc-issuer-url', 'oidc-client-id', 'oidc-username-claim', 'oidc-username-prefix', 'oidc-groups-claim', 'oidc-groups-prefix', 'oidc-ca-file', 'oidc-required-claim', 'oidc-signing-algs'] as const
export const authenticationFlags = ['authentication-config', 'anonymous-auth', ...oidcFlags] as const

const algorithms = ['RS256', 'RS384', 'RS512', 'ES256', 'ES384', 'ES512', 'PS256', 'PS384', 'PS512']

/** What is in force now, and who is told of the next. */
export interface AuthenticationSource {
  configuration: AuthenticationConfiguration
  changed: (configuration: AuthenticationConfiguration) => void
  run(signal: AbortSignal): Promise<void>
}

const refused = (flag: string, why: string): UserError => new UserError(`wherry apiserver: --${flag}: ${why}`)

const fixed = (configuration: AuthenticationConfiguration): AuthenticationSource => ({ configuration, changed: () => undefined, run: untilAborted })

const requiredClaims = (text: string): { claim: string; requiredValue: string }[] => text.split(',').filter((pair) => pair !== '').map((pair) => {
  const at = pair.indexOf('=')
  if (at <= 0) throw refused('oidc-required-claim', `${JSON.stringify(pair)} must be key=value`)
  return { claim: pair.slice(0, at), requiredValue: pair.slice(at + 1) }
})

const issuerOfFlags = async (flags: Flags): Promise<JwtIssuer> => {
  const url = flags.get('oidc-issuer-url')
  const client = flags.get('oidc-client-id')
  if (url === undefined) throw refused('oidc-issuer-url', 'is needed with the other --oidc flags')
  if (client === undefined) throw refused('oidc-client-id', 'is needed with --oidc-issuer-url')
  const claim = flags.get('oidc-username-claim') ?? 'sub'
  // As upstream: names that are no addresses would otherwise be mistaken for other users; '-' means none.
  const prefix = flags.get('oidc-username-prefix') ?? (claim === 'email' ? '' : `${url}#`)
  const groups = flags.get('oidc-groups-claim')
  const caFile = flags.get('oidc-ca-file')
  const certificateAuthority = caFile === undefined ? undefined : await readFile(caFile, 'utf8').catch((error: Error) => { throw refused('oidc-ca-file', error.message) })
  if (certificateAuthority !== undefined) try { void new X509Certificate(certificateAuthority) } catch { throw refused('oidc-ca-file', `${caFile ?? ''} holds no certificate`) }
  const signing = (flags.get('oidc-signing-algs') ?? 'RS256').split(',').map((each) => each.trim())
  for (const each of signing) if (!algorithms.includes(each)) throw refused('oidc-signing-algs', `${JSON.stringify(each)} is not supported; known are ${algorithms.join(', ')}`)
  return {
    issuer: { url, audiences: [client], ...(certificateAuthority !== undefined && { certificateAuthority }) }, algorithms: signing,
    claimMappings: { username: { claim, prefix: prefix === '-' ? '' : prefix }, ...(groups !== undefined && { groups: { claim: groups, prefix: flags.get('oidc-groups-prefix') ?? '' } }) },
    claimValidationRules: requiredClaims(flags.get('oidc-required-claim') ?? ''),
  }
}

/** `own`: issuers that are the server's. */
export const authenticationFrom = async (flags: Flags, { log, own }: { log: Log; own: readonly string[] }): Promise<AuthenticationSource> => {
  const file = flags.get('authentication-config')
  const anonymous = flags.get('anonymous-auth')
  if (anonymous !== undefined && anonymous !== 'true' && anonymous !== 'false') throw refused('anonymous-auth', `must be true or false, not ${JSON.stringify(anonymous)}`)
  const withFlags = oidcFlags.some((flag) => flags.get(flag) !== undefined)
  const access = anonymous === undefined ? {} : { anonymous: { enabled: anonymous === 'true' } }
  if (file === undefined) {
    if (!withFlags) return fixed(access)
    const issuer = await issuerOfFlags(flags)
    if (!issuer.issuer.url.startsWith('https://')) throw refused('oidc-issuer-url', `${JSON.stringify(issuer.issuer.url)}: URL scheme must be https`)
    return fixed({ ...access, jwt: [issuer] })
  }
  if (withFlags) throw refused('authentication-config', 'authentication-config file and oidc-* flags are mutually exclusive')
  const loaded = (text: string): AuthenticationConfiguration => {
    const configuration = parseAuthenticationConfiguration(text, file, own)
    if (configuration.anonymous && anonymous !== undefined) throw refused('anonymous-auth', '--anonymous-auth flag cannot be set when anonymous field is configured in authentication configuration file')
    return { ...access, ...configuration }
  }
  const text = await readFile(file, 'utf8').catch((error: Error) => { throw refused('authentication-config', error.message) })
  const source: AuthenticationSource = { configuration: {}, changed: () => undefined, run: (signal) => followFile({ file, text, log, apply: (next) => source.changed(loaded(next)) }, signal) }
  try {
    source.configuration = loaded(text)
  } catch (error) {
    throw error instanceof ConfigurationFileError ? refused('authentication-config', error.message) : error
  }
  return source
}
