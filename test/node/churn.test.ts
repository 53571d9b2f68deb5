/** Crashes beyond the list: kubelet, kube-proxy, scheduler, controller manager and API server are killed at random moments while Deployments roll, Jobs run and StatefulSets grow and shrink. What is there afterwards is what the API says, and nothing else. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Deployments, EndpointSlices, Jobs, Pods, Services, StatefulSets } from '../../src/api/kinds.ts'
import type { Pod } from '../../src/api/types.ts'
import { isRoot, startTestCluster, type TestCluster, until } from '../support/cluster.ts'
import { isReady, type LiveClient, liveClient } from '../support/live-client.ts'
import { containersOn, killHard, kubeletOf, processesOf } from '../support/seen-from-outside.ts'
import { linkOf, podLinks, tracesOf } from '../support/traces.ts'
import { sayWhatIsSkipped } from '../support/skipped.ts'

sayWhatIsSkipped('churn.test.ts')
const full = process.env['WHERRY_FULL'] === '1'
const seconds = Number(process.env['WHERRY_CHURN_SECONDS'] ?? (full ? 240 : 12))
/** Whoever is killed again and again is held back before it is started again, up to five minutes, as upstream has it: also the API server. */
const settleSeconds = full ? 420 : 180
const seed = Number(process.env['WHERRY_SEED'] ?? 7)

/** How far a pod is, for a message: phase, conditions that do not hold, what its containers wait for. */
const inWords = ({ metadata, spec, status }: Pod): string => [
  `${metadata.name} ${status.phase ?? ''}`, ...(metadata.deletionTimestamp ? [`terminating since ${metadata.deletionTimestamp}`, ...(metadata.finalizers ?? [])] : []), `on ${spec.nodeName ?? 'no node'}`,
  ...(status.conditions ?? []).filter(({ status: holds }) => holds !== 'True').map(({ type, reason, message }) => `not ${type} ${reason ?? ''} ${message ?? ''}`),
  ...(status.containerStatuses ?? []).map(({ name, state }) => `${name} ${JSON.stringify(state)}`),
].join(', ')

/** Numbers from 0 to 1, the same for the same seed. */
const randomFrom = (start: number): (() => number) => { let state = start; return () => { state = (state * 1_103_515_245 + 12_345) % 2_147_483_648; return state / 2_147_483_648 } }
const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => { setTimeout(resolve, milliseconds) })

describe.runIf(isRoot)('a cluster whose parts are killed while much changes', () => {
  let cluster: TestCluster
  let live: LiveClient
  beforeAll(async () => {
    cluster = await startTestCluster()
    live = liveClient(cluster)
  }, 300_000)
  afterAll(async () => {
    live?.[Symbol.dispose]()
    await cluster?.[Symbol.asyncDispose]()
  })

  const template = (app: string, command: readonly string[], more: object = {}) => ({ metadata: { labels: { app } }, spec: { terminationGracePeriodSeconds: 1, volumes: [{ name: 'v', emptyDir: {} }, { name: 'm', emptyDir: { medium: 'Memory' } }], containers: [{ name: 'main', image: 'host', command: [...command], volumeMounts: [{ name: 'v', mountPath: '/v' }, { name: 'm', mountPath: '/m' }] }], ...more } })
  const serving = ['perl', '-MIO::Socket::INET', '-e', '$SIG{TERM} = sub { exit 0 }; my $l = IO::Socket::INET->new(LocalPort => 7000, Listen => 5, ReuseAddr => 1) or die; while (1) { my $p = $l->accept; close $p if $p }'] as const
  /** A request that falls into the API server's death is made again in the next round. */
  const may = (work: Promise<unknown>): Promise<unknown> => work.catch(() => undefined)
  const retried = async (what: string, work: () => Promise<unknown>): Promise<void> => { await until(what, async () => { await work(); return true }, settleSeconds) }

  const churn = async (over: () => boolean): Promise<number> => {
    let round = 0
    for (; !over(); round++) {
      const number = round
      await Promise.all([
        may(live.client.patch(Deployments, { name: 'rolling', namespace: 'default' }, { type: 'merge', body: { spec: { replicas: 2 + (number % 4), template: { metadata: { annotations: { round: String(number) } } } } } })),
        may(live.client.patch(StatefulSets, { name: 'ordered', namespace: 'default' }, { type: 'merge', body: { spec: { replicas: 1 + (number % 3) } } })),
        may(live.client.create(Jobs, { metadata: { name: `job-${number}`, namespace: 'default', labels: { app: 'job' } }, spec: { backoffLimit: 2, template: template('job', ['sh', '-c', `sleep 0.${number % 10}; exit ${number % 5 === 4 ? 1 : 0}`], { restartPolicy: number % 2 ? 'Never' : 'OnFailure' }) } } as never)),
        ...(number >= 3 ? [may(live.client.delete(Jobs, { name: `job-${number - 3}`, namespace: 'default' }, { propagationPolicy: 'Background' }))] : []),
        may(live.run(`short-${number}`, ['sleep', '1000'], {}, { app: 'short' })),
        ...(number >= 2 ? [may(live.client.delete(Pods, { name: `short-${number - 2}`, namespace: 'default' }, { gracePeriodSeconds: number % 2 }))] : []),
      ])
      await pause(700)
    }
    return round
  }

  const victims = ['kubelet', 'kubelet', 'kube-proxy', 'kube-scheduler', 'kube-controller-manager', 'kube-apiserver'] as const
  const kill = async (victim: (typeof victims)[number]): Promise<boolean> => {
    if (victim === 'kubelet') { const pid = kubeletOf(cluster); if (pid > 1) killHard(pid); return pid > 1 }
    const pods = (system: Pod[]): Pod[] => system.filter(({ metadata }) => metadata.name.startsWith(victim))
    const [pod] = pods(known)
    const [pid = 0] = pod ? processesOf(cluster, pod) : []
    if (pid > 1) killHard(pid)
    return pid > 1
  }
  let known: Pod[] = []

  test(`${seconds} s of changes and deaths (seed ${seed}): processes are what the API says, and no link, address, cgroup, mount, rule or directory is left over`, async () => {
    const [random, begun] = [randomFrom(seed), performance.now()]
    await until('all that is there from the beginning has its rules', async () => {
      const slices = (await live.client.list(EndpointSlices, {})).items
      const endpoints = slices.reduce((sum, slice) => sum + (slice.endpoints ?? []).filter(({ conditions }) => conditions?.ready).length * (slice.ports?.length ?? 0), 0)
      // Of each a chain and two rules.
      return (await live.podsOf('', 'kube-system')).every(isReady) && (await rules())['KUBE-SEP'] === 3 * endpoints
    })
    const rulesBefore = await rules()
    await live.client.create(Deployments, { metadata: { name: 'rolling', namespace: 'default' }, spec: { replicas: 3, selector: { matchLabels: { app: 'rolling' } }, template: template('rolling', serving) } } as never)
    await live.client.create(StatefulSets, { metadata: { name: 'ordered', namespace: 'default' }, spec: { serviceName: 'ordered', replicas: 2, selector: { matchLabels: { app: 'ordered' } }, template: template('ordered', serving) } } as never)
    await live.client.create(Services, { metadata: { name: 'rolling', namespace: 'default' }, spec: { selector: { app: 'rolling' }, ports: [{ port: 80, targetPort: 7000 }] } } as never)
    await until('something runs', async () => (await live.podsOf('app=rolling')).some(isReady))
    known = await live.podsOf('', 'kube-system')
    const over = (): boolean => performance.now() - begun > seconds * 1000
    const killed = new Map<string, number>()
    const killing = (async () => {
      while (!over()) {
        await pause(200 + random() * 1800)
        const victim = victims[Math.floor(random() * victims.length)] ?? 'kubelet'
        if (await kill(victim)) killed.set(victim, (killed.get(victim) ?? 0) + 1)
      }
    })()
    const [rounds] = await Promise.all([churn(over), killing])
    await retried('the Deployment comes to rest', () => live.client.patch(Deployments, { name: 'rolling', namespace: 'default' }, { type: 'merge', body: { spec: { replicas: 3 } } }))
    await retried('the StatefulSet comes to rest', () => live.client.patch(StatefulSets, { name: 'ordered', namespace: 'default' }, { type: 'merge', body: { spec: { replicas: 2 } } }))
    await until('everything is as it is wanted', async () => {
      const pods = (await live.client.list(Pods, {})).items
      const unsettled = pods.filter(({ metadata, status }) => metadata.deletionTimestamp !== undefined || status.phase === 'Pending')
      if (unsettled.length > 0) throw new Error(unsettled.map(inWords).join('; '))
      expect((await live.podsOf('app=rolling')).filter(isReady).length).toBe(3)
      expect((await live.podsOf('app=ordered')).filter(isReady).map(({ metadata }) => metadata.name).toSorted()).toEqual(['ordered-0', 'ordered-1'])
      expect((await live.podsOf('', 'kube-system')).every(isReady)).toBe(true)
      return true
    }, settleSeconds)
    await agrees()
    console.log(`churn: seed ${seed}, ${seconds} s, ${rounds} rounds of changes, killed ${JSON.stringify(Object.fromEntries(killed))}: processes, links, addresses, cgroups, mounts and directories are those of the API's pods`)

    // And when it is all deleted, the node is as it was before.
    for (const [kind, name] of [[Deployments, 'rolling'], [StatefulSets, 'ordered'], [Services, 'rolling']] as const) await live.client.delete(kind as typeof Services, { name, namespace: 'default' }, { propagationPolicy: 'Background' })
    for (const { metadata } of (await live.client.list(Jobs, { namespace: 'default' })).items) await live.client.delete(Jobs, { name: metadata.name, namespace: 'default' }, { propagationPolicy: 'Background' })
    for (const { metadata } of await live.podsOf('app=short')) await live.remove(metadata.name)
    await until('all of it is gone', async () => (await live.client.list(Pods, { namespace: 'default' })).items.length === 0, 60)
    await agrees()
    await until('rules are as they were', async () => {
      const now = await rules()
      const changed = [...new Set([...Object.keys(rulesBefore), ...Object.keys(now)])].filter((chain) => rulesBefore[chain] !== now[chain]).map((chain) => `${chain}: ${rulesBefore[chain] ?? 0} before, ${now[chain] ?? 0} now`)
      if (changed.length > 0) throw new Error(changed.join(', '))
      return true
    }, 60)
  }, (seconds + 3 * settleSeconds) * 1000)

  /** Chains and how many rules each has, without the addresses and hashes of pods that came and went. */
  const rules = async (): Promise<Record<string, number>> => {
    const text = (await cluster.onNode('node-1', ['iptables-save'])).stdout
    const counted = new Map<string, number>()
    for (const line of text.split('\n').filter((each) => each.startsWith('-A') || each.startsWith(':'))) {
      const chain = (line.split(' ')[line.startsWith(':') ? 0 : 1] ?? '').replace(/^:/, '').replace(/^(KUBE-(SEP|SVC|EXT|FW))-.*/, '$1')
      counted.set(chain, (counted.get(chain) ?? 0) + 1)
    }
    return Object.fromEntries([...counted].toSorted())
  }

  /** The machine and the API say the same; what is being armed or taken away just now is looked at again. */
  const agrees = () => until('the machine agrees with the API', async () => {
    const pods = (await live.client.list(Pods, {})).items
    const uidOf = (pod: Pod): string => pod.metadata.annotations?.['kubernetes.io/config.hash'] ?? pod.metadata.uid
    const uids = new Set(pods.map(uidOf))
    const running = pods.flatMap((pod) => (pod.status.containerStatuses ?? []).filter(({ state }) => state?.running).map(({ name }) => `${uidOf(pod)}/${name}`)).toSorted()
    const programs = [...containersOn(cluster).keys()].filter((name) => !name.endsWith('/sandbox')).map((name) => name.replace(/-\d+$/, '')).toSorted()
    expect(programs, 'one attempt of each container runs, and no other').toEqual(running)
    const left = Object.entries(await tracesOf(cluster)).flatMap(([kind, found]) => found.filter((uid) => !uids.has(uid)).map((uid) => `${kind}: ${uid}`))
    if (left.length > 0) throw new Error(`of pods that are gone: ${left.join(', ')}`)
    const living = pods.filter(({ spec, status }) => !spec.hostNetwork && !['Succeeded', 'Failed'].includes(status.phase ?? ''))
    const links = await podLinks(cluster)
    expect(links.filter((link) => !pods.some((pod) => linkOf(cluster, uidOf(pod)) === link)), 'links of pods that are gone').toEqual([])
    expect(living.filter((pod) => !links.includes(linkOf(cluster, uidOf(pod)))).map(({ metadata }) => metadata.name), 'pods without a link').toEqual([])
    return true
  }, 60)
})
