import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { formatAddress, hardwareAddress, parseAddress, parseRange } from '../../../agents/kubelet/network/address.ts'
import { areIntact, type ChainInput, renderChains, renderRemoval } from '../../../agents/kubelet/network/chains.ts'
import { addressPool } from '../../../agents/kubelet/network/ipam.ts'
import { bridgeBatch, podBatch } from '../../../agents/kubelet/network/links.ts'
import { bridgeName, chainNames, vethName } from '../../../agents/kubelet/network/names.ts'

describe('addresses', () => {
  for (const text of ['0.0.0.0', '10.244.1.5', '255.255.255.255', '128.0.0.1']) test(`${text} there and back`, () => { expect(formatAddress(parseAddress(text))).toBe(text) })
  for (const text of ['', '1.2.3', '1.2.3.256', '010.0.0.1', '1.2.3.4.5', 'a.b.c.d', '1.2.3.-1']) test(`${JSON.stringify(text)} is none`, () => { expect(() => parseAddress(text)).toThrow('invalid IPv4 address') })
  for (const text of ['10.0.0.0', '10.0.0.0/33', '10.0.0.0/x', '10.0.0.0/']) test(`${JSON.stringify(text)} is no range`, () => { expect(() => parseRange(text)).toThrow('invalid CIDR') })
  test('a range must begin where it begins', () => { expect(() => parseRange('10.0.0.1/24')).toThrow('the first address of that range is 10.0.0.0') })
  test('a hardware address', () => { expect(hardwareAddress(parseAddress('10.244.1.255'))).toBe('0a:58:0a:f4:01:ff') })
})

test('names fit where they go, and differ', () => {
  const names = [bridgeName('c', 'n'), bridgeName('c', 'm'), vethName('c', 'n', 'p'), vethName('c', 'n', 'q'), vethName('cn', '', 'p')]
  expect(names.every((name) => name.length <= 15)).toBe(true)
  expect(new Set(names).size).toBe(names.length)
  expect(Object.values(chainNames('c', 'n')).every((name) => name.length <= 28)).toBe(true)
})

describe('the pool of a node', () => {
  let directory: string
  beforeEach(() => { directory = mkdtempSync(path.join(tmpdir(), 'wherry-ipam-')) })
  afterEach(() => { rmSync(directory, { recursive: true }) })
  test('begins after the gateway, ends before the broadcast address, and then says that it is empty', () => {
    const pool = addressPool(directory, '10.0.0.0/29')
    expect(['a', 'b', 'c', 'd', 'e'].map((owner) => pool.allocate(owner))).toEqual(['10.0.0.2', '10.0.0.3', '10.0.0.4', '10.0.0.5', '10.0.0.6'])
    expect(() => pool.allocate('f')).toThrow('no addresses left in the pod range 10.0.0.0/29: all 5 are in use')
    pool.free('c')
    expect(pool.allocate('f')).toBe('10.0.0.4')
  })
  test('an owner keeps its own', () => {
    const pool = addressPool(directory, '10.0.0.0/24')
    expect(pool.allocate('a')).toBe(pool.allocate('a'))
  })
  test('the next kubelet knows all, and goes on after the last', () => {
    const first = addressPool(directory, '10.0.0.0/24')
    first.allocate('a')
    first.allocate('b')
    first.free('b')
    const next = addressPool(directory, '10.0.0.0/24')
    expect(next.addressOf('a')).toBe('10.0.0.2')
    expect(next.allocate('c')).toBe('10.0.0.4')
    expect([...next.owners()]).toEqual([['a', '10.0.0.2'], ['c', '10.0.0.4']])
  })
  test('two at once never give the same', () => {
    const [one, other] = [addressPool(directory, '10.0.0.0/24'), addressPool(directory, '10.0.0.0/24')]
    expect(new Set(Array.from({ length: 20 }, (_, index) => (index % 2 ? one : other).allocate(`p${index}`))).size).toBe(20)
  })
})

test('links as batches', () => {
  expect(bridgeBatch({ bridge: 'br', podCIDR: '10.244.1.0/24' })).toBe('link add name br address 0a:58:0a:f4:01:01 type bridge forward_delay 0 stp_state 0\nlink set dev br up\naddress replace 10.244.1.1/24 dev br\n')
  expect(podBatch({ podIP: '10.244.1.9', gateway: '10.244.1.1', veth: 'v', hostPid: 7 }).split('\n')).toEqual(['link set dev lo up',
    'link add name eth0 address 0a:58:0a:f4:01:09 type veth peer name v netns 7', 'address add 10.244.1.9/32 dev eth0', 'link set dev eth0 up',
    'route add 10.244.1.1 dev eth0 scope link src 10.244.1.9', 'route add default via 10.244.1.1 dev eth0 src 10.244.1.9', ''])
})

describe('chains', () => {
  const names = chainNames('c', 'n')
  const input: ChainInput = { names, bridge: 'br', podCIDR: '10.244.1.0/24', clusterCIDR: '10.244.0.0/16', hostPorts: [{ podIP: '10.244.1.5', hostPort: 8080, containerPort: 80, protocol: 'TCP', hostIP: '' }, { podIP: '10.244.1.6', hostPort: 53, containerPort: 5353, protocol: 'UDP', hostIP: '192.0.2.1' }], saved: '' }
  const text = renderChains(input)
  test('masquerade what leaves the cluster, and only that', () => { expect(text).toContain(`-A ${names.postrouting} -s 10.244.1.0/24 ! -d 10.244.0.0/16 ! -o br -j MASQUERADE\n`) })
  test('send host ports to their pods', () => {
    expect(text).toContain(`-A ${names.hostPorts} -p tcp -m tcp --dport 8080 -j DNAT --to-destination 10.244.1.5:80\n`)
    expect(text).toContain(`-A ${names.hostPorts} -d 192.0.2.1/32 -p udp -m udp --dport 53 -j DNAT --to-destination 10.244.1.6:5353\n`)
  })
  test('are jumped to from five places', () => { expect(text.match(/^-[AI] (POSTROUTING|PREROUTING|OUTPUT|FORWARD|INPUT) .*-j WHERRY-/gm)).toHaveLength(5) })
  // As iptables-save prints what the text above has made, beside somebody else's.
  const saved = `*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:${names.forward} - [0:0]\n:${names.input} - [0:0]\n-A INPUT -j ${names.input}\n-A INPUT -j FOREIGN\n-A FORWARD -m comment --comment "wherry pod traffic" -j ${names.forward}\nCOMMIT\n*nat\n:${names.postrouting} - [0:0]\n:${names.hostPorts} - [0:0]\n-A PREROUTING -m addrtype --dst-type LOCAL -j ${names.hostPorts}\n-A POSTROUTING -m comment --comment "wherry pod traffic" -j ${names.postrouting}\nCOMMIT\n`
  test('whole rules are known as such, and each one that is missing is missed', () => {
    const whole = renderChains({ ...input, saved: '' })
    expect(areIntact({ ...input, saved: whole.replaceAll(/^-I /gm, '-A ') })).toBe(true)
    const rules = whole.replaceAll(/^-I /gm, '-A ').split('\n')
    for (const rule of rules.filter((line) => line.startsWith('-A '))) expect(areIntact({ ...input, saved: rules.filter((line) => line !== rule).join('\n') }), rule).toBe(false)
  })
  test('only jumps that are missing are added', () => { expect(renderChains({ ...input, saved }).match(/^-[AI] (POSTROUTING|PREROUTING|OUTPUT|FORWARD|INPUT) .*-j WHERRY-.*$/gm)).toEqual([`-A OUTPUT -m addrtype --dst-type LOCAL -j ${names.hostPorts}`]) })
  test('are removed with the jumps to them, and nothing else', () => {
    expect(renderRemoval(names, saved).split('\n')).toEqual(['*nat', `-D PREROUTING -m addrtype --dst-type LOCAL -j ${names.hostPorts}`, `-D POSTROUTING -m comment --comment "wherry pod traffic" -j ${names.postrouting}`,
      `-F ${names.postrouting}`, `-F ${names.hostPorts}`, `-X ${names.postrouting}`, `-X ${names.hostPorts}`, 'COMMIT',
      '*filter', `-D INPUT -j ${names.input}`, `-D FORWARD -m comment --comment "wherry pod traffic" -j ${names.forward}`, `-F ${names.forward}`, `-F ${names.input}`, `-X ${names.forward}`, `-X ${names.input}`, 'COMMIT', ''])
  })
  test('when there are none, nothing is removed', () => { expect(renderRemoval(names, '*nat\n:POSTROUTING ACCEPT [0:0]\nCOMMIT\n').trim()).toBe('') })
})
