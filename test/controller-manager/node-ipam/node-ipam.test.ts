import { describe, expect, test } from 'vitest'
import { Nodes } from '../../../src/api/kinds.ts'
import { formatRange, overlaps, parseRange, part, partCount } from '../../../src/controller-manager/node-ipam/cidr.ts'
import { planPodRange } from '../../../src/controller-manager/node-ipam/node-ipam.ts'
import { node } from '../builders.ts'
import { inWords, objectOf, world } from '../fake-world.ts'

describe('ranges', () => {
  test.each([['10.244.0.0/16', '10.244.0.0/16'], ['10.244.3.7/16', '10.244.0.0/16'], ['fd00:10:244::/56', 'fd00:10:244::/56'], ['0.0.0.0/0', '0.0.0.0/0']])('%s is %s', (text, expected) => expect(formatRange(parseRange(text))).toBe(expected))
  test.each(['10.244.0.0', '10.244.0.0/33', 'pods/16', '10.0.0.0/', 'fd00::/129'])('%j is none', (text) => expect(() => parseRange(text)).toThrow(`invalid CIDR address: ${text}`))
  test('parts', () => {
    const range = parseRange('10.244.0.0/16')
    expect([partCount(range, 24), formatRange(part(range, 24, 0n)), formatRange(part(range, 24, 255n))]).toEqual([256n, '10.244.0.0/24', '10.244.255.0/24'])
    expect(formatRange(part(parseRange('fd00:10:244::/56'), 64, 3n))).toBe('fd00:10:244:3::/64')
  })
  test.each([['10.0.0.0/8', '10.1.2.0/24', true], ['10.1.2.0/24', '10.0.0.0/8', true], ['10.1.2.0/24', '10.1.3.0/24', false], ['10.0.0.0/8', 'fd00::/8', false]])('%s and %s overlap: %s', (a, b, expected) => expect(overlaps(parseRange(a), parseRange(b))).toBe(expected))
})

describe('a node', () => {
  const given = (name: string, podCIDR?: string) => node(name, podCIDR === undefined ? {} : { spec: { podCIDR, podCIDRs: [podCIDR] } })
  const plan = (others: string[], options = {}) => planPodRange('new', world([[Nodes, [given('new'), ...others.map((range, index) => given(`n${index}`, range))]]]), { clusterCIDR: '10.244.0.0/16', ...options })
  test.each<[string, string[], object, string]>([
    ['first of all', [], {}, '10.244.0.0/24'],
    ['the lowest that is free', ['10.244.0.0/24', '10.244.2.0/24'], {}, '10.244.1.0/24'],
    ['not what overlaps', ['10.244.0.0/23'], {}, '10.244.2.0/24'],
    ['not what is reserved', [], { reserved: ['10.244.0.0/20'] }, '10.244.16.0/24'],
    ['of another size', ['10.244.0.0/24'], { maskSize: 26 }, '10.244.1.0/26'],
  ])('%s', (_, others, options, expected) => expect(objectOf(plan(others, options), 'update', Nodes).spec).toMatchObject({ podCIDR: expected, podCIDRs: [expected] }))
  test('when none is left, says so', () => expect(inWords(plan(['10.244.0.0/24'], { clusterCIDR: '10.244.0.0/24' }))).toEqual(['event Normal CIDRNotAvailable: Node new status is now: CIDRNotAvailable']))
  test('with a range keeps it', () => expect(planPodRange('n', world([[Nodes, [given('n', '10.9.0.0/24')]]]), { clusterCIDR: '10.244.0.0/16' })).toEqual([]))
})
