/**
 * Who may ask which registry: `config.json` as docker writes it, and the two kinds of Secrets that hold one. Mirrors pkg/credentialprovider (keyring.go, config.go)
 * in which entry is for which image. Pure.
 */
import { createHash } from 'node:crypto'
import type { Secret } from '../../../src/api/types.ts'
import type { Credentials } from './registry/registry-client.ts'

/** An entry of a configuration: where it is good, without a scheme, and for whom. */
export interface RegistryLogin { location: string; credentials: Credentials }

interface Entry { username?: unknown; password?: unknown; auth?: unknown; identitytoken?: unknown; registrytoken?: unknown }

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value)
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')

const decodeAuth = (where: string, auth: string): Pick<Credentials, 'username' | 'password'> => {
  const decoded = Buffer.from(auth, 'base64').toString()
  const colon = decoded.indexOf(':')
  if (colon < 0) throw new Error(`${where}: auth is not the base64 of "user:password"`)
  return { username: decoded.slice(0, colon), password: decoded.slice(colon + 1) }
}

const credentialsOf = (where: string, entry: Entry): Credentials | undefined => {
  const auth = textOf(entry.auth)
  const named = auth ? decodeAuth(where, auth) : { username: textOf(entry.username), password: textOf(entry.password) }
  const [identityToken, registryToken] = [textOf(entry.identitytoken), textOf(entry.registrytoken)]
  if (!named.username && !named.password && !identityToken && !registryToken) return undefined
  return { ...named, ...(identityToken && { identityToken }), ...(registryToken && { registryToken }) }
}

/** docker takes `/v1/` and `/v2/` for the host itself. */
export const locationOf = (text: string): string | undefined => {
  const url = /^https?:\/\//.test(text) ? text : `https://${text}`
  const [, host = '', rest = ''] = /^https?:\/\/([^/]+)(\/.*)?$/.exec(url) ?? []
  if (!host) return undefined
  const path = /^\/v[12]\//.test(rest) ? rest.slice('/v1'.length) : rest
  return path === '' || path === '/' ? host : host + path
}

/** Entries of `auths`, or of the older file that is nothing but them. Throws what is wrong, naming `where`. */
export const parseDockerConfig = (text: string, where: string, kind: 'config.json' | 'dockercfg'): RegistryLogin[] => {
  let parsed: unknown
  // The parser's own words would quote what is secret (CVE-2020-8564).
  try { parsed = JSON.parse(text) } catch { throw new Error(`${where} is no JSON`) }
  const auths = isRecord(parsed) ? (kind === 'config.json' ? parsed['auths'] ?? {} : parsed) : undefined
  if (!isRecord(auths)) throw new Error(`${where} holds no object of registries`)
  return Object.entries(auths).flatMap(([key, entry]) => {
    const location = locationOf(key)
    const credentials = isRecord(entry) ? credentialsOf(`${where}: ${JSON.stringify(key)}`, entry) : undefined
    return location === undefined || credentials === undefined ? [] : [{ location, credentials }]
  })
}

/** Of other types, or without the data that its type asks for: none. */
export const loginsOfSecret = (secret: Secret): RegistryLogin[] => {
  const [key, kind] = secret.type === 'kubernetes.io/dockerconfigjson' ? ['.dockerconfigjson', 'config.json'] as const : secret.type === 'kubernetes.io/dockercfg' ? ['.dockercfg', 'dockercfg'] as const : []
  const data = key === undefined || !Object.hasOwn(secret.data ?? {}, key) ? undefined : secret.data?.[key]
  if (kind === undefined || !data) return []
  return parseDockerConfig(Buffer.from(data, 'base64').toString(), `secret ${secret.metadata.namespace ?? ''}/${secret.metadata.name}`, kind)
}

const hostParts = (host: string): { parts: string[]; port: string } => {
  const [, name = '', port = ''] = /^(.*?)(?::(\d+))?$/.exec(host) ?? []
  return { parts: name.split('.'), port }
}

const split = (text: string): { host: string; path: string } => { const slash = text.indexOf('/'); return slash < 0 ? { host: text, path: '' } : { host: text.slice(0, slash), path: text.slice(slash) } }

/** `*`, `?` and `[a-z]` within one part of a host's name, as Go's filepath.Match has them. */
const partMatches = (glob: string, part: string): boolean => {
  const pattern = glob.replaceAll(/[.+^${}()|\\]/g, String.raw`\$&`).replaceAll('*', '.*').replaceAll('?', '.')
  try { return new RegExp(`^${pattern}$`).test(part) } catch { return false } // no pattern: it matches nothing
}

/** Mirrors URLsMatch: the same number of parts and the same port, the path as a prefix. */
export const locationMatches = (location: string, repository: string): boolean => {
  const [glob, target] = [split(location), split(repository)]
  const [globHost, targetHost] = [hostParts(glob.host), hostParts(target.host)]
  return globHost.port === targetHost.port && globHost.parts.length === targetHost.parts.length && target.path.startsWith(glob.path)
    && globHost.parts.every((part, index) => partMatches(part, targetHost.parts[index] ?? ''))
}

/** Those that are for an image's repository (`docker.io/library/nginx`), the most specific first. */
export const loginsFor = <T extends RegistryLogin>(logins: readonly T[], repository: string): T[] => {
  const sorted = [...new Set(logins)].sort((left, right) => (left.location < right.location ? 1 : left.location > right.location ? -1 : 0))
  const found = sorted.filter(({ location }) => locationMatches(location, repository))
  return found.length > 0 || !repository.startsWith('docker.io/') ? found : sorted.filter(({ location }) => location === 'index.docker.io')
}

/** What tells two credentials apart without saying them. */
export const hashOf = (credentials: Credentials): string => createHash('sha256').update(JSON.stringify([credentials.username, credentials.password, credentials.identityToken ?? '', credentials.registryToken ?? ''])).digest('hex')
