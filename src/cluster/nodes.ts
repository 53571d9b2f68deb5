/** The nodes of this machine: their networks and their kubelets' keepers. */
import { serverArguments } from './server-files.ts'
import path from 'node:path'
import { instanceTypeOf, machineProviderID } from '../cloud-controller-manager/ssh/ssh-cloud.ts'
import { serverURL, type ClusterConfig, type NodeConfig } from './config.ts'
import type { Home } from './home.ts'
import { agentEnvironment, startKeeper, type Keeper } from './keeper.ts'
import { enableForwarding, ensureBridge, ensureNamespace, namespacePath, nodeAddress, nodeNetworkOf } from './node-network.ts'
import { configurationFlags } from './node-configuration.ts'
import { clusterProgram, ownProgram } from './program.ts'
import { machineOf } from './ssh/machines.ts'

/** Nodes 1 to `count`: the first is the machine unless the cluster is isolated. `machine` is the machine's own address. */
export const planNodes = (clusterId: string, { count, isolated, machine }: { count: number; isolated: boolean; machine: string }): NodeConfig[] =>
  Array.from({ length: count }, (_, index) => {
    const number = index + 1
    const own = number === 1 && !isolated
    return { name: `node-${number}`, kind: own ? 'machine' : 'namespace', address: own ? machine : nodeAddress(nodeNetworkOf(clusterId), number) }
  })

/** `node-3` → 3: its place in the node range. */
export const nodeNumber = (name: string): number => Number(/(\d+)$/.exec(name)?.[1] ?? 0)

/** Bridge and namespaces that the nodes need; resolves with the configuration, in which what forwarding was before is remembered. Idempotent. */
export const ensureNetworks = async (home: Home, config: ClusterConfig): Promise<ClusterConfig> => {
  const inNamespaces = config.nodes.filter(({ kind }) => kind === 'namespace')
  if (inNamespaces.length === 0) return config
  await ensureBridge(nodeNetworkOf(home.clusterId))
  const before = await enableForwarding()
  for (const { name } of inNamespaces) await ensureNamespace(home.clusterId, name, nodeNumber(name))
  return { ...config, forwardingBefore: config.forwardingBefore ?? before }
}

/** Program and arguments of a node's kubelet (or of the one process of a `--single` cluster). */
export const nodeCommand = (home: Home, config: ClusterConfig, node: NodeConfig, program = clusterProgram(home) ?? ownProgram(home)): string[] => {
  const at = home.node(node.name)
  const component = config.single ? 'single' : 'kubelet'
  const machine = machineOf(home.clusterId, node)
  const controlPlane = node.name === config.nodes[0]?.name
  return [
    path.join(program, 'node'), path.join(program, 'wherry.js'), component,
    `--node-name=${node.name}`, `--node-ip=${node.address}`, `--kubeconfig=${at.data}/kubelet.kubeconfig`, `--root-dir=${at.kubelet}`, `--state-dir=${at.run}`, `--cluster-dir=${home.data}`, `--image-dir=${home.images}`,
    `--cluster-id=${home.clusterId}`, `--cluster-dns=${config.clusterDNS}`, `--cluster-domain=${config.clusterDomain}`, `--cluster-cidr=${config.podCIDR}`,
    `--tls-cert-file=${at.data}/kubelet-server.crt`, `--tls-private-key-file=${at.data}/kubelet-server.key`, `--client-ca-file=${at.data}/ca.crt`,
    `--server=${serverURL(config)}`,
    ...(config.single ? [`--secure-port=${config.serverPort}`, `--service-cluster-ip-range=${config.serviceCIDR}`, ...Object.entries(serverArguments(home, config)).map(([flag, value]) => `--${flag}=${value}`)] : []),
    `--provider-id=${machineProviderID(machine)}`,
    `--node-labels=node.kubernetes.io/instance-type=${instanceTypeOf(machine)}`,
    ...(controlPlane ? [`--pod-manifest-path=${at.manifests}`] : []),
    ...configurationFlags(home.data),
  ]
}

/** `command`: the node's own unless it is another that shall run again. */
export const startNode = async (home: Home, config: ClusterConfig, node: NodeConfig, command = nodeCommand(home, config, node)): Promise<Keeper> => {
  const at = home.node(node.name)
  return startKeeper({
    pidFile: at.keeperPid, logFile: at.log, command,
    networkNamespace: node.kind === 'namespace' ? namespacePath(home.clusterId, node.name) : undefined,
    environment: agentEnvironment(),
  })
}

const machinesMilliseconds = 60_000

export const startNodes = async (home: Home, config: ClusterConfig): Promise<void> => {
  for (const node of config.nodes) if (node.kind !== 'ssh') await startNode(home, config, node)
  if (config.nodes.some(({ kind }) => kind === 'ssh')) {
    const { resumeMachines } = await import('./ssh/joined-machines.ts')
    await resumeMachines(home, config, AbortSignal.timeout(machinesMilliseconds))
  }
}
