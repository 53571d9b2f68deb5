/** Waits until every node is Ready and what the cluster needs for itself runs, told by watches. */
import { systemClock } from '../api/clock.ts'
import { systemRandom } from '../api/random.ts'
import { Deployments, Nodes, Pods } from '../api/kinds.ts'
import type { Node, Pod } from '../api/types.ts'
import type { Client } from '../client/client.ts'
import { sharedInformers } from '../client/informers.ts'
import type { ClusterConfig } from './config.ts'
import { processLog } from './log.ts'
import { UserError } from './user-error.ts'

const settleMilliseconds = 120_000

export const isNodeReady = (node: Node): boolean => (node.status.conditions ?? []).some(({ type, status }) => type === 'Ready' && status === 'True')

/** What is said to run on these nodes since before: it did before the machine was started anew, and their kubelets have not looked at it yet. Times are in whole seconds. */
export const isStale = ({ spec, status }: Pod, nodes: ReadonlySet<string>, since: Date): boolean =>
  nodes.has(spec.nodeName ?? '') && [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])].some(({ state }) => state?.running?.startedAt !== undefined && Date.parse(state.running.startedAt) < Math.floor(since.getTime() / 1000) * 1000)

const hasBeenHeard = (node: Node, since: Date): boolean =>
  (node.status.conditions ?? []).some(({ type, lastHeartbeatTime }) => type === 'Ready' && Date.parse(lastHeartbeatTime ?? '') >= Math.floor(since.getTime() / 1000) * 1000)

const isReady = ({ status }: Pod): boolean => (status.conditions ?? []).some(({ type, status: is }) => type === 'Ready' && is === 'True')

/** Services work from every node: their rules are in its kernel. */
const areServed = (pods: readonly Pod[], nodes: readonly string[]): boolean => {
  const ready = new Set(pods.filter(({ metadata: { namespace, labels } }) => namespace === 'kube-system' && labels?.['k8s-app'] === 'kube-proxy').filter(isReady).map(({ spec }) => spec.nodeName))
  return nodes.every((name) => ready.has(name))
}

/** `anewSince`: the nodes of this machine were started then, with nothing that ran before; what was written of them earlier does not count. */
export const waitSettled = async (client: Client, { config, anewSince, tell }: { config: ClusterConfig; anewSince: Date | undefined; tell(line: string): void }, signal: AbortSignal): Promise<void> => {
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(settleMilliseconds)])
  const ended = new AbortController()
  const informers = sharedInformers({ client, clock: systemClock, random: systemRandom, log: processLog('up', 'fatal') }, AbortSignal.any([deadline, ended.signal]))
  try {
    const own = new Set(config.nodes.filter(({ kind }) => kind !== 'ssh').map(({ name }) => name))
    await informers.of(Nodes).waitUntil((nodes) => config.nodes.every(({ name }) => {
      const node = nodes.get(name)
      return node !== undefined && isNodeReady(node) && (anewSince === undefined || !own.has(name) || hasBeenHeard(node, anewSince))
    }), deadline)
    tell(`${config.nodes.length === 1 ? 'node' : `${config.nodes.length} nodes`} Ready`)
    const pods = informers.of(Pods)
    if (anewSince) {
      await pods.synced
      await pods.waitUntil((lister) => lister.list().every((pod) => !isStale(pod, own, anewSince)), deadline)
    }
    if (config.single) return
    await informers.of(Deployments).waitUntil((list) => (list.get('kube-system/coredns')?.status.availableReplicas ?? 0) > 0, deadline)
    await pods.waitUntil((lister) => areServed(lister.list(), config.nodes.map(({ name }) => name)), deadline)
  } catch (error) {
    signal.throwIfAborted()
    if (!deadline.aborted) throw error
    const waiting = informers.of(Pods).lister.list().filter(({ status }) => !['Running', 'Succeeded'].includes(status.phase ?? '')).map(({ metadata, status }) => `${metadata.namespace ?? ''}/${metadata.name} (${status.phase ?? 'unknown'})`)
    throw new UserError(`the cluster did not settle within ${settleMilliseconds / 1000} s${waiting.length > 0 ? `; still waiting for ${waiting.join(', ')}` : ''}`)
  } finally {
    ended.abort()
  }
}
