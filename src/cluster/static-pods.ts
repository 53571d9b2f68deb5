/** The control plane as static pods: manifests filled in and written where the first node's kubelet looks. */
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { serverURL, type ClusterConfig } from './config.ts'
import type { Home } from './home.ts'
import { serverFileArguments } from './server-files.ts'
import { readManifests } from './manifests.ts'

/** Where DNS listens on the node with `--single`: 53 may be somebody else's. */
export const singleDnsPort = 10_053

/** What `${…}` in the manifests may name. */
export const manifestValues = (home: Home, config: ClusterConfig): Record<string, string> => ({
  clusterId: home.clusterId, serverURL: serverURL(config), serverPort: String(config.serverPort), address: config.nodes[0]?.address ?? '127.0.0.1',
  podCIDR: config.podCIDR, serviceCIDR: config.serviceCIDR, clusterDNS: config.clusterDNS, clusterDomain: config.clusterDomain,
  data: home.data, pki: home.pki, kubeconfigs: home.kubeconfigs, store: home.store, ssh: home.ssh, run: home.run, program: home.program,
  singleDnsPort: String(singleDnsPort), etcdServers: config.etcdServers ?? '', encryptionConfig: serverFileArguments(home, config)['encryption-provider-config'], authenticationConfig: serverFileArguments(home, config)['authentication-config'], encryptionReload: config.serverFiles?.includes('encryption-provider-config') ? 'true' : '',
  // Upstream's default unless shortened, as tests do that wait for a lost node.
  nodeMonitorGracePeriod: process.env['WHERRY_NODE_MONITOR_GRACE_PERIOD'] ?? '',
})

/** The cloud controller manager sees to machines beside the first: a cluster of one has nothing for it to do. */
const isNeeded = (name: string, { nodes }: ClusterConfig): boolean => name !== 'cloud-controller-manager' || nodes.length > 1

/** Writes what changed, removes what is not ours any more. The kubelet follows the folder. */
export const writeStaticPods = async (home: Home, config: ClusterConfig): Promise<void> => {
  const folder = home.node(config.nodes[0]?.name ?? 'node-1').manifests
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const wanted = new Map(config.single ? [] : [...await readManifests('bootstrap', manifestValues(home, config))].filter(([name]) => isNeeded(name, config)))
  for (const [name, text] of wanted) {
    const file = path.join(folder, `${name}.yaml`)
    if ((await readFile(file, 'utf8').catch(() => '')) === text) continue
    await writeFile(`${file}.new`, text, { mode: 0o600 })
    await rename(`${file}.new`, file)
  }
  for (const name of await readdir(folder)) if (name.endsWith('.yaml') && !wanted.has(name.slice(0, -'.yaml'.length))) await rm(path.join(folder, name))
}
