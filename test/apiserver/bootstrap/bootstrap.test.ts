import { expect, test } from 'vitest'
import { startTestServer } from '../support.ts'

const bootstrap = { advertise: { addresses: ['192.0.2.10'], port: 6443 }, serviceIP: '10.96.0.1', serviceCIDR: '10.96.0.0/16' }
const inDefault = '/api/v1/namespaces/default'

/** Asks until the answer is as wanted, or the test's time is over. */
const eventually = async <T>(ask: () => Promise<T>, wanted: (answer: T) => boolean): Promise<T> => {
  for (const end = Date.now() + 30_000; ;) {
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
  expect((await api.ask('GET', '/apis/networking.k8s.io/v1/servicecidrs/kubernetes')).body['spec']).toEqual({ cidrs: ['10.96.0.0/16'] })
  // As `kubectl get flowschemas` shows them in a new cluster of upstream's.
  const flowControl = '/apis/flowcontrol.apiserver.k8s.io/v1'
  const schemas = (await api.ask('GET', `${flowControl}/flowschemas`)).body.items as unknown as { metadata: { name: string }; spec: { matchingPrecedence: number; priorityLevelConfiguration: { name: string }; distinguisherMethod?: { type: string } } }[]
  expect(schemas.map(({ metadata, spec }) => [spec.matchingPrecedence, metadata.name, spec.priorityLevelConfiguration.name, spec.distinguisherMethod?.type ?? '<none>'].join(' ')).toSorted((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10))).toEqual([
    '1 exempt exempt <none>', '2 probes exempt <none>', '100 system-leader-election leader-election ByUser', '150 endpoint-controller workload-high ByUser', '200 workload-leader-election leader-election ByUser',
    '400 system-node-high node-high ByUser', '500 system-nodes system ByUser', '800 kube-controller-manager workload-high ByNamespace', '800 kube-scheduler workload-high ByNamespace',
    '900 kube-system-service-accounts workload-high ByNamespace', '9000 service-accounts workload-low ByUser', '9900 global-default global-default ByUser', '10000 catch-all catch-all ByUser',
  ])
  expect(await names(`${flowControl}/prioritylevelconfigurations`)).toEqual(['catch-all', 'exempt', 'global-default', 'leader-election', 'node-high', 'system', 'workload-high', 'workload-low'])
  await api.ask('DELETE', `${flowControl}/flowschemas/catch-all`)
  expect((await eventually(() => api.ask('GET', `${flowControl}/flowschemas/catch-all`), ({ status }) => status === 200)).status).toBe(200)
  const endpoints = () => api.ask('GET', `${inDefault}/endpoints/kubernetes`)
  expect((await endpoints()).body['subsets']).toEqual([{ addresses: [{ ip: '192.0.2.10' }], ports: [{ name: 'https', port: 6443, protocol: 'TCP' }] }])

  await api.ask('DELETE', `${inDefault}/endpoints/kubernetes`)
  expect((await eventually(endpoints, ({ status }) => status === 200)).status).toBe(200)
  await api.ask('PATCH', '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes', { headers: { 'content-type': 'application/merge-patch+json' }, body: { endpoints: [] } })
  const slice = () => api.ask('GET', '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes')
  expect((await eventually(slice, ({ body }) => (body['endpoints'] as unknown[]).length === 1)).body['endpoints']).toMatchObject([{ addresses: ['192.0.2.10'], conditions: { ready: true } }])
})
