/** Does what the user decided; resolves with the words that tell of it. One executor per effect: an effect without one does not compile. */
import { type Kind, Pods } from '../../src/api/kinds.ts'
import { timestamp, type Clock } from '../../src/api/clock.ts'
import { StatusError } from '../../src/api/status.ts'
import type { Client } from '../../src/client/client.ts'
import { failureOf } from '../../src/client/failure.ts'
import { text } from '../../src/client/watch.ts'
import { nodePath } from '../store/node-streams.ts'
import type { Effect } from '../state/step.ts'
import type { ProcessTarget, Target } from '../state/ui-state.ts'

export type ClusterEffect = Extract<Effect, { do: 'delete' | 'kill' | 'signal' | 'scale' | 'restart' | 'cordon' }>
type Executors = { [D in ClusterEffect['do']]: (client: Client, effect: Extract<ClusterEffect, { do: D }>, clock: Clock) => Promise<string> }

const nameOf = ({ kind, namespace, name }: Target): string => `${kind.singular} ${namespace ? `${namespace}/` : ''}${name}`
const at = ({ namespace, name }: Pick<Target, 'namespace' | 'name'>): { name: string; namespace?: string } => ({ name, ...(namespace && { namespace }) })

const merge = (client: Client, target: Target, body: Parameters<Client['patch']>[2]['body'], subresource?: string) =>
  client.patch(target.kind as Kind, at(target), { type: 'merge', body }, subresource ? { subresource } : {})

/** False: this node has no such path. Throws when the node or its processes refuse. */
const signalOverNode = async (client: Client, { node, nodeUid, container, pid }: ProcessTarget, signal: string | number): Promise<boolean> => {
  const request = {
    method: 'POST' as const, path: nodePath(node, '/wherry/signal'), headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: Buffer.from(JSON.stringify({ podUid: nodeUid, container, signal, ...(pid !== undefined && { pid }) })),
  }
  const response = await client.raw(request)
  const body = await text(response.body)
  if (response.status === 404 && !body.includes('no pod with uid')) return false
  if (response.status === 405 || response.status === 403) return false
  if (response.status >= 400) throw failureOf(request, response, body)
  return true
}

const aim = ({ pod, container, pid }: ProcessTarget): string => `${pod.name} ${container}${pid === undefined ? '' : ` pid ${pid}`}`

const executors: Executors = {
  delete: async (client, { targets, graceSeconds, propagation }) => {
    for (const target of targets) {
      await client.delete(target.kind, at(target), { preconditions: { uid: target.uid }, propagationPolicy: propagation, ...(graceSeconds !== undefined && { gracePeriodSeconds: graceSeconds }) })
    }
    return targets.length === 1 && targets[0] ? `deleted ${nameOf(targets[0])}` : `deleted ${targets.length} objects`
  },
  kill: async (client, { target }) => {
    if (await signalOverNode(client, target, 'SIGKILL')) return `SIGKILL sent to ${aim(target)}: watch it heal`
    await client.delete(Pods, at(target.pod), { gracePeriodSeconds: 0, preconditions: { uid: target.pod.uid } })
    return `this node takes no signals: deleted pod ${target.pod.name} with grace 0`
  },
  signal: async (client, { target, signal }) => {
    if (!await signalOverNode(client, target, signal)) throw new Error('this node takes no signals (it serves no /wherry/signal)')
    return `${typeof signal === 'number' ? `signal ${signal}` : signal} sent to ${aim(target)}`
  },
  scale: async (client, { target, replicas }) => {
    await merge(client, target, { spec: { replicas } }, 'scale')
    return `scaled ${nameOf(target)} to ${replicas}`
  },
  restart: async (client, { target }, clock) => {
    await merge(client, target, { spec: { template: { metadata: { annotations: { 'kubectl.kubernetes.io/restartedAt': timestamp(clock.now()) } } } } })
    return `restarted ${nameOf(target)}`
  },
  cordon: async (client, { target, unschedulable }) => {
    await merge(client, target, { spec: { unschedulable: unschedulable || null } })
    return `${unschedulable ? 'cordoned' : 'uncordoned'} ${nameOf(target)}`
  },
}

export const perform = <D extends ClusterEffect['do']>(client: Client, effect: Extract<ClusterEffect, { do: D }>, clock: Clock): Promise<string> =>
  (executors[effect.do] as unknown as Executors[D])(client, effect, clock)

/** Why it did not work, in one line. */
export const failureWords = (error: unknown): string => (error instanceof StatusError || error instanceof Error ? error.message : String(error)).split('\n')[0] ?? ''

