/** Kinds through the whole server: with upstream's defaults, and the same whether they are sent as JSON or, as Go clients do, as protobuf. */
import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../../../src/api/meta.ts'
import { hasOracle } from '../../support/oracle.ts'
import { ProtobufEncoder } from '../../support/protobuf-encode.ts'
import { startTestServer } from '../support.ts'

const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image: 'a' }] } }
const selector = { matchLabels: { app: 'web' } }

interface Sample { plural: string; message: string; object: JsonObject; expected: object }
const samples: Readonly<Record<string, Sample>> = {
  StatefulSet: { plural: 'apps/v1 statefulsets', message: 'k8s.io.api.apps.v1.StatefulSet', object: { spec: { serviceName: 'web', selector, template,
    volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } }] } },
  expected: { metadata: { generation: 1 }, status: { replicas: 0, availableReplicas: 0 }, spec: {
    replicas: 1, podManagementPolicy: 'OrderedReady', revisionHistoryLimit: 10, updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0, maxUnavailable: 1 } },
    persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Retain' },
    volumeClaimTemplates: [{ apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'data' }, spec: { volumeMode: 'Filesystem' }, status: { phase: 'Pending' } }] } } },
  CronJob: { plural: 'batch/v1 cronjobs', message: 'k8s.io.api.batch.v1.CronJob', object: { spec: { schedule: '*/5 * * * *', jobTemplate: { spec: { template: { spec: { ...template.spec, restartPolicy: 'Never' } } } } } },
    expected: { metadata: { generation: 1 }, spec: { concurrencyPolicy: 'Allow', suspend: false, successfulJobsHistoryLimit: 3, failedJobsHistoryLimit: 1 }, status: {} } },
  ReplicationController: { plural: 'v1 replicationcontrollers', message: 'k8s.io.api.core.v1.ReplicationController', object: { spec: { template } },
    expected: { metadata: { labels: { app: 'web' }, generation: 1 }, spec: { replicas: 1, selector: { app: 'web' } }, status: { replicas: 0 } } },
  PodTemplate: { plural: 'v1 podtemplates', message: 'k8s.io.api.core.v1.PodTemplate', object: { template }, expected: { metadata: { generation: 1 }, template: { spec: { restartPolicy: 'Always' } } } },
  LimitRange: { plural: 'v1 limitranges', message: 'k8s.io.api.core.v1.LimitRange', object: { spec: { limits: [{ type: 'Container', max: { cpu: '2' }, min: { cpu: '100m', memory: '1Mi' } }] } },
    expected: { spec: { limits: [{ default: { cpu: '2' }, defaultRequest: { cpu: '2', memory: '1Mi' } }] } } },
  ResourceQuota: { plural: 'v1 resourcequotas', message: 'k8s.io.api.core.v1.ResourceQuota', object: { spec: { hard: { pods: '4' }, scopes: ['BestEffort'] } }, expected: { spec: { hard: { pods: '4' }, scopes: ['BestEffort'] }, status: {} } },
  PodDisruptionBudget: { plural: 'policy/v1 poddisruptionbudgets', message: 'k8s.io.api.policy.v1.PodDisruptionBudget', object: { spec: { minAvailable: '50%', selector } },
    expected: { metadata: { generation: 1 }, spec: { minAvailable: '50%', selector }, status: { disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 } } },
  HorizontalPodAutoscaler: { plural: 'autoscaling/v2 horizontalpodautoscalers', message: 'k8s.io.api.autoscaling.v2.HorizontalPodAutoscaler', object: { spec: { scaleTargetRef: { kind: 'Deployment', name: 'web', apiVersion: 'apps/v1' }, maxReplicas: 3,
    metrics: [{ type: 'Pods', pods: { metric: { name: 'm' }, target: { type: 'AverageValue', averageValue: '1k' } } }] } },
  expected: { spec: { minReplicas: 1, metrics: [{ type: 'Pods', pods: { metric: { name: 'm' }, target: { type: 'AverageValue', averageValue: '1k' } } }] }, status: { desiredReplicas: 0 } } },
}

const pathOf = (plural: string): string => {
  const [groupVersion = '', name = ''] = plural.split(' ')
  return `${groupVersion === 'v1' ? '/api' : '/apis'}/${groupVersion}/namespaces/default/${name}`
}
/** What the server makes up for each object by itself, taken away. */
const comparable = ({ metadata, ...rest }: JsonObject): JsonObject => ({ ...rest, metadata: Object.fromEntries(Object.entries(metadata as JsonObject).filter(([key]) => ['labels', 'generation', 'annotations'].includes(key))) })

describe('kinds are created with upstream\'s defaults', () => {
  test.each(Object.entries(samples))('%s', async (_kind, { plural, object, expected }) => {
    await using api = await startTestServer()
    const answer = await api.ask('POST', pathOf(plural), { body: { ...object, metadata: { name: 'it' } } })
    expect([answer.status, answer.body]).toMatchObject([201, expected])
  })
})

describe.runIf(hasOracle)('and from protobuf, too', () => {
  const encoder = hasOracle ? new ProtobufEncoder() : undefined
  const headers = { 'content-type': 'application/vnd.kubernetes.protobuf' }
  type Encoded = Parameters<ProtobufEncoder['body']>[1]
  test.each(Object.entries(samples))('%s', async (kind, { plural, message, object }) => {
    await using api = await startTestServer()
    const apiVersion = plural.split(' ')[0] ?? ''
    const json = await api.ask('POST', pathOf(plural), { body: { ...object, metadata: { name: 'json' } } })
    const binary = await api.ask('POST', pathOf(plural), { body: encoder?.body(message, { ...object, apiVersion, kind, metadata: { name: 'binary' } } as Encoded), headers })
    expect(binary.status, binary.text).toBe(201)
    expect(comparable(binary.body)).toEqual(comparable(json.body))
  })
  test('evictions and bindings', async () => {
    await using api = await startTestServer()
    const pods = '/api/v1/namespaces/default/pods'
    await api.ask('POST', pods, { body: { metadata: { name: 'p' }, spec: template.spec } })
    const send = (path: string, message: string, object: object): ReturnType<typeof api.ask> => api.ask('POST', path, { body: encoder?.body(message, object as Encoded), headers })
    expect((await send(`${pods}/p/binding`, 'k8s.io.api.core.v1.Binding', { apiVersion: 'v1', kind: 'Binding', metadata: { name: 'p' }, target: { kind: 'Node', name: 'n' } })).status).toBe(201)
    expect((await send(`${pods}/p/eviction`, 'k8s.io.api.policy.v1.Eviction', { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'p' }, deleteOptions: { gracePeriodSeconds: 3 } })).status).toBe(201)
    expect((await api.ask('GET', `${pods}/p`)).body).toMatchObject({ spec: { nodeName: 'n' }, metadata: { deletionGracePeriodSeconds: 3 } })
  })
})
