/**
 * The way out of an unprivileged cluster's namespaces: slirp4netns, where the machine has it, speaks for them as a program of the user's. The loopback of the machine stays out of reach
 * (`--disable-host-loopback`). Nodes leave by it with the address of the namespaces; names are asked of slirp4netns, which asks whom the machine asks.
 */
import { spawn } from 'node:child_process'
import { accessSync, constants, existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { execa } from 'execa'
import type { Log } from '../../client/component.ts'
import type { Home } from '../home.ts'
import { nodeNetworkOf } from '../node-network.ts'
import type { Holder } from './holder.ts'

const program = 'slirp4netns'
const device = 'tap0'
/** Of its own range, 10.0.2.0/24. */
const nameServer = '10.0.2.3'

const tunnelDevice = '/dev/net/tun'
const isOpen = (file: string): boolean => { try { accessSync(file, constants.R_OK | constants.W_OK); return true } catch { return false } }

/** Why there is none; undefined: there can be one. */
export const wayOutProblem = (environment: NodeJS.ProcessEnv): string | undefined => {
  const isThere = (environment['PATH'] ?? '').split(':').some((folder) => folder !== '' && existsSync(path.join(folder, program)))
  const why = isThere ? (isOpen(tunnelDevice) ? undefined : `this user may not open ${tunnelDevice} (allow it: sudo chmod 0666 ${tunnelDevice}`) : `${program} is not there (install the package ${program}`
  return why && `pods have no way out of this machine: ${why}, then: wherry down and wherry up)`
}

/** As root of the namespaces; $1: the nodes' range, $2: their bridge, $3: a file for resolv.conf. */
const settle = `
set -e
iptables -w -t nat -C POSTROUTING -s "$1" ! -o "$2" -j MASQUERADE 2>/dev/null || iptables -w -t nat -A POSTROUTING -s "$1" ! -o "$2" -j MASQUERADE
grep -q " /etc/resolv.conf \\| $(readlink -f /etc/resolv.conf) " /proc/self/mountinfo || mount -n --bind "$3" /etc/resolv.conf
`

export interface WayOut { ended: Promise<void> }

/** Resolves when it is open; it closes when `signal` aborts, or this process ends. */
export const openWayOut = async (home: Home, { pid }: Holder, { log, signal }: { log: Log; signal: AbortSignal }): Promise<WayOut> => {
  const child = spawn(program, ['--configure', '--mtu=65520', '--disable-host-loopback', '--enable-sandbox', '--enable-seccomp', '--ready-fd=3', '--exit-fd=4', String(pid), device], { stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'] })
  const close = (): void => { child.kill() }
  signal.addEventListener('abort', close, { once: true })
  let said = ''
  child.stderr?.on('data', (chunk: Buffer) => { said = `${said}${chunk.toString()}`.slice(-2000) })
  const ended = new Promise<void>((resolve) => { child.once('error', (error) => { said += error.message; resolve() }); child.once('exit', () => { resolve() }) })
  void ended.then(() => { signal.removeEventListener('abort', close) })
  const ready = new Promise<boolean>((resolve) => { child.stdio[3]?.once('data', () => { resolve(true) }) })
  for (const each of [child.stdio[3], child.stdio[4]]) each?.on('error', () => {}) // its end is heard by its exit
  if (!(await Promise.race([ready, ended.then(() => false)]))) throw new Error(`${program} ended: ${said.trim() || 'without a word'}`)
  const { bridge, prefix } = nodeNetworkOf(home.clusterId)
  const file = path.join(home.data, 'resolv.conf')
  await writeFile(file, `nameserver ${nameServer}\n`)
  const { failed, stderr } = await execa('nsenter', ['--preserve-credentials', `--user=/proc/${pid}/ns/user`, `--net=/proc/${pid}/ns/net`, `--mount=/proc/${pid}/ns/mnt`, 'sh', '-c', settle, 'sh', `${prefix}.0/24`, bridge, file], { reject: false })
  if (failed) throw new Error(`the way out of the namespaces cannot be set up: ${stderr ?? ''}`)
  log.info('pods have a way out of this machine', { by: program })
  return { ended }
}
