import { describe, expect, test } from 'vitest'
import { IPAddresses, ServiceCIDRs } from '../../../src/api/kinds.ts'
import type { IPAddress, ServiceCIDR } from '../../../src/api/types.ts'
import { liesIn } from '../../../src/controller-manager/service-cidr/address-range.ts'
import { planServiceCIDR } from '../../../src/controller-manager/service-cidr/service-cidr.ts'
import { metadata, noon, secondsBefore } from '../builders.ts'
import { inWords, objectOf, world } from '../fake-world.ts'

const finalizers = ['networking.k8s.io/service-cidr-finalizer']
const range = (name: string, cidrs: string[], over: Parameters<typeof metadata>[1] = {}, conditions: NonNullable<ServiceCIDR['status']['conditions']> = []): ServiceCIDR =>
  ({ metadata: metadata(name, { namespace: undefined, ...over }), spec: { cidrs }, status: { conditions } })
const address = (name: string): IPAddress => ({ metadata: metadata(name, { namespace: undefined }), spec: { parentRef: { resource: 'services', name: 's', namespace: 'default' } } })
const ready = [{ type: 'Ready', status: 'True', reason: '', message: 'Kubernetes Service CIDR is ready', lastTransitionTime: secondsBefore(60) }]
const plan = (ranges: ServiceCIDR[], addresses: string[] = []) => planServiceCIDR('a', world([[ServiceCIDRs, ranges], [IPAddresses, addresses.map(address)]], noon))

test('a new range gets its finalizer, then becomes ready', () => {
  expect(objectOf(plan([range('a', ['10.0.0.0/24'])]), 'update', ServiceCIDRs).metadata.finalizers).toEqual(finalizers)
  expect(objectOf(plan([range('a', ['10.0.0.0/24'], { finalizers })]), 'updateStatus', ServiceCIDRs).status.conditions)
    .toEqual([{ type: 'Ready', status: 'True', reason: '', message: 'Kubernetes Service CIDR is ready', lastTransitionTime: '2026-01-01T12:00:00Z' }])
  expect(plan([range('a', ['10.0.0.0/24'], { finalizers }, ready)])).toEqual([])
})

describe('a range that is to go', () => {
  const going = (seconds: number): ServiceCIDR => range('a', ['10.0.0.0/24'], { finalizers, deletionTimestamp: secondsBefore(seconds) }, ready)
  test('stays while an address of it is in use, and says so', () => expect(objectOf(plan([going(60)], ['10.0.0.7']), 'updateStatus', ServiceCIDRs).status.conditions)
    .toEqual([{ type: 'Ready', status: 'False', reason: 'Terminating', message: 'There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR', lastTransitionTime: '2026-01-01T12:00:00Z' }]))
  test.each<[string, ServiceCIDR[], string[], string[]]>([
    ['no address: allocators get their time', [going(4)], ['10.0.1.7'], ['requeueAfter 6000']],
    ['no address, long ago', [going(60)], [], ['update servicecidrs a']],
    ['another range has the address, too', [going(60), range('b', ['10.0.0.0/16'])], ['10.0.0.7'], ['update servicecidrs a']],
    ['the other one is going, too', [going(60), range('b', ['10.0.0.0/16'], { deletionTimestamp: secondsBefore(1) })], ['10.0.0.7'], ['updateStatus servicecidrs a']],
  ])('%s', (_, ranges, addresses, expected) => expect(inWords(plan(ranges, addresses))).toEqual(expected))
})

test.each([['10.0.0.7', ['10.0.0.0/24'], true], ['10.0.1.7', ['10.0.0.0/24'], false], ['fd00::7', ['10.0.0.0/24', 'fd00::/112'], true], ['10.0.0.7', [], false]])('%s in %s: %s', (ip, ranges, expected) => expect(liesIn(ip, ranges)).toBe(expected))
