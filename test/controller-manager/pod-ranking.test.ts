import { expect, test } from 'vitest'
import type { Pod } from '../../src/api/types.ts'
import { podsToDelete } from '../../src/controller-manager/pod-ranking.ts'
import { condition, noon, pod, secondsBefore } from './builders.ts'

const at = { related: [], now: noon }
const ready = (name: string, seconds: number, over: Parameters<typeof pod>[1] = {}): Pod => pod(name, { ...over, status: { conditions: [condition('Ready', 'True', secondsBefore(seconds))], ...over.status } })
const cost = (value: string) => ({ annotations: { 'controller.kubernetes.io/pod-deletion-cost': value } })
const restarted = (restartCount: number) => ({ containerStatuses: [{ name: 'main', image: '', imageID: '', ready: true, restartCount }] })

test.each<[string, Pod, Pod]>([
  ['unassigned before assigned', pod('first', { spec: { nodeName: undefined }, status: { phase: 'Pending' } }), pod('second')],
  ['Pending before Unknown', pod('first', { status: { phase: 'Pending' } }), pod('second', { status: { phase: 'Unknown' } })],
  ['Unknown before Running', pod('first', { status: { phase: 'Unknown' } }), pod('second', { status: { phase: 'Running' } })],
  ['not ready before ready', pod('first', { ready: false }), pod('second', { ready: true })],
  ['lower deletion cost before higher', ready('first', 9000, { metadata: cost('-10') }), ready('second', 10)],
  ['a cost that is none counts as 0', ready('first', 10, { metadata: cost('+5') }), ready('second', 10, { metadata: cost('1') })],
  ['ready for a shorter time before a longer', ready('first', 10), ready('second', 1000)],
  ['more restarts before fewer', ready('first', 60, { status: { ...restarted(5), conditions: [condition('Ready')] } }), ready('second', 60, { status: { ...restarted(1), conditions: [condition('Ready')] } })],
  ['newer before older', pod('first', { metadata: { creationTimestamp: secondsBefore(10) } }), pod('second', { metadata: { creationTimestamp: secondsBefore(9000) } })],
])('%s', (_, first, second) => {
  expect(podsToDelete([second, first], 1, at).map(({ metadata }) => metadata.name)).toEqual(['first'])
  expect(podsToDelete([first, second], 1, at).map(({ metadata }) => metadata.name)).toEqual(['first'])
})

test('pods of about the same age go in an order of their own, not by node or name', () => {
  const pods = [ready('a', 1000, { metadata: { uid: 'zz' } }), ready('b', 1001, { metadata: { uid: 'aa' } })]
  expect(podsToDelete(pods, 1, at).map(({ metadata }) => metadata.name)).toEqual(['b'])
})
