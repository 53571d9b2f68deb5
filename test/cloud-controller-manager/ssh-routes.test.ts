import { describe, expect, test } from 'vitest'
import { node } from '../controller-manager/builders.ts'
import { type Machine, type RunOn, Unreachable } from '../../src/cloud-controller-manager/ssh/machine.ts'
import { sshRoutes } from '../../src/cloud-controller-manager/ssh/routes.ts'
import { isMachineOfOurs, sshCloud } from '../../src/cloud-controller-manager/ssh/ssh-cloud.ts'

const signal = new AbortController().signal
const far = (name: string, address: string): Machine => ({ name, address, reach: { by: 'ssh', destination: { user: 'root', host: address, port: 22 } } })

/** Machines whose `ip route` knows show, add, replace and del as the real one does. */
const fakeMachines = (...names: string[]): { machines: Machine[]; tables: Map<string, Map<string, { gateway?: string; protocol: string }>>; down: Set<string>; commands: string[]; run: RunOn } => {
  const machines = names.map((name, index) => far(name, `192.0.2.${index + 1}`))
  const tables = new Map(names.map((name) => [name, new Map<string, { gateway?: string; protocol: string }>()]))
  const down = new Set<string>()
  const commands: string[] = []
  const run: RunOn = async ({ name }, command) => {
    if (down.has(name)) throw new Unreachable(`${name}: no answer`)
    const table = tables.get(name) ?? new Map()
    const failed = (stderr: string): { exitCode: number; stdout: string; stderr: string } => ({ exitCode: 2, stdout: '', stderr })
    const [verb, destination = '', via, gateway = ''] = command.slice(command.indexOf('route') + 1)
    if (verb === 'show') return { exitCode: 0, stdout: JSON.stringify([...table].map(([dst, entry]) => ({ dst, dev: 'eth0', ...entry }))), stderr: '' }
    commands.push(`${name}: ${command.slice(3).join(' ')}`)
    if (verb === 'del') {
      if (table.get(destination)?.protocol !== '113') return failed('RTNETLINK answers: No such process')
      table.delete(destination)
      return { exitCode: 0, stdout: '', stderr: '' }
    }
    if (verb === 'add' && table.has(destination)) return failed('RTNETLINK answers: File exists')
    if (via !== 'via' || !gateway.startsWith('192.0.2.')) return failed('Error: Nexthop has invalid gateway.')
    table.set(destination, { gateway, protocol: '113' })
    return { exitCode: 0, stdout: '', stderr: '' }
  }
  return { machines, tables, down, commands, run }
}
const isOurs = (destination: string): boolean => destination.startsWith('10.244.')
const toB = { name: 'b-10.244.1.0/24', targetNode: 'b', destinationCIDR: '10.244.1.0/24' }

describe('routes over SSH', () => {
  const setUp = (...names: string[]) => { const fake = fakeMachines(...names); return { ...fake, routes: sshRoutes({ machines: () => fake.machines, run: fake.run, isOurs }) } }

  test('are made on every other machine, and then seen', async () => {
    const { routes, tables } = setUp('a', 'b', 'c')
    await routes.create('x', toB, signal)
    expect([...tables].map(([name, table]) => [name, ...table.keys()])).toEqual([['a', '10.244.1.0/24'], ['b'], ['c', '10.244.1.0/24']])
    expect(await routes.list('x', signal)).toEqual([toB])
  })
  test('of a single machine are none, and yet there', async () => {
    const { routes, commands } = setUp('b')
    expect(await routes.list('x', signal)).toEqual([])
    await routes.create('x', toB, signal)
    expect(await routes.list('x', signal)).toEqual([toB])
    expect(commands).toEqual([])
  })
  test('wait for a machine that does not answer, and reach it when it does', async () => {
    const { routes, tables, down } = setUp('a', 'b', 'c')
    down.add('c')
    await routes.create('x', toB, signal)
    expect(await routes.list('x', signal)).toEqual([toB])
    down.delete('c')
    expect(await routes.list('x', signal)).toEqual([])
    await routes.create('x', toB, signal)
    expect(tables.get('c')?.has('10.244.1.0/24')).toBe(true)
    expect(await routes.list('x', signal)).toEqual([toB])
  })
  test('that nobody wants any more are told of at the second look, and removed', async () => {
    const { routes, tables } = setUp('a', 'b', 'c')
    tables.get('a')?.set('10.244.9.0/24', { gateway: '192.0.2.9', protocol: '113' })
    expect(await routes.list('x', signal)).toEqual([])
    const [stale] = await routes.list('x', signal)
    expect(stale).toMatchObject({ destinationCIDR: '10.244.9.0/24', blackhole: true })
    if (stale) await routes.remove('x', stale, signal)
    expect(tables.get('a')?.size).toBe(0)
  })
  test('that someone else took away are made again', async () => {
    const { routes, tables } = setUp('a', 'b')
    await routes.create('x', toB, signal)
    await routes.list('x', signal)
    tables.get('a')?.clear()
    const seen = [await routes.list('x', signal), await routes.list('x', signal), await routes.list('x', signal)]
    expect(seen.map((found) => found.length)).toEqual([1, 1, 0])
  })
  test('to the last other machine go when it leaves', async () => {
    const { routes, tables, machines } = setUp('a', 'b')
    await routes.create('x', toB, signal)
    machines.pop()
    await routes.list('x', signal)
    for (const stale of await routes.list('x', signal)) await routes.remove('x', stale, signal)
    expect(tables.get('a')?.size).toBe(0)
  })
  test('of others stay, and are an error where they are in the way', async () => {
    const { routes, tables } = setUp('a', 'b')
    tables.get('a')?.set('10.244.1.0/24', { gateway: '192.0.2.200', protocol: 'static' })
    await expect(routes.create('x', toB, signal)).rejects.toThrow("a already has a route to 10.244.1.0/24 that is not Wherry's")
    await routes.remove('x', toB, signal)
    expect(tables.get('a')?.get('10.244.1.0/24')).toEqual({ gateway: '192.0.2.200', protocol: 'static' })
  })
  test('that lead the wrong way are put right', async () => {
    const { routes, tables, commands } = setUp('a', 'b')
    tables.get('a')?.set('10.244.1.0/24', { gateway: '192.0.2.9', protocol: '113' })
    await routes.create('x', toB, signal)
    expect(commands).toContain('a: replace 10.244.1.0/24 via 192.0.2.2 proto 113')
  })
  test('between machines without a common link are an error that says so', async () => {
    const { run } = fakeMachines('a', 'b')
    const routes = sshRoutes({ machines: () => [far('a', '192.0.2.1'), far('b', '198.51.100.7')], run, isOurs })
    await expect(routes.create('x', toB, signal)).rejects.toThrow('a and 198.51.100.7 are not on a common link')
  })
  test('to a node that is no machine of ours are an error with the remedy', async () => {
    await expect(setUp('a').routes.create('x', toB, signal)).rejects.toThrow('node b is none of the machines of this cluster: add it with wherry node add')
  })
})

describe('machines over SSH', () => {
  const { machines, run, down } = fakeMachines('a', 'b')
  const cloud = sshCloud({ machines: () => machines, run, isOurs })
  test('tell who they are', async () => {
    expect(await cloud.instances.metadata(node('b'), signal)).toEqual({ providerID: 'ssh://root@192.0.2.2:22', instanceType: 'ssh', addresses: [{ type: 'InternalIP', address: '192.0.2.2' }, { type: 'Hostname', address: 'b' }] })
  })
  test('that do not answer still exist', async () => {
    down.add('b')
    expect([await cloud.instances.exists(node('b'), signal), await cloud.instances.isShutdown(node('b'), signal)]).toEqual([true, false])
  })
  test('that were removed do not', async () => expect(await cloud.instances.exists(node('z'), signal)).toBe(false))
  test.each([
    ['listed', node('a'), true], ['with a provider id of ours', node('z', { spec: { providerID: 'ssh://z' } }), true], ['on this machine', node('z', { spec: { providerID: 'local://z' } }), true],
    ['of another cloud', node('z', { spec: { providerID: 'aws:///i-1' } }), false], ['of nobody', node('z'), false],
  ] as const)('a node %s', (_, given, expected) => expect(isMachineOfOurs(given, machines)).toBe(expected))
})
