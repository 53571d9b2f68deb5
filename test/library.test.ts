import { expect, test } from 'vitest'
import { ConfigMaps, Deployments, Namespaces, Nodes, Pods, ServiceAccounts } from '../src/api/kinds.ts'
import { startCluster } from '../src/library.ts'

test('a cluster as a library: controllers and scheduler work, over the socket and inside the process', async () => {
  await using cluster = await startCluster()
  const { client } = cluster
  await client.create(Nodes, { metadata: { name: 'n1' }, spec: {}, status: { allocatable: { cpu: '4', memory: '8Gi', pods: '20' }, capacity: { cpu: '4', memory: '8Gi', pods: '20' }, conditions: [{ type: 'Ready', status: 'True' }] } })
  await client.create(Namespaces, { metadata: { name: 'shop' }, spec: {} })
  // The namespace's account is made by a controller; pods are refused before it is there.
  await expect.poll(() => client.list(ServiceAccounts, { namespace: 'shop' }).then(({ items }) => items.map(({ metadata }) => metadata.name)), { timeout: 20_000 }).toEqual(['default'])
  await expect.poll(() => client.list(ConfigMaps, { namespace: 'shop' }).then(({ items }) => items.map(({ metadata }) => metadata.name)), { timeout: 20_000 }).toEqual(['kube-root-ca.crt'])
  await client.create(Deployments, { metadata: { name: 'web', namespace: 'shop' }, spec: { replicas: 3, selector: { matchLabels: { app: 'web' } }, template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web', image: 'host' }], tolerations: [{ operator: 'Exists' }] } } } })
  await expect.poll(() => client.list(Pods, { namespace: 'shop' }).then(({ items }) => items.map(({ spec }) => spec.nodeName)), { timeout: 20_000 }).toEqual(['n1', 'n1', 'n1'])
})

test('two at once do not meet', async () => {
  await using one = await startCluster()
  await using other = await startCluster()
  await one.client.create(ConfigMaps, { metadata: { name: 'only-here', namespace: 'default' } })
  expect((await other.client.list(ConfigMaps, { namespace: 'default' })).items.map(({ metadata }) => metadata.name)).not.toContain('only-here')
  expect(one.server).not.toBe(other.server)
})
