import { describe, expect, test } from 'vitest'
import { Deployments, Nodes, Pods } from '../../src/api/kinds.ts'
import type { Pod } from '../../src/api/types.ts'
import type { ClusterConfig } from '../../src/cluster/config.ts'
import { isStale, waitSettled } from '../../src/cluster/wait-settled.ts'
import { createClient } from '../../src/client/client.ts'
import { admin, startTestServer, type TestServer } from '../apiserver/support.ts'

const since = new Date('2026-01-01T12:00:00.700Z')
const nodes = new Set(['node-1'])
const pod = (state: object, nodeName = 'node-1'): Pod => ({ metadata: { name: 'web' }, spec: { nodeName, containers: [] }, status: { containerStatuses: [{ name: 'web', state }] } }) as unknown as Pod

describe('what is said to run', () => {
  test.each<[string, Pod, boolean]>([
    ['since before', pod({ running: { startedAt: '2026-01-01T11:59:59Z' } }), true], ['since the same second', pod({ running: { startedAt: '2026-01-01T12:00:00Z' } }), false],
    ['elsewhere', pod({ running: { startedAt: '2026-01-01T11:00:00Z' } }, 'node-9'), false], ['and has ended', pod({ terminated: { exitCode: 0 } }), false], ['and waits', pod({ waiting: { reason: 'CrashLoopBackOff' } }), false],
  ])('%s', (_, of, stale) => expect(isStale(of, nodes, since)).toBe(stale))
})

const config = { nodes: [{ name: 'node-1', kind: 'namespace' }], single: false } as unknown as ClusterConfig
const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'dns', image: 'a' }] } }

/** A node, its DNS and its kube-proxy, as parts of a cluster tell of them. */
const aCluster = async (server: TestServer) => {
  const client = createClient(server.server.inMemoryTransport(admin))
  const ofPod = async (name: string, { startedAt, ready }: { startedAt: string; ready: boolean }): Promise<void> => {
    const status = { phase: 'Running', conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }], containerStatuses: [{ name, image: 'a', imageID: '', ready, restartCount: 0, state: { running: { startedAt } } }] }
    await client.patch(Pods, { namespace: 'kube-system', name }, { type: 'merge', body: { status } }, { subresource: 'status' })
  }
  const hear = async (lastHeartbeatTime: string): Promise<void> => { await client.patch(Nodes, { name: 'node-1' }, { type: 'merge', body: { status: { conditions: [{ type: 'Ready', status: 'True', lastHeartbeatTime }] } } }, { subresource: 'status' }) }
  await client.create(Nodes, { metadata: { name: 'node-1' } } as never)
  for (const name of ['dns', 'kube-proxy']) await client.create(Pods, { metadata: { namespace: 'kube-system', name, labels: { 'k8s-app': name } }, spec: { nodeName: 'node-1', containers: [{ name, image: 'a' }] } } as never)
  await client.create(Deployments, { metadata: { namespace: 'kube-system', name: 'coredns' }, spec: { selector: { matchLabels: { a: 'b' } }, template } } as never)
  await client.patch(Deployments, { namespace: 'kube-system', name: 'coredns' }, { type: 'merge', body: { status: { replicas: 1, readyReplicas: 1, availableReplicas: 1 } } }, { subresource: 'status' })
  return { client, ofPod, hear }
}
const bootstrap = { advertise: { addresses: ['192.0.2.1'], port: 6443 }, serviceIP: '10.96.0.1' }

test('a cluster that was started anew has not settled while its old states are told', async () => {
  await using server = await startTestServer({ bootstrap })
  const { client, ofPod, hear } = await aCluster(server)
  const told: string[] = []
  const [before, after] = [{ startedAt: '2026-01-01T11:00:00Z', ready: true }, { startedAt: '2026-01-01T12:00:03Z', ready: true }]
  await hear('2026-01-01T11:00:00Z')
  for (const name of ['dns', 'kube-proxy']) await ofPod(name, before)
  const signal = AbortSignal.timeout(20_000)

  await waitSettled(client, { config, anewSince: undefined, tell: () => {} }, signal)
  const settled = waitSettled(client, { config, anewSince: since, tell: (line) => told.push(line) }, signal).then(() => told.push('settled'))
  await hear('2026-01-01T12:00:02Z')
  await ofPod('kube-proxy', after)
  await expect.poll(() => told, { timeout: 10_000 }).toEqual(['node Ready'])
  await ofPod('dns', after)
  await settled
  expect(told).toEqual(['node Ready', 'settled'])
})

test('a cluster has not settled before the rules of its Services are in the kernel of each node', async () => {
  await using server = await startTestServer({ bootstrap })
  const { client, ofPod, hear } = await aCluster(server)
  const told: string[] = []
  const startedAt = '2026-01-01T12:00:03Z'
  await hear('2026-01-01T12:00:02Z')
  await ofPod('dns', { startedAt, ready: true })
  await ofPod('kube-proxy', { startedAt, ready: false })
  const settled = waitSettled(client, { config, anewSince: since, tell: (line) => told.push(line) }, AbortSignal.timeout(20_000)).then(() => told.push('settled'))
  await expect.poll(() => told, { timeout: 10_000 }).toEqual(['node Ready'])
  // Were it not waited for, it would be said by the time that this is written and heard of.
  await ofPod('dns', { startedAt, ready: true })
  expect(told).toEqual(['node Ready'])
  await ofPod('kube-proxy', { startedAt, ready: true })
  await settled
})
