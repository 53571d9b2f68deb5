/**
 * The network between the nodes of one machine: a bridge in the machine's own namespace, and for each node in a namespace a veth to it.
 * Node number i has address i of the cluster's node range; the machine itself has 254 on the bridge, and is the way out.
 */
import { execa } from 'execa'
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { hardwareAddress, parseAddress } from '../../agents/kubelet/network/address.ts'

export interface NodeNetwork {
  bridge: string
  /** First three bytes of the /24, `172.29.7`. */
  prefix: string
}

/** Names and range follow from the cluster's id, so that clusters on one machine do not meet. */
export const nodeNetworkOf = (clusterId: string): NodeNetwork => {
  const number = Number.parseInt(clusterId, 16)
  return { bridge: `wh${clusterId}n`, prefix: `172.${16 + (number % 14)}.${(number >> 4) % 256}` }
}

export const namespaceName = (clusterId: string, node: string): string => `wh${clusterId}-${node}`
export const namespacePath = (clusterId: string, node: string): string => `/run/netns/${namespaceName(clusterId, node)}`
/** The machine's own on the bridge, and the nodes' way out. */
export const bridgeAddress = (network: NodeNetwork): string => `${network.prefix}.254`
export const nodeAddress = (network: NodeNetwork, number: number): string => `${network.prefix}.${number}`

const ip = async (lines: readonly string[], namespace?: string): Promise<void> => {
  await execa('ip', [...(namespace ? ['-n', namespace] : []), '-batch', '-'], { input: `${lines.join('\n')}\n` })
}
const exists = async (args: readonly string[]): Promise<boolean> => (await execa('ip', args, { reject: false })).exitCode === 0

/** The bridge, once. Idempotent. Its hardware address is its own: one that it borrowed from a port would change when that node goes, and the others would send to the old one until they notice. */
export const ensureBridge = async ({ bridge, prefix }: NodeNetwork): Promise<void> => {
  if (existsSync(`/sys/class/net/${bridge}`)) return
  await ip([`link add name ${bridge} address ${hardwareAddress(parseAddress(bridgeAddress({ bridge, prefix })))} type bridge forward_delay 0`, `addr add ${bridgeAddress({ bridge, prefix })}/24 dev ${bridge}`, `link set ${bridge} up`])
}

/** A node's namespace with its address and default route. Idempotent. */
export const ensureNamespace = async (clusterId: string, node: string, number: number): Promise<void> => {
  const network = nodeNetworkOf(clusterId)
  const namespace = namespaceName(clusterId, node)
  await ensureBridge(network)
  // A name whose namespace is gone (a reboot) is a plain file.
  const isThere = existsSync(namespacePath(clusterId, node)) && await exists(['-n', namespace, 'link', 'show', 'lo'])
  if (isThere && await exists(['-n', namespace, 'link', 'show', 'eth0'])) return
  const outside = vethName(clusterId, number)
  await ip([...(isThere ? [] : [`netns add ${namespace}`]), `link add ${outside} type veth peer name eth0 netns ${namespace}`, `link set ${outside} master ${network.bridge} up`])
  await ip(['link set lo up', `addr add ${nodeAddress(network, number)}/24 dev eth0`, 'link set eth0 up', `route add default via ${bridgeAddress(network)}`], namespace)
}

const vethName = (clusterId: string, number: number): string => `wh${clusterId}v${number}`

/** Cuts the node off from every other (its processes go on), or joins it again. */
export const setNamespaceLink = async (clusterId: string, number: number, state: 'up' | 'down'): Promise<void> => {
  await ip([`link set ${vethName(clusterId, number)} ${state}`])
}

/** Its link goes first: the kernel takes a namespace apart some time after its name is gone, and with it the end of the link that the machine sees. */
export const removeNamespace = async (clusterId: string, node: string): Promise<void> => {
  const namespace = namespaceName(clusterId, node)
  if (!await exists(['-n', namespace, 'link', 'show', 'lo'])) return
  if (await exists(['-n', namespace, 'link', 'show', 'eth0'])) await ip(['link delete eth0'], namespace)
  await ip([`netns delete ${namespace}`])
}

export const removeBridge = async ({ bridge }: NodeNetwork): Promise<void> => {
  if (await exists(['link', 'show', bridge])) await ip([`link delete ${bridge}`])
}

/** The machine's own address: of the link that its default route leaves by; undefined on a machine without a network. */
export const machineAddress = async (): Promise<string | undefined> => {
  const { stdout } = await execa('ip', ['-o', '-4', 'route', 'get', '192.0.2.1'], { reject: false })
  return / src (\S+)/.exec(stdout ?? '')?.[1]
}

const forwardingFile = '/proc/sys/net/ipv4/ip_forward'

/** Lets the machine forward between its nodes; resolves with what the setting was before. */
export const enableForwarding = async (): Promise<string> => {
  const before = (await readFile(forwardingFile, 'utf8')).trim()
  if (before !== '1') await writeFile(forwardingFile, '1')
  return before
}

export const restoreForwarding = async (before: string): Promise<void> => {
  if (before !== '1') await writeFile(forwardingFile, before)
}
