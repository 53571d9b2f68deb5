/** Whom to ask for what a registry has, in order: its mirrors as containerd's directories name them, then the registry itself. The files are read anew for every pull. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import tls from 'node:tls'
import { type Capability, type HostSettings, parseHostsFile } from './hosts-file.ts'
import { proxyFor } from './proxy.ts'
import { addressFor, checkRedirect, type Endpoint, endpointFor, type RegistryConfig, type Trust } from './registry-config.ts'

export interface RegistryHost {
  /** Where its API begins: `https://mirror.example/v2/`. */
  base: URL
  /** The registry in whose place it answers, which it is told; undefined: it is that registry. */
  inPlaceOf: string | undefined
  can: ReadonlySet<Capability>
  headers: Readonly<Record<string, readonly string[]>>
  endpoint(url: URL): Endpoint
  /** How an address is reached to which it sends us; throws where it must not be. */
  follow(url: URL, from: URL): Endpoint
}

const everything: ReadonlySet<Capability> = new Set(['pull', 'resolve'])

const isMissing = (error: unknown): boolean => ['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')
const read = (file: string): string => {
  try { return readFileSync(file, 'utf8') } catch (error) { throw new Error(`cannot read ${file}: ${error instanceof Error ? error.message : String(error)}`, { cause: error }) }
}

/** As containerd looks for them: `registry.example_5000_`, `registry.example:5000`, `_default`; the first directory that is there counts, whatever it holds. */
const directoryOf = (registry: string, { hostDirectories }: RegistryConfig): string | undefined => {
  const names = [...(registry.includes(':') ? [`${registry.replace(':', '_')}_`] : []), registry, '_default']
  return hostDirectories.flatMap((root) => names.map((name) => path.join(root, name))).find((each) => statSync(each, { throwIfNoEntry: false })?.isDirectory())
}

/** What docker reads: `*.crt` are authorities, `*.cert` and `*.key` who we are. */
const certificatesIn = (directory: string): HostSettings => {
  const names = readdirSync(directory).sort()
  const at = (name: string): string => path.join(directory, name)
  const clients = names.filter((name) => name.endsWith('.cert')).map((name) => ({ cert: at(name), key: at(name.replace(/\.cert$/, '.key')) }))
  return { base: undefined, can: everything, caFiles: names.filter((name) => name.endsWith('.crt')).map(at), clientFiles: clients, skipVerify: false, headers: {}, dialMilliseconds: undefined, proxy: undefined }
}

const settingsIn = (directory: string): HostSettings[] => {
  const file = path.join(directory, 'hosts.toml')
  let text = ''
  try { text = readFileSync(file, 'utf8') } catch (error) { if (!isMissing(error)) throw new Error(`cannot read ${file}: ${error instanceof Error ? error.message : String(error)}`, { cause: error }) }
  return text === '' ? [certificatesIn(directory)] : parseHostsFile(text, file)
}

const trustOf = ({ caFiles, clientFiles, skipVerify }: HostSettings): Trust => ({
  rejectUnauthorized: !skipVerify, ...(caFiles.length > 0 && { ca: [...tls.rootCertificates, ...caFiles.map(read)] }),
  ...(clientFiles.length > 0 && { client: clientFiles.map(({ cert, key }) => ({ cert: read(cert), key: read(key) })) }),
})

const saysNothing = ({ base, caFiles, clientFiles, skipVerify }: HostSettings): boolean => base === undefined && caFiles.length === 0 && clientFiles.length === 0 && !skipVerify

/** The registry where its name says, trusted as registries.json or nobody says otherwise. */
const itself = (registry: string, config: RegistryConfig): RegistryHost => ({
  base: new URL('v2/', addressFor(registry, config)), inPlaceOf: undefined, can: everything, headers: {},
  endpoint: (url) => endpointFor(url, config, registry),
  follow: (url, from) => { checkRedirect(url, from, config); return endpointFor(url, config) },
})

/** As containerd: whom a file trusts, it trusts wherever that sends us; a client certificate is shown to nobody else. */
const asConfigured = (registry: string, settings: HostSettings, config: RegistryConfig): RegistryHost => {
  const own = itself(registry, config)
  const { base = saysNothing(settings) ? own.base : new URL(`https://${addressFor(registry, config).host}/v2/`), can, headers, dialMilliseconds } = settings
  const trust = trustOf(settings)
  const endpoint = (url: URL): Endpoint => {
    const { client, ...others } = trust
    return { ...others, ...(client && url.host === base.host && { client }), url, proxy: settings.proxy ?? proxyFor(url, config.environment), ...(dialMilliseconds !== undefined && { dialMilliseconds }) }
  }
  return { base, inPlaceOf: base.host === own.base.host ? undefined : registry, can, headers, endpoint, follow: (url, from) => { checkRedirect(url, from, config); return endpoint(url) } }
}

/** Never none. What registries.json says of a registry stands above every directory. Throws what is wrong with the files. */
export const hostsOf = (registry: string, config: RegistryConfig): RegistryHost[] => {
  const directory = config.settings.has(registry) ? undefined : directoryOf(registry, config)
  return directory === undefined ? [itself(registry, config)] : settingsIn(directory).map((settings) => asConfigured(registry, settings, config))
}
