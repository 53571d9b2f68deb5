/** Section by section what supervision promises: kubelet, shims and sandbox processes are killed, and pods live, or are made anew, exactly once. */
import { readdirSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Pods } from '../../src/api/kinds.ts'
import type { Pod } from '../../src/api/types.ts'
import { isRoot, startTestCluster, type TestCluster, until } from '../support/cluster.ts'
import { isReady, type LiveClient, liveClient, restartsOf } from '../support/live-client.ts'
import { containersOn, killHard, kubeletOf, parentOf, processesOf, sandboxProcess } from '../support/seen-from-outside.ts'
import { sayWhatIsSkipped } from '../support/skipped.ts'

sayWhatIsSkipped('kubelet-killed.test.ts')
const full = process.env['WHERRY_FULL'] === '1'
const [kills, podCount] = full ? [50, 100] : [5, 10]
/** Says a number every 20 ms, none twice, none left out. */
const counter = ['perl', '-e', '$| = 1; $SIG{TERM} = sub { exit 0 }; my $n = 0; while (1) { print "$n\\n"; $n++; select(undef, undef, undef, 0.02) }']

/** The entrypoint alone: programs may have children that come and go. */
const firstOf = (containers: ReadonlyMap<string, number[]>): [string, number | undefined][] => [...containers].map(([name, [first]]) => [name, first])

describe.runIf(isRoot)('the agent can die, pods do not', () => {
  let cluster: TestCluster
  let live: LiveClient
  let pods: Pod[]
  beforeAll(async () => {
    cluster = await startTestCluster()
    live = liveClient(cluster)
    await Promise.all(Array.from({ length: podCount }, (_, index) => live.run(`counter-${index}`, counter, {}, { app: 'counter' })))
    pods = await until('all counters run', async () => { const now = await live.podsOf('app=counter'); return now.length === podCount && now.every(isReady) ? now : undefined }, full ? 240 : 60)
  }, 300_000)
  afterAll(async () => {
    live?.[Symbol.dispose]()
    await cluster?.[Symbol.asyncDispose]()
  })

  /** Its keeper pauses between deaths. */
  const runningKubelet = (): Promise<number> => until('a kubelet runs', async () => kubeletOf(cluster))
  const killKubelet = async (): Promise<void> => {
    const pid = await runningKubelet()
    killHard(pid)
    await until('another kubelet runs', async () => { const now = kubeletOf(cluster); return now > 1 && now !== pid })
  }
  /** The kubelet answers through the API server: it has adopted what it found. */
  const kubeletAnswers = () => until('the kubelet answers', async () => (await live.client.raw({ method: 'GET', path: '/api/v1/nodes/node-1/proxy/healthz', headers: {} })).status === 200, 30)
  const logOf = (name: string): Promise<string> => cluster.kubectl(['logs', name])

  test(`check 10: ${kills} kills of the kubelet with ${podCount} pods: the same processes, no other, no restart, logs without a gap`, async () => {
    const system = await live.podsOf('', 'kube-system')
    const before = await until('nothing is being armed', async () => { const now = containersOn(cluster); return [...now.keys()].every((name) => name.endsWith('-0') || name.endsWith('/sandbox')) && now })
    for (let round = 0; round < kills; round++) {
      await killKubelet()
      // At the worst moments too: while it adopts.
      if (round % 2 === 1) await kubeletAnswers()
    }
    await kubeletAnswers()
    await until('the node is Ready', async () => (await cluster.kubectl(['get', 'nodes'])).includes(' Ready'))
    // Attempts that are being armed just now look like programs for a moment; a stray would stay.
    await until('the same processes, and no other', async () => { expect(Object.fromEntries(firstOf(containersOn(cluster)))).toEqual(Object.fromEntries(firstOf(before))); return true })
    for (const pod of pods) await until(`one process of ${pod.metadata.name}`, async () => { expect(processesOf(cluster, pod)).toHaveLength(1); return true })
    const now = await live.podsOf('app=counter')
    expect(now.map(restartsOf)).toEqual(pods.map(restartsOf))
    expect(now.map(({ metadata }) => metadata.uid).toSorted()).toEqual(pods.map(({ metadata }) => metadata.uid).toSorted())
    expect((await live.podsOf('', 'kube-system')).map(restartsOf)).toEqual(system.map(restartsOf))
    const longest: number[] = []
    let lines = 0
    for (const { metadata: { name } } of pods) {
      const told = await until('the log goes on', async () => { const lines = (await logOf(name)).trim().split('\n').map(Number); return lines.length > 50 ? lines : undefined })
      longest.push(told.length)
      expect(told, `${name}: in order, nothing twice, nothing left out`).toEqual(Array.from(told, (_, index) => index))
      lines += told.length
    }
    console.log(`check 10: ${kills} kills of the kubelet, ${podCount} pods: same processes, none twice, no stray, restart counts as before, ${longest.length} logs of up to ${Math.max(...longest)} lines, ${lines} lines in all, none missing`)
  }, full ? 1_800_000 : undefined)

  test('a killed shim costs one container: it is restarted, and its exit is unknown', async () => {
    const [pod, other] = pods
    if (!pod || !other) throw new Error('no pods')
    const [[pid = 0], [sibling = 0]] = [processesOf(cluster, pod), processesOf(cluster, other)]
    killHard(parentOf(pid))
    const healed = await live.untilPod(pod.metadata.name, 'is restarted', (each) => restartsOf(each) === 1 && isReady(each))
    expect(healed.status.containerStatuses?.[0]?.lastState?.terminated).toMatchObject({ reason: 'ContainerStatusUnknown', exitCode: 137 })
    expect(processesOf(cluster, pod)).toHaveLength(1)
    expect(processesOf(cluster, pod)).not.toContain(pid)
    expect(processesOf(cluster, other)).toEqual([sibling])
  })

  test('a killed shim while the kubelet is dead: the same', async () => {
    const pod = pods[1]
    if (!pod) throw new Error('no pod')
    const [pid = 0] = processesOf(cluster, pod)
    killHard(await runningKubelet())
    killHard(parentOf(pid))
    const healed = await live.untilPod(pod.metadata.name, 'is restarted', (each) => restartsOf(each) === 1 && isReady(each))
    expect(healed.status.containerStatuses?.[0]?.lastState?.terminated).toMatchObject({ reason: 'ContainerStatusUnknown', exitCode: 137 })
    await until('exactly one process', async () => processesOf(cluster, pod).length === 1 && !processesOf(cluster, pod).includes(pid))
  })

  test('an exit while the kubelet is dead is not lost', async () => {
    const pod = pods[2]
    if (!pod) throw new Error('no pod')
    const [pid = 0] = processesOf(cluster, pod)
    killHard(await runningKubelet())
    killHard(pid)
    const healed = await live.untilPod(pod.metadata.name, 'is restarted', (each) => restartsOf(each) === 1 && isReady(each))
    expect(healed.status.containerStatuses?.[0]?.lastState?.terminated).toMatchObject({ reason: 'Error', exitCode: 137 })
    expect(processesOf(cluster, pod)).toHaveLength(1)
  })

  test('a killed sandbox process: the sandbox of that pod is made anew, and its container in it', async () => {
    const [, , , pod, other] = pods
    if (!pod || !other) throw new Error('no pods')
    const holder = sandboxProcess(cluster, pod)
    const [pid = 0] = processesOf(cluster, pod)
    const siblings = processesOf(cluster, other)
    killHard(holder)
    await live.untilPod(pod.metadata.name, 'runs again in a new sandbox', (each) => restartsOf(each) === 1 && isReady(each))
    expect(sandboxProcess(cluster, pod)).toBeGreaterThan(1)
    expect(sandboxProcess(cluster, pod)).not.toBe(holder)
    expect(processesOf(cluster, pod)).toHaveLength(1)
    expect(processesOf(cluster, pod)).not.toContain(pid)
    expect(processesOf(cluster, other)).toEqual(siblings)
    const { status } = await live.pod(pod.metadata.name)
    await until('it answers at the address that its status names', async () => (await cluster.onNode('node-1', ['perl', '-MIO::Socket::INET', '-e', 'IO::Socket::INET->new(PeerHost => $ARGV[0], PeerPort => 9, Timeout => 1) or print $!', status.podIP ?? ''])).stdout.includes('refused'))
  })

  test('check 13: a kubelet killed in mid-launch: exactly one process of each pod in the end', async () => {
    const names = Array.from({ length: full ? 6 : 3 }, (_, index) => `launched-${index}`)
    // A node takes 110 pods, the system's among them.
    for (const { metadata: { name } } of pods.slice(20)) await live.client.delete(Pods, { name, namespace: 'default' }, { gracePeriodSeconds: 0 })
    for (const [index, name] of names.entries()) {
      await kubeletAnswers()
      await live.run(name, counter, {}, { app: 'launched' })
      // A little later each time: before the sandbox, while it is armed, after go.
      await new Promise((resolve) => { setTimeout(resolve, index * (full ? 25 : 60)) })
      await killKubelet()
    }
    const launched = await until('all of them run', async () => { const now = await live.podsOf('app=launched'); return now.length === names.length && now.every(isReady) ? now : undefined })
    for (const pod of launched) {
      expect(processesOf(cluster, pod), pod.metadata.name).toHaveLength(1)
      const told = await until('it says numbers', async () => { const lines = (await logOf(pod.metadata.name)).trim().split('\n').map(Number); return lines.length > 10 ? lines : undefined })
      expect(told).toEqual(Array.from(told, (_, index) => index))
    }
  })

  test('a pod deleted while the kubelet is dead ends when it is back, without a trace', async () => {
    const pod = pods[5]
    if (!pod) throw new Error('no pod')
    killHard(await runningKubelet())
    await live.client.delete(Pods, { name: pod.metadata.name, namespace: 'default' })
    await until('it is gone', async () => !(await live.podsOf('app=counter')).some(({ metadata }) => metadata.uid === pod.metadata.uid) && processesOf(cluster, pod).length === 0)
    await until('its files are gone', async () => !readdirSync(`${cluster.home.node('node-1').run}/pods`).includes(pod.metadata.uid))
  })
})
