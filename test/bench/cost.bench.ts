/** What an idle cluster with the example costs: proportional memory (PSS) and processor time of each process. `node test/bench/cost.bench.ts [seconds]` (as root). */
import { readdirSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { startTestCluster, type TestCluster } from '../support/cluster.ts'
import { commandOf } from '../support/seen-from-outside.ts'
import { type BenchRow, monotonic, printRows, shopManifest } from './cluster-figures.ts'
import { allPids, cpuSeconds, parentOf, pssMebibytes, readProc } from './processes.ts'

/** All processes that descend from the cluster's keepers, or that its program folder or data directory names. */
const processesOf = ({ home }: TestCluster): number[] => {
  const namespaces = new Set(readdirSync('/sys/fs/cgroup/memory').filter((name) => name === `wherry-${home.clusterId}`))
  const inOurs = (pid: number): boolean => [...namespaces].some((name) => readProc(pid, 'cgroup').includes(`/${name}/`))
  return allPids().filter((pid) => pid !== process.pid && (inOurs(pid) || commandOf(pid).some((word) => word.includes(home.data)) || commandOf(parentOf(pid)).some((word) => word.includes(home.data))))
}

const components = ['apiserver', 'scheduler', 'controller-manager', 'cloud-controller-manager', 'kubelet', 'kube-proxy', 'dns', 'single'] as const
const nameOf = (pid: number): string => {
  const command = commandOf(pid)
  const [program = ''] = command
  if (program.startsWith('/dev/.wherry/')) return 'spares'
  if (/(^|\/)sh$/.test(program)) return command.includes('wherry-keeper') ? 'keeper' : 'shims'
  if (program === 'sleep' || program.endsWith('/step-runner')) return 'sandboxes'
  return components.find((name) => command.slice(1, 4).includes(name)) ?? (program.includes('perl') ? 'the example' : program.split('/').at(-1) ?? '')
}

const measured = async (what: string, single: boolean, { seconds, goals }: { seconds: number; goals: { memory: number; cpu?: number } }): Promise<BenchRow[]> => {
  await using cluster = await startTestCluster({ files: [shopManifest], single })
  await pause(20_000) // until nothing starts any more
  const before = new Map(processesOf(cluster).map((pid) => [pid, cpuSeconds(pid)]))
  const begun = monotonic()
  await pause(seconds * 1000)
  const share = (seconds: number): number => seconds / ((monotonic() - begun) / 1000) * 100
  const groups = new Map<string, { pss: number; seconds: number; count: number }>()
  for (const [pid, spent] of before) {
    const group = groups.get(nameOf(pid)) ?? { pss: 0, seconds: 0, count: 0 }
    groups.set(nameOf(pid), { pss: group.pss + pssMebibytes(pid), seconds: group.seconds + cpuSeconds(pid) - spent, count: group.count + 1 })
  }
  const each = [...groups].toSorted(([, one], [, other]) => other.pss - one.pss).flatMap(([name, { pss, seconds: used, count }]): BenchRow[] => [
    { name: `${what}: ${name}${count > 1 ? ` (${count})` : ''}: memory`, value: pss, unit: 'MiB' }, { name: `${what}: ${name}: processor`, value: share(used), unit: '%' },
  ])
  const sum = (of: 'pss' | 'seconds'): number => [...groups].filter(([name]) => name !== 'the example').reduce((total, [, group]) => total + group[of], 0)
  return [...each, { name: `${what}: all but the example: memory`, value: sum('pss'), unit: 'MiB', goal: goals.memory }, { name: `${what}: all but the example: processor`, value: share(sum('seconds')), unit: '%', ...(goals.cpu !== undefined && { goal: goals.cpu }) }]
}

export const run = async (seconds = 60): Promise<BenchRow[]> => [
  ...await measured('idle cluster', false, { seconds, goals: { memory: 400, cpu: 2 } }),
  ...await measured('idle --single', true, { seconds, goals: { memory: 160 } }),
]

if (import.meta.main) { printRows(await run(Number(process.argv[2] ?? 60))); process.exit() }
