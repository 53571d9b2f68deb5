/**
 * `wherry down`: pods first, with their grace, workloads before the system and the control plane last; then everything of ours goes off the machine.
 * Nothing is deleted through the API: the next `up` brings the same objects back, as after a reboot.
 */
import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import path from 'node:path'
import { execa } from 'execa'
import { cleanUpRules } from '../../agents/kube-proxy/cleanup.ts'
import { markerChain } from '../../agents/kube-proxy/kube-proxy.ts'
import { Pods } from '../api/kinds.ts'
import type { Pod } from '../api/types.ts'
import { ourProtocol } from '../cloud-controller-manager/ssh/ways.ts'
import { readConfig, type ClusterConfig, type NodeConfig } from './config.ts'
import { connectAdmin } from './connect.ts'
import type { Home } from './home.ts'
import { runningKeeper, stopKeeper } from './keeper.ts'
import { ensureNamespace, namespacePath, nodeNetworkOf, removeBridge, removeNamespace, restoreForwarding } from './node-network.ts'
import { nodeNumber } from './nodes.ts'
import { entryFile, programsFolder } from './program.ts'
import { serviceUnit } from './service.ts'
import { haltMachines } from './ssh/joined-machines.ts'
import { isInstalled, removeUnit } from './systemd.ts'
import { UserError } from './user-error.ts'

const keeperMilliseconds = 10_000

const say = (line: string): void => { process.stderr.write(`${line}\n`) }

export const down = async ({ home, deleteData }: { home: Home; deleteData?: boolean }, signal: AbortSignal): Promise<void> => {
  const config = await readConfig(home).catch((error: unknown) => { if (deleteData) return undefined; throw error })
  if (!config) {
    if (!deleteData) throw new UserError(`there is no cluster in ${home.data}`)
  } else {
    if (process.getuid?.() !== 0) throw new UserError('stopping the cluster needs root; run: sudo wherry down')
    await stopCluster({ home, config, deleteData: deleteData ?? false }, signal)
  }
  if (deleteData) {
    await rm(home.data, { recursive: true, force: true })
    say(`deleted ${home.data}`)
  } else say(`stopped; its objects stay in ${home.data}: wherry up brings them back, wherry down --delete-data removes them`)
}

const stopCluster = async ({ home, config, deleteData }: { home: Home; config: ClusterConfig; deleteData: boolean }, signal: AbortSignal): Promise<void> => {
  const own = config.nodes.filter(({ kind }) => kind !== 'ssh')
  const pods = await podsOf(home, signal)
  const stopNode = async (node: NodeConfig): Promise<void> => {
    if (await runningKeeper(home.node(node.name).keeperPid)) say(`stopping the kubelet of ${node.name} …`)
    await stopKeeper(home.node(node.name).keeperPid, keeperMilliseconds, signal)
    // Gone after a reboot, or an earlier `down`; what is left of the node is looked for from inside one all the same.
    if (node.kind === 'namespace') await ensureNamespace(home.clusterId, node.name, nodeNumber(node.name))
    await tearDown({ home, config, node, pods: pods.filter(({ spec }) => spec.nodeName === node.name) }, signal)
    const namespace = node.kind === 'namespace' ? namespacePath(home.clusterId, node.name) : undefined
    await cleanUpRules(markerChain(home.clusterId), namespace).catch((error: unknown) => { if (namespace === undefined) throw error })
    if (node.kind === 'namespace') await removeNamespace(home.clusterId, node.name)
    else await execa('ip', ['-4', 'route', 'flush', 'root', config.podCIDR, 'proto', ourProtocol], { reject: false }) // those by way of the bridge go with it
  }
  // The first node last: its pods are the control plane, and make the others' routes until then.
  const [first, ...others] = own
  await Promise.all(others.map(stopNode))
  if (first) await stopNode(first)
  await haltMachines(home, config, { remove: deleteData, pods }, signal)
  await removeBridge(nodeNetworkOf(home.clusterId))
  if (config.forwardingBefore !== undefined) await restoreForwarding(config.forwardingBefore)
  await rm(home.run, { recursive: true, force: true })
  // A service that brings the cluster back needs the program for that.
  if (deleteData || !isInstalled(serviceUnit(home))) await rm(programsFolder(home), { recursive: true, force: true })
  if (deleteData) await removeUnit(serviceUnit(home))
  for (const { name } of own) await rm(path.join(home.node(name).kubelet, 'roots'), { recursive: true, force: true })
}

const askMilliseconds = 3_000

/** Before anything ends: what pods want to be given. A cluster that does not answer is stopped all the same. */
const podsOf = async (home: Home, signal: AbortSignal): Promise<readonly Pod[]> => {
  if (!existsSync(home.kubeconfig)) return []
  const { client, close } = connectAdmin(home)
  try {
    return (await client.list(Pods, { signal: AbortSignal.any([signal, AbortSignal.timeout(askMilliseconds)]) })).items
  } catch {
    signal.throwIfAborted()
    return []
  } finally {
    close()
  }
}

/** In the node's own network namespace, by a process of its own: the runtime works on the namespace that it is in. */
const tearDown = async ({ home, config, node, pods }: { home: Home; config: ClusterConfig; node: NodeConfig; pods: readonly Pod[] }, signal: AbortSignal): Promise<void> => {
  const at = home.node(node.name)
  const enter = node.kind === 'namespace' ? ['nsenter', `--net=${namespacePath(home.clusterId, node.name)}`] : []
  const [program = '', ...args] = [...enter, process.execPath, entryFile(), 'tear-down', `--node-name=${node.name}`, `--cluster-id=${home.clusterId}`, `--root-dir=${at.kubelet}`, `--state-dir=${at.run}`, `--cluster-dir=${home.data}`, `--cluster-cidr=${config.podCIDR}`, '--pods=-']
  await execa(program, args, { input: JSON.stringify(pods), stdout: 'inherit', stderr: 'inherit', cancelSignal: signal, forceKillAfterDelay: 5_000 })
}
