/** The network of a node's pods: a bridge in the current network namespace, a pair of interfaces and an address for each pod, and the chains around them. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import path from 'node:path'
import type { Clock } from '../../../src/api/clock.ts'
import { afterBurst } from '../../../src/client/after-burst.ts'
import type { Log } from '../../../src/client/component.ts'
import { run } from '../runtime/command.ts'
import { formatAddress, gatewayOf, parseRange } from './address.ts'
import { areIntact, type ChainInput, type HostPort, renderChains, renderRemoval } from './chains.ts'
import { watchChains } from './guard.ts'
import { type AddressPool, addressPool } from './ipam.ts'
import { bridgeBatch, podBatch, type PodLink, portBatch } from './links.ts'
import { bridgeName, chainNames, vethName } from './names.ts'
import { raiseConnectionLimits } from './connection-limits.ts'
import { rememberedSysctls } from './sysctls.ts'

export interface PodRange { podCIDR: string; clusterCIDR: string }

export type BridgedLink = PodLink & { bridge: string }

export type PortMapping = Omit<HostPort, 'podIP'>

export interface PodNetwork {
  /** Sets the node's part up, or repairs it; at first as soon as the node has its pod range. Idempotent. */
  configure(range: PodRange): Promise<void>
  /** Sets up again with the range that was configured last, if there was one: a kubelet that comes back does not wait for the API. */
  resume(): Promise<void>
  isReady(): boolean
  /** Writes the chains again whenever somebody else removes something of them, until the signal is given. */
  guard(signal: AbortSignal): Promise<void>
  /** An address for the pod, and the batch that sets up its network from inside its namespace; or the link, to be made otherwise. */
  reserve(podUid: string): Promise<{ podIP: string; inside: string; link: BridgedLink }>
  /** The node's side, after `inside` has run; of a pod that is linked already, its ports. */
  connect(podUid: string, mappings: readonly PortMapping[], options?: { linked: boolean }): Promise<void>
  release(podUid: string): Promise<void>
  /** Frees the addresses of all pods but these. */
  keepOnly(podUids: ReadonlySet<string>): Promise<void>
  /** Leaves the machine as it was. */
  remove(): Promise<void>
}

export interface PodNetworkOptions {
  clusterId: string
  nodeName: string
  /** Where addresses and changed settings are written down; must outlive the kubelet. */
  directory: string
  log: Log
  clock: Clock
}

/** Removals come in bursts, our own among them: looked at when it is quiet again. */
const settleMilliseconds = 250

/** In the network namespace of this process; what /sys shows may be that of another one. */
const hasLink = (name: string): boolean => existsSync(`/proc/sys/net/ipv4/conf/${name}`)

export const podNetwork = ({ clusterId, nodeName, directory, log, clock }: PodNetworkOptions): PodNetwork => {
  const bridge = bridgeName(clusterId, nodeName)
  const names = chainNames(clusterId, nodeName)
  const sysctls = rememberedSysctls(path.join(directory, 'sysctls.json'))
  const rangeFile = path.join(directory, 'range.json')
  const portsFile = path.join(directory, 'host-ports.json')
  const hostPorts = new Map<string, HostPort[]>(existsSync(portsFile) ? Object.entries(JSON.parse(readFileSync(portsFile, 'utf8')) as Record<string, HostPort[]>) : [])
  let configured: { range: PodRange; pool: AddressPool; gateway: string } | undefined
  let turn: Promise<void> = Promise.resolve()

  const inTurn = (work: () => Promise<void>): Promise<void> => {
    const next = turn.then(work)
    turn = next.catch(() => {})
    return next
  }
  const ready = (): NonNullable<typeof configured> => {
    if (!configured) throw new Error('network is not ready: the node has no pod range yet (spec.podCIDR)')
    return configured
  }
  const chainInput = async ({ podCIDR, clusterCIDR }: PodRange): Promise<ChainInput> => ({ names, bridge, podCIDR, clusterCIDR, hostPorts: [...hostPorts.values()].flat(), saved: await run('iptables-save', []) })
  const writeChains = async (range: PodRange): Promise<void> => {
    await run('iptables-restore', ['--noflush', '--wait'], { input: renderChains(await chainInput(range)) })
  }
  const repair = (): Promise<void> => inTurn(async () => {
    if (!configured || areIntact(await chainInput(configured.range))) return
    log.warn('rules of the pod network were removed by somebody else; writing them again')
    await writeChains(configured.range)
  })
  const ensureBridge = async (podCIDR: string): Promise<void> => {
    if (!hasLink(bridge)) await run('ip', ['-batch', '-'], { input: bridgeBatch({ bridge, podCIDR }) })
    sysctls.set('net/ipv4/ip_forward', '1')
    // These go with the bridge. Everything is routed in at it and out at it again, which is no reason to send redirects.
    for (const [name, value] of [['send_redirects', '0'], ['route_localnet', '1'], ['rp_filter', '2']] as const) writeFileSync(`/proc/sys/net/ipv4/conf/${bridge}/${name}`, value)
  }
  const writePorts = async (): Promise<void> => {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    writeFileSync(portsFile, JSON.stringify(Object.fromEntries(hostPorts)), { mode: 0o600 })
    if (configured) await writeChains(configured.range)
  }

  /** A node may be given another range as long as no pod lives in the old one. */
  const leave = async ({ range, pool }: NonNullable<typeof configured>): Promise<void> => {
    if (pool.owners().size > 0) throw new Error(`the pod range of this node is ${range.podCIDR} and cannot change while pods have addresses of it: ${[...pool.owners().values()].join(', ')}`)
    await run('ip', ['link', 'delete', 'dev', bridge])
    configured = undefined
  }

  const configure = (range: PodRange): Promise<void> => inTurn(async () => {
    const parsed = parseRange(range.podCIDR)
    parseRange(range.clusterCIDR)
    if (configured && configured.range.podCIDR !== range.podCIDR) await leave(configured)
    const pool = configured?.pool ?? addressPool(path.join(directory, 'addresses'), range.podCIDR)
    await ensureBridge(range.podCIDR)
    await writeChains(range)
    raiseConnectionLimits(sysctls, { cores: availableParallelism(), log })
    writeFileSync(rangeFile, JSON.stringify(range), { mode: 0o600 })
    configured = { range, pool, gateway: formatAddress(gatewayOf(parsed)) }
  })

  return {
    configure,
    async resume() {
      if (existsSync(rangeFile)) await configure(JSON.parse(readFileSync(rangeFile, 'utf8')) as PodRange)
    },
    isReady: () => configured !== undefined,
    async guard(signal) {
      const look = afterBurst({ clock, milliseconds: settleMilliseconds, failed: (error) => log.error('cannot repair the rules of the pod network', { error: String(error) }) }, repair, signal)
      await watchChains(names, look, signal)
    },
    async reserve(podUid) {
      const { pool, gateway } = ready()
      const podIP = pool.allocate(podUid)
      const link = { podIP, gateway, veth: vethName(clusterId, nodeName, podUid), hostPid: process.pid, bridge }
      return { podIP, inside: podBatch(link), link }
    },
    async connect(podUid, mappings, { linked } = { linked: false }) {
      const { pool } = ready()
      if (!linked) await run('ip', ['-batch', '-'], { input: portBatch(vethName(clusterId, nodeName, podUid), bridge) })
      const podIP = pool.addressOf(podUid)
      if (mappings.length === 0 || podIP === undefined) return
      hostPorts.set(podUid, mappings.map((mapping) => ({ ...mapping, podIP })))
      await inTurn(writePorts)
    },
    async release(podUid) {
      const veth = vethName(clusterId, nodeName, podUid)
      // It goes with the namespace, but in the kernel's own time; a sandbox that is rebuilt at once needs the name.
      if (hasLink(veth)) await run('ip', ['link', 'delete', 'dev', veth]).catch((error: unknown) => { if (hasLink(veth)) throw error })
      if (hostPorts.delete(podUid)) await inTurn(writePorts)
      configured?.pool.free(podUid)
    },
    async keepOnly(podUids) {
      for (const owner of configured?.pool.owners().keys() ?? []) if (!podUids.has(owner)) configured?.pool.free(owner)
      const gone = [...hostPorts.keys()].filter((owner) => !podUids.has(owner))
      for (const owner of gone) hostPorts.delete(owner)
      if (gone.length > 0) await inTurn(writePorts)
    },
    remove: () => inTurn(async () => {
      configured = undefined
      const removal = renderRemoval(names, await run('iptables-save', []))
      if (removal.trim()) await run('iptables-restore', ['--noflush', '--wait'], { input: removal })
      if (hasLink(bridge)) await run('ip', ['link', 'delete', 'dev', bridge])
      sysctls.restore()
      rmSync(directory, { recursive: true, force: true })
      log.info('the pod network is gone', { bridge })
    }),
  }
}
