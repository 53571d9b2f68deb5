import { describe, expect, test } from 'vitest'
import type { Machine } from '../../src/cloud-controller-manager/ssh/machine.ts'
import { changeFor, type KernelRoute, nextHop, observeRoutes, parseRoutes, waysTo } from '../../src/cloud-controller-manager/ssh/ways.ts'

const here: Machine = { name: 'node-1', address: '192.0.2.1', reach: { by: 'here' } }
const inside = (number: number): Machine => ({ name: `node-${number}`, address: `172.20.3.${number}`, reach: { by: 'namespace', path: `/run/netns/n${number}`, gateway: '172.20.3.254' } })
const far = (name: string, address: string): Machine => ({ name, address, reach: { by: 'ssh', destination: { host: name } } })
const ours = (destination: string, via: string): KernelRoute => ({ destination, via, device: 'eth0', ours: true })
const isOurs = (destination: string): boolean => destination.startsWith('10.244.')

describe('the next hop', () => {
  const mixed = [here, inside(2), inside(3), far('b', '192.0.2.7'), far('c', '192.0.2.8')]
  const isolated = [inside(1), inside(2), far('b', '172.20.3.77')]
  const of = (machines: readonly Machine[], name: string): Machine => machines.find((each) => each.name === name) ?? here
  test.each([
    ['from the machine to a namespace of it', mixed, 'node-1', 'node-2', '172.20.3.2'], ['from the machine to another', mixed, 'node-1', 'b', '192.0.2.7'],
    ['between namespaces', mixed, 'node-2', 'node-3', '172.20.3.3'], ['from a namespace to its machine', mixed, 'node-2', 'node-1', '172.20.3.254'], ['from a namespace to another machine', mixed, 'node-2', 'b', '172.20.3.254'],
    ['from another machine to ours', mixed, 'b', 'node-1', '192.0.2.1'], ['from another machine to a namespace of ours', mixed, 'b', 'node-3', '192.0.2.1'], ['between other machines', mixed, 'b', 'c', '192.0.2.8'],
    ['between namespaces of an isolated cluster', isolated, 'node-1', 'node-2', '172.20.3.2'], ['from an isolated cluster to a machine on its bridge', isolated, 'node-1', 'b', '172.20.3.77'], ['and back', isolated, 'b', 'node-2', '172.20.3.2'],
  ] as const)('%s', (_, machines, from, to, expected) => expect(nextHop(of(machines, from), of(machines, to), machines)).toBe(expected))
  test('another machine learns the way to a namespace node itself, too', () => {
    expect(waysTo('10.244.2.0/24', of(mixed, 'b'), of(mixed, 'node-3'), mixed)).toEqual([{ destination: '10.244.2.0/24', via: '192.0.2.1' }, { destination: '172.20.3.3', via: '192.0.2.1' }])
    expect(waysTo('10.244.0.0/24', of(mixed, 'node-2'), here, mixed)).toEqual([{ destination: '10.244.0.0/24', via: '172.20.3.254' }])
  })
})

describe("a machine's table", () => {
  test('is read as ip prints it', () => {
    const json = '[{"dst":"default","gateway":"192.0.2.254","dev":"eth0","protocol":"dhcp","flags":[]},{"dst":"10.244.1.0/24","gateway":"192.0.2.7","dev":"eth0","protocol":"113","flags":[]},{"dst":"192.0.2.0/24","dev":"eth0","protocol":"kernel","scope":"link"}]'
    expect(parseRoutes(json)).toEqual([{ destination: 'default', via: '192.0.2.254', device: 'eth0', ours: false }, ours('10.244.1.0/24', '192.0.2.7'), { destination: '192.0.2.0/24', device: 'eth0', ours: false }])
  })
  test('may be empty', () => expect(parseRoutes('')).toEqual([]))
  test.each(['{}', 'nonsense'])('is never %j', (text) => expect(() => parseRoutes(text)).toThrow())

  const way = { destination: '10.244.1.0/24', via: '192.0.2.7' }
  test.each([
    ['without the route gets it', [], { do: 'add', way }],
    ['with it stays', [ours('10.244.1.0/24', '192.0.2.7')], undefined],
    ['with an old next hop of ours gets the new one', [ours('10.244.1.0/24', '192.0.2.9')], { do: 'replace', way }],
    ['with foreign routes elsewhere is not touched there', [{ destination: '10.9.0.0/16', device: 'tun0', ours: false }], { do: 'add', way }],
  ] as const)('%s', (_, table, expected) => expect(changeFor(way, table, 'node-1')).toEqual(expected))
  test('with a foreign route to the same place is an error', () => {
    expect(() => changeFor(way, [{ destination: '10.244.1.0/24', via: '10.0.0.1', device: 'tun0', ours: false }], 'node-1')).toThrow("node-1 already has a route to 10.244.1.0/24 that is not Wherry's (via 10.0.0.1 dev tun0)")
  })
})

describe('what the machines know', () => {
  const [a, b, c] = [far('a', '192.0.2.1'), far('b', '192.0.2.2'), far('c', '192.0.2.3')]
  const machines = [a, b, c]
  const observe = (tables: Record<string, KernelRoute[]>): unknown => {
    const { whole, partial } = observeRoutes({ machines, tables: new Map(Object.entries(tables)) }, isOurs)
    return [whole.map(({ targetNode, destinationCIDR }) => `${targetNode} ${destinationCIDR}`), partial]
  }
  const toB = ours('10.244.1.0/24', '192.0.2.2')
  test.each([
    ['nothing', { a: [], b: [], c: [] }, [[], []]],
    ['all but its own machine lead there', { a: [toB], b: [], c: [toB] }, [['b 10.244.1.0/24'], []]],
    ['one does not know', { a: [toB], b: [], c: [] }, [[], ['10.244.1.0/24']]],
    ['one leads elsewhere', { a: [toB], b: [], c: [ours('10.244.1.0/24', '192.0.2.9')] }, [[], ['10.244.1.0/24']]],
    ['its own machine would send it away', { a: [toB], b: [ours('10.244.1.0/24', '192.0.2.3')], c: [toB] }, [[], ['10.244.1.0/24']]],
    ['one does not answer', { a: [toB], b: [] }, [['b 10.244.1.0/24'], []]],
    ['its own machine does not answer', { a: [toB], c: [toB] }, [['b 10.244.1.0/24'], []]],
    ['routes of others', { a: [{ ...toB, ours: false }], b: [], c: [] }, [[], []]],
    ['ours, but not of pods', { a: [ours('172.20.3.3', '192.0.2.2')], b: [], c: [] }, [[], []]],
  ] as const)('%s', (_, tables, expected) => expect(observe(tables as unknown as Record<string, KernelRoute[]>)).toEqual(expected))
})
