/** What a cluster was made with, kept in `cluster.json` of its data directory. */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { UserError } from './user-error.ts'
import type { Home } from './home.ts'

/** The layout of the data directory that this program reads and writes. */
export const dataVersion = 1

export interface NodeConfig {
  name: string
  /** `machine`: the machine's own network namespace. `namespace`: a network namespace of this machine. `ssh`: another machine. */
  kind: 'machine' | 'namespace' | 'ssh'
  /** The node's InternalIP. */
  address: string
  /** Where SSH reaches it, `[user@]host[:port]` (kind ssh). */
  ssh?: string
}

export interface ClusterConfig {
  version: number
  clusterId: string
  /** Control plane, kubelet, kube-proxy and dns of its one node in one process. */
  single: boolean
  /** Every node lives in a namespace of its own; the machine's tables stay untouched. */
  isolated: boolean
  serverPort: number
  podCIDR: string
  serviceCIDR: string
  clusterDNS: string
  clusterDomain: string
  /** Addresses of a real etcd v3, comma separated, instead of the embedded store. */
  etcdServers?: string
  /** Flags of the API server whose files lie in the data directory (server-files.ts). */
  serverFiles?: readonly string[]
  /** Further flags of the API server, by name. */
  serverFlags?: Readonly<Record<string, string>>
  /** What the machine's ip_forward was before the cluster's bridges needed it. */
  forwardingBefore?: string
  /** On 127.0.0.1 of the machine: where the API server of an unprivileged user's cluster answers. Its nodes live in namespaces that are that user's. */
  rootlessPort?: number
  nodes: NodeConfig[]
}

export const serverURL = (config: ClusterConfig): string => `https://${config.nodes[0]?.address ?? '127.0.0.1'}:${config.serverPort}`

/** For clients on this machine, whose nodes' own addresses may be out of reach. */
export const adminURL = (config: ClusterConfig): string => (config.rootlessPort === undefined ? serverURL(config) : `https://127.0.0.1:${config.rootlessPort}`)

/** The stored configuration; undefined when there is no cluster yet. A damaged file or another version is an error that names the remedy. */
export const readConfig = async (home: Home): Promise<ClusterConfig | undefined> => {
  let text: string
  try {
    text = await readFile(home.config, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return undefined
    if (code === 'EACCES' && process.getuid?.() !== 0) throw new UserError(`${home.data} belongs to another user, and Wherry needs root here: run the command with sudo`)
    throw new UserError(`cannot read ${home.config}: ${(error as Error).message}`)
  }
  const config = parse(text, home.config)
  if (config.version !== dataVersion) {
    throw new UserError(`the data directory ${home.data} has layout version ${String(config.version)}; this Wherry reads version ${dataVersion}. Use the Wherry that made it, or start anew with: wherry down --delete-data`)
  }
  return config
}

const parse = (text: string, file: string): ClusterConfig => {
  try {
    return JSON.parse(text) as ClusterConfig
  } catch (error) {
    throw new UserError(`${file} is damaged (${(error as Error).message}). Restore it from a backup, or start anew with: wherry down --delete-data`)
  }
}

/** Written whole or not at all. */
export const writeConfig = async (home: Home, config: ClusterConfig): Promise<void> => {
  await mkdir(path.dirname(home.config), { recursive: true, mode: 0o700 })
  const temporary = `${home.config}.new`
  await writeFile(temporary, `${JSON.stringify(config, undefined, 2)}\n`, { mode: 0o600 })
  await rename(temporary, home.config)
}
