/** Connections that the kernel still remembers to endpoints that are gone: UDP has no end of its own, so they are forgotten by hand. Mirrors pkg/proxy/conntrack/cleanup.go. */
import { execa } from 'execa'
import type { ServicePort } from './service-map.ts'

/** One `conntrack --delete`: of flows to an address, or to a port of any address of the node. */
export type StaleFlow = { originalAddress: string; replySource?: string; port?: number } | { originalAddress?: undefined; replySource?: string; port: number }

/** UDP flows of endpoints that a Service no longer has, and of a Service that has just got its first endpoint (its packets were refused before). Pure. */
export const staleFlows = (before: readonly ServicePort[], after: readonly ServicePort[]): StaleFlow[] => {
  const now = new Map(after.map((port) => [port.name, port]))
  return before.filter(({ protocol }) => protocol === 'udp').flatMap((old): StaleFlow[] => {
    const port = now.get(old.name)
    const kept = new Set((port?.endpoints ?? []).map(({ address }) => address))
    const addresses = [old.clusterIP, ...old.externalIPs, ...old.loadBalancerIPs]
    const gone = old.endpoints.filter(({ address }) => !kept.has(address)).flatMap(({ address }): StaleFlow[] =>
      [...addresses.map((originalAddress) => ({ originalAddress, replySource: address })), ...(old.nodePort ? [{ port: old.nodePort, replySource: address }] : [])])
    const first = port && old.endpoints.length === 0 && port.endpoints.length > 0
      ? [...addresses.map((originalAddress) => ({ originalAddress, port: old.port })), ...(old.nodePort ? [{ port: old.nodePort }] : [])] : []
    return [...gone, ...first]
  })
}

/** Forgets them. "Nothing deleted" is no failure; a machine without conntrack is one that the caller may log. */
export const deleteFlows = async (flows: readonly StaleFlow[]): Promise<void> => {
  for (const { originalAddress, replySource, port } of flows) {
    const { exitCode, stderr, failed, message } = await execa('conntrack', ['-D', '-p', 'udp', ...(originalAddress === undefined ? [] : ['--orig-dst', originalAddress]),
      ...(replySource ? ['--reply-src', replySource] : []), ...(port ? ['--orig-port-dst', String(port)] : [])], { reject: false })
    if (failed && exitCode !== 1 && !(stderr ?? '').includes('0 flow entries')) throw new Error(`conntrack: ${stderr || message}`)
  }
}
