/** What must hold on this machine before a cluster starts on it: facts are read at the edge, judged by a pure function. */
import { readFile } from 'node:fs/promises'
import { existsSync, statfsSync } from 'node:fs'
import { createServer } from 'node:net'
import { execa } from 'execa'
import type { ClusterConfig } from './config.ts'

export interface Facts {
  uid: number
  missingTools: readonly string[]
  /** Ports that the cluster needs and somebody else listens on, with who if it is known. */
  takenPorts: readonly { port: number; purpose: string; by: string }[]
  /** Names of chains in the machine's tables that another Kubernetes made. */
  foreignChains: readonly string[]
  /** Destination ranges of the machine's routes, without ours. */
  routes: readonly { destination: string; device: string }[]
  overlay: boolean
  cgroups: boolean
  freeBytes: number
}

export interface Problem { what: string; remedy: string }

const minimumFreeBytes = 64 << 20

const parseRange = (cidr: string): { from: number; to: number } | undefined => {
  const [address = '', bits = '32'] = cidr.split('/')
  const parts = address.split('.').map(Number)
  if (parts.length !== 4 || parts.some((part) => !Number.isInteger(part) || part < 0 || part > 255)) return undefined
  const value = parts.reduce((sum, part) => sum * 256 + part, 0)
  const size = 2 ** (32 - Number(bits))
  const from = Math.floor(value / size) * size
  return { from, to: from + size - 1 }
}

/** Whether two IPv4 ranges share an address. */
export const overlaps = (one: string, other: string): boolean => {
  const [a, b] = [parseRange(one), parseRange(other)]
  return a !== undefined && b !== undefined && a.from <= b.to && b.from <= a.to
}

/** Everything that keeps the cluster from starting, most basic first. */
export const problemsOf = (facts: Facts, config: Pick<ClusterConfig, 'podCIDR' | 'serviceCIDR' | 'isolated'>): Problem[] => {
  if (facts.uid !== 0) return [{ what: 'Wherry needs root: pods get namespaces, cgroups and iptables rules of their own', remedy: 'run: sudo npm start' }]
  const problems: Problem[] = []
  if (facts.missingTools.length > 0) problems.push({ what: `missing programs: ${facts.missingTools.join(', ')}`, remedy: 'run: npm run setup' })
  if (!facts.overlay) problems.push({ what: 'this kernel has no overlay file system (needed for image: host)', remedy: 'load it: modprobe overlay' })
  if (!facts.cgroups) problems.push({ what: 'no cgroups are mounted under /sys/fs/cgroup', remedy: 'mount them: mount -t cgroup2 none /sys/fs/cgroup' })
  if (facts.freeBytes < minimumFreeBytes) problems.push({ what: `only ${Math.floor(facts.freeBytes / 2 ** 20)} MiB are free where the data directory is`, remedy: 'free some space, or choose another place with --data-dir' })
  for (const { port, purpose, by } of facts.takenPorts) problems.push({ what: `port ${port} (${purpose}) is in use${by ? ` by ${by}` : ''}`, remedy: 'end that program, or start with --isolated, which uses no port of this machine' })
  if (!config.isolated && facts.foreignChains.length > 0) {
    problems.push({ what: `another Kubernetes owns iptables chains here (${facts.foreignChains.slice(0, 3).join(', ')}${facts.foreignChains.length > 3 ? ', …' : ''})`, remedy: 'stop it and remove its chains, or start with --isolated' })
  }
  const ranges = [['pod range', config.podCIDR], ['Service range', config.serviceCIDR]] as const
  for (const [name, range] of config.isolated ? [] : ranges) {
    const clash = facts.routes.find(({ destination }) => destination !== 'default' && overlaps(destination, range))
    if (clash) problems.push({ what: `the ${name} ${range} overlaps the route ${clash.destination} dev ${clash.device}`, remedy: name === 'pod range' ? 'choose another with --pod-cidr' : 'choose another with --service-cidr' })
  }
  return problems
}

const whoListens = async (port: number): Promise<string> => {
  const { stdout } = await execa('ss', ['-Hltnp', `sport = :${port}`], { reject: false })
  const found = /users:\(\("([^"]+)",pid=(\d+)/.exec(stdout ?? '')
  return found ? `${found[1]} (pid ${found[2]})` : ''
}

const isTaken = (port: number): Promise<boolean> => new Promise((resolve) => {
  const server = createServer()
  server.once('error', () => resolve(true))
  server.listen({ port, host: '::', exclusive: true }, () => server.close(() => resolve(false)))
})

const searchPath = [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/sbin', '/usr/bin', '/bin']
const isMissing = (program: string): boolean => !searchPath.some((folder) => existsSync(`${folder}/${program}`))

/** Reads the facts. `ours` tells chains and links of this cluster from foreign ones: a marker chain and the names of links. */
export const readFacts = async (ports: readonly { port: number; purpose: string }[], ours: { chainMark: string; ownLinks: readonly string[]; dataParent: string }): Promise<Facts> => {
  const [rules, routes, filesystems] = await Promise.all([
    execa('iptables-save', [], { reject: false }), execa('ip', ['-o', 'route', 'show'], { reject: false }), readFile('/proc/filesystems', 'utf8'),
  ])
  const text = rules.stdout ?? ''
  const chains = text.includes(ours.chainMark) ? [] : [...new Set([...text.matchAll(/^:(KUBE-(?:SERVICES|SVC|SEP|NODEPORTS|POSTROUTING)\S*)/gm)].map(([, chain = '']) => chain))]
  const taken = await Promise.all(ports.map(async (each) => ((await isTaken(each.port)) ? { ...each, by: await whoListens(each.port) } : undefined)))
  const space = statfsSync(ours.dataParent)
  return {
    uid: process.getuid?.() ?? -1,
    missingTools: ['iptables', 'iptables-restore', 'iptables-save', 'ip', 'nsenter', 'unshare', 'setpriv', 'mount'].filter(isMissing),
    takenPorts: taken.filter((each) => each !== undefined),
    foreignChains: chains,
    routes: (routes.stdout ?? '').split('\n').flatMap((line) => {
      const [destination = ''] = line.split(' ')
      const device = / dev (\S+)/.exec(line)?.[1] ?? ''
      return destination && !ours.ownLinks.includes(device) ? [{ destination, device }] : []
    }),
    overlay: filesystems.includes('overlay'),
    cgroups: existsSync('/sys/fs/cgroup/cgroup.procs') || existsSync('/sys/fs/cgroup/memory/cgroup.procs'),
    freeBytes: space.bavail * space.bsize,
  }
}
