import { describe, expect, test } from 'vitest'
import { StatefulSets } from '../../../../src/api/kinds.ts'
import type { StatefulSet } from '../../../../src/api/types.ts'
import { created, sent, strategyOf, updated } from '../support.ts'

const labels = { app: 'web' }
const claim = { metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1024Mi' } } } }
const made = (spec: object = {}, podSpec: object = {}): { object: StatefulSet; errors: string[] } => created(StatefulSets, sent<StatefulSet>({ spec: {
  selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'a' }], ...podSpec } }, ...spec } }))

describe('stateful sets: what is wrong, in upstream\'s words', () => {
  for (const [name, result, expected] of [
    ['nothing', made(), []],
    ['containers mount their claims', made({ volumeClaimTemplates: [claim] }, { containers: [{ name: 'c', image: 'a', volumeMounts: [{ name: 'data', mountPath: '/data' }] }] }), []],
    ['and nothing that is not there', made({}, { containers: [{ name: 'c', image: 'a', volumeMounts: [{ name: 'data', mountPath: '/data' }] }] }), ['spec.template.spec.containers[0].volumeMounts[0].name: Not found: "data"']],
    ['a claim that can never be', made({ volumeClaimTemplates: [{ ...claim, spec: { resources: { requests: { storage: '1Gi' } } } }] }), ['spec.volumeClaimTemplates[0].spec.accessModes: Required value: at least 1 access mode is required']],
    ['replicas', made({ replicas: -1 }), ['spec.replicas: Invalid value: -1: must be greater than or equal to 0']],
    ['pod management', made({ podManagementPolicy: 'Some' }), ["spec.podManagementPolicy: Invalid value: \"Some\": must be 'OrderedReady' or 'Parallel'"]],
    ['update strategy', made({ updateStrategy: { type: 'Slow' } }), ["spec.updateStrategy: Invalid value: {\"type\":\"Slow\"}: must be 'RollingUpdate' or 'OnDelete'"]],
    ['parameters of another strategy', made({ updateStrategy: { type: 'OnDelete', rollingUpdate: { partition: 1 } } }), ["spec.updateStrategy.rollingUpdate: Invalid value: {\"partition\":1}: only allowed for updateStrategy 'RollingUpdate'"]],
    ['partition', made({ updateStrategy: { rollingUpdate: { partition: -1, maxUnavailable: '0%' } } }), ['spec.updateStrategy.rollingUpdate.partition: Invalid value: -1: must be greater than or equal to 0', 'spec.updateStrategy.rollingUpdate.maxUnavailable: Invalid value: "0%": cannot be 0']],
    ['retention', made({ persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Keep' } }), ['spec.persistentVolumeClaimRetentionPolicy.whenDeleted: Unsupported value: "Keep": supported values: "Retain", "Delete"']],
    ['ordinals', made({ ordinals: { start: -1 } }), ['spec.ordinals.start: Invalid value: -1: must be greater than or equal to 0']],
    ['selector', made({ selector: {} }), ['spec.selector: Invalid value: {}: empty selector is invalid for statefulset']],
    ['labels', made({ selector: { matchLabels: { a: 'b' } } }), ['spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`']],
    ['restart policy', made({}, { restartPolicy: 'Never', activeDeadlineSeconds: 1 }), ['spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"', 'spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in StatefulSet is not Supported']],
    ['service name', made({ serviceName: 'a.b' }), ["spec.serviceName: Invalid value: \"a.b\": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"]],
  ] as const) test(name, () => expect(result.errors).toEqual(expected))
  test('names are labels, since pods and hosts are named after it', () => expect(strategyOf(StatefulSets).validateName?.('a.b')).toHaveLength(1))
})

describe('updates of stateful sets', () => {
  const forbidden = "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"
  const { object } = made({ serviceName: 'web', volumeClaimTemplates: [claim] })
  for (const [name, change, expected] of [
    ['replicas, template and the like', (next: StatefulSet) => {
      Object.assign(next.spec, { replicas: 3, ordinals: { start: 2 }, revisionHistoryLimit: 1, minReadySeconds: 5, updateStrategy: { type: 'OnDelete' }, persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Delete' } })
      next.spec.template.metadata = { ...next.spec.template.metadata, annotations: { a: 'b' } } as typeof next.spec.template.metadata
    }, []],
    ['claims in other words', (next: StatefulSet) => { Object.assign(next.spec.volumeClaimTemplates?.[0]?.spec.resources ?? {}, { requests: { storage: '1Gi' } }) }, []],
    ['service name', (next: StatefulSet) => { next.spec.serviceName = 'db' }, [forbidden]],
    ['claims', (next: StatefulSet) => { next.spec.volumeClaimTemplates = [] }, [forbidden]],
    ['pod management', (next: StatefulSet) => { next.spec.podManagementPolicy = 'Parallel' }, [forbidden]],
  ] as const) test(name, () => expect(updated(StatefulSets, object, change).errors).toEqual(expected))

  test('status', () => {
    const { object: next, errors } = updated(StatefulSets, object, (changed) => {
      changed.spec.replicas = 9
      changed.status = { replicas: 1, readyReplicas: 2, availableReplicas: 3, currentReplicas: 0, updatedReplicas: -1, collisionCount: -1 }
    }, { subresource: 'status' })
    expect(next.spec.replicas).toBe(1)
    expect(errors).toEqual(['status.updatedReplicas: Invalid value: -1: must be greater than or equal to 0', 'status.readyReplicas: Invalid value: 2: cannot be greater than status.replicas',
      'status.availableReplicas: Invalid value: 3: cannot be greater than status.replicas', 'status.availableReplicas: Invalid value: 3: cannot be greater than status.readyReplicas', 'status.collisionCount: Invalid value: -1: must be greater than or equal to 0'])
  })
  test('scale', () => {
    const { scale } = strategyOf(StatefulSets)
    scale?.setReplicas(object, 4)
    expect([scale?.getReplicas(object), scale?.getSelector(object)]).toEqual([4, 'app=web'])
    scale?.setReplicas(object, 1)
  })
})
