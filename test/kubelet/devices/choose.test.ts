/** Which devices are chosen, what plugins give together, and what is remembered. */
import { describe, expect, test } from 'vitest'
import { parseDeviceCheckpoint, renderDeviceCheckpoint } from '../../../agents/kubelet/devices/checkpoint.ts'
import { type Choice, chooseDevices, filterByAffinity } from '../../../agents/kubelet/devices/choose.ts'
import { containerDevices } from '../../../agents/kubelet/devices/container-devices.ts'
import { isExtendedResourceName } from '../../../agents/kubelet/devices/resource-name.ts'
import type { ContainerAnswer } from '../../../agents/kubelet/devices/schema.ts'

const nodes: Record<string, number[]> = { a0: [0], a1: [0], b0: [1], b1: [1], both: [0, 1], free: [] }
const nodesOf = (id: string): number[] => nodes[id] ?? []
const choice = (more: Partial<Choice>): Choice => ({ resource: 'example.com/gpu', required: 1, available: Object.keys(nodes), reusable: [], nodesOf, affinity: undefined, ...more })
const backwards: Choice['prefer'] = (available, _, size) => Promise.resolve(available.toReversed().slice(0, size))

describe('devices', () => {
  test.each<[string, Partial<Choice>, string[]]>([
    ['in the plugin\'s order', { required: 2 }, ['a0', 'a1']],
    ['what init containers had first', { required: 2, reusable: ['b1'] }, ['b1', 'a0']],
    ['what the plugin prefers', { required: 2, prefer: backwards }, ['free', 'both']],
    ['what it does not say is chosen for it', { required: 2, prefer: () => Promise.resolve(['b0', 'unknown']) }, ['b0', 'a0']],
    ['near first', { required: 2, affinity: new Set([1]) }, ['b0', 'b1']],
    ['of those that are near, the preferred', { required: 1, affinity: new Set([1]), prefer: backwards }, ['both']],
    ['not enough are near', { required: 4, affinity: new Set([1]) }, ['b0', 'b1', 'both', 'a0']],
    ['without a node last', { required: 6, affinity: new Set([1]) }, ['b0', 'b1', 'both', 'a0', 'a1', 'free']],
  ])('%s', async (_, more, expected) => { expect(await chooseDevices(choice(more))).toEqual(expected) })

  test('one that belongs to several nodes counts for the first of them', () => {
    expect(filterByAffinity({ available: Object.keys(nodes), nodesOf, affinity: new Set([0]) })).toEqual({ aligned: ['a0', 'a1', 'both'], unaligned: ['b0', 'b1'], anywhere: ['free'] })
  })

  test('too few', async () => {
    await expect(chooseDevices(choice({ required: 3, available: ['a0'], reusable: ['b0'] }))).rejects.toThrow('requested number of devices unavailable for example.com/gpu. Requested: 2, Available: 1')
  })

  test.each([['example.com/gpu', true], ['gpu', false], ['kubernetes.io/gpu', false], ['requests.example.com/gpu', false], ['example.com/g p', false]])('the name %s', (name, expected) => { expect(isExtendedResourceName(name)).toBe(expected) })
})

const answer = (more: Partial<ContainerAnswer>): ContainerAnswer => ({ envs: {}, mounts: [], devices: [], annotations: {}, cdi_devices: [], ...more })

describe('what plugins give', () => {
  test('of several under the same name the first counts', () => {
    expect(containerDevices([
      answer({ envs: { A: '1', B: '2' }, devices: [{ container_path: '/dev/x', host_path: '/dev/one', permissions: 'mr' }] }), answer({ envs: { A: '3' }, devices: [{ container_path: '/dev/x', host_path: '/dev/two', permissions: 'rwm' }] }),
    ])).toEqual({ env: [{ name: 'A', value: '1' }, { name: 'B', value: '2' }], mounts: [{ hostPath: '/dev/one', containerPath: '/dev/x', readOnly: false, device: true, unwritable: true, propagation: 'private' }] })
  })
  test('CDI devices are refused by name', () => { expect(() => containerDevices([answer({ cdi_devices: [{ name: 'nvidia.com/gpu=0' }] })])).toThrow(/does not support CDI devices \("nvidia.com\/gpu=0"\)/) })
})

describe('the checkpoint', () => {
  const kept = { entries: [{ podUid: 'uid', container: 'web', resource: 'example.com/gpu', devices: { '-1': ['gpu-0'] }, answer: 'CgA=' }], registered: { 'example.com/gpu': ['gpu-0', 'gpu-1'] } }
  test.each([['with devices', kept], ['with none', { entries: [], registered: {} }]])('%s, there and back', (_, each) => { expect(parseDeviceCheckpoint(renderDeviceCheckpoint(each))).toEqual(each) })
  test.each([['no JSON', '{'], ['changed', renderDeviceCheckpoint(kept).replace('gpu-1', 'gpu-2')], ['something else', '[]'], ['of the wrong shape', '{"Data":{"RegisteredDevices":3},"Checksum":0}']])('%s is corrupted', (_, text) => { expect(() => parseDeviceCheckpoint(text)).toThrow('checkpoint is corrupted') })
})
