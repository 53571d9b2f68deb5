import { describe, expect, test } from 'vitest'
import { interPodAffinity } from '../../../src/scheduler/plugins/inter-pod-affinity.ts'
import { aNode, aPod } from '../../support/builders.ts'
import { scores, snapshotOf, verdicts } from '../trial.ts'

const zone = 'topology.kubernetes.io/zone'
const hostname = 'kubernetes.io/hostname'
const labels = (app: string) => ({ matchLabels: { app } })
const nodes = [aNode('a1').inZone('a'), aNode('a2').inZone('a'), aNode('b1').inZone('b'), aNode('none')]
const db = aPod('db').withLabels({ app: 'db' }).onNode('a1')
const all = (verdict: string) => ({ a1: verdict, a2: verdict, b1: verdict, none: verdict })
const notNear = "node(s) didn't match pod affinity rules!"
const notAway = "node(s) didn't match pod anti-affinity rules"
const refused = "node(s) didn't satisfy existing pods anti-affinity rules"

describe('required', () => {
  for (const [name, pod, pods, expected] of [
    ['nothing asked', aPod(), [db], all('fits')],
    ['near, in the same zone', aPod().near(labels('db'), zone), [db], { a1: 'fits', a2: 'fits', b1: notNear, none: notNear }],
    ['near, on the same host', aPod().near(labels('db'), hostname), [db], { a1: 'fits', a2: notNear, b1: notNear, none: notNear }],
    ['near to nobody', aPod().near(labels('cache'), zone), [db], all(notNear)],
    ['the first of a group that is to be together goes anywhere with the label', aPod().withLabels({ app: 'web' }).near(labels('web'), zone), [db], { a1: 'fits', a2: 'fits', b1: 'fits', none: notNear }],
    ['away, in another zone', aPod().awayFrom(labels('db'), zone), [db], { a1: notAway, a2: notAway, b1: 'fits', none: 'fits' }],
    ['away from itself, one a host', aPod().withLabels({ app: 'db' }).awayFrom(labels('db'), hostname), [db], { a1: notAway, a2: 'fits', b1: 'fits', none: 'fits' }],
    ['an existing pod that wants to be away from this one', aPod().withLabels({ app: 'web' }), [db.awayFrom(labels('web'), zone)], { a1: refused, a2: refused, b1: 'fits', none: 'fits' }],
    ['a pod of another namespace is not meant', aPod().inNamespace('other').near(labels('db'), zone), [db], all(notNear)],
    ['unless its namespace is listed', aPod().inNamespace('other').near(labels('db'), zone, { namespaces: ['default'] }), [db], { a1: 'fits', a2: 'fits', b1: notNear, none: notNear }],
    ['or selected', aPod().inNamespace('other').near(labels('db'), zone, { namespaceSelector: { matchLabels: { team: 'data' } } }), [db], { a1: 'fits', a2: 'fits', b1: notNear, none: notNear }],
    ['an empty namespace selector means all', aPod().inNamespace('other').near(labels('db'), zone, { namespaceSelector: {} }), [db], { a1: 'fits', a2: 'fits', b1: notNear, none: notNear }],
    ['mismatchLabelKeys leaves out those of the same value', aPod().withLabels({ tenant: 'x' }).awayFrom(labels('db'), zone, { mismatchLabelKeys: ['tenant'] }), [db.withLabels({ tenant: 'x' })], all('fits')],
    ['near and away at once', aPod().near(labels('db'), zone).awayFrom(labels('db'), hostname), [db], { a1: notAway, a2: 'fits', b1: notNear, none: notNear }],
  ] as const) test(name, () => expect(verdicts(interPodAffinity, pod, snapshotOf(nodes, pods, { namespaces: { default: { team: 'data' } } }))).toEqual(expected))
})

describe('preferred', () => {
  test('near to some, away from others', () => {
    const cache = aPod('cache').withLabels({ app: 'cache' }).onNode('b1')
    expect(scores(interPodAffinity, aPod().ratherNear(10, labels('db'), zone).ratherAwayFrom(10, labels('cache'), zone), snapshotOf(nodes, [db, cache]))).toEqual({ a1: 100, a2: 100, b1: 0, none: 50 })
  })
  test('what existing pods prefer or require counts, too', () => {
    expect(scores(interPodAffinity, aPod().withLabels({ app: 'web' }), snapshotOf(nodes, [db.ratherNear(5, labels('web'), hostname)]))).toEqual({ a1: 100, a2: 0, b1: 0, none: 0 })
    expect(scores(interPodAffinity, aPod().withLabels({ app: 'web' }), snapshotOf(nodes, [db.near(labels('web'), zone)]))).toEqual({ a1: 100, a2: 100, b1: 0, none: 0 })
  })
  test('nobody cares: no scores', () => expect(scores(interPodAffinity, aPod(), snapshotOf(nodes, [db]))).toBe('skip'))
})
