/**
 * Links, addresses and routes as batches for ip(8). Pure.
 * A pod has its address as /32 and everything else by way of the gateway, so that all its traffic is routed, pod to pod on one node too: Service rules apply to it
 * with or without bridge-netfilter. Where that is loaded, it delivers what a Service rule sends to a neighbour below the routes: hence hairpin, and no isolated ports.
 */
import { formatAddress, gatewayOf, hardwareAddress, parseAddress, parseRange } from './address.ts'

export interface BridgeLink { bridge: string; podCIDR: string }

/** Makes the bridge; for a name that does not exist yet. */
export const bridgeBatch = ({ bridge, podCIDR }: BridgeLink): string => {
  const range = parseRange(podCIDR)
  const gateway = gatewayOf(range)
  return [
    `link add name ${bridge} address ${hardwareAddress(gateway)} type bridge forward_delay 0 stp_state 0`,
    `link set dev ${bridge} up`,
    `address replace ${formatAddress(gateway)}/${range.prefixLength} dev ${bridge}`,
    '',
  ].join('\n')
}

export interface PodLink { podIP: string; gateway: string; veth: string; hostPid: number }

/** Runs in the pod's network namespace; the other end of the pair comes to be in that of process `hostPid`. */
export const podBatch = ({ podIP, gateway, veth, hostPid }: PodLink): string => [
  'link set dev lo up',
  `link add name eth0 address ${hardwareAddress(parseAddress(podIP))} type veth peer name ${veth} netns ${hostPid}`,
  `address add ${podIP}/32 dev eth0`,
  'link set dev eth0 up',
  `route add ${gateway} dev eth0 scope link src ${podIP}`,
  `route add default via ${gateway} dev eth0 src ${podIP}`,
  '',
].join('\n')

/** Runs on the node: the pair's other end becomes a port of the bridge. */
export const portBatch = (veth: string, bridge: string): string => [
  `link set dev ${veth} master ${bridge} up`,
  `link set dev ${veth} type bridge_slave hairpin on`,
  '',
].join('\n')
