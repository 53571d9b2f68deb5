/**
 * How registries are reached, as the node is configured (`registries.json` beside the images): HTTPS with the machine's authorities, unless a registry has its own;
 * plain HTTP on loopback, and where it was said. Pure, but for reading the files.
 */
import { readFileSync } from 'node:fs'
import path from 'node:path'

export interface RegistrySettings {
  /** Neither encrypted nor authenticated; default: only on loopback. */
  plainHTTP?: boolean
  /** HTTPS whose certificate is not checked. */
  insecureSkipTLSVerify?: boolean
  /** PEM file of the authorities that sign the registry's certificate; relative to the configuration file. */
  caFile?: string
}

/** By host, with its port where it has one: `registry.example:5000`. */
export type RegistryConfig = ReadonlyMap<string, RegistrySettings>

/** A registry's address and what it takes to trust it. */
export interface Endpoint { url: URL; ca: string | undefined; rejectUnauthorized: boolean }

export const registriesFile = (directory: string): string => path.join(directory, 'registries.json')

const types: Readonly<Record<keyof RegistrySettings, string>> = { plainHTTP: 'boolean', insecureSkipTLSVerify: 'boolean', caFile: 'string' }
const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value)
const hostPattern = /^(?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?|\[[0-9a-fA-F:]+\])(?::\d+)?$/

/** Throws with the file's and the field's name. */
export const parseRegistries = (text: string, file: string): RegistryConfig => {
  let parsed: unknown
  try { parsed = JSON.parse(text) } catch (error) { throw new Error(`${file} is no JSON: ${error instanceof Error ? error.message : String(error)}`) }
  const refuse = (field: string, why: string): never => { throw new Error(`${file}: ${field}: ${why}`) }
  if (!isRecord(parsed)) return refuse('the file', 'must hold an object such as {"registries": {"registry.example:5000": {"plainHTTP": true}}}')
  for (const name of Object.keys(parsed)) if (name !== 'registries') refuse(name, 'is not known; "registries" is')
  const registries = parsed['registries'] ?? {}
  if (!isRecord(registries)) return refuse('registries', 'must be an object, by host')
  return new Map(Object.entries(registries).map(([host, settings]): [string, RegistrySettings] => {
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
}

/** An absent file says nothing. */
export const readRegistries = (directory: string): RegistryConfig => {
  const file = registriesFile(directory)
  let text: string
  try { text = readFileSync(file, 'utf8') } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return new Map()
    throw new Error(`cannot read ${file}: ${error instanceof Error ? error.message : String(error)}`)
  }
  return parseRegistries(text, file)
}

const isLoopback = (hostname: string): boolean => hostname === 'localhost' || hostname === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(hostname)

/** Docker Hub's names begin with another host than its registry has. */
const addressOf = (host: string): string => (host === 'docker.io' ? 'registry-1.docker.io' : host)

const plainly = (hostname: string, { plainHTTP, caFile, insecureSkipTLSVerify }: RegistrySettings): boolean => plainHTTP ?? (isLoopback(hostname) && caFile === undefined && !insecureSkipTLSVerify)

const trustOf = ({ caFile, insecureSkipTLSVerify }: RegistrySettings): Pick<Endpoint, 'ca' | 'rejectUnauthorized'> => ({ ca: caFile === undefined ? undefined : readFileSync(caFile, 'utf8'), rejectUnauthorized: !insecureSkipTLSVerify })

/** `host` as an image's name has it. */
export const endpointOf = (host: string, config: RegistryConfig): Endpoint => {
  const settings = config.get(host) ?? {}
  const url = new URL(`https://${addressOf(host)}/`)
  return { ...trustOf(settings), url: plainly(url.hostname, settings) ? new URL(`http://${addressOf(host)}/`) : url }
}

/** For an address to which a registry sends us, for a blob or a token. Throws where it is less protected than it may be. */
export const trustFor = (url: URL, from: URL, config: RegistryConfig): Endpoint => {
  const settings = config.get(url.host) ?? {}
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw new Error(`${from.host} leads to ${url.protocol}//${url.host}, which is neither HTTPS nor HTTP`)
  if (url.protocol === 'http:' && from.protocol === 'https:' && !plainly(url.hostname, settings)) throw new Error(`${from.host} leads to http://${url.host}, which is not encrypted; allow it with "plainHTTP" in registries.json if you trust the network`)
  return { ...trustOf(settings), url }
}
