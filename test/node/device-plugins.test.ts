/** What a device plugin gives is there in a real container, and nothing else is. */
import { existsSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Nodes } from '../../src/api/kinds.ts'
import { devicePlugin, type DevicePlugin } from '../support/device-plugin.ts'
import { type KubeletNode, startKubeletNode } from '../support/kubelet-node.ts'
import { isRoot, until } from '../support/runtime-node.ts'
import { sayWhatIsSkipped } from '../support/skipped.ts'

const resource = 'example.com/loop'
const given = '/dev/loop-control'
sayWhatIsSkipped('device-plugins.test.ts', !isRoot || !existsSync(given), `containers of real processes need root, and the device plugin of the test offers ${given}`)

describe.runIf(isRoot && existsSync(given))('devices of a plugin', () => {
  let node: KubeletNode
  let plugin: DevicePlugin
  beforeAll(async () => {
    node = await startKubeletNode()
    const directory = path.join(node.directory, 'device-plugins')
    await until('the kubelet listens', () => existsSync(path.join(directory, 'kubelet.sock')))
    plugin = await devicePlugin({ directory, resource, devices: [{ id: 'loop-0' }], answer: (ids) => ({ envs: { LOOPS: ids.join() }, devices: [{ container_path: '/dev/loops/control', host_path: given, permissions: 'r' }] }) })
    await plugin.register()
    await until('the node has it', async () => (await node.client.get(Nodes, { name: 'node-1' })).status?.allocatable?.[resource] === '1')
  }, 60_000)
  afterAll(async () => {
    await plugin?.[Symbol.asyncDispose]()
    await node?.[Symbol.asyncDispose]()
  })

  test('are there as the plugin says, to be used as it says', async () => {
    const { output } = await node.runToEnd('one', 'echo $LOOPS; ls -l /dev/loops/control | cut -c1; (exec 3</dev/loops/control) && echo opened; (exec 3>/dev/loops/control) 2>&1', { container: { resources: { limits: { [resource]: '1' } } } })
    expect(output).toContain('loop-0\nc\nopened\n')
    expect(output).toMatch(/Operation not permitted|Permission denied/)
  })

  test('are not there for others', async () => {
    const { output } = await node.runToEnd('two', 'ls /dev/loops 2>&1; echo "LOOPS=$LOOPS"')
    expect(output).toContain('No such file')
    expect(output).toContain('LOOPS=\n')
  })

  test('come by plugins_registry as well, and a plugin that cannot come is told why', async () => {
    const directory = path.join(node.directory, 'plugins_registry')
    const of = (name: string, version?: string): Promise<DevicePlugin> => devicePlugin({ directory, resource: `example.com/${name}`, devices: [{ id: 'only' }], found: true, ...(version !== undefined && { version }) })
    await using good = await of('found')
    await using old = await of('old', 'v1alpha')
    await until('the node has it', async () => (await node.client.get(Nodes, { name: 'node-1' })).status?.allocatable?.['example.com/found'] === '1')
    await until('both were told', () => good.told.length > 0 && old.told.length > 0)
    expect([good.told[0], old.told[0]]).toEqual([{ plugin_registered: true, error: '' }, { plugin_registered: false, error: 'manifest version, [v1alpha], is not among supported plugin versions [v1beta1]' }])
    const { output } = await node.runToEnd('three', 'echo "DEVICES=$DEVICES"', { container: { resources: { limits: { 'example.com/found': '1' } } } })
    expect(output).toBe('DEVICES=only\n')
  })
})
