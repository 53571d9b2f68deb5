import { expect, test } from 'vitest'
import { startTestServer } from '../support.ts'

const bootstrap = { advertise: { addresses: ['192.0.2.10'], port: 6443 }, serviceIP: '10.96.0.1' }
const inDefault = '/api/v1/namespaces/default'

/** Asks until the answer is as wanted, or the test's time is over. */
const eventually = async <T>(ask: () => Promise<T>, wanted: (answer: T) => boolean): Promise<T> => {
  for (const end = Date.now() + 10_000; ;) {
    const answer = await ask()
    if (wanted(answer) || Date.now() > end) return answer
    await new Promise((resolve) => { setImmediate(resolve) })
  }
}

test('the objects of a new cluster are made, and kept', async () => {
  await using api = await startTestServer({ bootstrap })
  const ready = () => api.ask('GET', '/readyz')
  expect((await eventually(ready, ({ status }) => status === 200)).text).toBe('ok')
  const names = async (path: string): Promise<unknown[]> => (await api.ask('GET', path)).body.items.map((item) => (item as { metadata: { name: string } }).metadata.name)
  expect(await names('/api/v1/namespaces')).toEqual(['default', 'kube-node-lease', 'kube-public', 'kube-system'])
  expect(await names('/apis/scheduling.k8s.io/v1/priorityclasses')).toEqual(['system-cluster-critical', 'system-node-critical'])
  expect((await api.ask('GET', `${inDefault}/services/kubernetes`)).body).toMatchObject({ spec: { clusterIP: '10.96.0.1', ports: [{ name: 'https', port: 443, targetPort: 6443 }] } })
  const endpoints = () => api.ask('GET', `${inDefault}/endpoints/kubernetes`)
  expect((await endpoints()).body['subsets']).toEqual([{ addresses: [{ ip: '192.0.2.10' }], ports: [{ name: 'https', port: 6443, protocol: 'TCP' }] }])

  await api.ask('DELETE', `${inDefault}/endpoints/kubernetes`)
  expect((await eventually(endpoints, ({ status }) => status === 200)).status).toBe(200)
  await api.ask('PATCH', '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes', { headers: { 'content-type': 'application/merge-patch+json' }, body: { endpoints: [] } })
  const slice = () => api.ask('GET', '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes')
  expect((await eventually(slice, ({ body }) => (body['endpoints'] as unknown[]).length === 1)).body['endpoints']).toMatchObject([{ addresses: ['192.0.2.10'], conditions: { ready: true } }])
})
