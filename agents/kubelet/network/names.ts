/** Names of what a node's network is made of: they derive from cluster and node, so that several can share a machine and each knows its own. Pure. */
import { createHash } from 'node:crypto'

const short = (...parts: string[]): string => createHash('sha256').update(parts.join('\0')).digest('hex').slice(0, 8)

/** Interfaces have at most 15 characters. */
export const bridgeName = (clusterId: string, nodeName: string): string => `wherry-${short(clusterId, nodeName)}`
export const vethName = (clusterId: string, nodeName: string, podUid: string): string => `veth${short(clusterId, nodeName, podUid)}`

export interface ChainNames { postrouting: string; hostPorts: string; forward: string; input: string }

/** Chains have at most 28 characters. */
export const chainNames = (clusterId: string, nodeName: string): ChainNames => {
  const suffix = short(clusterId, nodeName).toUpperCase()
  return { postrouting: `WHERRY-POSTROUTING-${suffix}`, hostPorts: `WHERRY-HOSTPORTS-${suffix}`, forward: `WHERRY-FORWARD-${suffix}`, input: `WHERRY-INPUT-${suffix}` }
}
