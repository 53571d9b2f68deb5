/** All that is known of the cluster, kept up to date by watches and pushes: screens read it, nothing else keeps a copy. */
import type { Clock } from '../../src/api/clock.ts'
import { type Kind, Nodes, Pods, storedKinds } from '../../src/api/kinds.ts'
import type { Random } from '../../src/api/random.ts'
import type { Client } from '../../src/client/client.ts'
import { type Connection, connection } from './connection.ts'
import { discover } from './discovery.ts'
import { type Feeds, feeds } from './feeds.ts'
import type { HealEvent } from '../../src/api/heal.ts'
import { HealStore } from './heal.ts'
import { followLog, LogBuffer, type LogWish } from './log-buffer.ts'
import { pollMetrics } from './metrics-poll.ts'
import { nodeUidOf } from './node-uid.ts'
import { nodeStreams, type NodeStreams } from './node-streams.ts'
import type { Urgency } from './pace.ts'
import { type PodProcesses, readProcesses } from './processes.ts'
import type { TableFeed } from './table-feed.ts'
import { applyUsageLine, type UsageLine, UsageStore } from './usage.ts'
import { type Wanted, wanted } from './wanted.ts'
import { readDecisions } from './decisions.ts'

export interface Identity { context: string; server: string; namespace: string; user: string }
export interface ProcessWish { node: string; podUid: string }
export interface Answer<T> { value: T | string | undefined }

export interface Cluster {
  client: Client
  identity: Identity
  connection: Connection
  feeds: Feeds
  pods: TableFeed
  nodes: TableFeed
  usage: UsageStore
  heal: HealStore
  streams: NodeStreams
  kinds(): readonly Kind[]
  log: Wanted<LogWish, LogBuffer>
  processes: Wanted<ProcessWish, Answer<PodProcesses>>
  decisions: Wanted<{ pod: string }, Answer<string[]>>
}

export interface ClusterContext { client: Client; clock: Clock; random: Random; identity: Identity; mark(urgency: Urgency): void }

const processesMilliseconds = 2_000

const processesWanted = ({ client, clock, mark }: ClusterContext, signal: AbortSignal): Wanted<ProcessWish, Answer<PodProcesses>> => wanted((wish, until) => {
  const answer: Answer<PodProcesses> = { value: undefined }
  const read = async (): Promise<void> => {
    // The node pushes no processes: while somebody looks at them they are read anew, as top does.
    while (!until.aborted) {
      answer.value = await readProcesses(client, wish, until).catch((error: unknown) => `n/a (${error instanceof Error ? error.message : String(error)})`)
      mark('slow')
      await clock.sleep(processesMilliseconds, until).catch(() => undefined) // aborted: the loop's condition sees it
    }
  }
  void read()
  return answer
}, signal)

const decisionsWanted = ({ client, mark }: ClusterContext, nodes: () => TableFeed, signal: AbortSignal): Wanted<{ pod: string }, Answer<string[]>> => wanted(({ pod }, until) => {
  const answer: Answer<string[]> = { value: undefined }
  readDecisions(client, { pod, nodes: [...nodes().rows.values()] }, until).then((value) => { answer.value = value; mark('data') }, (error: unknown) => { answer.value = `n/a (${String(error)})`; mark('data') })
  return answer
}, signal)

const discoverKinds = async ({ client, clock, mark }: ClusterContext, found: (kinds: readonly Kind[]) => void, signal: AbortSignal): Promise<void> => {
  while (!signal.aborted) {
    const kinds = await discover(client, signal).catch(() => undefined) // away: tried again below
    if (kinds) {
      if (kinds.length > 0) found(kinds)
      mark('data')
      return
    }
    await clock.sleep(1_000, signal).catch(() => undefined) // aborted: the loop's condition sees it
  }
}

/** Reads begin at once and go on until `signal` aborts. */
export const openCluster = (context: ClusterContext, signal: AbortSignal): Cluster => {
  const { client, clock, random, identity, mark } = context
  const usage = new UsageStore()
  const heal = new HealStore()
  let kinds: readonly Kind[] = storedKinds
  let polls = false
  const link = connection(clock, () => mark('data'))
  const follow = (): void => {
    streams.follow([...nodes.rows.values()].map(({ name }) => name))
    const known = new Set([...pods.rows.values()].map(({ object }) => nodeUidOf(object)))
    usage.keep(known)
    heal.keep(known)
  }
  const all = feeds({ client, clock, random, connection: link, ownNamespace: identity.namespace, changed: () => { follow(); mark('data') } }, signal)
  const streams = nodeStreams({
    client, clock, random,
    onLine: (node, stream, line) => {
      if (stream === 'usage') applyUsageLine(usage, node, JSON.parse(line) as UsageLine)
      else heal.add(JSON.parse(line) as HealEvent)
      mark(stream === 'usage' ? 'slow' : 'data')
    },
    onSupport: () => {
      if (polls || [...nodes.rows.values()].some(({ name }) => streams.supports(name) !== false)) return
      polls = true
      const uidOf = (namespace: string, name: string): string | undefined => [...pods.rows.values()].find((row) => row.name === name && row.namespace === namespace)?.uid
      void pollMetrics({ client, clock, usage, uidOf, changed: () => mark('data') }, signal)
    },
  }, signal)
  const pods = all.of(Pods)
  const nodes = all.of(Nodes)
  void discoverKinds(context, (found) => { kinds = found }, signal)
  return {
    client, identity, connection: link, feeds: all, pods, nodes, usage, heal, streams, kinds: () => kinds,
    log: wanted((wish, until) => {
      const buffer = new LogBuffer(wish)
      void followLog(buffer, { client, clock, changed: () => mark('data') }, until)
      return buffer
    }, signal),
    processes: processesWanted(context, signal),
    decisions: decisionsWanted(context, () => nodes, signal),
  }
}

/** Kinds that are watched whatever the screen shows. */
export const alwaysWatched: readonly Kind[] = [Pods, Nodes]
