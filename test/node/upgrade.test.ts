/** Check 25: `wherry upgrade` under load. Another program takes over; no request through a Service fails, pods keep their processes, watches go on, and a program that does not come up is put back. */
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../src/api/clock.ts'
import { ConfigMaps, Services } from '../../src/api/kinds.ts'
import { systemRandom } from '../../src/api/random.ts'
import { sharedInformers } from '../../src/client/informers.ts'
import { connectAdmin } from '../../src/cluster/connect.ts'
import { entry, isRoot, startTestCluster, type TestCluster, until } from '../support/cluster.ts'
import { isReady, type LiveClient, liveClient, restartsOf } from '../support/live-client.ts'
import { askSteadily } from '../support/perl-net.ts'
import { commandOf, containersOn, killHard, kubeletOf, parentOf, processesOf } from '../support/seen-from-outside.ts'
import { sayWhatIsSkipped } from '../support/skipped.ts'

sayWhatIsSkipped('upgrade.test.ts')
const full = process.env['WHERRY_FULL'] === '1'
const rate = full ? 200 : 60
const bundle = path.dirname(entry)
const isBundled = path.basename(entry) === 'wherry.js' && existsSync(path.join(bundle, 'manifests'))
if (!isBundled) console.log('SKIPPED upgrade.test.ts: no bundle; make it with: npm run setup')
const counter = ['perl', '-e', '$| = 1; $SIG{TERM} = sub { exit 0 }; my $n = 0; while (1) { print "$n\\n"; $n++; select(undef, undef, undef, 0.02) }']

/** The program once more, with another version; `broken`: one component of it ends at once. */
const anotherBundle = async (version: string, broken?: string): Promise<string> => {
  const folder = await mkdtemp(path.join(tmpdir(), 'wherry-bundle-'))
  await cp(bundle, folder, { recursive: true, filter: (file) => !file.includes('compile-cache') })
  for (const name of (await readdir(folder)).filter((each) => each.endsWith('.js'))) {
    const text = await readFile(path.join(folder, name), 'utf8')
    if (text.includes('"0.1.0"')) await writeFile(path.join(folder, name), text.replaceAll('"0.1.0"', JSON.stringify(version)))
  }
  const main = path.join(folder, 'wherry.js')
  await writeFile(main, `${broken ? `if (process.argv[2] === ${JSON.stringify(broken)}) process.exit(9);\n` : ''}${await readFile(main, 'utf8')}`)
  return main
}

describe.runIf(isRoot && isBundled)('an upgrade of a cluster that works', () => {
  let cluster: TestCluster
  let live: LiveClient
  let stopAsking: () => Promise<{ answered: number; failures: string[] }>
  const folders: string[] = []
  const bundleOf = async (version: string, broken?: string): Promise<string> => { const main = await anotherBundle(version, broken); folders.push(path.dirname(main)); return main }
  const upgradeTo = (program: string, ...more: string[]) => execa(process.execPath, [program, '--data-dir', cluster.home.data, 'upgrade', ...more], { reject: false, timeout: 280_000, stdin: 'ignore' })
  const version = async (): Promise<string> => (JSON.parse(await cluster.kubectl(['get', '--raw', '/version'])) as { gitVersion: string }).gitVersion

  /** As check 15 does: from a pod by name, and from the node by address. */
  const ask = async (): Promise<typeof stopAsking> => {
    const stop = path.join(cluster.home.data, `stop-${Math.random()}`)
    const { spec } = await live.client.get(Services, { name: 'web', namespace: 'default' })
    const long = { timeoutSeconds: 600 }
    // In the pod's namespaces from outside: an exec session would end with the kubelet that serves it, as upstream's do.
    const [pid = 0] = processesOf(cluster, await live.pod('asker'))
    const inPod = execa('nsenter', [`--target=${pid}`, '--net', '--mount', ...askSteadily, 'web', '80', String(rate * 0.7), '/tmp/stop'], { reject: false })
    const asking = [inPod.then(({ stdout }) => stdout), cluster.onNode('node-1', [...askSteadily, spec.clusterIP ?? '', '80', String(rate * 0.3), stop], long).then(({ stdout }) => stdout)]
    return async () => {
      await execa('nsenter', [`--target=${pid}`, '--mount', 'touch', '/tmp/stop'])
      await writeFile(stop, '')
      const said = (await Promise.all(asking)).map((text) => text.trim().split('\n'))
      await execa('nsenter', [`--target=${pid}`, '--mount', 'rm', '/tmp/stop'])
      return { answered: said.reduce((sum, [line]) => sum + Number(line?.replace('ok ', '')), 0), failures: said.flatMap((lines) => lines.slice(1)) }
    }
  }

  beforeAll(async () => {
    cluster = await startTestCluster({ files: [path.resolve(import.meta.dirname, '../../manifests/examples/shop.yaml')], nodes: 2 })
    live = liveClient(cluster)
    await Promise.all(Array.from({ length: full ? 20 : 4 }, (_, index) => live.run(`counter-${index}`, counter, { nodeName: `node-${1 + (index % 2)}` }, { app: 'counter' })))
    await live.run('asker', ['sleep', 'infinity'], { nodeName: 'node-1' })
    await until('all run', async () => { const pods = [...await live.podsOf('app=counter'), await live.pod('asker'), ...await live.podsOf('app=shop,tier=web')]; return pods.length >= 8 && pods.every(isReady) }, full ? 240 : 90)
    await until('all endpoints', async () => (await live.endpoints('web')).length === 3)
  }, 300_000)
  afterAll(async () => {
    live?.[Symbol.dispose]()
    await cluster?.[Symbol.asyncDispose]()
    for (const folder of folders) await rm(folder, { recursive: true, force: true })
  })

  const workloads = async () => [...await live.podsOf('app=counter'), ...await live.podsOf('app=shop,tier=web')]
  const seen = async (): Promise<Record<string, unknown>> => Object.fromEntries((await workloads()).map((pod) => {
    const pids = processesOf(cluster, pod, undefined, pod.spec.nodeName)
    return [pod.metadata.name, { pids, shims: pids.slice(0, 1).map(parentOf), restarts: restartsOf(pod), uid: pod.metadata.uid }]
  }))

  test('check 25: server, managers, kubelets, kube-proxy and DNS are replaced: no request fails, pods keep their processes, watches go on', async () => {
    const before = await seen()
    const system = (await live.podsOf('', 'kube-system')).map(({ metadata }) => metadata.uid)
    const spares = [...containersOn(cluster, 'node-1', { spares: true })].filter(([name]) => /\/main-1$/.test(name))
    const [spared] = (await live.podsOf('app=counter')).filter(({ metadata, spec }) => spec.nodeName === 'node-1' && spares.some(([name]) => name.startsWith(metadata.uid)))
    const { client, close } = connectAdmin(cluster.home)
    const ended = new AbortController()
    const informer = sharedInformers({ client, clock: systemClock, random: systemRandom, log: { debug() {}, info() {}, warn() {}, error() {} } }, ended.signal).of(ConfigMaps, { namespace: 'default' })
    const told: number[] = []
    void (async () => { for await (const each of informer.changes(ended.signal)) if (each.key === 'default/clock') told.push(Number(each.object?.data?.['n'])) })().catch(() => {}) // ends with the test
    await live.client.create(ConfigMaps, { metadata: { name: 'clock', namespace: 'default' }, data: { n: '0' } } as never)
    let written = 0
    const writing = (async () => { while (!ended.signal.aborted) { const done = await client.patch(ConfigMaps, { name: 'clock', namespace: 'default' }, { type: 'merge', body: { data: { n: String(written + 1) } } }).then(() => true, () => false); if (done) written++; await systemClock.sleep(20, new AbortController().signal) } })()
    const stop = await ask()
    const second = await bundleOf('0.2.0-test')
    const begun = performance.now()
    const { exitCode, stderr } = await upgradeTo(second)
    const took = (performance.now() - begun) / 1000
    expect(exitCode, stderr).toBe(0)
    const { answered, failures } = await stop()
    const at = written
    await until('the watch has told the last write', async () => told.some((n) => n >= at))
    ended.abort()
    await writing
    close()
    console.log(`check 25: upgraded in ${took.toFixed(1)} s under ${rate} requests/s: ${answered} answered, ${failures.length} failed; ${Object.keys(before).length} pods with their processes, ${written} writes acknowledged, watch never behind at the end`)
    expect(failures).toEqual([])
    expect(answered).toBeGreaterThan(rate * 2)
    expect(await version()).toBe('v1.36.0+wherry-0.2.0-test')
    expect(await seen()).toEqual(before)
    expect(told.every((n, index) => index === 0 || n >= (told[index - 1] ?? 0)), 'in order').toBe(true)
    for (const node of ['node-1', 'node-2']) expect(commandOf(kubeletOf(cluster, node))[1]).toMatch(new RegExp(`^${cluster.home.data}/program/[0-9a-f]{12}/wherry.js$`))
    const now = (await live.podsOf('', 'kube-system')).map(({ metadata }) => metadata.uid)
    expect(now.filter((uid) => system.includes(uid)), 'nothing of the old program is left').toEqual([])
    expect(now.length).toBe(system.length)
    // A spare that the old program armed is the new one's to start.
    if (spared) {
      const armed = new Set(spares.find(([name]) => name.startsWith(spared.metadata.uid))?.[1])
      killHard(processesOf(cluster, spared)[0])
      await live.untilPod(spared.metadata.name, 'is restarted', (pod) => restartsOf(pod) === restartsOf(spared) + 1 && isReady(pod))
      expect(processesOf(cluster, spared).every((pid) => armed.has(pid)), `${String(processesOf(cluster, spared))} of ${String([...armed])}`).toBe(true)
    }
    expect((await upgradeTo(second)).exitCode, 'once more changes nothing').toBe(0)
    expect((await live.podsOf('', 'kube-system')).map(({ metadata }) => metadata.uid).toSorted()).toEqual(now.toSorted())
  }, 600_000)

  test.runIf(full).each(['kubelet', 'apiserver', 'kube-proxy'])('a program whose %s does not come up is put back, under load', async (broken) => {
    const [before, was] = [await seen(), await version()]
    const stop = await ask()
    const { exitCode, stderr } = await upgradeTo(await bundleOf('0.3.0-test', broken), '--timeout', '40')
    const { answered, failures } = await stop()
    console.log(`check 25: a broken ${broken} was put back: ${answered} answered, ${failures.length} failed`)
    expect(stderr).toContain('the cluster runs as before')
    expect(exitCode).toBe(1)
    expect(failures).toEqual([])
    expect(await version()).toBe(was)
    expect(await seen()).toEqual(before)
    await live.run(`after-${broken}`, ['sleep', '1000'])
    await live.untilPod(`after-${broken}`, 'is ready', isReady)
  }, 600_000)
})
