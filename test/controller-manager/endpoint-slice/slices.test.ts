import { describe, expect, test } from 'vitest'
import type { Endpoint, EndpointSlice } from '../../../src/api/types.ts'
import { pack } from '../../../src/controller-manager/endpoint-slice/slices.ts'
import { metadata } from '../builders.ts'

const endpoint = (index: number, ready = true): Endpoint => ({ addresses: [`10.1.${index >> 8}.${index & 255}`], conditions: { ready }, targetRef: { kind: 'Pod', namespace: 'default', name: `pod-${index}` } })
const range = (begin: number, end: number): Endpoint[] => Array.from({ length: end - begin }, (_, index) => endpoint(begin + index))
const slice = (name: string, endpoints: Endpoint[]): EndpointSlice => ({ metadata: metadata(name), addressType: 'IPv4', endpoints })
const sizes = (packing: ReturnType<typeof pack>) => ({ create: packing.create.map((each) => each.length), update: packing.update.map(({ endpoints }) => endpoints.length), remove: packing.remove.length })

describe('pack', () => {
  test.each<[string, EndpointSlice[], Endpoint[], { create: number[]; update: number[]; remove: number }]>([
    ['250 endpoints fill three slices', [], range(0, 250), { create: [100, 100, 50], update: [], remove: 0 }],
    ['nothing changed: no slice is touched', [slice('a', range(0, 62)), slice('b', range(62, 123))], range(0, 123), { create: [], update: [], remove: 0 }],
    ['a few more go to the slice that they fit in best', [slice('a', range(0, 62)), slice('b', range(62, 90))], range(0, 92), { create: [], update: [64], remove: 0 }],
    ['more than fit in one slice: a new one', [slice('a', range(0, 62)), slice('b', range(62, 123))], range(0, 173), { create: [50], update: [], remove: 0 }],
    ['a slice that changes anyway is filled first', [slice('a', range(0, 50)), slice('b', range(50, 110))], [...range(1, 110), ...range(200, 210)], { create: [], update: [59], remove: 0 }],
    ['an emptied slice goes', [slice('a', range(0, 2)), slice('b', range(2, 4))], range(0, 2), { create: [], update: [], remove: 1 }],
  ])('%s', (_, slices, endpoints, expected) => expect(sizes(pack(slices, endpoints))).toEqual(expected))

  test('a change of readiness changes only its slice', () => {
    const packing = pack([slice('a', range(0, 3)), slice('b', range(3, 6))], [...range(0, 4), endpoint(4, false), endpoint(5)])
    expect(packing.update.map((each) => [each.slice.metadata.name, each.endpoints.map(({ conditions }) => conditions?.ready)])).toEqual([['b', [true, false, true]]])
  })
})
