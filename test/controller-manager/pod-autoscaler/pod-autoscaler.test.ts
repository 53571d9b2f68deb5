import { describe, expect, test } from 'vitest'
import { Deployments, HorizontalPodAutoscalers } from '../../../src/api/kinds.ts'
import { forbidden } from '../../../src/api/status.ts'
import type { HorizontalPodAutoscalerV2, HPAScalingRulesV2, Pod, Scale } from '../../../src/api/types.ts'
import { type History, limit, noHistory, withChange, withRecommendation } from '../../../src/controller-manager/pod-autoscaler/behavior.ts'
import type { PodMetrics } from '../../../src/controller-manager/pod-autoscaler/metrics-reader.ts'
import { failedToRead, planAutoscaler, type Reading } from '../../../src/controller-manager/pod-autoscaler/plan-autoscaler.ts'
import { MetricError } from '../../../src/controller-manager/pod-autoscaler/proposals.ts'
import { byAverage, byShare, byUtilization, byValue } from '../../../src/controller-manager/pod-autoscaler/replica-calculator.ts'
import { condition, metadata, noon, pod, secondsBefore } from '../builders.ts'
import { inWords, objectOf } from '../fake-world.ts'

const tolerances = { up: 0.1, down: 0.1 }

describe('what a metric asks for', () => {
  type Kind = 'ready' | 'unready' | 'new' | 'pending' | 'failed' | 'leaving'
  const somePod = (index: number, is: Kind): Pod => pod(`web-${index}`, {
    metadata: is === 'leaving' ? { deletionTimestamp: secondsBefore(1) } : {},
    spec: { containers: [{ name: 'main', resources: { requests: { cpu: '1', memory: '100Mi' } } }] },
    status: { phase: is === 'pending' ? 'Pending' : is === 'failed' ? 'Failed' : 'Running', startTime: secondsBefore(is === 'new' || is === 'unready' ? 60 : 3600), conditions: [condition('Ready', is === 'ready' || is === 'new' ? 'True' : 'False', secondsBefore(is === 'new' ? 10 : 3500))] },
  })
  /** Each pod is what it is, and uses so many thousandths of a CPU; undefined: nothing is known. */
  const given = (pods: readonly (readonly [Kind, number | undefined])[]) => ({
    pods: pods.map(([is], index) => somePod(index, is)), currentReplicas: pods.length, tolerances, now: noon,
    metrics: new Map(pods.flatMap(([, value], index) => (value === undefined ? [] : [[`web-${index}`, { value, timestamp: noon.getTime(), windowMilliseconds: 30_000 }]]))) as PodMetrics,
  })
  test.each<[string, readonly (readonly [Kind, number | undefined])[], number, [number, number]]>([
    ['more than the target: more pods', [['ready', 300], ['ready', 500], ['ready', 700]], 30, [5, 50]],
    ['less than the target: fewer', [['ready', 100], ['ready', 300], ['ready', 500], ['ready', 250], ['ready', 250]], 50, [3, 28]],
    ['about the target: as many', [['ready', 1010], ['ready', 1030], ['ready', 1020]], 100, [3, 102]],
    ['one that has just begun does not count, but as nothing when there are to be more', [['new', 1000], ['ready', 500], ['ready', 700]], 30, [4, 60]],
    ['one that is not ready', [['unready', 400], ['ready', 500], ['ready', 700]], 30, [4, 60]],
    ['one that is pending', [['pending', undefined], ['ready', 500], ['ready', 700]], 30, [4, 60]],
    ['those that have failed, or go, do not count at all', [['failed', 900], ['leaving', 900], ['ready', 500], ['ready', 700]], 30, [4, 60]],
    ['one of which nothing is known counts as nothing on the way up', [['ready', 500], ['ready', 700], ['ready', undefined]], 30, [4, 60]],
    ['and as everything on the way down', [['ready', 100], ['ready', 100], ['ready', undefined]], 50, [3, 10]],
    ['which may stop a step up', [['ready', 1000], ['ready', undefined], ['ready', undefined]], 100, [3, 100]],
  ])('%s', (_, pods, target, [replicas, utilization]) => expect(byUtilization(given(pods), { resource: 'cpu', target })).toMatchObject({ replicas, utilization }))

  test('an average, in its own unit', () => expect(byAverage(given([['ready', 300], ['ready', 500]]), { resource: 'cpu', target: 200 })).toEqual({ replicas: 4, average: 400 }))
  test.each<[string, () => unknown, string]>([
    ['no pods', () => byUtilization(given([]), { resource: 'cpu', target: 50 }), 'no pods returned by selector while calculating replica count'],
    ['no metrics of pods that are ready', () => byUtilization(given([['pending', 100]]), { resource: 'cpu', target: 50 }), 'did not receive metrics for targeted pods (pods might be unready)'],
    ['a container that requests nothing', () => byUtilization({ ...given([['ready', 100]]), pods: [pod('web-0')] }, { resource: 'cpu', target: 50 }), 'missing request for cpu in container main of Pod web-0'],
  ])('nothing, for %s', (_, calculate, message) => expect(calculate).toThrow(message))
  test('a value that belongs to nobody', () => {
    expect(byValue(90, 30, given([['ready', 0], ['ready', 0]]))).toBe(6)
    expect(byValue(31, 30, given([['ready', 0], ['ready', 0]]))).toBe(2)
    expect(byValue(90, 30, { ...given([]), currentReplicas: 0 })).toBe(3)
    expect(byShare(90, 30, { replicas: 2, tolerances })).toEqual({ replicas: 3, average: 45 })
  })
  test('tolerances of its own for each direction', () => {
    const at = given([['ready', 105], ['ready', 105]])
    expect(byUtilization({ ...at, tolerances: { up: 0.01, down: 0.1 } }, { resource: 'cpu', target: 10 }).replicas).toBe(2)
    expect(byAverage({ ...at, tolerances: { up: 0.01, down: 0.1 } }, { resource: '', target: 100 }).replicas).toBe(3)
  })
})

const autoscaler = (over: Partial<HorizontalPodAutoscalerV2['spec']> = {}, status: Partial<HorizontalPodAutoscalerV2['status']> = {}): HorizontalPodAutoscalerV2 => ({
  metadata: metadata('scaler'), spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }, minReplicas: 1, maxReplicas: 50, metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } }], ...over },
  status: { desiredReplicas: 0, ...status },
})
const rules = (policies: HPAScalingRulesV2['policies'], more: Partial<HPAScalingRulesV2> = {}): HPAScalingRulesV2 => ({ policies, selectPolicy: 'Max', stabilizationWindowSeconds: 0, ...more })
const ago = (seconds: number, value: number) => ({ at: noon.getTime() - seconds * 1000, value })
const history = (over: Partial<History>): History => ({ ...noHistory, ...over })

describe('how far it may go', () => {
  test.each<[string, Partial<HorizontalPodAutoscalerV2['spec']>, number, number, History, number, string, string]>([
    ['as asked', {}, 4, 6, noHistory, 6, 'ReadyForNewScale', 'False DesiredWithinRange'],
    ['no more than the maximum', { maxReplicas: 5 }, 4, 9, noHistory, 5, 'ReadyForNewScale', 'True TooManyReplicas'],
    ['no fewer than the minimum', { minReplicas: 3 }, 5, 1, noHistory, 3, 'ReadyForNewScale', 'True TooFewReplicas'],
    ['at most double', {}, 6, 40, noHistory, 12, 'ReadyForNewScale', 'True ScaleUpLimit'],
    ['at least four', {}, 1, 40, noHistory, 4, 'ReadyForNewScale', 'True ScaleUpLimit'],
    ['down only when nobody asked for more of late', {}, 8, 2, history({ recommendations: [ago(200, 7), ago(301, 9)] }), 7, 'ScaleDownStabilized', 'False DesiredWithinRange'],
    ['rules: so many pods a period', { behavior: { scaleUp: rules([{ type: 'Pods', value: 3, periodSeconds: 60 }]) } }, 4, 20, noHistory, 7, 'ReadyForNewScale', 'True ScaleUpLimit'],
    ['rules: what came in the period counts', { behavior: { scaleUp: rules([{ type: 'Pods', value: 3, periodSeconds: 60 }]) } }, 6, 20, history({ ups: [ago(30, 2), ago(61, 9)] }), 7, 'ReadyForNewScale', 'True ScaleUpLimit'],
    ['rules: a percentage is rounded up', { behavior: { scaleUp: rules([{ type: 'Percent', value: 10, periodSeconds: 60 }]) } }, 4, 20, noHistory, 5, 'ReadyForNewScale', 'True ScaleUpLimit'],
    ['rules: the larger policy', { behavior: { scaleUp: rules([{ type: 'Pods', value: 3, periodSeconds: 60 }, { type: 'Percent', value: 200, periodSeconds: 60 }]) } }, 4, 20, noHistory, 12, 'ReadyForNewScale', 'True ScaleUpLimit'],
    ['rules: the smaller policy, if asked for', { behavior: { scaleUp: rules([{ type: 'Pods', value: 3, periodSeconds: 60 }, { type: 'Percent', value: 200, periodSeconds: 60 }], { selectPolicy: 'Min' }) } }, 4, 20, noHistory, 7, 'ReadyForNewScale', 'True ScaleUpLimit'],
    ['rules: not at all', { behavior: { scaleDown: rules([{ type: 'Percent', value: 100, periodSeconds: 15 }], { selectPolicy: 'Disabled' }) } }, 8, 2, noHistory, 8, 'ReadyForNewScale', 'True ScaleDownLimit'],
    ['rules: down by so many pods', { behavior: { scaleDown: rules([{ type: 'Pods', value: 2, periodSeconds: 60 }]) } }, 8, 2, noHistory, 6, 'ReadyForNewScale', 'True ScaleDownLimit'],
    ['rules: down by a percentage, rounded down', { behavior: { scaleDown: rules([{ type: 'Percent', value: 30, periodSeconds: 60 }]) } }, 8, 2, noHistory, 5, 'ReadyForNewScale', 'True ScaleDownLimit'],
    ['rules: down, the smaller policy', { behavior: { scaleDown: rules([{ type: 'Pods', value: 4, periodSeconds: 60 }, { type: 'Percent', value: 10, periodSeconds: 60 }], { selectPolicy: 'Min' }) } }, 10, 2, noHistory, 9, 'ReadyForNewScale', 'True ScaleDownLimit'],
    ['rules: up only when nobody asked for fewer of late', { behavior: { scaleUp: rules([{ type: 'Percent', value: 900, periodSeconds: 15 }], { stabilizationWindowSeconds: 60 }) } }, 4, 20, history({ recommendations: [ago(30, 5)] }), 5, 'ScaleUpStabilized', 'False DesiredWithinRange'],
    ['rules: down waits five minutes unless told otherwise', { behavior: { scaleUp: rules([{ type: 'Pods', value: 1, periodSeconds: 15 }]) } }, 8, 2, history({ recommendations: [ago(200, 7)] }), 7, 'ScaleDownStabilized', 'False DesiredWithinRange'],
  ])('%s', (_, spec, current, desired, past, replicas, able, limited) => {
    const result = limit(autoscaler(spec), { current, desired, history: past, now: noon.getTime() })
    expect([result.replicas, result.able.reason, `${result.limited.status} ${result.limited.reason}`]).toEqual([replicas, able, limited])
  })

  test('what nobody will ask for again is forgotten', () => {
    const plain = autoscaler()
    expect(withRecommendation(plain, history({ recommendations: [ago(301, 9), ago(100, 8)] }), ago(0, 7)).recommendations.map(({ value }) => value)).toEqual([8, 7])
    const ruled = autoscaler({ behavior: { scaleUp: rules([{ type: 'Pods', value: 1, periodSeconds: 60 }]) } })
    expect(withChange(ruled, history({ ups: [ago(61, 9), ago(10, 1)] }), { from: 2, to: 4, at: noon.getTime() }).ups.map(({ value }) => value)).toEqual([1, 2])
  })
})

describe('a plan', () => {
  const scale = (replicas: number): Scale => ({ metadata: metadata('web'), spec: { replicas }, status: { replicas, selector: 'app=web' } }) as Scale
  const measured = (replicas: number, errors: MetricError[] = []): NonNullable<Reading['measured']> => {
    const status = { type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: 80, averageValue: '80m' } } }
    return { best: errors.length > 0 ? undefined : { replicas, name: 'cpu resource utilization (percentage of request)', status }, statuses: errors.length > 0 ? [] : [status], errors }
  }
  const plan = (current: number, reading: Partial<Reading>, given = autoscaler()) => planAutoscaler({ autoscaler: given, now: noon, history: noHistory }, { kind: Deployments, scale: scale(current), ...reading }).actions
  const said = (actions: ReturnType<typeof plan>): string[] => (objectOf(actions, 'updateStatus', HorizontalPodAutoscalers).status.conditions ?? []).map(({ type, status, reason }) => `${type} ${status} ${reason}`)

  test('sets the size that the metrics ask for, and tells', () => {
    const actions = plan(2, { measured: measured(4) })
    expect(inWords(actions.slice(0, 1))).toEqual(['patch deployments web/scale'])
    const followed = actions.flatMap((action) => ('then' in action && action.then ? action.then({} as never) : []))
    expect(inWords(followed)).toEqual(['event Normal SuccessfulRescale: New size: 4; reason: cpu resource utilization (percentage of request) above target', 'updateStatus horizontalpodautoscalers scaler'])
    expect(said(followed as never)).toEqual(['AbleToScale True SucceededRescale', 'ScalingActive True ValidMetricFound', 'ScalingLimited False DesiredWithinRange'])
    expect(objectOf(followed, 'updateStatus', HorizontalPodAutoscalers).status).toMatchObject({ currentReplicas: 2, desiredReplicas: 4, lastScaleTime: secondsBefore(0), observedGeneration: 1, currentMetrics: [{ type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: 80 } } }] })
  })
  test('tells when the size could not be set', () => {
    const followed = plan(2, { measured: measured(4) }).flatMap((action) => ('otherwise' in action && action.otherwise ? action.otherwise(forbidden(Deployments, 'web', 'no')) : []))
    expect(inWords(followed)[0]).toMatch(/^event Warning FailedRescale: New size: 4; reason: .* above target; error: /)
    expect(said(followed as never)).toContain('AbleToScale False FailedUpdateScale')
  })
  test('leaves a size that is right', () => {
    const actions = plan(4, { measured: measured(4) })
    expect(inWords(actions)).toEqual(['updateStatus horizontalpodautoscalers scaler'])
    expect(said(actions)).toEqual(['AbleToScale True ReadyForNewScale', 'ScalingActive True ValidMetricFound', 'ScalingLimited False DesiredWithinRange'])
    expect(plan(4, { measured: measured(4) }, autoscaler({}, objectOf(actions, 'updateStatus', HorizontalPodAutoscalers).status))).toEqual([])
  })
  test.each<[string, number, string]>([['above the maximum', 60, 'New size: 50; reason: Current number of replicas above Spec.MaxReplicas'], ['below the minimum', 2, 'New size: 3; reason: Current number of replicas below Spec.MinReplicas']])('a size %s needs no metric', (_, current, message) => {
    const followed = plan(current, {}, autoscaler({ minReplicas: 3 })).flatMap((action) => ('then' in action && action.then ? action.then({} as never) : []))
    expect(inWords(followed)[0]).toBe(`event Normal SuccessfulRescale: ${message}`)
  })
  test('a size of zero turns it off', () => expect(said(plan(0, {}))).toEqual(['AbleToScale True SucceededGetScale', 'ScalingActive False ScalingDisabled']))
  test('metrics that cannot be had', () => {
    const actions = plan(2, { measured: measured(0, [new MetricError('FailedGetResourceMetric', 'failed to get cpu utilization: none')]) })
    expect(inWords(actions).slice(0, 2)).toEqual(['event Warning FailedGetResourceMetric: failed to get cpu utilization: none', 'event Warning FailedComputeMetricsReplicas: invalid metrics (1 invalid out of 1), first error is: failed to get cpu utilization: none'])
    expect(said(actions)).toEqual(['AbleToScale True SucceededGetScale', 'ScalingActive False FailedGetResourceMetric'])
  })
  test('a target without a selector', () => expect(said(plan(2, { selectorError: 'selector is required' }))).toEqual(['AbleToScale True SucceededGetScale', 'ScalingActive False InvalidSelector']))
  test('a target that cannot be read', () => {
    const actions = failedToRead(autoscaler(), 'deployments.apps "web" not found', noon)
    expect(inWords(actions)).toEqual(['event Warning FailedGetScale: deployments.apps "web" not found', 'updateStatus horizontalpodautoscalers scaler'])
    expect(said(actions)).toEqual(['AbleToScale False FailedGetScale'])
  })
})
