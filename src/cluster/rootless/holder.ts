/**
 * The namespaces in which a cluster of an unprivileged user lives: users, network, mounts, processes. They are held by one process (`unshare`), and with it goes everything in them.
 * Its first process is a loop that keeps the forwarder: a listening socket of the machine is passed in to it, since a socket stays in the network in which it was made.
 */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, open, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { execa } from 'execa'
import { systemClock } from '../../api/clock.ts'
import type { Home } from '../home.ts'
import { startTimeOf } from '../process-identity.ts'
import { entryFile } from '../program.ts'
import { UserError } from '../user-error.ts'

export interface Holder {
  pid: number
  startTime: string
  bootId: string
  /** On 127.0.0.1, inside and outside: where the API server answers. */
  port: number
}

const holderFile = (home: Home): string => path.join(home.data, 'rootless.json')
const bootId = async (): Promise<string> => (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim()

/** The holder that the file names, if that very process still runs. */
export const runningHolder = async (home: Home): Promise<Holder | undefined> => {
  const text = await readFile(holderFile(home), 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  const holder = JSON.parse(text) as Holder
  return holder.bootId === await bootId() && await startTimeOf(holder.pid) === holder.startTime ? holder : undefined
}

/**
 * First process of the namespaces; `$1`: the user's number, the rest: the forwarder. What the machine keeps in /run stays outside, but for the user's own directory and what resolv.conf may
 * lead to. It collects whoever loses its parent.
 */
const firstProcess = `
set -e
uid=$1; shift
mount -n -t sysfs sysfs /sys
mount -n -t tmpfs -o mode=0755 wherry-run /mnt
for each in /run/systemd/resolve "/run/user/$uid"; do
  if [ -d "$each" ]; then mkdir -p "/mnt\${each#/run}"; mount -n --rbind "$each" "/mnt\${each#/run}"; fi
done
mount -n --move /mnt /run
ip link set lo up
echo ready
exec >&2
set +e
while :; do
  "$@" <&3 & child=$!
  wait "$child"
  sleep 1
done
`

/** As the shell of an unprivileged user often lacks them. */
export const withSystemPrograms = (environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv =>
  ({ ...environment, PATH: [...new Set([...(environment['PATH'] ?? '').split(':').filter(Boolean), '/usr/sbin', '/sbin', '/usr/bin', '/bin'])].join(':') })

/** Whether newuidmap would give this user more numbers than its own. */
export const hasSubordinates = (texts: readonly string[], { uid, username }: { uid: number; username: string }): boolean =>
  texts.every((text) => text.split('\n').some((line) => { const [who, , count] = line.split(':'); return (who === username || who === String(uid)) && Number(count) >= 65_536 }))

const mappingArguments = async (): Promise<string[]> => {
  const folders = (process.env['PATH'] ?? '').split(':')
  const tools = ['newuidmap', 'newgidmap'].every((tool) => folders.some((folder) => existsSync(path.join(folder, tool))))
  if (!tools) return ['--map-root-user']
  const texts = await Promise.all(['/etc/subuid', '/etc/subgid'].map((file) => readFile(file, 'utf8').catch(() => '')))
  const username = ((): string => { try { return os.userInfo().username } catch { return '' } })() // a number without a name
  return ['--map-root-user', ...(hasSubordinates(texts, { uid: process.getuid?.() ?? -1, username }) ? ['--map-auto'] : [])]
}

const listenOn = (port: number): Promise<Server | undefined> => new Promise((resolve) => {
  const server = createServer()
  server.once('error', () => { resolve(undefined) })
  server.listen({ port, host: '127.0.0.1' }, () => { resolve(server) })
})

/** `asked` must be free; without it any of those that come next will do. */
const listener = async (asked: number | undefined, before: number | undefined): Promise<{ server: Server; port: number; descriptor: number }> => {
  for (const port of asked === undefined ? [...(before === undefined ? [] : [before]), 6443, 0] : [asked]) {
    const server = await listenOn(port)
    const address = server?.address()
    // Node names the descriptor nowhere else; a child gets it like its others.
    const descriptor = (server as unknown as { _handle?: { fd: number } } | undefined)?._handle?.fd
    if (server && descriptor !== undefined && typeof address === 'object' && address) return { server, port: address.port, descriptor }
  }
  throw new UserError(`port ${asked} of 127.0.0.1 is in use: end the program that listens there, or choose another with --port`)
}

const firstLine = async (stream: AsyncIterable<Buffer> | Iterable<Buffer>): Promise<string> => {
  let text = ''
  for await (const chunk of stream) {
    text += chunk.toString()
    if (text.includes('\n')) break
  }
  return text.trim()
}

/** Resolves when everything in the namespaces is ready for a cluster. */
export const startHolder = async (home: Home, { port: asked, before }: { port: number | undefined; before: number | undefined }): Promise<Holder> => {
  await mkdir(home.logs, { recursive: true, mode: 0o700 })
  const logFile = path.join(home.logs, 'rootless.log')
  const [log, { server, port, descriptor }, mapping] = [await open(logFile, 'w', 0o600), await listener(asked, before), await mappingArguments()]
  const child = spawn('unshare', ['--user', ...mapping, '--net', '--mount', '--ipc', '--uts', '--cgroup', '--pid', '--fork', '--kill-child', '--mount-proc',
    'sh', '-c', firstProcess, 'wherry-rootless', String(process.getuid?.() ?? 0), process.execPath, entryFile(), '--data-dir', home.data, 'rootless-forwarder', `--port=${port}`],
  { detached: true, cwd: '/', stdio: ['ignore', 'pipe', log.fd, descriptor], env: withSystemPrograms(process.env) })
  const [line] = await Promise.all([firstLine(child.stdout ?? []), log.close()])
  server.close()
  if (line !== 'ready') throw new UserError(`the namespaces of the cluster cannot be set up: ${(await readFile(logFile, 'utf8')).trim() || 'unshare ended without a word'}`)
  child.stdout?.destroy()
  child.unref()
  const holder: Holder = { pid: child.pid ?? 0, startTime: (await startTimeOf(child.pid ?? 0)) ?? '', bootId: await bootId(), port }
  await writeFile(holderFile(home), `${JSON.stringify(holder)}\n`, { mode: 0o600 })
  return holder
}

const outsideFile = (home: Home): string => path.join(home.data, 'rootless-outside.json')

/** What stays outside (outside.ts), unless it runs. Resolves with its first word. */
export const ensureOutside = async (home: Home): Promise<string> => {
  const before = await readFile(outsideFile(home), 'utf8').then((text) => JSON.parse(text) as Pick<Holder, 'pid' | 'startTime'>, () => undefined)
  if (before && await startTimeOf(before.pid) === before.startTime) return 'ready'
  const log = await open(path.join(home.logs, 'rootless-outside.log'), 'a', 0o600)
  const child = spawn(process.execPath, [entryFile(), '--data-dir', home.data, 'rootless-outside'], { detached: true, cwd: '/', stdio: ['ignore', 'pipe', log.fd], env: withSystemPrograms(process.env) })
  const [line] = await Promise.all([firstLine(child.stdout ?? []), log.close()])
  child.stdout?.destroy()
  child.unref()
  await writeFile(outsideFile(home), `${JSON.stringify({ pid: child.pid ?? 0, startTime: (await startTimeOf(child.pid ?? 0)) ?? '' })}\n`, { mode: 0o600 })
  return line
}

const endMilliseconds = 10_000

/** Ends it, and with it everything in its namespaces. */
export const endHolder = async (home: Home, { pid, startTime }: Holder, signal: AbortSignal): Promise<void> => {
  const isThere = async (): Promise<boolean> => await startTimeOf(pid) === startTime
  if (await isThere()) process.kill(pid, 'SIGKILL')
  const deadline = systemClock.monotonic() + endMilliseconds
  while (await isThere() && systemClock.monotonic() < deadline) await systemClock.sleep(5, signal)
  await rm(holderFile(home), { force: true })
}

/** Runs a command in the namespaces, with the caller's directory and terminal; resolves with its exit code. */
export const runInside = async ({ pid, port }: Holder, { home, args, rootlessVariable }: { home: Home; args: readonly string[]; rootlessVariable: string }, signal: AbortSignal): Promise<number> => {
  const namespaces = (['user', 'net', 'mnt', 'ipc', 'uts', 'cgroup', 'pid'] as const).map((kind) => `--${kind === 'mnt' ? 'mount' : kind}=/proc/${pid}/ns/${kind === 'pid' ? 'pid_for_children' : kind}`)
  const { exitCode, signal: killed } = await execa('nsenter', ['--preserve-credentials', ...namespaces, 'setpriv', '--pdeathsig', 'TERM', 'sh', '-c', 'cd "$1" && shift && exec "$@"', 'sh', process.cwd(), process.execPath, entryFile(), ...args],
    { stdio: 'inherit', reject: false, cancelSignal: signal, env: { ...withSystemPrograms(process.env), WHERRY_HOME: home.data, [rootlessVariable]: String(port) } })
  return exitCode ?? (killed ? 143 : 1)
}
