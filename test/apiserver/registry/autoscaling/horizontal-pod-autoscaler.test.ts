/** In the words of upstream's `pkg/apis/autoscaling/{v2,v1,validation}` and of the API reference. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { HorizontalPodAutoscalers } from '../../../../src/api/kinds.ts'
import type { JsonObject } from '../../../../src/api/meta.ts'
import type { HorizontalPodAutoscalerV2, MetricSpecV2, MetricStatusV2 } from '../../../../src/api/types.ts'
import { metricsText } from '../../../../src/apiserver/registry/autoscaling/metric-text.ts'
import { startTestServer, type Answer, type TestServer } from '../../support.ts'
import { created, sent, updated } from '../support.ts'

const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }
const made = (spec: object = {}): { object: HorizontalPodAutoscalerV2; errors: string[] } => created(HorizontalPodAutoscalers, sent<HorizontalPodAutoscalerV2>({ spec: { scaleTargetRef, maxReplicas: 5, ...spec } }))

describe('defaults', () => {
  test('one replica, cpu at eighty percent', () => expect(made().object).toMatchObject({
    spec: { minReplicas: 1, metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } }] }, status: { desiredReplicas: 0, currentMetrics: null } }))
  test('no behavior unless there is some', () => {
    expect(made().object.spec).not.toHaveProperty('behavior')
    expect(made({ behavior: { scaleDown: { stabilizationWindowSeconds: 60 } } }).object.spec.behavior).toEqual({
      scaleUp: { stabilizationWindowSeconds: 0, selectPolicy: 'Max', policies: [{ type: 'Pods', value: 4, periodSeconds: 15 }, { type: 'Percent', value: 100, periodSeconds: 15 }] },
      scaleDown: { stabilizationWindowSeconds: 60, selectPolicy: 'Max', policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }] } })
  })
})

describe('what is wrong', () => {
  const metric = (more: object): object => ({ metrics: [more] })
  const resource = (target: object): object => metric({ type: 'Resource', resource: { name: 'cpu', target } })
  for (const [name, spec, expected] of [
    ['nothing', {}, []],
    ['no replicas', { minReplicas: 0, maxReplicas: 0 }, ['spec.minReplicas: Invalid value: 0: must be greater than or equal to 1', 'spec.maxReplicas: Invalid value: 0: must be greater than 0']],
    ['more at least than at most', { minReplicas: 6 }, ['spec.maxReplicas: Invalid value: 5: must be greater than or equal to `minReplicas`']],
    ['no target', { scaleTargetRef: { kind: '', name: '..' } }, ['spec.scaleTargetRef.kind: Required value', "spec.scaleTargetRef.name: Invalid value: \"..\": may not be '..'"]],
    ['a metric of no type', metric({ type: 'Other' }), ['spec.metrics[0].type: Unsupported value: "Other": supported values: "ContainerResource", "External", "Object", "Pods", "Resource"']],
    ['a metric without its source', metric({ type: 'Pods' }), ['spec.metrics[0].pods: Required value: must populate information for the given metric source']],
    ['two sources', metric({ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 1 } }, pods: { metric: { name: 'a' }, target: { type: 'AverageValue', averageValue: '1' } } }), ['spec.metrics[0].pods: Forbidden: must populate the given metric source only']],
    ['no amount', resource({ type: 'Utilization' }), ['spec.metrics[0].resource.target.averageUtilization: Required value: must set either a target raw value or a target utilization']],
    ['two amounts', resource({ type: 'Utilization', averageUtilization: 0, averageValue: '0' }), ['spec.metrics[0].resource.target.averageValue: Invalid value: "0": must be positive',
      'spec.metrics[0].resource.target.averageUtilization: Invalid value: 0: must be greater than 0', 'spec.metrics[0].resource.target.averageValue: Forbidden: may not set both a target raw value and a target utilization']],
    ['a pods metric without a value', metric({ type: 'Pods', pods: { metric: { name: '' }, target: { type: 'Value' } } }), ['spec.metrics[0].pods.metric.name: Required value: must specify a metric name', 'spec.metrics[0].pods.target.averageValue: Required value: must specify a positive target averageValue']],
    ['behavior', { behavior: { scaleUp: { stabilizationWindowSeconds: 3601, selectPolicy: 'Most', policies: [{ type: 'Pods', value: 0, periodSeconds: 1801 }] }, scaleDown: { policies: [] } } }, [
      'spec.behavior.scaleUp.stabilizationWindowSeconds: Invalid value: 3601: must be less than or equal to 3600', 'spec.behavior.scaleUp.selectPolicy: Unsupported value: "Most": supported values: "Disabled", "Max", "Min"',
      'spec.behavior.scaleUp.policies[0].value: Invalid value: 0: must be greater than zero', 'spec.behavior.scaleUp.policies[0].periodSeconds: Invalid value: 1801: must be less than or equal to 1800',
      'spec.behavior.scaleDown.policies: Required value: must specify at least one Policy']],
  ] as const) test(name, () => expect(made(spec).errors).toEqual(expected))
  test('in a status', () => expect(updated(HorizontalPodAutoscalers, made().object, (next) => { next.status = { desiredReplicas: -1, currentReplicas: -2 } }, { subresource: 'status' }).errors).toEqual([
    'status.currentReplicas: Invalid value: -2: must be greater than or equal to 0', 'status.desiredReplicas: Invalid value: -1: must be greater than or equal to 0']))
})

describe('as kubectl shows them', () => {
  const resource = (target: object): MetricSpecV2 => ({ type: 'Resource', resource: { name: 'cpu', target: { type: 'x', ...target } } })
  const pods: MetricSpecV2 = { type: 'Pods', pods: { metric: { name: 'p' }, target: { type: 'AverageValue', averageValue: '100m' } } }
  for (const [name, metrics, statuses, text] of [
    ['none', [], [], '<none>'],
    ['not measured', [resource({ averageUtilization: 80 })], [], 'cpu: <unknown>/80%'],
    ['measured', [resource({ averageUtilization: 80 })], [{ type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: 12 } } }], 'cpu: 12%/80%'],
    ['a raw value', [resource({ averageValue: '1Gi' })], [{ type: 'Resource', resource: { name: 'cpu', current: { averageValue: '5Mi' } } }], 'cpu: 5Mi/1Gi'],
    ['three', [resource({ averageUtilization: 80 }), pods, pods], [], 'cpu: <unknown>/80%, <unknown>/100m + 1 more...'],
    ['external on average', [{ type: 'External', external: { metric: { name: 'e' }, target: { type: 'AverageValue', averageValue: '5' } } }], [], '<unknown>/5 (avg)'],
  ] as const) test(name, () => expect(metricsText(metrics as readonly MetricSpecV2[], statuses as readonly MetricStatusV2[])).toBe(text))
})

describe('autoscaling/v1 is a view', () => {
  let api: TestServer
  beforeAll(async () => { api = await startTestServer() })
  afterAll(() => api[Symbol.asyncDispose]())
  const path = (version: string, name = ''): string => `/apis/autoscaling/${version}/namespaces/default/horizontalpodautoscalers${name && `/${name}`}`
  const post = (version: string, name: string, spec: object, annotations = {}): Promise<Answer> => api.ask('POST', path(version), { body: { metadata: { name, annotations }, spec: { scaleTargetRef, maxReplicas: 5, ...spec } } })
  const note = (name: string): string => `autoscaling.alpha.kubernetes.io/${name}`

  test('a percentage is the cpu metric', async () => {
    expect((await post('v1', 'a', { targetCPUUtilizationPercentage: 50 })).body).toMatchObject({ apiVersion: 'autoscaling/v1', spec: { minReplicas: 1, maxReplicas: 5, targetCPUUtilizationPercentage: 50 }, status: { currentReplicas: 0, desiredReplicas: 0 } })
    expect((await api.ask('GET', path('v2', 'a'))).body).toMatchObject({ apiVersion: 'autoscaling/v2', spec: { metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } }] } })
  })
  test('nothing is eighty percent', async () => expect((await post('v1', 'b', {})).body['spec']).toEqual({ scaleTargetRef, minReplicas: 1, maxReplicas: 5, targetCPUUtilizationPercentage: 80 }))
  test('what v1 cannot say is in annotations, and comes back from them', async () => {
    const metrics = [
      { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 70 } } },
      { type: 'Resource', resource: { name: 'memory', target: { type: 'AverageValue', averageValue: '100Mi' } } },
      { type: 'Pods', pods: { metric: { name: 'p', selector: { matchLabels: { a: 'b' } } }, target: { type: 'AverageValue', averageValue: '100m' } } },
      { type: 'Object', object: { describedObject: scaleTargetRef, metric: { name: 'o' }, target: { type: 'Value', value: '3' } } },
      { type: 'External', external: { metric: { name: 'e' }, target: { type: 'AverageValue', averageValue: '4' } } },
      { type: 'ContainerResource', containerResource: { name: 'cpu', container: 'c', target: { type: 'Utilization', averageUtilization: 30 } } },
    ]
    const stored = (await post('v2', 'c', { metrics, behavior: { scaleDown: { selectPolicy: 'Disabled' } } })).body
    const seen = (await api.ask('GET', path('v1', 'c'))).body
    const notes = seen.metadata['annotations'] as Record<string, string>
    expect(seen['spec']).toEqual({ scaleTargetRef, minReplicas: 1, maxReplicas: 5, targetCPUUtilizationPercentage: 70 })
    expect(JSON.parse(notes[note('metrics')] ?? '')).toEqual([
      { type: 'Resource', resource: { name: 'memory', targetAverageValue: '100Mi' } },
      { type: 'Pods', pods: { metricName: 'p', targetAverageValue: '100m', selector: { matchLabels: { a: 'b' } } } },
      { type: 'Object', object: { target: scaleTargetRef, metricName: 'o', targetValue: '3' } },
      { type: 'External', external: { metricName: 'e', targetAverageValue: '4' } },
      { type: 'ContainerResource', containerResource: { name: 'cpu', targetAverageUtilization: 30, container: 'c' } },
    ])
    expect(JSON.parse(notes[note('behavior')] ?? '')).toMatchObject({ ScaleDown: { SelectPolicy: 'Disabled', StabilizationWindowSeconds: null, Policies: [{ Type: 'Percent', Value: 100, PeriodSeconds: 15 }] } })
    const changed = await api.ask('PUT', path('v1', 'c'), { body: { ...seen, spec: { ...(seen['spec'] as JsonObject), maxReplicas: 9 } } })
    expect(changed.status).toBe(200)
    const again = (await api.ask('GET', path('v2', 'c'))).body
    expect(again.metadata['annotations']).toBeUndefined()
    expect(again['spec']).toEqual({ ...(stored['spec'] as JsonObject), maxReplicas: 9, metrics: [...metrics.slice(1), metrics[0]] })
  })
  test('conditions and measurements, too', async () => {
    await post('v2', 'd', {})
    const conditions = [{ type: 'AbleToScale', status: 'True', reason: 'ok', lastTransitionTime: '2026-01-01T00:00:00Z' }]
    const currentMetrics = [{ type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: 7, averageValue: '70m' } } }]
    const v2 = (await api.ask('GET', path('v2', 'd'))).body
    expect((await api.ask('PUT', `${path('v2', 'd')}/status`, { body: { ...v2, status: { currentReplicas: 2, desiredReplicas: 3, currentMetrics, conditions } } })).status).toBe(200)
    const v1 = (await api.ask('GET', path('v1', 'd'))).body
    expect(v1['status']).toEqual({ currentReplicas: 2, desiredReplicas: 3, currentCPUUtilizationPercentage: 7 })
    expect(JSON.parse((v1.metadata['annotations'] as Record<string, string>)[note('conditions')] ?? '')).toEqual(conditions)
    await api.ask('PUT', `${path('v1', 'd')}/status`, { body: v1 })
    expect((await api.ask('GET', path('v2', 'd'))).body['status']).toEqual({ currentReplicas: 2, desiredReplicas: 3, currentMetrics, conditions })
  })
  for (const text of ['no json', '{"a":1}', '[1,{"type":5}]', '[{"type":"Resource","resource":{"name":{"a":1},"targetAverageUtilization":"many"}}]', 'null']) {
    test(`an annotation that is no metrics is ignored: ${text}`, async () => {
      const { status, body } = await post('v1', 'e', {}, { [note('metrics')]: text, [note('behavior')]: text, [note('conditions')]: text, [note('current-metrics')]: text })
      expect([201, 422]).toContain(status)
      if (status === 201) expect(body['spec']).toMatchObject({ targetCPUUtilizationPercentage: 80 })
      await api.ask('DELETE', path('v1', 'e'))
    })
  }
})
