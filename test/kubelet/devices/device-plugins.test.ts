/** Device plugins against a whole kubelet: registration, the node's status, what containers get, restarts, and what podresources tells. */
import { existsSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { Nodes, Pods } from '../../../src/api/kinds.ts'
import type { Container, Pod } from '../../../src/api/types.ts'
import { devicePlugin, type DevicePlugin, type DevicePluginOptions, podResourcesOf, type TestDevice } from '../../support/device-plugin.ts'
import { isReady, testNode, type TestNode } from '../support.ts'

const resource = 'example.com/gpu'
const directoryOf = (node: TestNode): string => path.join(node.directory, 'data', 'device-plugins')
const podResourcesAt = (node: TestNode): string => path.join(node.directory, 'data', 'pod-resources', 'kubelet.sock')
const gpus = (count: number): TestDevice[] => Array.from({ length: count }, (_, index) => ({ id: `gpu-${index}` }))

const plug = async (node: TestNode, more: Partial<DevicePluginOptions> = {}): Promise<DevicePlugin> => {
  await node.until('the kubelet listens', () => existsSync(path.join(directoryOf(node), 'kubelet.sock')))
  const plugin = await devicePlugin({ directory: directoryOf(node), resource, devices: gpus(2), ...more })
  await plugin.register()
  return plugin
}

const shown = async (node: TestNode): Promise<string> => {
  const { capacity, allocatable } = (await node.get(Nodes, 'node-1'))?.status ?? {}
  return `${allocatable?.[resource] ?? '-'}/${capacity?.[resource] ?? '-'}`
}
const untilShown = (node: TestNode, wanted: string): Promise<boolean> => node.until(`the node shows ${wanted}`, async () => (await shown(node)) === wanted)

const wanting = (count: number, more: Partial<Container> = {}): Container => ({ name: 'web', image: 'host', command: ['serve'], resources: { limits: { [resource]: String(count) }, requests: { [resource]: String(count) } }, ...more })
const envOf = (node: TestNode, pod: Pod, container = 'web', attempt = 0): Record<string, string> => Object.fromEntries((node.runtime.specOf(pod.metadata.uid, container, attempt)?.env ?? []).map(({ name, value }) => [name, value]))

describe('a device plugin', () => {
  test('is counted in the node\'s status, healthy devices as allocatable, and is gone five minutes after it went', async () => {
    await using node = await testNode()
    node.start()
    await using plugin = await plug(node, { devices: [{ id: 'gpu-0' }, { id: 'gpu-1', health: 'Unhealthy' }, { id: 'gpu-2' }] })
    await untilShown(node, '2/3')
    plugin.list([{ id: 'gpu-0', health: 'Unhealthy' }, { id: 'gpu-1' }])
    await untilShown(node, '1/2')
    await plugin[Symbol.asyncDispose]()
    await untilShown(node, '0/2')
    await node.clock.advance(301_000)
    await untilShown(node, '0/0')
  })

  test('gives a container variables, mounts and devices, of which the container\'s own variables stand above', async () => {
    await using node = await testNode()
    node.start()
    await using plugin = await plug(node, { preStart: true, answer: (ids) => ({
      envs: { DEVICES: ids.join(), MODE: 'plugin' }, mounts: [{ container_path: '/usr/lib/gpu', host_path: '/opt/gpu', read_only: true }],
      devices: [{ container_path: '/dev/gpu0', host_path: '/dev/null', permissions: 'rw' }, { container_path: '/dev/gpu1', host_path: '/dev/zero', permissions: 'r' }],
    }) })
    await untilShown(node, '2/2')
    await node.createPod({ containers: [wanting(1, { env: [{ name: 'MODE', value: 'own' }] }), { name: 'other', image: 'host', command: ['serve'] }] })
    const pod = await node.untilPod('web-1', 'is ready', isReady)
    expect(envOf(node, pod)).toMatchObject({ DEVICES: 'gpu-0', MODE: 'own' })
    expect(envOf(node, pod, 'other')).not.toHaveProperty('DEVICES')
    expect(node.runtime.specOf(pod.metadata.uid, 'web', 0)?.mounts).toEqual([
      { hostPath: '/opt/gpu', containerPath: '/usr/lib/gpu', readOnly: true, propagation: 'private' }, { hostPath: '/dev/null', containerPath: '/dev/gpu0', readOnly: false, device: true, propagation: 'private' },
      { hostPath: '/dev/zero', containerPath: '/dev/gpu1', readOnly: false, device: true, unwritable: true, propagation: 'private' },
    ])
    expect(plugin.calls).toEqual(['Allocate gpu-0', 'PreStartContainer gpu-0'])
    expect(pod.status.containerStatuses?.find(({ name }) => name === 'web')?.allocatedResourcesStatus).toEqual([{ name: resource, resources: [{ resourceID: 'gpu-0', health: 'Healthy' }] }])
    plugin.list([{ id: 'gpu-0', health: 'Unhealthy' }, { id: 'gpu-1' }])
    await node.untilPod('web-1', 'says that its device is unhealthy', ({ status }) => status.containerStatuses?.some(({ allocatedResourcesStatus: [first] = [] }) => first?.resources?.[0]?.health === 'Unhealthy') ?? false)
  })

  test('is asked what it prefers; init containers leave what they had to those after them', async () => {
    await using node = await testNode()
    node.start()
    node.runtime.program = ({ name }) => (name === 'first' ? { exitsWith: 0 } : {})
    await using plugin = await plug(node, { devices: gpus(4), prefers: (available, mustInclude, size) => [...mustInclude, ...available.filter((id) => !mustInclude.includes(id)).toReversed()].slice(0, size) })
    await untilShown(node, '4/4')
    await node.createPod({ initContainers: [wanting(1, { name: 'first' })], containers: [wanting(2)] })
    const pod = await node.untilPod('web-1', 'is ready', isReady)
    expect(plugin.calls).toEqual(['GetPreferredAllocation 1 of gpu-0,gpu-1,gpu-2,gpu-3', 'Allocate gpu-3', 'GetPreferredAllocation 2 of gpu-3,gpu-0,gpu-1,gpu-2', 'Allocate gpu-3,gpu-2'])
    expect(envOf(node, pod)).toMatchObject({ DEVICES: 'gpu-3,gpu-2' })
  })

  test('that refuses fails the pod; a pod for which there is nothing left is rejected, and what a pod had is free when it has ended', async () => {
    await using node = await testNode()
    node.start()
    let refuse = true
    await using plugin = await plug(node, { devices: gpus(1), answer: (ids) => { if (refuse) throw new Error('the device is on fire'); return { envs: { DEVICES: ids.join() } } } })
    await untilShown(node, '1/1')
    await node.createPod({ containers: [wanting(1)] })
    const failed = await node.untilPod('web-1', 'is rejected', ({ status }) => status.phase === 'Failed')
    expect(failed.status).toMatchObject({ reason: 'UnexpectedAdmissionError', message: 'Pod was rejected: Allocate failed due to rpc error: code = Unknown desc = the device is on fire, which is unexpected' })
    refuse = false
    await node.createPod({ containers: [wanting(1)] }, { name: 'web-2' })
    await node.untilPod('web-2', 'is ready', isReady)
    await node.createPod({ containers: [wanting(1)] }, { name: 'web-3' })
    const late = await node.untilPod('web-3', 'is rejected', ({ status }) => status.phase === 'Failed')
    expect(late.status).toMatchObject({ reason: `OutOf${resource}`, message: `Pod was rejected: Node didn't have enough resource: ${resource}, requested: 1, used: 1, capacity: 1` })
    await node.client.delete(Pods, { name: 'web-2', namespace: 'default' })
    await node.until('web-2 is gone', async () => (await node.pod('web-2')) === undefined)
    await node.createPod({ containers: [wanting(1)] }, { name: 'web-4' })
    await node.untilPod('web-4', 'is ready', isReady)
    expect(plugin.calls).toEqual(['Allocate gpu-0', 'Allocate gpu-0', 'Allocate gpu-0'])
  })

  test('what was given stays through a restart of the kubelet, before the plugin has come again', async () => {
    await using node = await testNode()
    node.start()
    await using plugin = await plug(node)
    await untilShown(node, '2/2')
    await node.createPod({ containers: [wanting(1)] })
    await node.untilPod('web-1', 'is ready', isReady)
    await node.kill()
    node.start()
    await untilShown(node, '0/0')
    expect(existsSync(plugin.socket)).toBe(false)
    const pod = await node.untilPod('web-1', 'is ready', isReady)
    node.runtime.exit(pod.metadata.uid, 'web', 1)
    const again = await node.untilPod('web-1', 'was restarted', ({ status }) => status.containerStatuses?.[0]?.restartCount === 1 && status.containerStatuses[0].ready)
    expect(envOf(node, again, 'web', 1)).toMatchObject({ DEVICES: 'gpu-0' })
    await using next = await plug(node)
    await untilShown(node, '2/2')
    await node.createPod({ containers: [wanting(1)] }, { name: 'web-2' })
    await node.untilPod('web-2', 'is ready', isReady)
    expect(next.calls).toEqual(['Allocate gpu-1'])
  })

  test.each<[string, Partial<DevicePluginOptions>, RegExp]>([
    ['of another version', { version: 'v1alpha' }, /requested API version "v1alpha" is not supported by kubelet. Supported version is \[v1beta1\]/],
    ['of a name that no such resource has', { resource: 'gpu' }, /the ResourceName "gpu" is invalid/],
  ])('%s is refused', async (_, more, message) => {
    await using node = await testNode()
    node.start()
    await expect(plug(node, more)).rejects.toThrow(message)
  })
})

describe('podresources', () => {
  test('tells which devices are whose, and what there is', async () => {
    await using node = await testNode()
    node.start()
    await using _ = await plug(node, { devices: [{ id: 'gpu-0', nodes: [1] }, { id: 'gpu-1', health: 'Unhealthy' }] })
    await untilShown(node, '1/2')
    await node.createPod({ containers: [wanting(1)] })
    await node.untilPod('web-1', 'is ready', isReady)
    const gpu = { resource_name: resource, device_ids: ['gpu-0'], topology: { nodes: [{ ID: '1' }] } }
    const pod = { name: 'web-1', namespace: 'default', containers: [{ name: 'web', devices: [gpu], cpu_ids: [], memory: [] }] }
    expect(await podResourcesOf(podResourcesAt(node), 'List')).toMatchObject({ pod_resources: [pod] })
    expect(await podResourcesOf(podResourcesAt(node), 'Get', { pod_name: 'web-1', pod_namespace: 'default' })).toMatchObject({ pod_resources: pod })
    expect(await podResourcesOf(podResourcesAt(node), 'GetAllocatableResources')).toMatchObject({ devices: [gpu], cpu_ids: [], memory: [] })
    await expect(podResourcesOf(podResourcesAt(node), 'Get', { pod_name: 'none', pod_namespace: 'default' })).rejects.toThrow('pod none in namespace default not found')
  })
})
