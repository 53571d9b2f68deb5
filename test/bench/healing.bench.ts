/**
 * How long a cluster takes to heal, whole way: from SIGKILL until the restarted program's first instruction, until its endpoint is back, until a deleted pod's replacement
 * is Ready, until the API server answers again. `node test/bench/healing.bench.ts` (as root) prints a table.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Pod } from '../../src/api/types.ts'
import { startTestCluster, type TestCluster, until } from '../support/cluster.ts'
import { isReady, type LiveClient, liveClient, restartsOf } from '../support/live-client.ts'
import { killHard, processesOf } from '../support/seen-from-outside.ts'
import { type BenchRow, latencyRows, monotonic, printRows, shopManifest, stampProgram } from './cluster-figures.ts'

const podCount = 40

interface World { cluster: TestCluster; live: LiveClient; directory: string }

const stampsOf = async (directory: string, name: string): Promise<number[]> => (await readFile(path.join(directory, name), 'utf8').catch(() => '')).split('\n').filter(Boolean).map(Number)

/** First restarts of pods that have run for a while, one after the other. */
const restarts = async ({ cluster, live, directory }: World): Promise<number[]> => {
  const names = Array.from({ length: podCount }, (_, index) => `stamp-${index}`)
  for (const name of names) {
    const command = ['perl', '-e', `${stampProgram(`/stamps/${name}`)} sleep 1 while 1`]
    await live.run(name, command, { containers: [{ name: 'main', image: 'host', command, volumeMounts: [{ name: 'stamps', mountPath: '/stamps' }] }], volumes: [{ name: 'stamps', hostPath: { path: directory } }] })
  }
  const pods = await Promise.all(names.map((name) => live.untilPod(name, 'runs', isReady)))
  await pause(8_000) // what is armed ahead is armed a while after the start
  const samples: number[] = []
  for (const pod of pods) {
    const [pid] = processesOf(cluster, pod)
    const killed = monotonic()
    killHard(pid)
    await until('the program runs again', async () => (await stampsOf(directory, pod.metadata.name)).length >= 2)
    samples.push(((await stampsOf(directory, pod.metadata.name))[1] ?? Number.NaN) - killed)
    await pause(100)
  }
  await until('all are counted', async () => (await Promise.all(names.map((name) => live.pod(name)))).every((pod) => restartsOf(pod) === 1))
  for (const name of names) await live.remove(name)
  return samples
}

const repeated = async (count: number, one: () => Promise<number>): Promise<number[]> => {
  const samples: number[] = []
  for (let index = 0; index < count; index++) { samples.push(await one()); await pause(1_500) }
  return samples
}

const webReady = ({ live }: World): Promise<Pod[]> => until('the web tier is Ready', async () => {
  const pods = await live.podsOf('app=shop,tier=web')
  return pods.length === 3 && pods.every(isReady) && (await live.endpoints('web')).length === 3 ? pods : undefined
})

const endpointBack = async (world: World): Promise<number> => {
  const pods = await webReady(world)
  const pod = pods.toSorted((one, other) => restartsOf(one) - restartsOf(other))[0]
  if (!pod) throw new Error('no pod')
  const before = restartsOf(pod)
  const begun = monotonic()
  killHard(processesOf(world.cluster, pod)[0])
  await until('Ready after the restart', async () => { const now = await world.live.pod(pod.metadata.name); return restartsOf(now) > before && isReady(now) && (await world.live.endpoints('web')).includes(now.status.podIP ?? '') })
  return monotonic() - begun
}

const replacement = async (world: World): Promise<number> => {
  const [pod] = await webReady(world)
  if (!pod) throw new Error('no pod')
  const begun = monotonic()
  await world.live.remove(pod.metadata.name)
  await until('a replacement', async () => { const now = await world.live.podsOf('app=shop,tier=web'); return now.length === 3 && now.every(isReady) && now.every(({ metadata }) => metadata.uid !== pod.metadata.uid) })
  return monotonic() - begun
}

const serverBack = async ({ cluster, live }: World): Promise<number> => {
  const pid = processesOf(cluster, await live.pod('kube-apiserver-node-1', 'kube-system'))[0]
  const begun = monotonic()
  killHard(pid)
  await until('/readyz', async () => (await live.client.raw({ method: 'GET', path: '/readyz', headers: {} })).status === 200, 60)
  return monotonic() - begun
}

export const run = async (): Promise<BenchRow[]> => {
  await using cluster = await startTestCluster({ files: [shopManifest] })
  const directory = await mkdtemp(path.join(tmpdir(), 'wherry-stamps-'))
  using live = liveClient(cluster)
  const world = { cluster, live, directory }
  try {
    await webReady(world)
    return [
      ...latencyRows('kill -9 of a container to the first instruction of its successor', await restarts(world), 20),
      ...latencyRows('kill -9 of a container until Ready and in the Service again', await repeated(3, () => endpointBack(world))),
      ...latencyRows('pod deleted until its replacement is Ready', await repeated(5, () => replacement(world))),
      ...latencyRows('first kill -9 of the API server until /readyz', [await serverBack(world)], 1500),
    ]
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

if (import.meta.main) { printRows(await run()); process.exit() }
