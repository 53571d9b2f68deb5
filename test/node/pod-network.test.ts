/** The network of pods with real links, routes and rules: on a node that is a network namespace, with a host outside of it that knows no pods. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Agent, plain, startAgent } from '../support/runtime-agent.ts'
import { aContainer, aSandbox, isRoot, leavePlace, logText, newPlace, until } from '../support/runtime-node.ts'
import { sayWhatIsSkipped } from '../support/skipped.ts'

const place = newPlace('netted')
const nodeIP = '192.0.2.1'
const outsideIP = '192.0.2.2'
const sysctl = (holder: ChildProcess, name: string): string => inside(holder, ['cat', `/proc/sys/net/ipv4/${name}`]).trim()
const namespaceOf = ({ pid }: { pid?: number | undefined }): string[] => [`--net=/proc/${pid}/ns/net`]
const inside = (holder: { pid?: number | undefined }, command: readonly string[], input?: string): string =>
  execFileSync('nsenter', [...namespaceOf(holder), ...command], { encoding: 'utf8', stdio: ['pipe', 'pipe', 'pipe'], timeout: 40_000, ...(input !== undefined && { input }) })

/** Tells each who connects what address it is seen with; after `up`. */
const server = ['perl', '-e', `use IO::Socket::INET; $|=1; my $s = IO::Socket::INET->new(LocalAddr => "0.0.0.0", LocalPort => $ARGV[0], Listen => 50, ReuseAddr => 1) or die;
  print "up\\n"; while (my $c = $s->accept) { print $c "$ENV{HOSTNAME} sees ", $c->peerhost, "\\n"; close $c }`]
const client = `use IO::Socket::INET; my $s = IO::Socket::INET->new(PeerAddr => $ARGV[0], PeerPort => $ARGV[1], Timeout => $ARGV[2]) or die "cannot connect: $!\\n"; print scalar <$s>`
const ask = (from: { pid?: number | undefined }, address: string, port: number, seconds = 20): string => {
  try {
    return inside(from, ['perl', '-e', client, address, String(port), String(seconds)]).trim()
  } catch (error) {
    return (error as { stderr: string }).stderr.trim()
  }
}

sayWhatIsSkipped('pod-network.test.ts', !isRoot, 'containers of real processes need root')

describe.skipIf(!isRoot)('the pod network', () => {
  let node: ChildProcess
  let outside: ChildProcess
  let agent: Agent
  let before: string
  const ips: Record<string, string> = {}
  const pids: Record<string, { pid: number }> = {}
  const rules = (): string => inside(node, ['iptables-save']).replace(/^[#:].*\n/gm, '')
  const state = (): string => [rules(), inside(node, ['ip', '-4', '-o', 'addr']), inside(node, ['ip', 'route']), sysctl(node, 'ip_forward')].join('\n')

  beforeAll(async () => {
    const hold = async (): Promise<ChildProcess> => {
      const holder = spawn('unshare', ['--net', 'sleep', 'infinity'], { stdio: 'ignore' })
      const own = execFileSync('readlink', ['/proc/self/ns/net'], { encoding: 'utf8' })
      await until('a network namespace', () => execFileSync('readlink', [`/proc/${holder.pid}/ns/net`], { encoding: 'utf8' }) !== own)
      return holder
    }
    node = await hold()
    outside = await hold()
    inside(node, ['ip', '-batch', '-'], `link set lo up\nlink add up0 type veth peer name up0 netns ${outside.pid}\naddr add ${nodeIP}/24 dev up0\nlink set up0 up\n`)
    inside(outside, ['ip', '-batch', '-'], `link set lo up\naddr add ${outsideIP}/24 dev up0\nlink set up0 up\n`)
    // Somebody else's rules, to be found again unchanged.
    inside(node, ['iptables-restore', '--noflush'], '*nat\n:FOREIGN - [0:0]\n-A POSTROUTING -s 198.51.100.0/24 -j FOREIGN\n-A FOREIGN -j RETURN\nCOMMIT\n*filter\n-A FORWARD -s 198.51.100.0/24 -j DROP\nCOMMIT\n')
    before = state()
    agent = await startAgent(place, namespaceOf(node))
    for (const [uid, over] of [['one', { portMappings: [{ hostPort: 8080, containerPort: 80, protocol: 'TCP' as const, hostIP: '' }] }], ['two', {}],
      ['three', { portMappings: [{ hostPort: 8081, containerPort: 80, protocol: 'TCP' as const, hostIP: '127.0.0.1' }] }]] as const) {
      const sandbox = (await agent.tell({ do: 'sandbox', spec: plain(aSandbox(uid, over)) })) as { podIP: string }
      ips[uid] = sandbox.podIP
      const spec = aContainer(place, uid, [...server, '80'])
      pids[uid] = { pid: (await agent.tell({ do: 'launch', spec })) as number }
      await until(`the server of ${uid}`, () => logText(spec.logPath).includes('up'))
    }
  })
  afterAll(async () => {
    await agent.tell({ do: 'destroy' }).catch(() => {})
    await agent.kill()
    for (const holder of [node, outside]) holder.kill('SIGKILL')
    leavePlace(place)
  })
  const pod = (uid: string): { pid: number } => pids[uid] ?? { pid: 0 }
  const ip = (uid: string): string => ips[uid] ?? ''

  test('each pod has an address of the range, and no two the same', () => {
    expect(new Set(Object.values(ips)).size).toBe(3)
    const prefix = place.podCIDR.replace(/\.0\/24$/, '.')
    expect(Object.values(ips).every((each) => each.startsWith(prefix) && each !== `${prefix}1`)).toBe(true)
  })

  test('pod to pod, with its own address', () => { expect(ask(pod('one'), ip('two'), 80)).toBe(`two sees ${ip('one')}`) })
  test('a pod to itself', () => { expect(ask(pod('one'), ip('one'), 80)).toBe(`one sees ${ip('one')}`) })
  test('the node to a pod, with the address of the bridge', () => { expect(ask(node, ip('two'), 80)).toBe(`two sees ${place.podCIDR.replace('.0/24', '.1')}`) })
  test('a pod\'s neighbour is reached by way of the node', () => {
    expect(inside(pod('one'), ['ip', 'route', 'get', ip('two')])).toContain(`via ${place.podCIDR.replace('.0/24', '.1')}`)
  })

  test('a pod to the outside is seen with the address of the node', async () => {
    const listening = spawn('nsenter', [...namespaceOf(outside), ...server, '7000'], { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, HOSTNAME: 'outside' } })
    await new Promise((resolve) => { listening.stdout.once('data', resolve) })
    expect(ask(pod('one'), outsideIP, 7000)).toBe(`outside sees ${nodeIP}`)
    listening.kill('SIGKILL')
  })

  for (const [name, from, address, port, expected] of [
    ['from outside', () => outside, nodeIP, 8080, () => `one sees ${outsideIP}`],
    ['from the node by its address', () => node, nodeIP, 8080, () => /^one sees /],
    ['from the node by 127.0.0.1', () => node, '127.0.0.1', 8080, () => `one sees ${place.podCIDR.replace('.0/24', '.1')}`],
    ['from another pod', () => pod('two'), nodeIP, 8080, () => `one sees ${ip('two')}`],
    ['from the pod itself', () => pod('one'), nodeIP, 8080, () => /^one sees /],
    ['of 127.0.0.1 only: from the node', () => node, '127.0.0.1', 8081, () => /^three sees /],
    ['of 127.0.0.1 only: not from outside', () => outside, nodeIP, 8081, () => /cannot connect/],
  ] as const) test(`a host port ${name}`, () => { expect(ask(from(), address, port)).toMatch(expected()) })

  // CVE-2020-8558. Each sends to the address of its own loopback by the wire: what the node has for itself there, a listener as well as host ports, is none of theirs.
  test.each<[string, () => { pid?: number | undefined }, () => [gateway: string, source: string]]>([
    ['a pod', () => pod('two'), () => [place.podCIDR.replace('.0/24', '.1'), ip('two')]],
    ['a neighbour of the node', () => outside, () => [nodeIP, outsideIP]],
  ])('S5: the node\'s own loopback is out of the reach of %s', async (_, from, way) => {
    const listening = spawn('nsenter', [...namespaceOf(node), ...server, '7001'], { stdio: ['ignore', 'pipe', 'inherit'] })
    await new Promise((resolve) => { listening.stdout.once('data', resolve) })
    try {
      for (const each of [7001, 8080, 8081]) expect(ask(node, '127.0.0.1', each), `the node itself, port ${each}`).toContain('sees ')
      inside(from(), ['sh', '-c', 'echo 1 > /proc/sys/net/ipv4/conf/all/route_localnet; ip addr del 127.0.0.1/8 dev lo; ip route add 127.0.0.1 via $0 src $1', ...way()])
      for (const each of [7001, 8080, 8081]) expect(ask(from(), '127.0.0.1', each, 1), `port ${each}`).toContain('cannot connect')
      expect(sysctl(node, 'conf/all/route_localnet')).toBe('0')
    } finally {
      listening.kill('SIGKILL')
    }
  })

  test('rules of others are where they were, and ours are mended', async () => {
    const own = rules()
    for (const line of before.split('\n').filter((each) => each.startsWith('-A'))) expect(own).toContain(line)
    inside(node, ['iptables', '-t', 'nat', '-F'])
    await agent.kill()
    agent = await startAgent(place, namespaceOf(node))
    expect(ask(outside, nodeIP, 8080)).toBe(`one sees ${outsideIP}`)
    inside(node, ['iptables-restore', '--noflush'], '*nat\n:FOREIGN - [0:0]\n-A POSTROUTING -s 198.51.100.0/24 -j FOREIGN\n-A FOREIGN -j RETURN\nCOMMIT\n')
  })

  test('addresses outlive the kubelet, and a freed one is not the next', async () => {
    await agent.tell({ do: 'removeSandbox', podUid: 'two' })
    await agent.kill()
    agent = await startAgent(place, namespaceOf(node))
    const sandbox = (await agent.tell({ do: 'sandbox', spec: plain(aSandbox('four')) })) as { podIP: string }
    expect(Object.values(ips)).not.toContain(sandbox.podIP)
    expect(ask(node, ip('one'), 80)).toMatch(/^one sees/)
    expect(inside(node, ['ip', '-o', 'link']).match(/ veth/g)).toHaveLength(3)
  })

  test('the holder of a sandbox that dies leaves a node that can make the next', async () => {
    const record = JSON.parse(readFileSync(path.join(place.stateDirectory, 'pods/four/.sandbox/0/record.json'), 'utf8')) as { holder: { pid: number } }
    process.kill(record.holder.pid, 'SIGKILL')
    expect(await agent.tell({ do: 'sandbox', spec: plain(aSandbox('four', { attempt: 1 })) })).toMatchObject({ ready: true })
  })

  test('destroyed, the node is as it was', async () => {
    await agent.tell({ do: 'destroy' })
    const mended = before.split('\n').sort().join('\n')
    await until('the last link to go', () => state().split('\n').sort().join('\n') === mended, 20_000).catch(() => {})
    expect(state().split('\n').sort().join('\n')).toBe(mended)
  })
})
