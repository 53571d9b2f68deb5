import { describe, expect, test } from 'vitest'
import { Deployments, Nodes, Pods } from '../../src/api/kinds.ts'
import type { Pod } from '../../src/api/types.ts'
import type { ClusterConfig } from '../../src/cluster/config.ts'
import { isStale, waitSettled } from '../../src/cluster/wait-settled.ts'
import { createClient } from '../../src/client/client.ts'
import { admin, startTestServer } from '../apiserver/support.ts'

const since = new Date('2026-01-01T12:00:00.700Z')
const nodes = new Set(['node-1'])
const pod = (state: object, nodeName = 'node-1'): Pod => ({ metadata: { name: 'web' }, spec: { nodeName, containers: [] }, status: { containerStatuses: [{ name: 'web', state }] } }) as unknown as Pod

describe('what is said to run', () => {
  test.each<[string, Pod, boolean]>([
    ['since before', pod({ running: { startedAt: '2026-01-01T11:59:59Z' } }), true], ['since the same second', pod({ running: { startedAt: '2026-01-01T12:00:00Z' } }), false],
    ['elsewhere', pod({ running: { startedAt: '2026-01-01T11:00:00Z' } }, 'node-9'), false], ['and has ended', pod({ terminated: { exitCode: 0 } }), false], ['and waits', pod({ waiting: { reason: 'CrashLoopBackOff' } }), false],
  ])('%s', (_, of, stale) => expect(isStale(of, nodes, since)).toBe(stale))
})

test('a cluster that was started anew has not settled while its old states are told', async () => {
  await using server = await startTestServer({ bootstrap: { advertise: { addresses: ['192.0.2.1'], port: 6443 }, serviceIP: '10.96.0.1' } })
  const client = createClient(server.server.inMemoryTransport(admin))
  const told: string[] = []
  const write = async (heartbeat: string, startedAt: string): Promise<void> => {
    await client.patch(Nodes, { name: 'node-1' }, { type: 'merge', body: { status: { conditions: [{ type: 'Ready', status: 'True', lastHeartbeatTime: heartbeat }] } } }, { subresource: 'status' })
    await client.patch(Pods, { namespace: 'kube-system', name: 'dns' }, { type: 'merge', body: { status: { phase: 'Running', containerStatuses: [{ name: 'dns', image: 'a', imageID: '', ready: true, restartCount: 0, state: { running: { startedAt } } }] } } }, { subresource: 'status' })
  }
  await client.create(Nodes, { metadata: { name: 'node-1' } } as never)
  await client.create(Pods, { metadata: { namespace: 'kube-system', name: 'dns' }, spec: { nodeName: 'node-1', containers: [{ name: 'dns', image: 'a' }] } } as never)
  await client.create(Deployments, { metadata: { namespace: 'kube-system', name: 'coredns' }, spec: { selector: { matchLabels: { a: 'b' } }, template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'dns', image: 'a' }] } } } } as never)
  await client.patch(Deployments, { namespace: 'kube-system', name: 'coredns' }, { type: 'merge', body: { status: { replicas: 1, readyReplicas: 1, availableReplicas: 1 } } }, { subresource: 'status' })
  await write('2026-01-01T11:00:00Z', '2026-01-01T11:00:00Z')
  const config = { nodes: [{ name: 'node-1', kind: 'namespace' }], single: false } as unknown as ClusterConfig
  const signal = AbortSignal.timeout(20_000)

  await waitSettled(client, { config, anewSince: undefined, tell: () => {} }, signal)
  const settled = waitSettled(client, { config, anewSince: since, tell: (line) => told.push(line) }, signal).then(() => told.push('settled'))
  await write('2026-01-01T12:00:02Z', '2026-01-01T11:00:00Z')
  await expect.poll(() => told, { timeout: 10_000 }).toEqual(['node Ready'])
  await write('2026-01-01T12:00:02Z', '2026-01-01T12:00:03Z')
  await settled
  expect(told).toEqual(['node Ready', 'settled'])
})
