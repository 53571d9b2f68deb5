/** `wherry machine …`: what `wherry node add` and `remove` run on the other machine. Answers with JSON on standard output; certificates and texts come by standard input. */
import { existsSync, readFileSync, realpathSync } from 'node:fs'
import { chmod, mkdir, readdir, readFile, rm, rmdir, symlink, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { execa } from 'execa'
import { cleanUpRules } from '../../../agents/kube-proxy/cleanup.ts'
import { markerChain } from '../../../agents/kube-proxy/kube-proxy.ts'
import type { Pod } from '../../api/types.ts'
import { systemClock } from '../../api/clock.ts'
import { ourProtocol } from '../../cloud-controller-manager/ssh/ways.ts'
import { certificateFacts, newCertificateRequest, newKey, type Subject } from '../../client/pki.ts'
import { type ImageWork, workOnImages } from '../image-work.ts'
import { runTearDown } from '../components/tear-down.ts'
import { parseFlags, type Flags } from '../flags.ts'
import { agentEnvironment, type Keeper, runningKeeper, startKeeper, stopKeeper } from '../keeper.ts'
import { type ConfigurationFile, placeConfiguration } from '../node-configuration.ts'
import { installUnit, removeUnit, systemdRuns, type Unit } from '../systemd.ts'
import { UserError } from '../user-error.ts'
import { machineHome, type MachineHome } from './machine-home.ts'

/** Answer of `keys`: requests for the certificates that are missing or not good any more. */
export interface Requests { client?: string; server?: string }

/** Input of `start`. Certificates that were asked for; everything else as it is to be from now on. */
export interface StartInput { client?: string; server?: string; ca: string; kubeconfig: string; kubelet: readonly string[]; files?: readonly ConfigurationFile[] }

export interface Started { keeper: number; wasRunning: boolean }

const keeperGraceMilliseconds = 10_000
const renewBeforeMilliseconds = 30 * 86_400_000

const homeOf = (flags: Flags): MachineHome => machineHome(flags.need('cluster-id'), flags.need('node-name'))

/** A request for `base`.crt, unless it is there, good for another month, and for these names; the key is made here and stays here. */
const requestFor = async (base: string, subject: Subject): Promise<string | undefined> => {
  const names = JSON.stringify(subject)
  const isGood = existsSync(`${base}.key`) && existsSync(`${base}.crt`) && existsSync(`${base}.names`) && readFileSync(`${base}.names`, 'utf8') === names
    && certificateFacts(readFileSync(`${base}.crt`, 'utf8')).notAfter.getTime() > systemClock.now().getTime() + renewBeforeMilliseconds
  if (isGood) return undefined
  await rm(`${base}.crt`, { force: true })
  if (!existsSync(`${base}.key`)) await writeFile(`${base}.key`, await newKey(), { mode: 0o600 })
  await writeFile(`${base}.names`, names, { mode: 0o600 })
  return newCertificateRequest(subject, readFileSync(`${base}.key`, 'utf8'))
}

const keys = async (flags: Flags): Promise<Requests> => {
  const { data } = homeOf(flags)
  const node = flags.need('node-name')
  await mkdir(data, { recursive: true, mode: 0o700 })
  await reach(flags.need('server'))
  const name: Subject = { commonName: `system:node:${node}`, organizations: ['system:nodes'] }
  const [client, server] = [await requestFor(path.join(data, 'kubelet-client'), name), await requestFor(path.join(data, 'kubelet-server'), { ...name, dnsNames: [node], ipAddresses: [flags.need('node-ip'), '127.0.0.1'] })]
  return { ...(client !== undefined && { client }), ...(server !== undefined && { server }) }
}

/** The kubelet would try for ever; a person wants to know now. */
const reach = (server: string): Promise<void> => new Promise((resolve, reject) => {
  const { hostname, port } = new URL(server)
  const socket = connect({ host: hostname, port: Number(port), timeout: 5_000 })
  const fail = (why: string): void => { socket.destroy(); reject(new UserError(`the API server ${server} cannot be reached from there (${why}): is a firewall between?`)) }
  socket.once('connect', () => { socket.destroy(); resolve() })
  socket.once('timeout', () => fail('no answer'))
  socket.once('error', ({ message }) => fail(message))
})

const start = async (flags: Flags): Promise<Started> => {
  const home = homeOf(flags)
  const input = JSON.parse(await text(process.stdin)) as StartInput
  await mkdir(home.data, { recursive: true, mode: 0o700 })
  const write = async (name: string, content: string | undefined): Promise<void> => { if (content !== undefined) await writeFile(path.join(home.data, name), content, { mode: 0o600 }) }
  await Promise.all([write('kubelet-client.crt', input.client), write('kubelet-server.crt', input.server), write('ca.crt', input.ca), write('kubelet.kubeconfig', input.kubeconfig)])
  const wasRunning = (await runningKeeper(home.keeperPid)) !== undefined
  // Another program, other certificates or flags: the kubelet starts anew and adopts its pods.
  if (wasRunning) await stopKeeper(home.keeperPid, keeperGraceMilliseconds, new AbortController().signal)
  const command = [path.join(home.program, 'node'), path.join(home.program, 'wherry.js'), 'kubelet', ...input.kubelet, ...placeConfiguration(home.data, input.files ?? [])]
  await write('command.json', JSON.stringify(command))
  const { pid } = await keep(home, command)
  await chmod(home.data, 0o700)
  if (systemdRuns()) await installUnit(unitOf(flags))
  return { keeper: pid, wasRunning }
}

const keep = (home: MachineHome, command: readonly string[]): Promise<Keeper> => startKeeper({ pidFile: home.keeperPid, logFile: home.log, command, environment: agentEnvironment() })

/** After a reboot: by the program that is here, as it was started last. */
const unitOf = (flags: Flags): Unit => {
  const { data } = homeOf(flags)
  const program = realpathSync(import.meta.dirname)
  const [clusterId, node] = [flags.need('cluster-id'), flags.need('node-name')]
  return { name: `wherry-node-${clusterId}-${node}.service`, description: `Wherry, the kubelet of ${node}`, data, start: [path.join(program, 'node'), path.join(program, 'wherry.js'), 'machine', 'resume', `--cluster-id=${clusterId}`, `--node-name=${node}`] }
}

/** What the unit runs: /run is empty, and everything else as it was. */
const resume = async (flags: Flags): Promise<Started> => {
  const home = homeOf(flags)
  const text = await readFile(path.join(home.data, 'command.json'), 'utf8').catch(() => { throw new UserError(`${home.data} does not say how the kubelet was started: add the machine once more, with wherry node add`) })
  const wasRunning = (await runningKeeper(home.keeperPid)) !== undefined
  await mkdir(home.run, { recursive: true, mode: 0o755 })
  if (!existsSync(home.program)) { await rm(home.program, { force: true }); await symlink(realpathSync(import.meta.dirname), home.program) }
  return { keeper: (await keep(home, JSON.parse(text) as string[])).pid, wasRunning }
}

/** Kubelet, pods, rules and routes go; with `--remove=true` also what is on the disk. */
const stop = async (flags: Flags): Promise<object> => {
  const home = homeOf(flags)
  const [clusterId, node, podCIDR] = [flags.need('cluster-id'), flags.need('node-name'), flags.need('cluster-cidr')]
  const pods = JSON.parse(await text(process.stdin)) as Pod[]
  await stopKeeper(home.keeperPid, keeperGraceMilliseconds, new AbortController().signal)
  await runTearDown([`--node-name=${node}`, `--cluster-id=${clusterId}`, `--root-dir=${home.kubelet}`, `--state-dir=${home.state}`, `--cluster-dir=${home.data}`, `--cluster-cidr=${podCIDR}`], undefined, pods)
  await cleanUpRules(markerChain(clusterId))
  await execa('ip', ['-4', 'route', 'flush', 'root', podCIDR, 'proto', ourProtocol], { reject: false })
  await rm(home.run, { recursive: true, force: true })
  if (flags.get('remove') === 'true') {
    await removeUnit(unitOf(flags))
    await rm(home.data, { recursive: true, force: true })
    await removeIfLast(home)
  }
  return {}
}

/** The program may serve another cluster, too: only the last one takes it away. */
const removeIfLast = async ({ data, programs, run }: MachineHome): Promise<void> => {
  const parent = path.dirname(data)
  if ((await readdir(parent)).some((name) => path.join(parent, name) !== programs)) return
  await rm(parent, { recursive: true, force: true })
  await rmdir(path.dirname(run)).catch(() => {}) // a cluster of the machine's own may use it
}

/** The last lines of the kubelet's log. */
const log = async (flags: Flags): Promise<{ lines: string[] }> => ({ lines: readFileSync(homeOf(flags).log, 'utf8').trim().split('\n').slice(-Number(flags.need('lines'))) })

/** What `wherry image` wants of this machine's images; an image that is loaded comes by standard input. */
const images = async (flags: Flags): Promise<{ lines: string[] }> => {
  const home = homeOf(flags)
  const place = { directory: home.images, run: home.run, data: home.data }
  const lines = await workOnImages(place, JSON.parse(flags.need('request')) as ImageWork, { input: process.stdin, signal: new AbortController().signal })
    .catch((error: unknown) => { throw new UserError(error instanceof Error ? error.message : String(error)) })
  return { lines }
}

const verbs: Readonly<Record<string, (flags: Flags) => Promise<object>>> = { keys, start, resume, stop, log, images }

const known = ['cluster-id', 'node-name', 'node-ip', 'server', 'cluster-cidr', 'remove', 'lines', 'request']

export const runMachine = async ([verb = '', ...args]: readonly string[]): Promise<void> => {
  const run = Object.hasOwn(verbs, verb) ? verbs[verb] : undefined
  if (!run) throw new UserError(`wherry machine: a verb is expected: ${Object.keys(verbs).join(', ')}`, 2)
  process.stdout.write(`${JSON.stringify(await run(parseFlags('machine', known, args)))}\n`)
}
