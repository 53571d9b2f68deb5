/** `wherry status`: what runs, as far as it can be told with and without an API server. */
import { Nodes, Pods } from '../api/kinds.ts'
import type { Client } from '../client/client.ts'
import { adminURL, readConfig } from './config.ts'
import { connectAdmin, isReady } from './connect.ts'
import type { Home } from './home.ts'
import { runningKeeper } from './keeper.ts'
import { UserError } from './user-error.ts'
import { isNodeReady } from './wait-settled.ts'

interface NodeState { name: string; kind: string; address: string; keeperPid?: number; ready?: boolean; pods?: number }
interface ClusterState { dataDirectory: string; clusterId: string; server: string; ready: boolean; kubeconfig: string; nodes: NodeState[] }

const questionMilliseconds = 3_000

/** What the API knows of nodes; empty while it does not answer. */
const askApi = async (client: Client, signal: AbortSignal): Promise<Map<string, { ready: boolean; pods: number }>> => {
  const [nodes, pods] = await Promise.all([client.list(Nodes, { signal }), client.list(Pods, { signal })])
  return new Map(nodes.items.map((node) => [node.metadata.name, { ready: isNodeReady(node), pods: pods.items.filter(({ spec }) => spec.nodeName === node.metadata.name).length }]))
}

export const readState = async (home: Home, signal: AbortSignal): Promise<ClusterState> => {
  const config = await readConfig(home)
  if (!config) throw new UserError(`there is no cluster in ${home.data}; start one with: wherry up`)
  const { client, close } = connectAdmin(home)
  try {
    const soon = AbortSignal.any([signal, AbortSignal.timeout(questionMilliseconds)])
    const ready = await isReady(client, soon).catch(() => false)
    const known = ready ? await askApi(client, soon) : new Map<string, { ready: boolean; pods: number }>()
    const nodes = await Promise.all(config.nodes.map(async ({ name, kind, address }): Promise<NodeState> => {
      const keeper = kind === 'ssh' ? undefined : await runningKeeper(home.node(name).keeperPid)
      return { name, kind, address, ...(keeper && { keeperPid: keeper.pid }), ...known.get(name) }
    }))
    return { dataDirectory: home.data, clusterId: home.clusterId, server: adminURL(config), ready, kubeconfig: home.kubeconfig, nodes }
  } finally {
    close()
  }
}

/** Exit code 0 when the API server is ready, else 3, as systemctl's for a unit that does not run. */
export const status = async ({ home, json }: { home: Home; json?: boolean }, signal: AbortSignal): Promise<void> => {
  const state = await readState(home, signal)
  if (json) process.stdout.write(`${JSON.stringify(state, undefined, 2)}\n`)
  else {
    const lines = [`cluster ${state.clusterId} in ${state.dataDirectory}`, `API server ${state.server}: ${state.ready ? 'ready' : 'not answering'}`, `kubeconfig ${state.kubeconfig}`,
      ...state.nodes.map((node) => `node ${node.name} (${node.kind}, ${node.address}): ${node.ready === undefined ? 'unknown' : node.ready ? 'Ready' : 'NotReady'}${node.pods === undefined ? '' : `, ${node.pods} pods`}${node.kind === 'ssh' ? '' : node.keeperPid ? `, kubelet kept by pid ${node.keeperPid}` : ', kubelet not running'}`)]
    process.stdout.write(`${lines.join('\n')}\n`)
  }
  if (!state.ready) throw new UserError('the API server does not answer', 3)
}
