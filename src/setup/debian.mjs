/** The programs of the machine that Wherry needs, by Debian package, and how they come onto it. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import path from 'node:path'

/** program → the Debian package that has it. All of them are on a standard Debian or Ubuntu but for iptables, and on minimal images iproute2. */
export const tools = {
  iptables: 'iptables', 'iptables-restore': 'iptables', 'iptables-save': 'iptables', ip: 'iproute2', nsenter: 'util-linux', unshare: 'util-linux', setpriv: 'util-linux',
  mount: 'mount', umount: 'mount', conntrack: 'conntrack', tar: 'tar', sysctl: 'procps',
}

const testPackages = ['etcd-server', 'openssh-server', 'openssh-sftp-server', 'openssh-client', 'libwrap0', 'tmux', 'busybox-static']

const searchPath = [...new Set([...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin', '/usr/bin', '/bin'])]
export const findProgram = (name) => searchPath.map((folder) => path.join(folder, name)).find((file) => existsSync(file))

/** [program, package] of what is not there. */
export const missingTools = () => Object.entries(tools).filter(([program]) => !findProgram(program))

const aptInstall = (packages) => {
  const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const attempt = () => spawnSync('apt-get', ['install', '-y', '--no-install-recommends', ...packages], { env: environment, encoding: 'utf8' })
  const first = attempt()
  if (first.status === 0) return first
  spawnSync('apt-get', ['update'], { env: environment, encoding: 'utf8' })
  return attempt()
}

/** As root installs the missing packages; otherwise (or without apt) ends with the command that a person has to run. */
export const installTools = (missing, { say, fail }) => {
  const packages = [...new Set(missing.map(([, name]) => name))]
  const programs = missing.map(([program]) => program).join(', ')
  if (!findProgram('apt-get')) fail(`missing programs: ${programs}. Install them with this machine's package manager (Debian's packages: ${packages.join(' ')}) and start again`)
  if (process.getuid() !== 0) fail(`missing programs: ${programs}. Run: sudo apt-get install ${packages.join(' ')}`)
  say(`installing Debian packages: ${packages.join(' ')} …`)
  const result = aptInstall(packages)
  if (result.status !== 0) fail(`apt-get install ${packages.join(' ')} failed:\n${result.stdout}${result.stderr}`)
}

/** Unpacks (does not install: no service is to be started on this machine) the real programs that tests run against. Without apt the tests that need them say so. */
export const fetchTestPrograms = (folder, { say }) => {
  if (!findProgram('apt-get')) { say('no apt-get here: tests against real etcd and sshd will be skipped'); return }
  mkdirSync(folder, { recursive: true })
  const download = () => spawnSync('apt-get', ['download', '-o', 'APT::Sandbox::User=root', ...testPackages], { cwd: folder, encoding: 'utf8' })
  say(`fetching real etcd, sshd, tmux and busybox for the tests (unpacked beside the project, not installed) …`)
  if (download().status !== 0) {
    if (process.getuid() === 0) spawnSync('apt-get', ['update'], { encoding: 'utf8' })
    const second = download()
    if (second.status !== 0) { say(`could not fetch ${testPackages.join(' ')}: tests against them will be skipped\n${second.stderr}`); return }
  }
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.deb'))) spawnSync('dpkg-deb', ['-x', file, 'root'], { cwd: folder })
}
