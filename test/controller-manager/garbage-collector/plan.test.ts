import { describe, expect, test } from 'vitest'
import { ConfigMaps, Pods, ReplicaSets } from '../../../src/api/kinds.ts'
import { graphOf } from '../../../src/controller-manager/garbage-collector/graph.ts'
import { planItem } from '../../../src/controller-manager/garbage-collector/plan.ts'
import type { KubeObject, Metadata } from '../../../src/api/meta.ts'
import { metadata, secondsBefore } from '../builders.ts'
import { world } from '../fake-world.ts'

const kinds = [Pods, ReplicaSets, ConfigMaps]
const object = (uid: string, over: Partial<Metadata> = {}): KubeObject => ({ metadata: metadata(uid, { uid, ...over }) })
const owner = (uid: string, blockOwnerDeletion = true) => ({ apiVersion: 'v1', kind: 'ConfigMap', name: uid, uid, blockOwnerDeletion })
const going = { deletionTimestamp: secondsBefore(1) }
const foreground = { ...going, finalizers: ['foregroundDeletion'] }

/** ConfigMaps all of them; the plan is for the first. */
const plan = (objects: readonly KubeObject[], absent: readonly string[] = []): string[] => {
  const graph = graphOf(kinds, world([[ConfigMaps, objects]]))
  const [first] = objects
  if (!first) return []
  return planItem({ kind: ConfigMaps, object: first }, graph, ({ uid }) => absent.includes(uid)).map((action) => {
    if (action.do === 'delete') return `delete ${action.object.metadata.name} ${action.options?.propagationPolicy}`
    if (action.do !== 'patch') return action.do
    const { uid: _uid, resourceVersion: _version, ...body } = (action.patch.body as { metadata: Record<string, unknown> }).metadata
    return `patch ${action.at.name} ${JSON.stringify(body)}`
  })
}

describe('an object', () => {
  test.each<[string, KubeObject[], string[], string[]]>([
    ['without owners stays', [object('x')], [], []],
    ['whose owner is there stays', [object('x', { ownerReferences: [owner('a')] }), object('a')], [], []],
    ['whose owner is gone goes', [object('x', { ownerReferences: [owner('a')] })], ['a'], ['delete x Background']],
    ['whose owner may only not be known yet stays', [object('x', { ownerReferences: [owner('a')] })], [], []],
    ['whose owner has been replaced by another of that name goes', [object('x', { ownerReferences: [owner('a')] }), { metadata: metadata('a', { uid: 'b' }) }], ['a'], ['delete x Background']],
    ['with one owner there and one gone loses the reference', [object('x', { ownerReferences: [owner('a'), owner('b')] }), object('a')], ['b'], [`patch x ${JSON.stringify({ ownerReferences: [owner('a')] })}`]],
    ['that is to be orphaned is deleted so', [object('x', { ownerReferences: [owner('a')], finalizers: ['orphan'] })], ['a'], ['delete x Orphan']],
    ['that is to go in the foreground is deleted so', [object('x', { ownerReferences: [owner('a')], finalizers: ['foregroundDeletion'] })], ['a'], ['delete x Foreground']],
    ['that is going already is left alone', [object('x', { ownerReferences: [owner('a')], ...going })], ['a'], []],
    ['of a kind of owner that is not served stays', [object('x', { ownerReferences: [{ apiVersion: 'acme.io/v1', kind: 'Widget', name: 'w', uid: 'w' }] })], [], []],
  ])('%s', (_, objects, absent, expected) => expect(plan(objects, absent)).toEqual(expected))
})

describe('foreground deletion', () => {
  test.each<[string, KubeObject[], string[]]>([
    ['waits for dependents that block', [object('x', foreground), object('y', { ownerReferences: [owner('x')] })], []],
    ['does not wait for those that do not', [object('x', foreground), object('y', { ownerReferences: [owner('x', false)] })], ['patch x {"finalizers":[]}']],
    ['ends when all are gone', [object('x', foreground)], ['patch x {"finalizers":[]}']],
    ['keeps finalizers of others', [object('x', { ...foreground, finalizers: ['mine', 'foregroundDeletion'] })], ['patch x {"finalizers":["mine"]}']],
    ['takes dependents with it', [object('y', { ownerReferences: [owner('x')] }), object('x', foreground)], ['delete y Background']],
    ['takes dependents of dependents with it, bottom up', [object('y', { ownerReferences: [owner('x')] }), object('x', foreground), object('z', { ownerReferences: [owner('y')] })], ['delete y Foreground']],
    ['leaves dependents that have another owner', [object('y', { ownerReferences: [owner('x'), owner('a')] }), object('x', foreground), object('a')], [`patch y ${JSON.stringify({ ownerReferences: [owner('a')] })}`]],
    ['breaks a circle', [object('y', { ownerReferences: [owner('x')] }), object('x', { ...foreground, ownerReferences: [owner('y')] })], [`patch y ${JSON.stringify({ ownerReferences: [owner('x', false)] })}`]],
  ])('%s', (_, objects, expected) => expect(plan(objects)).toEqual(expected))
})

test('orphaning sets the dependents free first', () => {
  const x = object('x', { ...going, finalizers: ['orphan'] })
  expect(plan([x, object('y', { ownerReferences: [owner('x')] }), object('z', { ownerReferences: [owner('a'), owner('x')] }), object('a')])).toEqual([
    'patch y {"ownerReferences":null}', `patch z ${JSON.stringify({ ownerReferences: [owner('a')] })}`, 'patch x {"finalizers":[]}'])
})
