import { expect, test } from 'vitest'
import { Deployments, Events, HorizontalPodAutoscalers, Namespaces, Pods } from '../../../src/api/kinds.ts'
import type { Client } from '../../../src/client/client.ts'
import { deployments } from '../../../src/controller-manager/deployment/deployment.ts'
import { podAutoscalers } from '../../../src/controller-manager/pod-autoscaler/pod-autoscaler.ts'
import { replicaSets } from '../../../src/controller-manager/replica-set/replica-set.ts'
import { fakeKubelet } from '../../cluster/fake-kubelet.ts'
import { Nodes } from '../../../src/api/kinds.ts'
import { startRealServer } from '../real-server.ts'

const namespace = 'default'

/** metrics.k8s.io as it would be if every pod used so much. */
const withMetrics = (client: Client, cpuOf: () => string): Client => ({
  ...client,
  async raw(request, signal) {
    if (!request.path.startsWith('/apis/metrics.k8s.io/')) return client.raw(request, signal)
    const { items } = await client.list(Pods, { namespace, labelSelector: 'app=web' })
    const body = { items: items.map(({ metadata }) => ({ metadata: { name: metadata.name }, timestamp: '2026-01-01T13:00:00Z', window: '15s', containers: [{ name: 'main', usage: { cpu: cpuOf(), memory: '1Mi' } }] })) }
    return { status: 200, headers: {}, body: (async function* () { yield Buffer.from(JSON.stringify(body)) })() }
  },
})

test('a deployment grows with its load, and shrinks five minutes after it', async () => {
  let cpu = '200m'
  await using plane = await startRealServer((client) => [deployments, replicaSets, fakeKubelet, podAutoscalers(withMetrics(client, () => cpu))], new Date('2026-01-01T12:00:00Z'))
  const { client, clock } = plane
  await plane.until(Namespaces, (all) => all.some(({ metadata }) => metadata.name === namespace))
  await client.create(Nodes, { metadata: { name: 'node-1' }, spec: {} })
  await client.create(Deployments, { metadata: { name: 'web', namespace }, spec: { replicas: 1, selector: { matchLabels: { app: 'web' } }, template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'main', image: 'host', resources: { requests: { cpu: '100m' } } }] } } } })
  await plane.until(Pods, (pods) => pods.length === 1 && pods[0]?.status.phase === 'Running')
  await clock.advance(600_000)
  await client.create(HorizontalPodAutoscalers, { metadata: { name: 'web', namespace }, spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }, minReplicas: 1, maxReplicas: 3, metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } }] } })
  const size = async (): Promise<number | undefined> => (await client.get(Deployments, { name: 'web', namespace })).spec.replicas
  const [grown] = await plane.until(HorizontalPodAutoscalers, ([each]) => each?.status.desiredReplicas === 3)
  expect(await size()).toBe(3)
  expect(grown?.status.conditions?.map(({ type, status, reason }) => `${type} ${status} ${reason}`)).toEqual(['AbleToScale True SucceededRescale', 'ScalingActive True ValidMetricFound', 'ScalingLimited True TooManyReplicas'])
  await plane.until(Events, (events) => events.some(({ reason, message, source }) => reason === 'SuccessfulRescale' && message === 'New size: 3; reason: cpu resource utilization (percentage of request) above target' && source?.component === 'horizontal-pod-autoscaler'))
  await plane.until(Pods, (pods) => pods.length === 3 && pods.every(({ status }) => status.phase === 'Running'))
  cpu = '1m'
  await clock.advance(290_000)
  await plane.until(HorizontalPodAutoscalers, ([each]) => each?.status.conditions?.some(({ reason }) => reason === 'ScaleDownStabilized') ?? false)
  expect(await size()).toBe(3)
  for (let step = 0; step < 8; step++) await clock.advance(60_000)
  await plane.until(HorizontalPodAutoscalers, ([each]) => each?.status.desiredReplicas === 1)
  expect(await size()).toBe(1)
})
