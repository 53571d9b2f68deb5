/** `wherry node add`: a machine with sshd and nothing else becomes a node. Each step can be repeated, and says which host failed and what to do. */
import { hostname } from 'node:os'
import path from 'node:path'
import { rm } from 'node:fs/promises'
import { Nodes } from '../../api/kinds.ts'
import { systemClock } from '../../api/clock.ts'
import { systemRandom } from '../../api/random.ts'
import { isNotFound } from '../../api/status.ts'
import type { Client } from '../../client/client.ts'
import { sharedInformers } from '../../client/informers.ts'
import { formatDestination, parseDestination, type Destination } from '../../cloud-controller-manager/ssh/destination.ts'
import { asRoot } from '../../cloud-controller-manager/ssh/ssh.ts'
import { readConfig, writeConfig, type ClusterConfig, type NodeConfig } from '../config.ts'
import { connectAdmin, isReady } from '../connect.ts'
import type { Home } from '../home.ts'
import { processLog } from '../log.ts'
import { writeStaticPods } from '../static-pods.ts'
import { UserError } from '../user-error.ts'
import { isNodeReady } from '../wait-settled.ts'
import { authorize, ensureClusterKey, pinHost } from './cluster-key.ts'
import { firstContact, trustedFingerprint, type Contact, type Talk } from './first-contact.ts'
import { obtainCertificates, startMachine } from './join.ts'
import { joinedMachine, type JoinedMachine } from './machine-command.ts'
import { neededPrograms, ownAddress, packagesFor, parseProbe, probeScript, problemsOf, type Probe } from './requirements.ts'
import { sendProgram } from './send-program.ts'

export interface AddNodeOptions { home: Home; host: string; name?: string; identity?: string; acceptNewHostKey?: boolean }

const readyMilliseconds = 90_000
const installMilliseconds = 300_000

const say = (line: string): void => { process.stderr.write(`${line}\n`) }

const destinationOf = (text: string): Destination => {
  try {
    return parseDestination(text)
  } catch (error) {
    throw new UserError((error as Error).message, 2)
  }
}

const nodeNamePattern = /^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$/

/** Asked for, or the machine's own host name. */
export const nodeNameFrom = (asked: string | undefined, host: string): string => {
  const name = asked ?? host.split('.')[0]?.toLowerCase() ?? ''
  if (!nodeNamePattern.test(name)) throw new UserError(`${JSON.stringify(name)} cannot be a node's name: letters in lower case, digits, - and . only; choose one with --name`, 2)
  return name
}

const checked = (probe: Probe, { host, user, server }: { host: string; user: string; server: string }): Probe => {
  const problems = problemsOf(probe, { own: process.arch, user, server })
  if (problems.length > 0) throw new UserError(`${host} cannot join yet:\n${problems.map(({ what, remedy }) => `  - ${what}\n    ${remedy}`).join('\n')}`)
  return probe
}

const installScript = 'export DEBIAN_FRONTEND=noninteractive; apt-get install -y --no-install-recommends "$@" >&2 || { apt-get update >&2 && apt-get install -y --no-install-recommends "$@" >&2; }'

/** Looks the machine over, and installs what is missing. */
const prepare = async (talk: Talk, { host, user, server }: { host: string; user: string; server: string }, signal: AbortSignal): Promise<Probe> => {
  const look = async (): Promise<Probe> => checked(parseProbe((await talk(['sh', '-c', probeScript, 'wherry', server, ...neededPrograms], { signal })).stdout), { host, user, server })
  const probe = await look()
  const missing = packagesFor(probe.missing)
  if (missing.length === 0) return probe
  say(`${host}: installing ${missing.join(' ')} …`)
  const { exitCode, stderr } = await talk(asRoot(['sh', '-c', installScript, 'wherry', ...missing]), { signal: AbortSignal.any([signal, AbortSignal.timeout(installMilliseconds)]) })
  const after = await look()
  const blocking = after.missing.filter((program) => program !== 'conntrack')
  if (blocking.length > 0) throw new UserError(`${host}: installing ${missing.join(' ')} failed (${exitCode}); ${blocking.join(', ')} missing still:\n${stderr.trim().split('\n').slice(-5).join('\n')}`)
  return after
}

/** The node's entry: the one that is there for this machine, or a new one; names are not given twice. */
const entryFor = async (client: Client, config: ClusterConfig, wanted: { name: string; address: string; ssh: string }, signal: AbortSignal): Promise<NodeConfig> => {
  const { name, address, ssh } = wanted
  const known = config.nodes.find((node) => node.name === name)
  if (known && (known.kind !== 'ssh' || known.ssh !== ssh)) throw new UserError(`there is a node ${name} already (${known.kind === 'ssh' ? known.ssh : 'on this machine'}); choose another name with --name`)
  const elsewhere = config.nodes.find((node) => node.name !== name && node.address === address)
  if (elsewhere) throw new UserError(`${ssh} is node ${elsewhere.name} already (address ${address})`)
  const object = known ? undefined : await client.get(Nodes, { name }, { signal }).catch((error: unknown) => { if (isNotFound(error)) return undefined; throw error })
  if (object && object.spec.providerID !== `ssh://${ssh}`) throw new UserError(`the cluster has a node ${name} already that was not added this way; choose another name with --name`)
  return { name, kind: 'ssh', address, ssh }
}

const remember = async (home: Home, node: NodeConfig): Promise<ClusterConfig> => {
  const config = await readConfig(home)
  if (!config) throw new UserError(`the cluster in ${home.data} is gone`)
  const next = { ...config, nodes: [...config.nodes.filter(({ name }) => name !== node.name), node] }
  await writeConfig(home, next)
  await writeStaticPods(home, next) // a second machine: from now on there is work for the cloud controller manager
  return next
}

const waitReady = async (client: Client, machine: JoinedMachine, signal: AbortSignal): Promise<void> => {
  const ended = new AbortController()
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(readyMilliseconds), ended.signal])
  const nodes = sharedInformers({ client, clock: systemClock, random: systemRandom, log: processLog('node-add', 'fatal') }, deadline).of(Nodes)
  const isUp = (): boolean => { const node = nodes.lister.get(machine.node.name); return node !== undefined && isNodeReady(node) && Date.parse(node.status.conditions?.find(({ type }) => type === 'Ready')?.lastHeartbeatTime ?? '') >= begun }
  // Times of conditions are whole seconds.
  const begun = Math.floor(systemClock.now().getTime() / 1000) * 1000
  try {
    await nodes.waitUntil(isUp, deadline)
  } catch (error) {
    signal.throwIfAborted()
    if (!deadline.aborted) throw error
    const { lines } = await machine.agent<{ lines: string[] }>('log', { lines: '5' }, { signal })
    throw new UserError(`node ${machine.node.name} (${machine.host}) is not Ready after ${readyMilliseconds / 1000} s. The last lines of its kubelet, of ${machine.home.log} there:\n${lines.join('\n')}`)
  } finally {
    ended.abort()
  }
}

/** From the user's own way in to the cluster's: key, pinned host key, entry. */
const admit = async ({ home, config, client, contact, asked }: { home: Home; config: ClusterConfig; client: Client; contact: Contact; asked: string | undefined }, signal: AbortSignal): Promise<NodeConfig> => {
  const ssh = formatDestination(contact.destination)
  const server = config.nodes[0]?.address ?? ''
  const fingerprint = await trustedFingerprint(contact, signal)
  const talk = await firstContact(contact)
  const probe = await prepare(talk, { host: ssh, user: contact.destination.user ?? 'the login', server }, signal)
  const address = ownAddress(probe)
  if (address === undefined) throw new UserError(`${ssh} has no IPv4 address of its own on its way to the API server ${server}`)
  const node = await entryFor(client, config, { name: nodeNameFrom(asked, probe.hostname), address, ssh }, signal)
  await authorize(talk, await ensureClusterKey(home), signal)
  await pinHost(home, { destination: contact.destination, alias: node.name, fingerprint }, signal)
  return node
}

export const addNode = async ({ home, host, name, identity, acceptNewHostKey }: AddNodeOptions, signal: AbortSignal): Promise<void> => {
  const destination = destinationOf(host)
  if (name !== undefined) nodeNameFrom(name, '')
  const config = await readConfig(home)
  if (!config) throw new UserError(`there is no cluster in ${home.data}; start one with: wherry up`)
  if (config.single) throw new UserError('a cluster made with --single is one node; start another one without it')
  const { client, close } = connectAdmin(home)
  const acceptedHostKeys = path.join(home.ssh, `accepted-${process.pid}-${hostname()}`)
  try {
    if (!(await isReady(client, signal))) throw new UserError('the API server does not answer; start the cluster with: wherry up')
    await ensureClusterKey(home)
    const node = await admit({ home, config, client, contact: { destination, identity, acceptNewHostKey, acceptedHostKeys }, asked: name }, signal)
    await using machine = joinedMachine(home, config, node)
    await sendProgram({ host: machine.host, home: machine.home, command: machine.command, tell: say }, signal)
    const certificates = await obtainCertificates(client, config, machine, signal)
    const joined = await remember(home, node)
    await startMachine({ home, config: joined, machine, certificates }, signal)
    await waitReady(client, machine, signal)
    say(`node ${node.name} (${machine.host}, ${node.address}) is Ready`)
  } finally {
    await rm(acceptedHostKeys, { force: true })
    close()
  }
}
