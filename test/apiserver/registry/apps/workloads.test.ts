import { describe, expect, test } from 'vitest'
import { ControllerRevisions, DaemonSets, Deployments, ReplicaSets, type Kind } from '../../../../src/api/kinds.ts'
import type { KubeObject } from '../../../../src/api/meta.ts'
import type { ControllerRevision, DaemonSet, Deployment, ReplicaSet } from '../../../../src/api/types.ts'
import { created, sent, strategyOf, updated } from '../support.ts'

const template = (spec: object = {}): object => ({ metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image: 'a' }], ...spec } })
const selector = { matchLabels: { app: 'web' } }
const specOf = (more: object = {}, podSpec: object = {}): object => ({ spec: { selector, template: template(podSpec), ...more } })
const errorsOf = (kind: Kind, spec: object, podSpec: object = {}): string[] => created(kind, sent<KubeObject>(specOf(spec, podSpec))).errors
const deployed = (more: object = {}): Deployment => created(Deployments, sent<Deployment>(specOf(more))).object

describe('defaults', () => {
  test('deployment', () => {
    const { spec, status } = deployed()
    expect(spec).toMatchObject({ replicas: 1, strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '25%', maxSurge: '25%' } }, revisionHistoryLimit: 10, progressDeadlineSeconds: 600 })
    expect(spec.template.spec).toEqual({ containers: [{ name: 'c', image: 'a', imagePullPolicy: 'Always', terminationMessagePath: '/dev/termination-log', terminationMessagePolicy: 'File', resources: {} }],
      dnsPolicy: 'ClusterFirst', restartPolicy: 'Always', schedulerName: 'default-scheduler', securityContext: {}, terminationGracePeriodSeconds: 30 })
    expect(status).toEqual({})
  })
  test('replicas of zero stay zero, recreate has no parameters', () => expect(deployed({ replicas: 0, strategy: { type: 'Recreate' } }).spec).toMatchObject({ replicas: 0, strategy: { type: 'Recreate' } }))
  test('replica set', () => expect(created(ReplicaSets, sent<ReplicaSet>(specOf())).object).toMatchObject({ spec: { replicas: 1 }, status: { replicas: 0 } }))
  test('daemon set', () => {
    const { spec, metadata } = created(DaemonSets, sent<DaemonSet>(specOf())).object
    expect(spec).toMatchObject({ updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } }, revisionHistoryLimit: 10 })
    expect(metadata.annotations).toEqual({ 'deprecated.daemonset.template.generation': '1' })
  })
})

describe('what is wrong is told in upstream\'s words', () => {
  const rolling = (rollingUpdate: object): object => ({ strategy: { type: 'RollingUpdate', rollingUpdate } })
  for (const [name, errors, expected] of [
    ['nothing', errorsOf(Deployments, {}), []],
    ['negative replicas', errorsOf(Deployments, { replicas: -1 }), ['spec.replicas: Invalid value: -1: must be greater than or equal to 0']],
    ['no selector', errorsOf(Deployments, { selector: undefined }), ['spec.selector: Required value', 'spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`']],
    ['empty selector', errorsOf(Deployments, { selector: {} }), ['spec.selector: Invalid value: {}: empty selector is invalid for deployment']],
    ['another selector', errorsOf(ReplicaSets, { selector: { matchLabels: { app: 'db' } } }), ['spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`']],
    ['an operator that is none', errorsOf(Deployments, { selector: { matchExpressions: [{ key: 'a', operator: 'Is' }] } }), ['spec.selector.matchExpressions[0].operator: Invalid value: "Is": not a valid selector operator',
      'spec.selector: Invalid value: {"matchExpressions":[{"key":"a","operator":"Is"}]}: invalid label selector']],
    ['no image in the template', errorsOf(Deployments, {}, { containers: [{ name: 'c' }] }), ['spec.template.spec.containers[0].image: Required value']],
    ['restart policy', errorsOf(Deployments, {}, { restartPolicy: 'Never' }), ['spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"']],
    ['deadline of a pod', errorsOf(DaemonSets, {}, { activeDeadlineSeconds: 5 }), ['spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in DaemonSet is not Supported']],
    ['strategy', errorsOf(Deployments, { strategy: { type: 'Slow' } }), ['spec.strategy: Unsupported value: {"type":"Slow"}: supported values: "Recreate", "RollingUpdate"']],
    ['recreate with parameters', errorsOf(Deployments, { strategy: { type: 'Recreate', rollingUpdate: {} } }), ["spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'"]],
    ['neither surge nor unavailable', errorsOf(Deployments, rolling({ maxSurge: 0, maxUnavailable: '0%' })), ['spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "0%": may not be 0 when `maxSurge` is 0']],
    ['more than all', errorsOf(Deployments, rolling({ maxUnavailable: '150%' })), ['spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "150%": must not be greater than 100%']],
    ['no percentage', errorsOf(Deployments, rolling({ maxSurge: 'many' })), ["spec.strategy.rollingUpdate.maxSurge: Invalid value: \"many\": a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')"]],
    ['deadline below min ready', errorsOf(Deployments, { minReadySeconds: 10, progressDeadlineSeconds: 10 }), ['spec.progressDeadlineSeconds: Invalid value: 10: must be greater than minReadySeconds']],
    ['daemon set with surge and unavailable', errorsOf(DaemonSets, { updateStrategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 1 } } }), ['spec.updateStrategy.rollingUpdate.maxSurge: Invalid value: 1: may not be set when `maxUnavailable` is non-zero']],
    ['daemon set with neither', errorsOf(DaemonSets, { updateStrategy: { rollingUpdate: { maxUnavailable: 0 } } }), ['spec.updateStrategy.rollingUpdate.maxUnavailable: Required value: cannot be 0 when `maxSurge` is 0']],
  ] as const) test(name, () => expect(errors).toEqual(expected))
})

describe('updates', () => {
  test('the selector stays', () => {
    const { errors } = updated(Deployments, deployed(), ({ spec }) => {
      spec.selector = { matchLabels: { app: 'db' } }
      spec.template.metadata = { ...spec.template.metadata, labels: { app: 'db' } } as typeof spec.template.metadata
    })
    expect(errors).toEqual(['spec.selector: Invalid value: {"matchLabels":{"app":"db"}}: field is immutable'])
  })

  test('status: the spec and labels stay, counters are judged', () => {
    const { object, errors } = updated(Deployments, deployed(), (next) => {
      next.spec.replicas = 9
      next.metadata.labels = { a: 'b' }
      next.status = { replicas: 1, readyReplicas: 2, availableReplicas: 3, collisionCount: -1 }
    }, { subresource: 'status' })
    expect(object.spec.replicas).toBe(1)
    expect(object.metadata.labels).toBeUndefined()
    expect(errors).toEqual(['status.readyReplicas: Invalid value: 2: cannot be greater than status.replicas', 'status.availableReplicas: Invalid value: 3: cannot be greater than status.replicas',
      'status.availableReplicas: Invalid value: 3: cannot be greater than readyReplicas', 'status.collisionCount: Invalid value: -1: must be greater than or equal to 0'])
  })

  test('annotations make a new generation of a Deployment, not of a ReplicaSet', () => {
    const [deployment, replicaSet] = [deployed(), created(ReplicaSets, sent<ReplicaSet>(specOf())).object]
    const annotated = <T extends KubeObject>(object: T): T => ({ ...object, metadata: { ...object.metadata, annotations: { a: 'b' } } })
    const { generationOf: ofDeployment } = strategyOf(Deployments)
    const { generationOf: ofReplicaSet } = strategyOf(ReplicaSets)
    expect(ofDeployment?.(annotated(deployment))).not.toEqual(ofDeployment?.(deployment))
    expect(ofReplicaSet?.(annotated(replicaSet))).toEqual(ofReplicaSet?.(replicaSet))
  })

  test('a daemon set counts its templates, whatever clients say', () => {
    const old = created(DaemonSets, sent<DaemonSet>(specOf())).object
    const generation = (change: (next: DaemonSet) => void): string | undefined => updated(DaemonSets, old, change).object.metadata.annotations?.['deprecated.daemonset.template.generation']
    expect(generation((next) => { next.metadata.annotations = {} })).toBe('1')
    expect(generation((next) => { next.metadata.annotations = { 'deprecated.daemonset.template.generation': '7' } })).toBe('1')
    expect(generation((next) => { next.spec.template.spec!.containers[0]!.image = 'b' })).toBe('2')
  })

  test('scale', () => {
    const { scale } = strategyOf(Deployments)
    const deployment = deployed({ selector: { matchLabels: { b: '2', a: '1' } }, template: { metadata: { labels: { a: '1', b: '2' } }, spec: {} } })
    scale?.setReplicas(deployment, 4)
    expect([scale?.getReplicas(deployment), scale?.getStatusReplicas(deployment), scale?.getSelector(deployment)]).toEqual([4, 0, 'a=1,b=2'])
  })

  test('a controller revision keeps its data', () => {
    const { object, errors } = created(ControllerRevisions, sent<ControllerRevision>({ data: { a: 1 }, revision: 1 }))
    expect(errors).toEqual([])
    expect(updated(ControllerRevisions, object, (next) => { next.revision = 2 }).errors).toEqual([])
    expect(updated(ControllerRevisions, object, (next) => { next.data = { a: 2 } }).errors).toEqual(['data: Invalid value: {"a":2}: field is immutable'])
    expect(created(ControllerRevisions, sent<ControllerRevision>({ revision: -1 })).errors).toEqual(['data: Required value: data is mandatory', 'revision: Invalid value: -1: must be greater than or equal to 0'])
  })
})
