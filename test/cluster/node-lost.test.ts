import { afterAll, beforeAll, expect, test } from 'vitest'
import { DaemonSets, Deployments, EndpointSlices, Events, Nodes, Pods, Services } from '../../src/api/kinds.ts'
import { isPodReady } from '../../src/controller-manager/pod.ts'
import { startControlPlane, type TestControlPlane } from './control-plane.ts'

let plane: TestControlPlane
const namespace = 'default'
const monitorMilliseconds = 1500

beforeAll(async () => {
  plane = await startControlPlane({ grace: { monitorMilliseconds, startupMilliseconds: 60_000 } })
  await plane.addNode('node-1')
  await plane.addNode('node-2')
  plane.keepAlive('node-2')
})
afterAll(() => plane[Symbol.asyncDispose]())

/** Tolerates a lost node for so long. */
const tolerating = (tolerationSeconds: number) => ['not-ready', 'unreachable'].map((key) => ({ key: `node.kubernetes.io/${key}`, operator: 'Exists', effect: 'NoExecute', tolerationSeconds }))

test('a node falls silent: unknown, tainted, its pods out of the Services and then elsewhere; it comes back', async () => {
  const template = (app: string, tolerationSeconds: number) => ({ metadata: { labels: { app } }, spec: { containers: [{ name: 'main', image: 'host' }], tolerations: tolerating(tolerationSeconds), nodeSelector: {} } })
  await plane.client.create(Deployments, { metadata: { name: 'web', namespace }, spec: { replicas: 1, selector: { matchLabels: { app: 'web' } }, template: template('web', 1) } })
  await plane.client.create(DaemonSets, { metadata: { name: 'agent', namespace }, spec: { selector: { matchLabels: { app: 'agent' } }, template: { metadata: { labels: { app: 'agent' } }, spec: { containers: [{ name: 'main', image: 'host' }] } } } })
  await plane.client.create(Services, { metadata: { name: 'web', namespace }, spec: { selector: { app: 'web' }, ports: [{ port: 80 }] } })
  const [first] = await plane.untilAll(Pods, namespace, (pods) => pods.length === 3 && pods.every(isPodReady)).then((pods) => pods.filter(({ metadata }) => metadata.labels?.['app'] === 'web'))
  expect(first?.spec.nodeName).toBe('node-1')

  await plane.client.patch(Nodes, { name: 'node-1' }, { type: 'merge', body: { metadata: { labels: { 'test/dead': 'yes' } } } })
  const lost = await plane.until(Nodes, 'node-1', (node) => node?.status.conditions?.find(({ type }) => type === 'Ready')?.status === 'Unknown' && (node.spec.taints ?? []).length === 2)
  expect(lost.status.conditions?.find(({ type }) => type === 'Ready')).toMatchObject({ reason: 'NodeStatusUnknown', message: 'Kubelet stopped posting node status.' })
  expect(lost.spec.taints?.map(({ key, effect }) => `${key}:${effect}`).sort()).toEqual(['node.kubernetes.io/unreachable:NoExecute', 'node.kubernetes.io/unreachable:NoSchedule'])
  await plane.untilAll(Pods, namespace, (pods) => pods.filter(({ spec }) => spec.nodeName === 'node-1').every((pod) => !isPodReady(pod)))
  await plane.untilAll(Events, namespace, (events) => events.some(({ reason, message, involvedObject }) => reason === 'NodeNotReady' && message === 'Node is not ready' && involvedObject.name === first?.metadata.name))

  const evicted = await plane.until(Pods, `${namespace}/${first?.metadata.name}`, (pod) => pod?.metadata.deletionTimestamp !== undefined)
  expect(evicted.status.conditions?.find(({ type }) => type === 'DisruptionTarget')).toMatchObject({ status: 'True', reason: 'DeletionByTaintManager', message: 'Taint manager: deleting due to NoExecute taint' })
  await plane.untilAll(Pods, namespace, (pods) => pods.some((pod) => pod.metadata.labels?.['app'] === 'web' && pod.spec.nodeName === 'node-2' && isPodReady(pod)))
  await plane.untilAll(EndpointSlices, namespace, (slices) => slices.some(({ endpoints = [] }) => endpoints.some(({ nodeName, conditions }) => nodeName === 'node-2' && conditions?.ready)))
  const daemon = plane.informers.of(Pods).lister.list(namespace).find(({ metadata, spec }) => metadata.labels?.['app'] === 'agent' && spec.nodeName === 'node-1')
  expect(daemon?.metadata.deletionTimestamp).toBeUndefined()

  plane.keepAlive('node-1')
  await plane.client.patch(Nodes, { name: 'node-1' }, { type: 'merge', body: { metadata: { labels: { 'test/dead': null } } } })
  await plane.client.patch(Nodes, { name: 'node-1' }, { type: 'strategic', body: { status: { conditions: [{ type: 'Ready', status: 'True', reason: 'KubeletReady' }] } } }, { subresource: 'status' })
  await plane.until(Nodes, 'node-1', (node) => (node?.spec.taints ?? []).length === 0)
  await plane.until(Pods, `${namespace}/${first?.metadata.name}`, (pod) => pod === undefined)
})
