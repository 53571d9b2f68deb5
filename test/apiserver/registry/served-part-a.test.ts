import { expect, test } from 'vitest'
import { startTestServer } from '../support.ts'

const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image: 'a' }] } }

test('kinds are created with upstream\'s defaults', async () => {
  await using api = await startTestServer()
  const post = async (path: string, body: object): Promise<unknown> => {
    const answer = await api.ask('POST', path, { body })
    expect(answer.text, path).toContain('"uid"')
    expect(answer.status).toBe(201)
    return answer.body
  }
  expect(await post('/apis/apps/v1/namespaces/default/statefulsets', { metadata: { name: 'web' }, spec: { serviceName: 'web', selector: { matchLabels: { app: 'web' } }, template,
    volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } }] } })).toMatchObject({
    metadata: { generation: 1 }, status: { replicas: 0, availableReplicas: 0 },
    spec: { replicas: 1, podManagementPolicy: 'OrderedReady', revisionHistoryLimit: 10, updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0, maxUnavailable: 1 } },
      persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Retain' },
      volumeClaimTemplates: [{ apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'data' }, spec: { volumeMode: 'Filesystem' }, status: { phase: 'Pending' } }] },
  })
  expect(await post('/apis/batch/v1/namespaces/default/cronjobs', { metadata: { name: 'tick' }, spec: { schedule: '*/5 * * * *', jobTemplate: { spec: { template: { spec: { ...template.spec, restartPolicy: 'Never' } } } } } })).toMatchObject({
    metadata: { generation: 1 }, spec: { concurrencyPolicy: 'Allow', suspend: false, successfulJobsHistoryLimit: 3, failedJobsHistoryLimit: 1 }, status: {},
  })
  expect(await post('/api/v1/namespaces/default/replicationcontrollers', { metadata: { name: 'rc' }, spec: { template } })).toMatchObject({ metadata: { labels: { app: 'web' }, generation: 1 }, spec: { replicas: 1, selector: { app: 'web' } }, status: { replicas: 0 } })
  expect(await post('/api/v1/namespaces/default/podtemplates', { metadata: { name: 'pt' }, template })).toMatchObject({ template: { spec: { restartPolicy: 'Always' } } })
  expect(await post('/api/v1/namespaces/default/limitranges', { metadata: { name: 'lr' }, spec: { limits: [{ type: 'Container', max: { cpu: '2' }, min: { cpu: '100m', memory: '1Mi' } }] } })).toMatchObject({
    spec: { limits: [{ default: { cpu: '2' }, defaultRequest: { cpu: '2', memory: '1Mi' } }] } })
  expect(await post('/api/v1/namespaces/default/resourcequotas', { metadata: { name: 'rq' }, spec: { hard: { pods: '4' } } })).toMatchObject({ spec: { hard: { pods: '4' } }, status: {} })
  expect(await post('/apis/policy/v1/namespaces/default/poddisruptionbudgets', { metadata: { name: 'pdb' }, spec: { minAvailable: 1, selector: { matchLabels: { app: 'web' } } } })).toMatchObject({
    metadata: { generation: 1 }, status: { disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 } })
})
