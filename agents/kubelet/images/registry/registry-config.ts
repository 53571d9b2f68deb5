/**
 * How registries are reached, as the node is configured (`registries.json` beside the images): HTTPS with the machine's authorities, unless a registry has its own;
 * plain HTTP on loopback, and where it was said. What it does not name, containerd's directories may (registry-hosts.ts). Pure, but for reading the files.
 */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { isLoopback, type ProxyEnvironment, proxyFor } from './proxy.ts'

export interface RegistrySettings {
  /** Neither encrypted nor authenticated; default: only on loopback. */
  plainHTTP?: boolean
  /** HTTPS whose certificate is not checked. */
  insecureSkipTLSVerify?: boolean
  /** PEM file of the authorities that sign the registry's certificate; relative to the configuration file. */
  caFile?: string
}

export interface RegistriesFile {
  /** By host, with its port where it has one: `registry.example:5000`. */
  settings: ReadonlyMap<string, RegistrySettings>
  /** Directories as containerd's `config_path` names them: a directory a registry, with its `hosts.toml`. */
  hostDirectories: readonly string[]
}

export interface RegistryConfig extends RegistriesFile { environment: ProxyEnvironment }

/** What it takes to trust an address. */
export interface Trust { ca?: readonly string[]; rejectUnauthorized: boolean; client?: readonly { cert: string; key: string }[] }

/** An address, whom to trust there, and how it is reached. */
export interface Endpoint extends Trust { url: URL; proxy: URL | undefined; dialMilliseconds?: number }

/** Containerd's own. */
const defaultHostDirectories = ['/etc/containerd/certs.d']

export const registriesFile = (directory: string): string => path.join(directory, 'registries.json')

const types: Readonly<Record<keyof RegistrySettings, string>> = { plainHTTP: 'boolean', insecureSkipTLSVerify: 'boolean', caFile: 'string' }
const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value)
const hostPattern = /^(?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?|\[[0-9a-fA-F:]+\])(?::\d+)?$/

/** Throws with the file's and the field's name. */
export const parseRegistries = (text: string, file: string): RegistriesFile => {
  let parsed: unknown
  try { parsed = JSON.parse(text) } catch (error) { throw new Error(`${file} is no JSON: ${error instanceof Error ? error.message : String(error)}`) }
  const refuse = (field: string, why: string): never => { throw new Error(`${file}: ${field}: ${why}`) }
  if (!isRecord(parsed)) return refuse('the file', 'must hold an object such as {"registries": {"registry.example:5000": {"plainHTTP": true}}}')
  for (const name of Object.keys(parsed)) if (name !== 'registries' && name !== 'configPath') refuse(name, 'is not known; "registries" and "configPath" are')
  const { registries = {}, configPath } = parsed
  if (!isRecord(registries)) return refuse('registries', 'must be an object, by host')
  if (configPath !== undefined && typeof configPath !== 'string') return refuse('configPath', 'must be a text: directories with a colon between them')
  const settings = new Map(Object.entries(registries).map(([host, settings]): [string, RegistrySettings] => {
    const at = `registries[${JSON.stringify(host)}]`
    if (!hostPattern.test(host)) refuse(at, 'must be a host, with its port where it has one, without https:// or a path')
    if (!isRecord(settings)) return refuse(at, 'must be an object')
    for (const [name, value] of Object.entries(settings)) {
      const type = Object.hasOwn(types, name) ? types[name as keyof RegistrySettings] : refuse(`${at}.${name}`, `is not known; ${Object.keys(types).join(', ')} are`)
      if (typeof value !== type) refuse(`${at}.${name}`, `must be a ${type}`)
    }
    if (settings['plainHTTP'] && (settings['caFile'] || settings['insecureSkipTLSVerify'])) refuse(at, 'plainHTTP has no certificate: leave out caFile and insecureSkipTLSVerify')
    return [host, { ...settings, ...(typeof settings['caFile'] === 'string' && { caFile: path.resolve(path.dirname(file), settings['caFile']) }) }]
  }))
  return { settings, hostDirectories: configPath?.split(':').filter(Boolean).map((each) => path.resolve(path.dirname(file), each)) ?? defaultHostDirectories }
}

/** An absent file says nothing. */
export const readRegistries = (directory: string, environment: ProxyEnvironment): RegistryConfig => {
  const file = registriesFile(directory)
  let text = '{}'
  try { text = readFileSync(file, 'utf8') } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw new Error(`cannot read ${file}: ${error instanceof Error ? error.message : String(error)}`)
  }
  return { ...parseRegistries(text, file), environment }
}

/** Docker Hub's names begin with another host than its registry has. */
const addressOf = (host: string): string => (host === 'docker.io' ? 'registry-1.docker.io' : host)

const plainly = (hostname: string, { plainHTTP, caFile, insecureSkipTLSVerify }: RegistrySettings): boolean => plainHTTP ?? (isLoopback(hostname) && caFile === undefined && !insecureSkipTLSVerify)

const trustOf = ({ caFile, insecureSkipTLSVerify }: RegistrySettings): Trust => ({ ...(caFile !== undefined && { ca: [readFileSync(caFile, 'utf8')] }), rejectUnauthorized: !insecureSkipTLSVerify })

/** Where the registry itself is. `host` as an image's name has it. */
export const addressFor = (host: string, { settings }: RegistryConfig): URL => {
  const url = new URL(`https://${addressOf(host)}/`)
  return plainly(url.hostname, settings.get(host) ?? {}) ? new URL(`http://${addressOf(host)}/`) : url
}

/** As far as registries.json or nobody says anything. `host`: where it is not the address's own. */
export const endpointFor = (url: URL, config: RegistryConfig, host = url.host): Endpoint => ({ ...trustOf(config.settings.get(host) ?? {}), url, proxy: proxyFor(url, config.environment) })

/** Throws where an address to which a registry sends us, for a blob or a token, is less protected than it may be. */
export const checkRedirect = (url: URL, from: URL, { settings }: RegistryConfig): void => {
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw new Error(`${from.host} leads to ${url.protocol}//${url.host}, which is neither HTTPS nor HTTP`)
  if (url.protocol === 'http:' && from.protocol === 'https:' && !plainly(url.hostname, settings.get(url.host) ?? {})) throw new Error(`${from.host} leads to http://${url.host}, which is not encrypted; allow it with "plainHTTP" in registries.json if you trust the network`)
}
