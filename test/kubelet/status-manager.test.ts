/** What reaches the API server, and when. */
import { afterEach, test } from 'vitest'
import { statusManager } from '../../agents/kubelet/status-manager.ts'
import { Pods } from '../../src/api/kinds.ts'
import type { PodStatus } from '../../src/api/types.ts'
import type { Client } from '../../src/client/client.ts'
import { logs } from '../support/logs.ts'
import { fakeRandom } from '../support/fake-random.ts'
import { testNode, type TestNode } from './support.ts'

let node: TestNode | undefined
afterEach(async () => { await node?.[Symbol.asyncDispose]() })

const ready = (value: boolean): PodStatus =>
  ({ phase: 'Running', containerStatuses: [{ name: 'web', image: 'host', imageID: 'host', ready: value, restartCount: 0, state: { running: { startedAt: '2026-01-01T00:00:00Z' } } }] }) as PodStatus

test('a status that is set while another is being written is written next', async () => {
  node = await testNode()
  const { client, clock } = node
  const pod = await node.createPod({ containers: [{ name: 'web', image: 'host' }] } as never, { name: 'web' })
  const { promise: mayWrite, resolve: write } = Promise.withResolvers<void>()
  let writes = 0
  const slow: Client = { ...client, patch: async (...args) => { writes++; await mayWrite; return client.patch(...args) } }
  const controller = new AbortController()
  const statuses = statusManager({ client: slow, clock, random: fakeRandom(), log: logs() }, controller.signal)
  statuses.set(pod, ready(false))
  statuses.set(pod, ready(true))
  write()
  await node.until('readiness is told', async () => (await client.get(Pods, { namespace: 'default', name: 'web' })).status?.containerStatuses?.[0]?.ready)
  await node.until('nothing more is written', () => writes === 2)
  controller.abort()
})
