/**
 * Which addresses this server connects to on the word of an object that others may write: nodes and pods. Never itself, the machine's own loopback, or the
 * link-local range, where clouds serve their credentials (CVE-2020-8555, CVE-2022-3294). Mirrors apimachinery's and kube-apiserver's proxy checks.
 */
import { lookup as resolveName } from 'node:dns'
import { BlockList, isIP, isIPv6, type LookupFunction } from 'node:net'
import { networkInterfaces } from 'node:os'
import { badRequest, type StatusError } from '../../api/status.ts'

const notUnicast = new BlockList()
for (const [network, prefix] of [['0.0.0.0', 32], ['127.0.0.0', 8], ['169.254.0.0', 16], ['224.0.0.0', 4], ['255.255.255.255', 32]] as const) notUnicast.addSubnet(network, prefix, 'ipv4')
for (const [network, prefix] of [['::', 128], ['::1', 128], ['fe80::', 10], ['ff00::', 8]] as const) notUnicast.addSubnet(network, prefix, 'ipv6')

/** What Go's IP.IsGlobalUnicast says; false for what is no address. An IPv4 address in IPv6 clothes is judged as what it is. Pure. */
export const isGlobalUnicast = (address: string): boolean => isIP(address) !== 0 && !notUnicast.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')

export const addressNotAllowed = (): StatusError => badRequest('address not allowed')

export interface DialGuard {
  /** Throws a StatusError (400) for an address that must not be dialed. Names pass: `lookup` judges what they stand for. */
  check(host: string, port: number): void
  /** For the connection to a name: it is resolved once, every address is judged, and one of those is dialed. */
  lookup(port: number): LookupFunction
}

/** `ownPort` is this server's, on any address of this machine. */
export const dialGuard = (ownPort: number | undefined, ownAddresses = machineAddresses): DialGuard => {
  const isAllowed = (address: string, port: number): boolean => isGlobalUnicast(address) && !(port === ownPort && ownAddresses().has(address))
  return {
    check(host, port) {
      if (isIP(host) !== 0 && !isAllowed(host, port)) throw addressNotAllowed()
    },
    lookup: (port) => (hostname, options, done) => {
      resolveName(hostname, { ...options, all: true }, (error, addresses) => {
        const [first] = addresses ?? []
        if (error || !first) done(error ?? new Error(`${hostname} has no address`), '', 0)
        else if (!addresses.every(({ address }) => isAllowed(address, port))) done(addressNotAllowed() as Error, '', 0)
        else if (options.all) done(null, addresses)
        else done(null, first.address, first.family)
      })
    },
  }
}

const machineAddresses = (): ReadonlySet<string> => new Set(Object.values(networkInterfaces()).flatMap((each) => (each ?? []).map(({ address }) => address)))
