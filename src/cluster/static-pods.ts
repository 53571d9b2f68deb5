/** The control plane as static pods: manifests filled in and written where the first node's kubelet looks. */
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { serverURL, type ClusterConfig } from './config.ts'
import { clusterProgram, ownProgram } from './program.ts'
import type { Home } from './home.ts'
import { serverArguments, serverDirectories } from './server-files.ts'
import { readManifests } from './manifests.ts'

/** Where DNS listens on the node with `--single`: 53 may be somebody else's. */
export const singleDnsPort = 10_053

/** Lines of the API server's manifest: JSON, which is YAML. */
const serverLines = (home: Home, config: ClusterConfig): Record<'serverArguments' | 'serverMounts' | 'serverVolumes', string> => {
  const lines = (indent: number, items: readonly unknown[]): string => items.map((item) => `\n${' '.repeat(indent)}- ${JSON.stringify(item)}`).join('')
  const directories = serverDirectories(config).map((directory, index) => ({ name: `directory-${index}`, directory }))
  return {
    serverArguments: lines(8, Object.entries(serverArguments(home, config)).map(([flag, value]) => `--${flag}=${value}`)),
    serverMounts: lines(8, directories.map(({ name, directory }) => ({ name, mountPath: directory }))),
    serverVolumes: lines(4, directories.map(({ name, directory }) => ({ name, hostPath: { path: directory, type: 'DirectoryOrCreate' } }))),
  }
}

/** What `${…}` in the manifests may name. `programFolder`: the very copy of the program; another one makes other pods. */
export const manifestValues = (home: Home, config: ClusterConfig, programFolder = clusterProgram(home) ?? ownProgram(home)): Record<string, string> => ({
  programFolder, programName: path.basename(programFolder),
  clusterId: home.clusterId, serverURL: serverURL(config), serverPort: String(config.serverPort), address: config.nodes[0]?.address ?? '127.0.0.1',
  podCIDR: config.podCIDR, serviceCIDR: config.serviceCIDR, clusterDNS: config.clusterDNS, clusterDomain: config.clusterDomain,
  data: home.data, pki: home.pki, kubeconfigs: home.kubeconfigs, store: home.store, ssh: home.ssh, run: home.run, program: home.program,
  singleDnsPort: String(singleDnsPort), etcdServers: config.etcdServers ?? '',
  ...serverLines(home, config),
  // Upstream's default unless shortened, as tests do that wait for a lost node.
  nodeMonitorGracePeriod: process.env['WHERRY_NODE_MONITOR_GRACE_PERIOD'] ?? '',
})

/** The cloud controller manager sees to machines beside the first: a cluster of one has nothing for it to do. */
const isNeeded = (name: string, { nodes }: ClusterConfig): boolean => name !== 'cloud-controller-manager' || nodes.length > 1

const folderOf = (home: Home, config: ClusterConfig): string => home.node(config.nodes[0]?.name ?? 'node-1').manifests

const render = async (home: Home, config: ClusterConfig, programFolder?: string): Promise<ReadonlyMap<string, string>> =>
  new Map(config.single ? [] : [...await readManifests('bootstrap', manifestValues(home, config, programFolder))].filter(([name]) => isNeeded(name, config)))

/** What is there now: name without `.yaml` → text. */
export const readStaticPods = async (home: Home, config: ClusterConfig): Promise<ReadonlyMap<string, string>> => {
  const folder = folderOf(home, config)
  const names = (await readdir(folder)).filter((name) => name.endsWith('.yaml'))
  return new Map(await Promise.all(names.map(async (name) => [name.slice(0, -'.yaml'.length), await readFile(path.join(folder, name), 'utf8')] as const)))
}

/** Writes what changed, removes what is not ours any more. The kubelet follows the folder. `programFolder`: another program than the one that runs; `texts`: these and nothing else. */
export const writeStaticPods = async (home: Home, config: ClusterConfig, { programFolder, texts }: { programFolder?: string; texts?: ReadonlyMap<string, string> } = {}): Promise<void> => {
  const folder = folderOf(home, config)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const wanted = texts ?? await render(home, config, programFolder)
  for (const [name, text] of wanted) {
    const file = path.join(folder, `${name}.yaml`)
    if ((await readFile(file, 'utf8').catch(() => '')) === text) continue
    await writeFile(`${file}.new`, text, { mode: 0o600 })
    await rename(`${file}.new`, file)
  }
  for (const name of await readdir(folder)) if (name.endsWith('.yaml') && !wanted.has(name.slice(0, -'.yaml'.length))) await rm(path.join(folder, name))
}
