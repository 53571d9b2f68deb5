/** Keeps this node's Node object and Lease: registers, reports changes at once and a heartbeat every five minutes, renews the lease every ten seconds. Mirrors pkg/kubelet/kubelet_node_status.go and component-helpers/apimachinery/lease. */
import { isDeepStrictEqual } from 'node:util'
import type { Clock } from '../../src/api/clock.ts'
import { microTimestamp } from '../../src/api/clock.ts'
import { Leases, Nodes } from '../../src/api/kinds.ts'
import type { JsonObject } from '../../src/api/meta.ts'
import type { Random } from '../../src/api/random.ts'
import { isAlreadyExists, isNotFound } from '../../src/api/status.ts'
import type { Node, NodeStatus } from '../../src/api/types.ts'
import { exponentialBackoff } from '../../src/client/backoff.ts'
import type { Client } from '../../src/client/client.ts'
import type { Log } from '../../src/client/component.ts'
import type { Occurrence } from '../../src/client/events.ts'
import type { Informer } from '../../src/client/informer.ts'
import { nodeStatusEvents } from './node-events.ts'
import { initialNode, nodeLabels, nodeStatus, nodeStatusDiffers, type Health, type NodeFacts } from './node-status.ts'
import type { Wakeable } from './wakeable.ts'

export interface NodeRegistration {
  client: Client
  clock: Clock
  random: Random
  log: Log
  facts: NodeFacts
  /** Of this one node. */
  nodes: Informer<Node>
  health(): Health
  /** Told what has changed about the node. */
  tell(what: Occurrence): void
  /** Woken when something that the status shows may have changed. */
  wake: Wakeable
}

const reportMilliseconds = 5 * 60_000
const lookMilliseconds = 10_000
const leaseSeconds = 40
const renewMilliseconds = 10_000

const retrying = async (what: string, { clock, random, log }: NodeRegistration, signal: AbortSignal, attempt: () => Promise<void>): Promise<void> => {
  const backoff = exponentialBackoff({ base: 100, cap: 1_000, random })
  for (let tries = 0; !signal.aborted; tries++) {
    try { await attempt(); return } catch (error) {
      if (signal.aborted) return
      log[tries === 0 ? 'warn' : 'debug'](`cannot ${what}: ${error instanceof Error ? error.message : String(error)}`)
      await clock.sleep(backoff.next(), signal).catch(() => {}) // aborted: the loop's condition sees it
    }
  }
}

/** Labels and taints of ours that an existing Node lacks are added; others are left alone. */
const register = async (registration: NodeRegistration, status: NodeStatus, signal: AbortSignal): Promise<void> => {
  const { client, facts } = registration
  try {
    await client.create(Nodes, initialNode(facts, status), { signal })
    for (const event of nodeStatusEvents(facts.nodeName, {}, status)) registration.tell(event)
    return
  } catch (error) { if (!isAlreadyExists(error)) throw error }
  const existing = await client.get(Nodes, { name: facts.nodeName }, { signal })
  const labels = Object.fromEntries(Object.entries(nodeLabels(facts)).filter(([name, value]) => existing.metadata.labels?.[name] !== value))
  if (Object.keys(labels).length > 0) await client.patch(Nodes, { name: facts.nodeName }, { type: 'merge', body: { metadata: { labels } } }, { signal })
}

export const reportNode = async (registration: NodeRegistration, signal: AbortSignal): Promise<void> => {
  const { client, clock, facts, nodes, health, wake } = registration
  await retrying('register this node', registration, signal, async () => register(registration, nodeStatus(facts, health(), {}, clock.now()), signal))
  let reportedAt = -Infinity
  while (!signal.aborted) {
    await retrying('report the status of this node', registration, signal, async () => {
      const node = nodes.lister.get(facts.nodeName) ?? await client.get(Nodes, { name: facts.nodeName }, { signal }).catch((error: unknown) => { if (isNotFound(error)) return undefined; throw error })
      const fresh = nodeStatus(facts, health(), node?.status ?? {}, clock.now())
      if (!node) { await register(registration, fresh, signal); return }
      const due = clock.monotonic() - reportedAt >= reportMilliseconds
      if (!due && !nodeStatusDiffers(node.status ?? {}, fresh)) return
      const written = await client.patch(Nodes, { name: facts.nodeName }, { type: 'strategic', body: { status: statusBody(node.status ?? {}, fresh) } }, { subresource: 'status', signal })
      reportedAt = clock.monotonic()
      for (const event of nodeStatusEvents(facts.nodeName, node.status ?? {}, fresh)) registration.tell(event)
      await nodes.waitFor(written.metadata.resourceVersion, AbortSignal.any([signal, AbortSignal.timeout(5_000)])).catch(() => {}) // late: the next look compares with what is there then
    })
    wake.notifyIn(lookMilliseconds)
    await wake.next(signal)
  }
}

/** Only what differs; conditions and addresses are merged by their type, and resources by their name, so those that are gone are named as null. */
const statusBody = (from: NodeStatus, to: NodeStatus): JsonObject => Object.fromEntries(Object.entries({ ...(from.volumesInUse && { volumesInUse: null }), ...to, allocatable: { ...without(from.allocatable), ...to.allocatable } })
  .filter(([field, value]) => !isDeepStrictEqual(from[field as keyof NodeStatus], value))) as JsonObject
const without = (resources: Readonly<Record<string, string>> | undefined): Record<string, null> => Object.fromEntries(Object.keys(resources ?? {}).map((name) => [name, null]))

/** The lease is the node's, so that it goes with it; one made before the node was known becomes it at a later renewal, as upstream's (kubelet/util/nodelease.go). */
export const renewLease = async (registration: NodeRegistration, signal: AbortSignal): Promise<void> => {
  const { client, clock, facts, nodes } = registration
  const at = { namespace: 'kube-node-lease', name: facts.nodeName }
  let ownedBy: string | undefined
  while (!signal.aborted) {
    await retrying('renew the lease of this node', registration, signal, async () => {
      const uid = nodes.lister.get(facts.nodeName)?.metadata.uid
      const spec = { holderIdentity: facts.nodeName, leaseDurationSeconds: leaseSeconds, renewTime: microTimestamp(clock.now()) }
      const metadata = uid && uid !== ownedBy ? { ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: facts.nodeName, uid }] } : {}
      try {
        await client.patch(Leases, at, { type: 'merge', body: { metadata, spec } }, { signal })
      } catch (error) {
        if (!isNotFound(error)) throw error
        await client.create(Leases, { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', spec, metadata: { ...at, ...metadata } }, { signal })
      }
      ownedBy = uid
    })
    await clock.sleep(renewMilliseconds, signal)
  }
}
