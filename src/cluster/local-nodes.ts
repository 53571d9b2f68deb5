/** `wherry node kill|cut|heal`: what can befall a node that `--nodes` made. */
import { execa } from 'execa'
import { readConfig, type ClusterConfig, type NodeConfig } from './config.ts'
import type { Home } from './home.ts'
import { runningKeeper, stopKeeper } from './keeper.ts'
import { namespacePath, setNamespaceLink } from './node-network.ts'
import { ensureNetworks, nodeNumber, startNode } from './nodes.ts'
import { clusterProgram, entryFile, ensureProgram } from './program.ts'
import { UserError } from './user-error.ts'

const say = (line: string): void => { process.stderr.write(`${line}\n`) }

/** The node by name; a UserError when it is none that may be disturbed. */
const disturbable = (config: ClusterConfig, name: string): NodeConfig => {
  const node = config.nodes.find((each) => each.name === name)
  if (!node) throw new UserError(`there is no node ${JSON.stringify(name)}; nodes: ${config.nodes.map((each) => each.name).join(', ')}`)
  if (node.kind !== 'namespace' || node.name === config.nodes[0]?.name) {
    throw new UserError(`${name} is ${node.kind === 'ssh' ? 'another machine' : 'this machine, with the control plane'}: only nodes made by --nodes can be killed, cut off and healed`)
  }
  return node
}

/** SIGKILL to everything of the node at once: its agent, its shims, its pods. Nothing is told to anybody. */
const kill = async (home: Home, node: NodeConfig, signal: AbortSignal): Promise<void> => {
  const at = home.node(node.name)
  const keeper = await runningKeeper(at.keeperPid)
  if (keeper) process.kill(-keeper.pid, 'SIGKILL')
  await stopKeeper(at.keeperPid, 0, signal)
  await execa('nsenter', [`--net=${namespacePath(home.clusterId, node.name)}`, process.execPath, entryFile(), 'tear-down', '--now=true', `--node-name=${node.name}`, `--cluster-id=${home.clusterId}`,
    `--root-dir=${at.kubelet}`, `--state-dir=${at.run}`, `--cluster-dir=${home.data}`], { stdio: ['ignore', 'inherit', 'inherit'], cancelSignal: signal })
}

export const disturbNode = async ({ home, name, verb }: { home: Home; name: string; verb: 'kill' | 'cut' | 'heal' }, signal: AbortSignal): Promise<void> => {
  const config = await readConfig(home)
  if (!config) throw new UserError(`there is no cluster in ${home.data}; start one with: wherry up --nodes 3`)
  const node = disturbable(config, name)
  if (verb === 'kill') { await kill(home, node, signal); say(`killed everything on ${name}; bring it back with: wherry node heal ${name}`) }
  else if (verb === 'cut') { await setNamespaceLink(home.clusterId, nodeNumber(name), 'down'); say(`cut ${name} off; join it again with: wherry node heal ${name}`) }
  else {
    if (clusterProgram(home) === undefined) await ensureProgram(home)
    await ensureNetworks(home, config)
    await setNamespaceLink(home.clusterId, nodeNumber(name), 'up')
    await startNode(home, config, node)
    say(`${name} is back`)
  }
}
