/** The machines of a cluster, as its configuration file lists them. */
import { readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import { parseDestination } from '../../cloud-controller-manager/ssh/destination.ts'
import type { Machine } from '../../cloud-controller-manager/ssh/machine.ts'
import type { SshAccess } from '../../cloud-controller-manager/ssh/ssh.ts'
import type { ClusterConfig, NodeConfig } from '../config.ts'
import type { Home } from '../home.ts'
import { bridgeAddress, namespacePath, nodeNetworkOf } from '../node-network.ts'

export const machineOf = (clusterId: string, { name, kind, address, ssh }: NodeConfig): Machine => ({
  name, address,
  reach: kind === 'machine' ? { by: 'here' }
    : kind === 'namespace' ? { by: 'namespace', path: namespacePath(clusterId, name), gateway: bridgeAddress(nodeNetworkOf(clusterId)) }
    : { by: 'ssh', destination: parseDestination(ssh ?? '') },
})

export const machinesOf = ({ clusterId, nodes }: Pick<ClusterConfig, 'clusterId' | 'nodes'>): Machine[] => nodes.map((node) => machineOf(clusterId, node))

/** Reads `cluster.json` again only when it has changed; machines may join while the component runs. */
export const machinesFile = (file: string): () => readonly Machine[] => {
  let state = ''
  let machines: readonly Machine[] = []
  return () => {
    const { ino, mtimeMs, size } = statSync(file)
    const now = `${ino} ${mtimeMs} ${size}`
    if (now === state) return machines
    machines = machinesOf(JSON.parse(readFileSync(file, 'utf8')) as ClusterConfig)
    state = now
    return machines
  }
}

/** `user`: who shares connections; the command and the component each have their own. */
export const accessOf = (home: Pick<Home, 'ssh' | 'run'>, user: 'command' | 'component'): SshAccess => ({ directory: home.ssh, sockets: path.join(home.run, `ssh-${user}`) })
