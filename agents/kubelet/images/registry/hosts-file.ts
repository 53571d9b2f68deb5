/**
 * `hosts.toml` as users of containerd write it, one a registry: where an image is asked for, in which order, and what it takes to trust whom.
 * Mirrors docs/hosts.md and core/remotes/docker/config/hosts.go of containerd; what is wrong with a file is an error here and not passed over. Pure.
 */
import path from 'node:path'
import { parse } from 'smol-toml'
import { parseDuration } from '../../../../src/api/duration.ts'
import { proxyOf } from './proxy.ts'

/** `resolve`: say which digest a tag has. Who may not is asked only for what has a digest, which is checked. */
export type Capability = 'pull' | 'resolve'

/** What a file says of one address. */
export interface HostSettings {
  /** Where its API begins, with a slash at the end: `https://mirror.example/v2/`; undefined: the registry's own, as its name says. */
  base: URL | undefined
  can: ReadonlySet<Capability>
  /** PEM files of authorities, beside the machine's own. */
  caFiles: readonly string[]
  /** PEM files of client certificates and their keys. */
  clientFiles: readonly { cert: string; key: string }[]
  skipVerify: boolean
  headers: Readonly<Record<string, readonly string[]>>
  dialMilliseconds: number | undefined
  /** Above what the environment says. */
  proxy: URL | undefined
}

type Table = Readonly<Record<string, unknown>>
interface Place { file: string; at: string }

const settingsFields = ['capabilities', 'ca', 'client', 'skip_verify', 'header', 'override_path', 'dial_timeout', 'proxy']
const capabilities = ['pull', 'resolve', 'push']

const isTable = (value: unknown): value is Table => typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date)
const refuse = ({ file, at }: Place, field: string, why: string): never => { throw new Error(`${file}: ${at}${field} ${why}`) }

const textsOf = (value: unknown, place: Place, field: string): string[] => {
  const list: unknown[] = Array.isArray(value) ? value : [value]
  return list.map((each) => (typeof each === 'string' ? each : refuse(place, field, 'must be a text or a list of texts')))
}

const isTrue = (value: unknown, place: Place, field: string): boolean => (value === undefined || typeof value === 'boolean' ? value ?? false : refuse(place, field, 'must be true or false'))

/** As containerd: `https` where nothing is said, and `/v2` behind every path, unless the path is all of it. */
const baseOf = (server: string, overridePath: boolean, place: Place): URL => {
  const url = /^https?:\/\//.test(server) ? URL.parse(server) : server.includes('://') ? null : URL.parse(`https://${server}`)
  if (!url?.hostname) return refuse(place, place.at ? '' : 'server', `${JSON.stringify(server)} must be an address like https://mirror.example`)
  if (url.username || url.password || url.search || url.hash) return refuse(place, place.at ? '' : 'server', 'must be an address without a user, a query or a fragment')
  const clean = url.pathname.replace(/\/+$/, '')
  url.pathname = `${clean}${overridePath || clean.endsWith('/v2') ? '' : '/v2'}/`
  return url
}

const clientsOf = (value: unknown, place: Place): { cert: string; key: string }[] => {
  const absolute = (name: string): string => path.resolve(path.dirname(place.file), name)
  return (Array.isArray(value) ? value as unknown[] : [value]).map((each) => {
    const [cert = '', key = '', ...more] = textsOf(each, place, 'client')
    if (!cert || more.length > 0) return refuse(place, 'client', 'must be a file, a list of files, or a list of pairs of files')
    return { cert: absolute(cert), key: absolute(key || cert) }
  })
}

const canOf = (value: unknown, place: Place): Set<Capability> => {
  const said = value === undefined ? [] : textsOf(value, place, 'capabilities').map((each) => each.toLowerCase())
  for (const each of said) if (!capabilities.includes(each)) refuse(place, 'capabilities', `cannot have ${JSON.stringify(each)}: ${capabilities.join(', ')} are`)
  return new Set((['pull', 'resolve'] as const).filter((each) => said.length === 0 || said.includes(each)))
}

const settingsOf = (server: string | undefined, fields: Table, place: Place): HostSettings => {
  const { capabilities: can, ca, client, skip_verify: skip, header = {}, override_path: override, dial_timeout: dial, proxy } = fields
  const overridePath = isTrue(override, place, 'override_path')
  if (!isTable(header)) return refuse(place, 'header', 'must be a table of texts')
  const dialMilliseconds = dial === undefined ? undefined : typeof dial === 'string' ? parseDuration(dial) : undefined
  if (dial !== undefined && (dialMilliseconds === undefined || dialMilliseconds <= 0)) refuse(place, 'dial_timeout', 'must be a duration like 1s')
  if (proxy !== undefined && typeof proxy !== 'string') return refuse(place, 'proxy', 'must be a text')
  return {
    base: server ? baseOf(server, overridePath, place) : undefined, can: canOf(can, place), skipVerify: isTrue(skip, place, 'skip_verify'),
    caFiles: ca === undefined ? [] : textsOf(ca, place, 'ca').map((name) => path.resolve(path.dirname(place.file), name)), clientFiles: client === undefined ? [] : clientsOf(client, place),
    headers: Object.fromEntries(Object.entries(header).map(([name, value]) => [name.toLowerCase(), textsOf(value, place, `header.${name}`)])),
    dialMilliseconds, proxy: proxy === undefined ? undefined : proxyOf(proxy, `${place.file}: ${place.at}proxy`),
  }
}

const checkFields = (table: Table, known: readonly string[], place: Place): void => {
  for (const field of Object.keys(table)) if (!known.includes(field)) refuse(place, field, `is not known: ${known.join(', ')} are`)
}

/** In the order in which they are asked: the hosts as the file has them, then the server. Throws with the file's and the field's name. */
export const parseHostsFile = (text: string, file: string): HostSettings[] => {
  const top: Place = { file, at: '' }
  let root: Table
  try { root = parse(text) } catch (error) { throw new Error(`${file} is no TOML: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`) }
  checkFields(root, ['server', 'host', ...settingsFields], top)
  const { server, host = {} } = root
  if (server !== undefined && typeof server !== 'string') return refuse(top, 'server', 'must be a text')
  if (!isTable(host)) return refuse(top, 'host', 'must be a table of tables, like [host."https://mirror.example"]')
  const mirrors = Object.entries(host).map(([address, fields]) => {
    const place: Place = { file, at: `host.${JSON.stringify(address)}.` }
    if (!isTable(fields)) return refuse(place, '', 'must be a table')
    checkFields(fields, settingsFields, place)
    return settingsOf(address, fields, place)
  })
  return [...mirrors, settingsOf(server, root, top)]
}
