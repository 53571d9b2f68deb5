/** LimitRanges, ResourceQuotas, ReplicationControllers, PodTemplates and PodDisruptionBudgets in upstream's words. */
import { describe, expect, test } from 'vitest'
import { LimitRanges, PodDisruptionBudgets, PodTemplates, ReplicationControllers, ResourceQuotas } from '../../../../src/api/kinds.ts'
import type { LimitRange, PodDisruptionBudget, PodTemplate, ReplicationController, ResourceQuota } from '../../../../src/api/types.ts'
import { created, sent, strategyOf, updated } from '../support.ts'

describe('limit ranges', () => {
  const errors = (...limits: object[]): string[] => created(LimitRanges, sent<LimitRange>({ spec: { limits } })).errors
  const container = (more: object): string[] => errors({ type: 'Container', ...more })
  for (const [name, result, expected] of [
    ['nothing', errors({ type: 'Pod', max: { cpu: '1' } }, { type: 'Container', default: { cpu: '1' } }, { type: 'PersistentVolumeClaim', min: { storage: '1Gi' } }), []],
    ['twice the same', errors({ type: 'Pod', max: { cpu: '1' } }, { type: 'Pod' }), ['spec.limits[1].type: Duplicate value: "Pod"']],
    ['a type that is none', errors({ type: 'Thing' }), ['spec.limits[0].type: Invalid value: "Thing": must be a standard limit type or fully qualified']],
    ['a resource that is none', container({ max: { size: '1' } }), ['spec.limits[0].max[size]: Invalid value: "size": must be a standard resource type or fully qualified',
      'spec.limits[0].default[size]: Invalid value: "size": must be a standard resource type or fully qualified', 'spec.limits[0].defaultRequest[size]: Invalid value: "size": must be a standard resource type or fully qualified']],
    ['a resource that is not of containers', errors({ type: 'Pod', max: { pods: '1' } }), ['spec.limits[0].max[pods]: Invalid value: "pods": must be a standard resource for containers']],
    ['defaults of pods', errors({ type: 'Pod', default: { cpu: '1' }, defaultRequest: { cpu: '1' } }), ["spec.limits[0].default: Forbidden: may not be specified when `type` is 'Pod'", "spec.limits[0].defaultRequest: Forbidden: may not be specified when `type` is 'Pod'"]],
    ['claims without storage', errors({ type: 'PersistentVolumeClaim' }), ['spec.limits[0].limits: Required value: either minimum or maximum storage value is required, but neither was provided']],
    ['least above most', errors({ type: 'Pod', min: { cpu: '2' }, max: { cpu: '1' } }), ['spec.limits[0].min[cpu]: Invalid value: "2": min value 2 is greater than max value 1']],
    ['a default above the most', container({ max: { cpu: '1' }, default: { cpu: '2' }, defaultRequest: { cpu: '1500m' } }), ['spec.limits[0].defaultRequest[cpu]: Invalid value: "1500m": default request value 1500m is greater than max value 1',
      'spec.limits[0].default[cpu]: Invalid value: "1": default value 2 is greater than max value 1']],
    ['a default below the least', container({ min: { cpu: '1' }, default: { cpu: '500m' }, defaultRequest: { cpu: '100m' } }), ['spec.limits[0].defaultRequest[cpu]: Invalid value: "100m": min value 1 is greater than default request value 100m',
      'spec.limits[0].default[cpu]: Invalid value: "1": min value 1 is greater than default value 500m']],
    ['a request above the limit', container({ default: { cpu: '1' }, defaultRequest: { cpu: '2' } }), ['spec.limits[0].defaultRequest[cpu]: Invalid value: "2": default request value 2 is greater than default limit value 1']],
    ['ratios', errors({ type: 'Pod', maxLimitRequestRatio: { cpu: '500m', memory: '5' }, min: { memory: '1Mi' }, max: { memory: '2Mi' } }), [
      'spec.limits[0].maxLimitRequestRatio[memory]: Invalid value: "5": ratio 5 is greater than max/min = 2.000000', 'spec.limits[0].maxLimitRequestRatio[cpu]: Invalid value: "500m": ratio 500m is less than 1']],
    ['what cannot be overcommitted', container({ default: { 'example.com/gpu': '2' }, defaultRequest: { 'example.com/gpu': '1' } }), ['spec.limits[0].defaultRequest[example.com/gpu]: Invalid value: "1": default value 2 must equal to defaultRequest value 1 in example.com/gpu']],
  ] as const) test(name, () => expect(result.toSorted()).toEqual(expected.toSorted()))
  test('without a name one is made', () => expect(created(LimitRanges, sent<LimitRange>({ spec: { limits: [] } }, { name: '' })).object.metadata.name).toMatch(/^[0-9a-f-]{36}$/))
})

describe('resource quotas', () => {
  const made = (spec: object): { object: ResourceQuota; errors: string[] } => created(ResourceQuotas, sent<ResourceQuota>({ spec }))
  const selector = (...matchExpressions: object[]): object => ({ hard: { pods: '1' }, scopeSelector: { matchExpressions } })
  for (const [name, spec, expected] of [
    ['nothing', { hard: { pods: '1', 'requests.cpu': '1500m', 'count/deployments.apps': '5', 'requests.example.com/gpu': '1', 'gold.storageclass.storage.k8s.io/requests.storage': '1Gi', 'hugepages-2Mi': '2Mi' }, scopes: [] }, []],
    ['a resource that is none', { hard: { beans: '1', storage: '1' } }, ['spec.hard[beans]: Invalid value: "beans": must be a standard resource type or fully qualified', 'spec.hard[beans]: Invalid value: "beans": must be a standard resource for quota', 'spec.hard[storage]: Invalid value: "storage": must be a standard resource for quota']],
    ['amounts', { hard: { pods: '-1', services: '500m' } }, ['spec.hard[pods]: Invalid value: "-1": must be greater than or equal to 0', 'spec.hard[services]: Invalid value: "500m": must be an integer']],
    ['a scope that is none', { hard: { pods: '1' }, scopes: ['Tall'] }, ['spec.scopes: Invalid value: ["Tall"]: unsupported scope']],
    ['a scope that does not fit', { hard: { services: '1', 'requests.cpu': '1' }, scopes: ['BestEffort'] }, ['spec.scopes: Invalid value: ["BestEffort"]: unsupported scope applied to resource', 'spec.scopes: Invalid value: ["BestEffort"]: unsupported scope applied to resource']],
    ['scopes against each other', { hard: { pods: '1' }, scopes: ['Terminating', 'NotTerminating'] }, ['spec.scopes: Invalid value: ["Terminating","NotTerminating"]: conflicting scopes']],
    ['a selector', selector({ scopeName: 'PriorityClass', operator: 'In', values: ['high'] }, { scopeName: 'NotBestEffort', operator: 'Exists' }), []],
    ['a selector with the wrong operator', selector({ scopeName: 'BestEffort', operator: 'In', values: ['a'] }), ["spec.scopeSelector.matchExpressions.operator: Invalid value: \"In\": must be 'Exist' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity"]],
    ['a selector without values', selector({ scopeName: 'PriorityClass', operator: 'In' }), ["spec.scopeSelector.matchExpressions.values: Required value: must be at least one value when `operator` is 'In' or 'NotIn' for scope selector"]],
    ['a selector with an operator that is none', selector({ scopeName: 'PriorityClass', operator: 'Is' }), ['spec.scopeSelector.matchExpressions.operator: Invalid value: "Is": not a valid selector operator']],
  ] as const) test(name, () => expect(made(spec).errors).toEqual(expected))
  test('scopes stay, amounts do not', () => {
    const { object } = made({ hard: { pods: '1' }, scopes: ['BestEffort'] })
    expect(updated(ResourceQuotas, object, (next) => { next.spec.hard = { pods: '2' } }).errors).toEqual([])
    expect(updated(ResourceQuotas, object, (next) => { next.spec.scopes = ['NotBestEffort'] }).errors).toEqual(['spec.scopes: Invalid value: ["NotBestEffort"]: field is immutable'])
  })
  test('a status is judged as well', () => expect(updated(ResourceQuotas, made({ hard: { pods: '1' } }).object, (next) => { next.status = { used: { beans: '1' } } }, { subresource: 'status' }).errors).toEqual([
    'metadata.resourceVersion: Required value', 'status.used[beans]: Invalid value: "beans": must be a standard resource type or fully qualified', 'status.used[beans]: Invalid value: "beans": must be a standard resource for quota']))
})

describe('replication controllers', () => {
  const labels = { app: 'web' }
  const template = (spec: object = {}): object => ({ metadata: { labels }, spec: { containers: [{ name: 'c', image: 'a' }], ...spec } })
  const made = (spec: object): { object: ReplicationController; errors: string[] } => created(ReplicationControllers, sent<ReplicationController>({ spec: { template: template(), ...spec } }))
  for (const [name, spec, expected] of [
    ['nothing', {}, []],
    ['no template', { template: undefined }, ['spec.selector: Required value', 'spec.template: Required value']],
    ['another selector', { selector: { a: 'b' } }, ['spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`']],
    ['numbers', { replicas: -1, minReadySeconds: -1 }, ['spec.minReadySeconds: Invalid value: -1: must be greater than or equal to 0', 'spec.replicas: Invalid value: -1: must be greater than or equal to 0']],
    ['restart policy', { template: template({ restartPolicy: 'OnFailure', activeDeadlineSeconds: 1 }) }, ['spec.template.spec.restartPolicy: Unsupported value: "OnFailure": supported values: "Always"', 'spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in ReplicationController is not Supported']],
  ] as const) test(name, () => expect(made(spec).errors).toEqual(expected))
  test('the selector may change', () => expect(updated(ReplicationControllers, made({}).object, (next) => {
    next.spec.selector = { app: 'db' }
    next.spec.template = { ...next.spec.template, metadata: { labels: { app: 'db' } } } as typeof next.spec.template
  }).errors).toEqual([]))
  test('scale and the field selector on replicas', () => {
    const { object } = made({ replicas: 2, selector: labels })
    const { scale, selectableFields } = strategyOf(ReplicationControllers)
    expect([scale?.getReplicas(object), scale?.getStatusReplicas(object), scale?.getSelector(object), selectableFields?.['status.replicas']?.(object)]).toEqual([2, 0, 'app=web', '0'])
  })
  test('a pod template', () => {
    expect(created(PodTemplates, sent<PodTemplate>({ template: template() })).errors).toEqual([])
    expect(created(PodTemplates, sent<PodTemplate>({ template: template({ containers: [] }) })).errors).toEqual(['template.spec.containers: Required value'])
  })
})

describe('disruption budgets', () => {
  const made = (spec: object): { object: PodDisruptionBudget; errors: string[] } => created(PodDisruptionBudgets, sent<PodDisruptionBudget>({ spec }))
  for (const [name, spec, expected] of [
    ['nothing', { minAvailable: '50%', selector: {} }, []],
    ['both', { minAvailable: 1, maxUnavailable: 1 }, ['spec: Invalid value: {"minAvailable":1,"maxUnavailable":1}: minAvailable and maxUnavailable cannot be both set']],
    ['amounts', { minAvailable: -1 }, ['spec.minAvailable: Invalid value: -1: must be greater than or equal to 0']],
    ['more than all', { maxUnavailable: '101%' }, ['spec.maxUnavailable: Invalid value: "101%": must not be greater than 100%']],
    ['policy', { unhealthyPodEvictionPolicy: 'Never' }, ['spec.unhealthyPodEvictionPolicy: Unsupported value: "Never": supported values: "AlwaysAllow", "IfHealthyBudget"']],
    ['selector', { selector: { matchLabels: { 'a b': 'c' } } }, [expect.stringMatching(/^spec\.selector\.matchLabels: Invalid value: "a b": /)]],
  ] as const) test(name, () => expect(made(spec).errors).toEqual(expected))
  test('the spec may change, the status is judged', () => {
    const { object } = made({ minAvailable: 1 })
    expect(updated(PodDisruptionBudgets, object, (next) => { next.spec = { maxUnavailable: 1 } }).errors).toEqual([])
    const condition = { type: 'a b', status: 'Perhaps', reason: '', message: '', lastTransitionTime: '' }
    expect(updated(PodDisruptionBudgets, object, (next) => { next.status = { currentHealthy: -1, conditions: [condition] } }, { subresource: 'status' }).errors).toEqual([
      expect.stringMatching(/^status\.conditions\[0\]\.type: Invalid value: "a b": /), 'status.conditions[0].status: Unsupported value: "Perhaps": supported values: "False", "True", "Unknown"',
      'status.conditions[0].lastTransitionTime: Required value: must be set', 'status.conditions[0].reason: Required value', 'status.currentHealthy: Invalid value: -1: must be greater than or equal to 0'])
  })
})
