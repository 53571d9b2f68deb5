import { expect, test } from 'vitest'
import { PersistentVolumeClaims, Pods } from '../../src/api/kinds.ts'
import { forbidden } from '../../src/api/status.ts'
import type { PersistentVolumeClaim, Pod } from '../../src/api/types.ts'
import { planEphemeralVolumes } from '../../src/controller-manager/ephemeral-volumes.ts'
import { metadata, ownedBy, pod, secondsBefore } from './builders.ts'
import { inWords, objectOf, world } from './fake-world.ts'

const spec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } }
const user = (over: Parameters<typeof pod>[1] = {}): Pod => pod('web', { ...over, spec: { volumes: [{ name: 'scratch', ephemeral: { volumeClaimTemplate: { metadata: { labels: { type: 'scratch' } } as never, spec } } }, { name: 'plain', emptyDir: {} }] } })
const claim = (over: Partial<PersistentVolumeClaim['metadata']> = {}): PersistentVolumeClaim => ({ metadata: metadata('web-scratch', over), spec, status: {} })
const plan = (given: Pod, claims: readonly PersistentVolumeClaim[] = []) => planEphemeralVolumes('default/web', world([[Pods, [given]], [PersistentVolumeClaims, claims]]))

test('the claim is named after pod and volume, and the pod\'s own', () => {
  expect(objectOf(plan(user()), 'create', PersistentVolumeClaims)).toMatchObject({ metadata: { name: 'web-scratch', namespace: 'default', labels: { type: 'scratch' }, ownerReferences: [{ kind: 'Pod', name: 'web', controller: true, blockOwnerDeletion: true }] }, spec })
})
const present = user()
test.each<[string, Pod, PersistentVolumeClaim[], string[]]>([
  ['is there', present, [claim(ownedBy(present, Pods))], []],
  ['is another\'s', present, [claim()], ['event Warning FailedBinding: ephemeral volume scratch: PVC default/web-scratch was not created for pod default/web (pod is not owner)']],
  ['is not made for a pod that goes', user({ metadata: { deletionTimestamp: secondsBefore(1) } }), [], []],
  ['is not made for a pod that has ended', user({ status: { phase: 'Succeeded' } }), [], []],
])('the claim %s', (_, given, claims, expected) => expect(inWords(plan(given, claims))).toEqual(expected))
test('it is told when it cannot be made', () => {
  const [action] = plan(user())
  expect(inWords(action?.do === 'create' ? action.otherwise?.(forbidden(PersistentVolumeClaims, 'web-scratch', 'exceeded quota')) ?? [] : [])[0]).toMatch(/^event Warning FailedBinding: ephemeral volume scratch: create PVC web-scratch: .*exceeded quota/)
})
