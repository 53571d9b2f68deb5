/**
 * Restarts side by side: kill -9 of a service's process until the first instruction of its successor, stamped by that itself, under Wherry, pm2, runit and supervisord, one kill of each in turn,
 * so that all of them see the same machine. `node test/bench/restarts.bench.ts [services]` (as root). Each service is killed once. What has to be fetched is, into the cache folder.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { loadavg, tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { Pods } from '../../src/api/kinds.ts'
import type { Pod } from '../../src/api/types.ts'
import { startTestCluster, type TestCluster, until } from '../support/cluster.ts'
import { isReady, type LiveClient, liveClient, restartsOf } from '../support/live-client.ts'
import { containersOn, killHard, processesOf } from '../support/seen-from-outside.ts'
import { type BenchRow, latencyRows, monotonic, printRows } from './cluster-figures.ts'
import { installStampProgram, readStamps } from './stamp-program.ts'
import { type Place, type Service, startPm2, startRunit, startSupervisord, type Supervisor } from './supervisors.ts'

/** Pods that run at a time. */
const groupSize = 50
const coldShare = 0.15
const wherry = 'Wherry, spares armed'

interface World { cluster: TestCluster; live: LiveClient; place: Place }
interface PodService extends Service { pod: Pod }

const podService = async ({ live, place: { directory, program } }: World, name: string): Promise<Omit<PodService, 'pod'>> => {
  const file = path.join(directory, name)
  await live.run(name, [], {
    containers: [{ name: 'main', image: 'host', command: ['/stamps/program', `/stamps/${name}`], volumeMounts: [{ name: 'stamps', mountPath: '/stamps' }] }], volumes: [{ name: 'stamps', hostPath: { path: path.dirname(program) } }],
  })
  return { name, file }
}

const successor = async ({ file }: Service, killed: number): Promise<number> => {
  const before = readStamps(file).length
  const deadline = monotonic() + 30_000
  for (;;) {
    const stamps = readStamps(file)
    const next = stamps.at(-1)
    if (next && next.monotonicMs > killed) return next.monotonicMs - killed
    if (monotonic() > deadline) throw new Error(`nobody restarted what stamps ${file} (${before} stamps)`)
    await pause(5)
  }
}

const killPod = ({ cluster }: World, { pod }: PodService): number => {
  const [pid] = processesOf(cluster, pod)
  const killed = monotonic()
  killHard(pid)
  return killed
}

/** With grace: the API lets go of them when the kubelet has, which takes no more than 110 at a time. */
const remove = async ({ live: { client } }: World, services: readonly Service[]): Promise<void> => {
  await Promise.all(services.map(({ name }) => client.delete(Pods, { name, namespace: 'default' }, { gracePeriodSeconds: 1 })))
  await until('all are gone', async () => { const { items } = await client.list(Pods, { namespace: 'default' }); return services.every(({ name }) => items.every(({ metadata }) => metadata.name !== name)) }, 120)
}

/** Killed before anything is armed for them: it is a second after their start. */
const coldRestarts = async (world: World, count: number): Promise<number[]> => {
  const samples: number[] = []
  for (let index = 0; index < count; index++) {
    const service = await podService(world, `cold-${index}`)
    const pod = await world.live.untilPod(service.name, 'runs', isReady)
    samples.push(await successor(service, killPod(world, { ...service, pod })))
    await remove(world, [service])
    await pause(300)
  }
  return samples
}

/** Pods whose next attempt is armed. */
const armedPods = async (world: World, count: number, first: number): Promise<PodService[]> => {
  const services = []
  for (let index = first; index < first + count; index++) services.push(await podService(world, `stamp-${index}`))
  const pods = await Promise.all(services.map(async (service) => ({ ...service, pod: await world.live.untilPod(service.name, 'runs', isReady, 120) })))
  await until('all spares are armed', async () => pods.every(({ pod }) => armed(world, pod)), 120)
  await pause(3_000)
  return pods
}

const armed = ({ cluster }: World, pod: Pod): boolean => containersOn(cluster, 'node-1', { spares: true }).has(`${pod.metadata.uid}/main-1`)

/** One kill of each in turn. What the rivals' programs have stamped is read after the group: one of them takes a second for each restart, in which it does nothing. */
const sideBySide = async (world: World, rivals: readonly Supervisor[], count: number): Promise<Map<string, number[]>> => {
  const samples = new Map<string, number[]>([[wherry, []], ...rivals.map(({ name }): [string, number[]] => [name, []])])
  for (let first = 0; first < count; first += groupSize) {
    const pods = await armedPods(world, Math.min(groupSize, count - first), first)
    const killed: { name: string; service: Service; at: number }[] = []
    for (const [index, service] of pods.entries()) {
      samples.get(wherry)?.push(await successor(service, killPod(world, service)))
      await pause(100)
      for (const rival of rivals) {
        const own = rival.services[first + index]
        if (own) killed.push({ name: rival.name, service: own, at: rival.kill(own) })
        await pause(50)
      }
    }
    for (const { name, service, at } of killed) samples.get(name)?.push(await successor(service, at))
    await until('all are counted', async () => (await Promise.all(pods.map(({ name }) => world.live.pod(name)))).every((pod) => restartsOf(pod) === 1))
    await remove(world, pods)
  }
  return samples
}

export const run = async (count = 200): Promise<BenchRow[]> => {
  await using cluster = await startTestCluster()
  using live = liveClient(cluster)
  const directory = await mkdtemp(path.join(tmpdir(), 'wherry-restarts-'))
  const place = { directory, program: path.join(directory, 'program') }
  installStampProgram(place.program)
  const world = { cluster, live, place }
  try {
    await using pm2 = await startPm2({ ...place, directory: path.join(directory, 'pm2') }, count)
    await using runit = await startRunit({ ...place, directory: path.join(directory, 'runit') }, count)
    await using supervisord = await startSupervisord({ ...place, directory: path.join(directory, 'supervisord') }, count)
    await pause(5_000) // all have run for longer than any of them wants to call it a start
    const load = loadavg()[0] ?? Number.NaN
    const samples = await sideBySide(world, [pm2, runit, supervisord], count)
    const rows = [...samples].flatMap(([name, each]) => (name === wherry ? latencyRows(name, each, 8, 40) : latencyRows(name, each)))
    return [...rows, ...latencyRows('Wherry, cold (killed before a spare was armed)', await coldRestarts(world, Math.ceil(count * coldShare))), { name: 'load of the machine at the beginning', value: load, unit: '' }, { name: 'load of the machine at the end', value: loadavg()[0] ?? Number.NaN, unit: '' }]
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

if (import.meta.main) { printRows(await run(Number(process.argv[2] ?? 200))); process.exit() }
