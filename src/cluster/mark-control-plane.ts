/** The first node is the control plane's: an administrator says so, for kubelets may not. Mirrors kubeadm's mark-control-plane phase. */
import { systemClock } from '../api/clock.ts'
import { Nodes } from '../api/kinds.ts'
import { systemRandom } from '../api/random.ts'
import type { Client } from '../client/client.ts'
import { sharedInformers } from '../client/informers.ts'
import { processLog } from './log.ts'

const label = 'node-role.kubernetes.io/control-plane'
const registeredMilliseconds = 60_000

/** Waits until the node is there. A node that does not come in a minute is nothing that this could cure. */
export const markControlPlane = async (client: Client, name: string, signal: AbortSignal): Promise<void> => {
  const ended = new AbortController()
  const deadline = AbortSignal.any([signal, ended.signal, AbortSignal.timeout(registeredMilliseconds)])
  const informers = sharedInformers({ client, clock: systemClock, random: systemRandom, log: processLog('up', 'fatal') }, deadline)
  try {
    const nodes = informers.of(Nodes)
    await nodes.waitUntil((known) => known.get(name) !== undefined, deadline)
    if (nodes.lister.get(name)?.metadata.labels?.[label] === undefined) await client.patch(Nodes, { name }, { type: 'merge', body: { metadata: { labels: { [label]: '' } } } }, { signal: deadline })
  } catch (error) {
    signal.throwIfAborted()
    if (!deadline.aborted) throw error
  } finally {
    ended.abort()
  }
}
