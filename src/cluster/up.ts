/** `wherry up`: from nothing to a cluster, or to the one that runs. Mirrors kubeadm's phases: preflight, certificates, kubeconfigs, static pods, kubelet, addons. */
import { existsSync } from 'node:fs'
import { mkdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { systemClock } from '../api/clock.ts'
import type { Client } from '../client/client.ts'
import { applyAddons, applyObjects } from './apply.ts'
import { dataVersion, readConfig, writeConfig, type ClusterConfig } from './config.ts'
import { connectAdmin, waitReady } from './connect.ts'
import type { Home } from './home.ts'
import { runningKeeper } from './keeper.ts'
import { manifestsFolder, parseManifest } from './manifests.ts'
import { machineAddress, nodeNetworkOf } from './node-network.ts'
import { bridgeName } from '../../agents/kubelet/network/names.ts'
import { ensureNetworks, planNodes, startNodes } from './nodes.ts'
import { markControlPlane } from './mark-control-plane.ts'
import { ensurePki, firstAddress } from './pki.ts'
import { problemsOf, readFacts } from './preflight.ts'
import { clusterProgram, ensureProgram, ownProgram } from './program.ts'
import { installServerFiles, type ServerFileOptions } from './server-files.ts'
import { manifestValues, writeStaticPods } from './static-pods.ts'
import { rootlessPort } from './rootless/variable.ts'
import { makeDirectory } from './make-directory.ts'
import { inTurn } from './turn.ts'
import { UserError } from './user-error.ts'
import { waitSettled } from './wait-settled.ts'

export interface UpOptions extends ServerFileOptions {
  home: Home
  example?: boolean
  single?: boolean
  nodes?: number
  isolated?: boolean
  port?: number
  podCidr?: string
  serviceCidr?: string
  filename?: string[]
  detach?: boolean
  wait?: boolean
}

const readyMilliseconds = 60_000

const say = (line: string): void => { process.stderr.write(`${line}\n`) }

export const up = async (options: UpOptions, signal: AbortSignal): Promise<void> => {
  const { home } = options
  if (options.single && (options.nodes ?? 1) > 1) throw new UserError('--single runs one node in one process: it does not go together with --nodes', 2)
  const files = await readFiles(options.filename ?? [])
  const { config, anewSince } = await inTurn(home, { work: () => ensureStarted(options), waiting: (pid) => say(`another wherry up (pid ${pid}) is at work on this cluster; waiting for it …`) }, signal)
  const { client, close } = connectAdmin(home)
  const interactive = !options.detach && process.stdout.isTTY
  const work = settle(client, { options, config, anewSince, files, quiet: Boolean(interactive) }, signal)
  try {
    if (!interactive) { await work; say(`the cluster runs; kubeconfig: ${home.kubeconfig}\nstop it with: wherry down`); return }
    const { openDashboard } = await import('./dashboard.ts')
    await Promise.all([openDashboard({ home }, signal), work])
    say('the cluster keeps running; stop it with: wherry down')
  } finally {
    close()
  }
}

/** `anewSince`: nothing of it ran on this machine before: whatever is said to run since earlier is an old tale. */
interface Started { config: ClusterConfig; anewSince: Date | undefined }

const ensureStarted = async (options: UpOptions): Promise<Started> => {
  const { home } = options
  const before = await readConfig(home)
  const anewSince = before?.nodes.some(({ name }) => existsSync(home.node(name).run)) ? undefined : systemClock.now()
  const attached = before !== undefined && (await runningKeeper(home.node(before.nodes[0]?.name ?? 'node-1').keeperPid)) !== undefined
  return attached ? { config: await grow(options, before), anewSince: undefined } : { config: await start(options, before), anewSince }
}

const newConfig = async ({ home, ...options }: UpOptions): Promise<ClusterConfig> => {
  const port = rootlessPort(process.env)
  const isolated = options.isolated ?? port !== undefined
  const serviceCIDR = options.serviceCidr ?? '10.96.0.0/16'
  const dns = firstAddress(serviceCIDR).split('.')
  // A machine without a network still has its bridge.
  const machine = (await machineAddress()) ?? `${nodeNetworkOf(home.clusterId).prefix}.254`
  return {
    version: dataVersion, clusterId: home.clusterId, single: options.single ?? false, isolated, serverPort: options.port ?? 6443,
    podCIDR: options.podCidr ?? '10.244.0.0/16', serviceCIDR, clusterDNS: [...dns.slice(0, 3), '10'].join('.'), clusterDomain: 'cluster.local', ...(port !== undefined && { rootlessPort: port }),
    nodes: planNodes(home.clusterId, { count: options.nodes ?? 1, isolated, machine }),
  }
}

/** What the stored cluster was made with stays; asking for something else is an error, for more nodes is not. */
const reconcileConfig = (stored: ClusterConfig, options: UpOptions): ClusterConfig => {
  const differs = ([['--single', options.single, stored.single], ['--isolated', options.isolated, stored.isolated], ['--port', options.port, stored.serverPort], ['--pod-cidr', options.podCidr, stored.podCIDR], ['--service-cidr', options.serviceCidr, stored.serviceCIDR]] as const)
    .find(([, asked, is]) => asked !== undefined && asked !== is)
  if (differs) throw new UserError(`the cluster in ${options.home.data} was made with ${differs[0]} ${String(differs[2])}, not ${String(differs[1])}; use another --data-dir, or remove it with: wherry down --delete-data`)
  const port = rootlessPort(process.env)
  if ((port === undefined) !== (stored.rootlessPort === undefined)) throw new UserError(`the cluster in ${options.home.data} was made ${stored.rootlessPort === undefined ? 'by root' : 'without root: start it as the user that made it'}; use another --data-dir, or remove it with: wherry down --delete-data`)
  const own = stored.nodes.filter(({ kind }) => kind !== 'ssh')
  const planned = planNodes(options.home.clusterId, { count: Math.max(options.nodes ?? 1, own.length), isolated: stored.isolated, machine: stored.nodes[0]?.address ?? '' })
  return { ...stored, ...(port !== undefined && { rootlessPort: port }), nodes: [...planned, ...stored.nodes.filter(({ kind }) => kind === 'ssh')] }
}

const bringUp = async (home: Home, config: ClusterConfig): Promise<ClusterConfig> => {
  const networks = async (): Promise<ClusterConfig> => {
    const ready = await ensureNetworks(home, config)
    await writeConfig(home, ready)
    return ready
  }
  const [ready] = await Promise.all([networks(), ensurePki(home, config, systemClock.now()), ensureProgram(home).then(() => writeStaticPods(home, config)), mkdir(home.ssh, { recursive: true, mode: 0o700 }), mkdir(home.store, { recursive: true, mode: 0o700 })])
  await startNodes(home, ready)
  return ready
}

const start = async (options: UpOptions, stored: ClusterConfig | undefined): Promise<ClusterConfig> => {
  const { home } = options
  await makeDirectory(home.data, 0o700).catch((error: NodeJS.ErrnoException) => {
    if (process.getuid?.() === 0) throw new UserError(`cannot make the data directory ${home.data}: ${error.message}`)
  })
  const config = await installServerFiles(home, stored ? reconcileConfig(stored, options) : await newConfig(options), { ...options })
  const ports = config.isolated ? [] : [{ port: config.serverPort, purpose: 'API server' }, { port: 10_250, purpose: 'kubelet' }, { port: 10_256, purpose: 'kube-proxy' }, { port: 10_257, purpose: 'controller manager' }, { port: 10_259, purpose: 'scheduler' }]
  const leftover = stored !== undefined
  const facts = await readFacts(leftover ? [] : ports, { chainMark: `WHERRY-${home.clusterId}`, ownLinks: [nodeNetworkOf(home.clusterId).bridge, ...config.nodes.map(({ name }) => bridgeName(home.clusterId, name))], dataParent: path.dirname(home.data) })
  const problems = problemsOf({ ...facts, cgroups: facts.cgroups || config.rootlessPort !== undefined }, config)
  if (problems.length > 0) throw new UserError(`this machine cannot run the cluster yet:\n${problems.map(({ what, remedy }) => `  - ${what}\n    ${remedy}`).join('\n')}`)
  return bringUp(home, config)
}

/** The cluster runs already; more nodes may be asked for. */
const grow = async (options: UpOptions, stored: ClusterConfig): Promise<ClusterConfig> => {
  const reconciled = reconcileConfig(stored, options)
  const config = await installServerFiles(options.home, reconciled, { ...options })
  if (config !== reconciled && config.single) throw new UserError('a cluster of one process reads its configuration when it starts: run wherry down, then this again')
  if (config === reconciled && config.nodes.length === stored.nodes.length) return config
  if (runsAnother(options.home)) throw new UserError('the cluster runs another Wherry than this one: bring it to this one first, with: wherry upgrade')
  return bringUp(options.home, config)
}

/** Whether the cluster that runs was started with another program than this. */
const runsAnother = (home: Home): boolean => { const program = clusterProgram(home); return program !== undefined && program !== ownProgram(home) }

const readFiles = (files: readonly string[]): Promise<{ file: string; text: string }[]> => Promise.all(files.map(async (file) => {
  const text = await readFile(file, 'utf8').catch((error: Error) => { throw new UserError(`cannot read ${file}: ${error.message}`) })
  parseManifest(text, file)
  return { file, text }
}))

interface Settling extends Started { options: UpOptions; files: readonly { file: string; text: string }[]; quiet: boolean }

/** Once the API server answers: addons, the example, the user's files; with `--wait` until all of it runs. */
const settle = async (client: Client, { options, config, anewSince, files, quiet }: Settling, signal: AbortSignal): Promise<void> => {
  const { home } = options
  const tell = quiet ? () => {} : say
  const begun = systemClock.monotonic()
  const elapsed = (): string => `${((systemClock.monotonic() - begun) / 1000).toFixed(1)} s`
  await waitReady(client, { home, milliseconds: readyMilliseconds }, signal)
  tell(`API server ready after ${elapsed()}`)
  if (runsAnother(home)) tell('the cluster runs another Wherry than this one; bring it to this one with: wherry upgrade')
  // Two that ask for the same address at the same moment would get in each other's way.
  else await inTurn(home, { work: () => applyAddons(client, config, manifestValues(home, config)), waiting: () => {} }, signal)
  if (options.example) await applyObjects(client, parseManifest(await readFile(path.join(manifestsFolder(), 'examples/shop.yaml'), 'utf8'), 'shop.yaml'), 'shop.yaml')
  for (const { file, text } of files) for (const applied of await applyObjects(client, parseManifest(text, file), file)) tell(`${applied} applied`)
  await markControlPlane(client, config.nodes[0]?.name ?? 'node-1', signal)
  if (options.wait) { await waitSettled(client, { config, anewSince, tell }, signal); tell(`everything runs after ${elapsed()}`) }
}
