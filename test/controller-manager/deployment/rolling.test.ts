import { describe, expect, test } from 'vitest'
import { fenceposts } from '../../../src/controller-manager/deployment/limits.ts'
import { scaleNew, scaleOld } from '../../../src/controller-manager/deployment/rolling.ts'
import { deployment, replicaSet } from '../builders.ts'

describe('reconcile the new replica set', () => {
  test.each([
    ['no room without surge', { desired: 10, maxSurge: 0, old: 10, now: 0 }, undefined],
    ['up by the surge', { desired: 10, maxSurge: 2, old: 10, now: 0 }, 2],
    ['up by what the old ones left', { desired: 10, maxSurge: 2, old: 5, now: 0 }, 7],
    ['no room beyond the surge', { desired: 10, maxSurge: 2, old: 10, now: 2 }, undefined],
    ['should scale down', { desired: 10, maxSurge: 2, old: 2, now: 11 }, 10],
  ] as const)('%s', (_, { desired, maxSurge, old, now }, expected) => {
    const newest = replicaSet('foo-v2', now)
    expect(scaleNew(deployment('foo', desired, { maxSurge }), [replicaSet('foo-v1', old), newest], newest)?.replicas).toBe(expected)
  })
})

describe('reconcile old replica sets', () => {
  test.each([
    ['no surge and nothing unavailable still lets one go', { maxUnavailable: 0, old: 10, now: 0, readyOld: 10, readyNew: 0 }, 9],
    ['as many as may be unavailable', { maxUnavailable: 2, old: 10, now: 0, readyOld: 10, readyNew: 0 }, 8],
    ['unhealthy replicas are cleaned up', { maxUnavailable: 2, old: 10, now: 0, readyOld: 8, readyNew: 0 }, 8],
    ['one unhealthy replica cleaned up, and one ready pod scaled down', { maxUnavailable: 2, old: 10, now: 0, readyOld: 9, readyNew: 0 }, 8],
    ['unavailable pods of the new one do not make old ones go', { maxUnavailable: 2, old: 8, now: 2, readyOld: 8, readyNew: 0 }, undefined],
  ] as const)('%s', (_, { maxUnavailable, old, now, readyOld, readyNew }, expected) => {
    const foo = deployment('foo', 10, { maxUnavailable, maxSurge: 0 })
    const [scaling] = scaleOld(foo, [replicaSet('foo-v1', old, { available: readyOld })], replicaSet('foo-v2', now, { available: readyNew }))
    expect(scaling?.replicas).toBe(expected)
  })

  test('the oldest gives first, and several may give', () => {
    const old = [replicaSet('foo-v2', 3, { available: 3, metadata: { creationTimestamp: '2026-01-01T11:00:00Z' } }), replicaSet('foo-v1', 2, { available: 2, metadata: { creationTimestamp: '2026-01-01T10:00:00Z' } })]
    const scalings = scaleOld(deployment('foo', 10, { maxUnavailable: 1 }), old, replicaSet('foo-v3', 7, { available: 7 }))
    expect(scalings.map((each) => [each.replicaSet.metadata.name, each.replicas])).toEqual([['foo-v1', 0], ['foo-v2', 2]])
  })
})

describe('resolve fenceposts', () => {
  test.each([
    ['0%', '0%', 0, { surge: 0, unavailable: 1 }],
    ['39%', '39%', 10, { surge: 4, unavailable: 3 }],
    ['25%', '25%', 1, { surge: 1, unavailable: 0 }],
    [0, '10%', 3, { surge: 0, unavailable: 1 }],
    [2, 3, 10, { surge: 2, unavailable: 3 }],
  ] as const)('surge %s, unavailable %s of %i', (maxSurge, maxUnavailable, desired, expected) => expect(fenceposts(maxSurge, maxUnavailable, desired)).toEqual(expected))

  test('what is no percentage is refused', () => expect(() => fenceposts('oops', 0, 10)).toThrow('string is not a percentage: "oops"'))
})
