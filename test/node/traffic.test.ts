/** Traffic through Services, as pods and the machine see it: how it is spread, that a rolling update loses none of it, and what names mean. */
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Deployments, Services } from '../../src/api/kinds.ts'
import { isRoot, startTestCluster, type TestCluster, until } from '../support/cluster.ts'
import { isReady, type LiveClient, liveClient, restartsOf } from '../support/live-client.ts'
import { killHard, kubeletOf, processesOf } from '../support/seen-from-outside.ts'
import { askMany, askSteadily, nameServer } from '../support/perl-net.ts'
import { sayWhatIsSkipped } from '../support/skipped.ts'

sayWhatIsSkipped('traffic.test.ts')
const full = process.env['WHERRY_FULL'] === '1'
const connections = full ? 6000 : 1500
/** A fair third: with fewer connections chance has more room (five times its deviation). */
const [least, most] = full ? [0.30, 0.37] : [0.27, 0.40]
const rate = full ? 200 : 100
const shop = path.resolve(import.meta.dirname, '../../manifests/examples/shop.yaml')

describe.runIf(isRoot)('traffic', () => {
  let cluster: TestCluster
  let live: LiveClient
  let clusterIP: string
  let nodeIP: string
  beforeAll(async () => {
    cluster = await startTestCluster({ files: [shop] })
    live = liveClient(cluster)
    await live.client.create(Deployments, { metadata: { name: 'name', namespace: 'default' }, spec: { replicas: 3, selector: { matchLabels: { app: 'name' } }, template: { metadata: { labels: { app: 'name' } },
      spec: { terminationGracePeriodSeconds: 1, containers: [{ name: 'main', image: 'host', command: [...nameServer, '7000'], readinessProbe: { tcpSocket: { port: 7000 }, periodSeconds: 1 } }] } } } } as never)
    const ports = [{ name: 'tcp', port: 80, targetPort: 7000, nodePort: 30_080 }, { name: 'udp', protocol: 'UDP', port: 80, targetPort: 7000, nodePort: 30_080 }]
    const service = await live.client.create(Services, { metadata: { name: 'name', namespace: 'default' }, spec: { type: 'NodePort', selector: { app: 'name' }, ports } } as never)
    await live.client.create(Services, { metadata: { name: 'headless', namespace: 'default' }, spec: { clusterIP: 'None', selector: { app: 'name' }, ports: [{ name: 'names', port: 7000 }] } } as never)
    await live.run('asker', ['sleep', 'infinity'])
    clusterIP = service.spec.clusterIP ?? ''
    nodeIP = (await live.untilPod('asker', 'is Ready', isReady)).status.hostIP ?? ''
    await until('all endpoints', async () => (await live.endpoints('name')).length === 3 && (await live.endpoints('web')).length === 3)
  })
  afterAll(async () => {
    live?.[Symbol.dispose]()
    await cluster?.[Symbol.asyncDispose]()
  })

  const inPod = (command: readonly string[]) => cluster.kubectl(['exec', 'asker', '--', ...command], { timeoutSeconds: 150 })
  const onNode = async (command: readonly string[]): Promise<string> => {
    const { exitCode, stdout, stderr } = await cluster.onNode('node-1', command, { timeoutSeconds: 150 })
    expect(exitCode, stderr).toBe(0)
    return stdout
  }
  const shares = (text: string): Record<string, number> => Object.fromEntries(text.trim().split('\n').map((line) => { const [name = '', count = '0'] = line.split('\t'); return [name, Number(count) / connections] }))

  test.each<[string, 'tcp' | 'udp', 'pod' | 'node', () => [string, number]]>([
    ['TCP to the cluster IP from a pod', 'tcp', 'pod', () => [clusterIP, 80]],
    ['TCP to the cluster IP from the node', 'tcp', 'node', () => [clusterIP, 80]],
    ['UDP to the cluster IP from a pod', 'udp', 'pod', () => [clusterIP, 80]],
    ['UDP to the cluster IP from the node', 'udp', 'node', () => [clusterIP, 80]],
    ['TCP to the node port from a pod', 'tcp', 'pod', () => [nodeIP, 30_080]],
    ['TCP to the node port from the node', 'tcp', 'node', () => [nodeIP, 30_080]],
    ['UDP to the node port from a pod', 'udp', 'pod', () => [nodeIP, 30_080]],
  ])('%s is spread evenly', async (what, protocol, from, to) => {
    const command = [...askMany, protocol, ...to().map(String), String(connections)]
    // The cluster's own name of a pod is its host name, so what answers is what the API calls the endpoints.
    const pods = (await live.podsOf('app=name')).map(({ metadata }) => metadata.name).toSorted()
    const spread = shares(await (from === 'pod' ? inPod : onNode)(command))
    expect(Object.keys(spread).toSorted(), what).toEqual(pods)
    for (const share of Object.values(spread)) { expect(share).toBeGreaterThan(least); expect(share).toBeLessThan(most) }
  })

  test(`check 15: rolling restarts under ${rate} requests per second lose none`, async () => {
    const before = (await live.podsOf('app=shop,tier=web')).map(({ metadata }) => metadata.uid)
    const stop = path.join(cluster.home.data, 'stop-asking')
    // Again after a first attempt, perhaps.
    await inPod(['rm', '-f', '/tmp/stop'])
    await onNode(['rm', '-f', stop])
    const begun = performance.now()
    const [fromPod, fromNode] = [rate * 0.7, rate * 0.3]
    const asking = [inPod([...askSteadily, 'web', '80', String(fromPod), '/tmp/stop']), onNode([...askSteadily, (await live.client.get(Services, { name: 'web', namespace: 'default' })).spec.clusterIP ?? '', '80', String(fromNode), stop])]
    for (let round = 0; round < (full ? 3 : 1); round++) {
      await cluster.kubectl(['rollout', 'restart', 'deploy/web'])
      await cluster.kubectl(['rollout', 'status', 'deploy/web', '--timeout=90s'], { timeoutSeconds: 100 })
    }
    await until('the old pods are gone', async () => (await cluster.kubectl(['get', 'pods', '-l', 'tier=web', '-o', 'name'])).trim().split('\n').length === 3)
    await inPod(['touch', '/tmp/stop'])
    await onNode(['touch', stop])
    const said = (await Promise.all(asking)).map((text) => text.trim().split('\n'))
    expect(said.flatMap((lines) => lines.slice(1))).toEqual([])
    const seconds = (performance.now() - begun) / 1000
    // That it was asked all the time: at half the rate at least, on a machine that has other things to do.
    for (const [index, [line]] of said.entries()) expect(Number(line?.replace('ok ', ''))).toBeGreaterThan((index === 0 ? fromPod : fromNode) * seconds / 2)
    expect((await live.podsOf('app=shop,tier=web')).map(({ metadata }) => metadata.uid).filter((uid) => before.includes(uid))).toEqual([])
  })

  test('check 25: kubelet, kube-proxy and the control plane begin anew under load: no request fails, and the pods keep their processes', async () => {
    const web = await live.podsOf('app=shop,tier=web')
    const pids = (): number[][] => web.map((pod) => processesOf(cluster, pod))
    const before = pids()
    const stop = path.join(cluster.home.data, 'stop-asking-again')
    const asking = onNode([...askSteadily, (await live.client.get(Services, { name: 'web', namespace: 'default' })).spec.clusterIP ?? '', '80', '100', stop])
    const kubelet = kubeletOf(cluster)
    killHard(kubelet)
    await until('another kubelet runs', async () => { const now = kubeletOf(cluster); return now > 1 && now !== kubelet })
    const ours = [...await live.podsOf('tier=control-plane', 'kube-system'), ...await live.podsOf('k8s-app=kube-proxy', 'kube-system')]
    expect(ours.length).toBeGreaterThanOrEqual(4)
    for (const pod of ours) killHard(processesOf(cluster, pod)[0])
    await until('all of them run again', async () => {
      const now = [...await live.podsOf('tier=control-plane', 'kube-system'), ...await live.podsOf('k8s-app=kube-proxy', 'kube-system')]
      return now.length === ours.length && now.every((pod) => isReady(pod) && restartsOf(pod) > restartsOf(ours.find(({ metadata }) => metadata.name === pod.metadata.name) ?? pod))
    }, 90)
    await onNode(['touch', stop])
    const [count, ...failures] = (await asking).trim().split('\n')
    expect(failures).toEqual([])
    expect(Number(count?.replace('ok ', ''))).toBeGreaterThan(100)
    expect(pids()).toEqual(before)
  })

  test('names: of a Service, of another namespace, whole, of endpoints, of ports', async () => {
    const endpoints = (await live.podsOf('app=name')).map(({ status }) => status.podIP ?? '').toSorted()
    const expected = { name: [clusterIP], 'name.default': [clusterIP], 'name.default.svc.cluster.local': [clusterIP], kubernetes: ['10.96.0.1'], 'kube-dns.kube-system': ['10.96.0.10'], headless: endpoints, 'nobody.default.svc.cluster.local': [] }
    const lookUp = ['perl', '-MSocket', '-e', 'for my $name (@ARGV) { my @found = gethostbyname $name; print join(" ", $name, sort map { inet_ntoa $_ } @found[4 .. $#found]), "\\n" }', ...Object.keys(expected)]
    await until('every name means its addresses', async () => {
      const found = Object.fromEntries((await inPod(lookUp)).trim().split('\n').map((line) => { const [name = '', ...addresses] = line.split(' '); return [name, addresses.toSorted()] }))
      expect(found).toEqual(expected)
      return true
    })
    expect((await inPod(['getent', 'hosts', 'name'])).split(/\s+/).slice(0, 2)).toEqual([clusterIP, 'name.default.svc.cluster.local'])
    const srv = await inPod(['perl', '-MIO::Socket::INET', '-e', srvQuery, '10.96.0.10', '_names._tcp.headless.default.svc.cluster.local'])
    expect(srv.trim().split('\n').toSorted()).toHaveLength(3)
    for (const line of srv.trim().split('\n')) expect(line).toMatch(/^7000 .+\.headless\.default\.svc\.cluster\.local$/)
  })

  test('a Service without endpoints refuses at once', async () => {
    const { spec } = await live.client.create(Services, { metadata: { name: 'empty', namespace: 'default' }, spec: { selector: { app: 'nobody' }, ports: [{ port: 80 }] } } as never)
    const refusal = ['perl', '-MIO::Socket::INET', '-e', 'my $begun = time; IO::Socket::INET->new(PeerHost => shift, PeerPort => 80) and die "answered"; print "$! ", time - $begun < 3 ? "at once" : "late"', spec.clusterIP ?? '']
    await until('it refuses a pod', async () => (await inPod(refusal)) === 'Connection refused at once')
    await until('it refuses the node', async () => (await onNode(refusal)) === 'Connection refused at once')
  })
})

/** Asks one server for SRV records; prints `port target` lines. */
const srvQuery = `
  my ($server, $name) = @ARGV; my $socket = IO::Socket::INET->new(PeerHost => $server, PeerPort => 53, Proto => 'udp');
  $socket->send(pack('n6', 7, 0x0100, 1, 0, 0, 0) . join('', map { pack 'C/a*', $_ } split /\\./, $name) . pack('C n n', 0, 33, 1));
  $socket->recv(my $answer, 4096); my $count = unpack 'x6 n', $answer; my $at = 12;
  sub name { my ($position, @labels) = shift; my $end; while (my $length = ord substr $answer, $position, 1) {
    if ($length >= 0xc0) { $end //= $position + 2; $position = unpack('n', substr $answer, $position, 2) & 0x3fff; next }
    push @labels, substr $answer, $position + 1, $length; $position += $length + 1 } return (join('.', @labels), $end // $position + 1) }
  (undef, $at) = name($at); $at += 4;
  for (1 .. $count) { (undef, $at) = name($at); my ($type, undef, undef, $length) = unpack 'n n N n', substr $answer, $at, 10; $at += 10;
    if ($type == 33) { my (undef, undef, $port) = unpack 'n3', substr $answer, $at, 6; my ($target) = name($at + 6); print "$port $target\\n" } $at += $length }`
