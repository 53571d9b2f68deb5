/** What a machine must have to join: a script asks, a pure function judges. */
export interface Probe {
  hostname: string
  system: string
  /** `uname -m`. */
  architecture: string
  /** The login is root's, or may become root without a question. */
  root: boolean
  overlay: boolean
  cgroups: boolean
  apt: boolean
  missing: readonly string[]
  freeBytes: number
  /** `ip route get` to the API server's address; '' when there is no way (or no ip). */
  routeToServer: string
}

/** Program → Debian's package. */
const packages: Readonly<Record<string, string>> = {
  iptables: 'iptables', 'iptables-save': 'iptables', 'iptables-restore': 'iptables', ip: 'iproute2', conntrack: 'conntrack', nsenter: 'util-linux', unshare: 'util-linux', setpriv: 'util-linux', mount: 'mount', tar: 'tar',
}
/** Without it connections that were made before a Service changed linger; nothing else fails. */
const optional = new Set(['conntrack'])

/** `$1` is the API server's address, the others are programs. Prints `name=value` lines. */
export const probeScript = `
PATH=$PATH:/usr/sbin:/sbin:/usr/bin:/bin; export PATH
server=$1; shift
echo "hostname=$(uname -n)"; echo "system=$(uname -s)"; echo "architecture=$(uname -m)"
if [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; then echo root=yes; fi
if grep -qw overlay /proc/filesystems || modprobe overlay 2>/dev/null || sudo -n modprobe overlay 2>/dev/null; then echo overlay=yes; fi
if [ -e /sys/fs/cgroup/cgroup.procs ] || [ -e /sys/fs/cgroup/memory/cgroup.procs ]; then echo cgroups=yes; fi
if command -v apt-get >/dev/null; then echo apt=yes; fi
for program; do command -v "$program" >/dev/null || echo "missing=$program"; done
directory=/var/lib; echo "free=$(df -Pk "$directory" | awk 'NR == 2 { print $4 }')"
echo "route=$(ip -o -4 route get "$server" 2>/dev/null | head -n 1)"
`

export const neededPrograms = Object.keys(packages)

export const parseProbe = (output: string): Probe => {
  const lines = output.split('\n').flatMap((line) => { const at = line.indexOf('='); return at < 0 ? [] : [[line.slice(0, at), line.slice(at + 1).trim()] as const] })
  const value = (name: string): string => lines.find(([each]) => each === name)?.[1] ?? ''
  return {
    hostname: value('hostname'), system: value('system'), architecture: value('architecture'), root: value('root') === 'yes', overlay: value('overlay') === 'yes', cgroups: value('cgroups') === 'yes',
    apt: value('apt') === 'yes', missing: lines.filter(([name]) => name === 'missing').map(([, program]) => program), freeBytes: Number(value('free')) * 1024, routeToServer: value('route'),
  }
}

export const packagesFor = (missing: readonly string[]): string[] => [...new Set(missing.flatMap((program) => packages[program] ?? []))]

const architectures: Readonly<Record<string, string>> = { x86_64: 'x64', aarch64: 'arm64' }
const minimumFreeBytes = 400 << 20

export interface Problem { what: string; remedy: string }

/** What keeps the machine from joining and cannot be mended from here. `own`: process.arch of this machine, whose program it gets. */
export const problemsOf = (probe: Probe, { own, user, server }: { own: string; user: string; server: string }): Problem[] => {
  if (probe.system !== 'Linux') return [{ what: `it runs ${probe.system || 'no system that says its name'}`, remedy: 'only Linux machines can join' }]
  const problems: Problem[] = []
  const blocking = probe.missing.filter((program) => !optional.has(program))
  if (architectures[probe.architecture] !== own) problems.push({ what: `its architecture is ${probe.architecture}, this machine's is ${own}`, remedy: 'machines of one architecture can join each other' })
  if (!probe.root) problems.push({ what: `${user} is not root there and sudo asks for a password`, remedy: `log in as root, or let that user run sudo without a password (${user} ALL=(ALL) NOPASSWD: ALL)` })
  if (!probe.overlay) problems.push({ what: 'its kernel has no overlay file system', remedy: 'load it: modprobe overlay' })
  if (!probe.cgroups) problems.push({ what: 'no cgroups are mounted under /sys/fs/cgroup', remedy: 'mount them: mount -t cgroup2 none /sys/fs/cgroup' })
  if (probe.freeBytes < minimumFreeBytes) problems.push({ what: `only ${Math.floor(probe.freeBytes / 2 ** 20)} MiB are free in /var/lib`, remedy: `free ${minimumFreeBytes >> 20} MiB there` })
  if (blocking.length > 0 && !(probe.apt && probe.root)) problems.push({ what: `these programs are missing: ${blocking.join(', ')}`, remedy: `install them (Debian's packages: ${packagesFor(blocking).join(' ')})` })
  if (probe.root && !blocking.includes('ip')) problems.push(...linkProblems(probe, server))
  return problems
}

const linkProblems = ({ routeToServer }: Probe, server: string): Problem[] => {
  if (routeToServer === '') return [{ what: `it has no route to the API server's address ${server}`, remedy: 'pods are routed between machines of one network only: put it on the same one' }]
  if (routeToServer.startsWith('local ')) return [{ what: `the API server's address ${server} is its own`, remedy: 'that is the machine the cluster runs on already' }]
  const router = / via (\S+)/.exec(routeToServer)?.[1]
  return router === undefined ? [] : [{ what: `it reaches the API server at ${server} only by way of the router ${router}, not on a common link`, remedy: 'pods are routed between machines of one network only: put it on the same one' }]
}

/** The address that the machine has on its link to the API server. */
export const ownAddress = ({ routeToServer }: Probe): string | undefined => / src (\d+\.\d+\.\d+\.\d+)/.exec(routeToServer)?.[1]
