/** What a cluster could leave on a machine, as the machine's own tools print it: taken before and after, it must be equal. */
import { readdirSync, readFileSync } from 'node:fs'
import { execa } from 'execa'

export interface MachineState { rules: string[]; links: string[]; namespaces: string[]; routes: string[]; cgroups: string[]; mounts: string[]; processes: string[]; files: string[]; forwarding: string; sysctls: string[] }

const lines = (text: string): string[] => text.split('\n').filter(Boolean)
const run = async (program: string, ...args: string[]): Promise<string[]> => lines((await execa(program, args, { reject: false })).stdout)
const read = (file: string): string => { try { return readFileSync(file, 'utf8').trim() } catch { return '' } }
const list = (directory: string): string[] => { try { return readdirSync(directory) } catch { return [] } }

/** Programs whose command line names what only this cluster has. */
const processesNaming = (marks: readonly string[]): string[] => list('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid).flatMap((pid) => {
  const command = read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ')
  return marks.some((mark) => command.includes(mark)) && !command.includes('vitest') ? [`${pid} ${command}`] : []
})

const controlGroups = (): string[] => ['', ...list('/sys/fs/cgroup')].flatMap((hierarchy) => list(`/sys/fs/cgroup/${hierarchy}`).filter((name) => name.startsWith('wherry')).map((name) => `${hierarchy}/${name}`))

/** Everything of it, sorted. `marks`: words that name one cluster's processes. */
export const machineState = async (marks: readonly string[]): Promise<MachineState> => {
  const [rules, links, namespaces, routes, sysctls] = await Promise.all([
    run('iptables-save'), run('ip', '-o', 'link'), run('ip', 'netns'), run('ip', 'route', 'show', 'table', 'all'),
    run('sysctl', 'net.ipv4.ip_forward', 'net.ipv4.conf.all.route_localnet', 'net.ipv4.conf.default.forwarding', 'net.bridge.bridge-nf-call-iptables', 'net.ipv4.conf.all.rp_filter', 'kernel.panic', 'vm.overcommit_memory'),
  ])
  return {
    rules: rules.filter((line) => !line.startsWith('#')).map((line) => line.replace(/\[\d+:\d+\]/, '[0:0]')).sort(),
    // Numbers and what changes by itself say nothing.
    links: links.map((line) => line.replace(/^\d+: /, '').replace(/ (state|qlen) .*/, '')).sort(),
    namespaces: namespaces.map((line) => line.replace(/ \(id: \d+\)/, '')).sort(),
    routes: routes.sort(), cgroups: controlGroups().sort(), mounts: lines(read('/proc/self/mounts')).sort(), processes: processesNaming(marks),
    files: list('/run/wherry').sort(), forwarding: read('/proc/sys/net/ipv4/ip_forward'), sysctls: sysctls.sort(),
  }
}

/** The lines of a state that name one of `marks`; a machine shared with other clusters is judged by these. */
export const tracesOf = (state: MachineState, marks: readonly string[]): string[] =>
  Object.entries(state).flatMap(([what, value]: [string, string | string[]]) => (Array.isArray(value) ? value : [value]).filter((line) => marks.some((mark) => line.includes(mark))).map((line) => `${what}: ${line}`))
