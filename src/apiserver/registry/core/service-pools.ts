/**
 * The pools that cluster IPs and node ports come from: pure. What is handed out by chance comes from the upper part first, so that the
 * lower part stays free for people who pick their own. Mirrors upstream's `pkg/registry/core/service/{ipallocator,portallocator}`.
 */
import type { Random } from '../../../api/random.ts'
import { checkCIDR, type IPAddress, parseCIDR } from '../ip-address.ts'

/** Numbers from `first` to `last`; the ones below `dynamicFrom` are given by chance only when the others are taken. */
export interface Pool {
  first: bigint
  last: bigint
  dynamicFrom: bigint
}

const clamp = (value: bigint, low: bigint, high: bigint): bigint => (value < low ? low : value > high ? high : value)

/** How many numbers at the bottom are left to people: a part of all, at least `low`, at most `high`; none where the pool is small. */
const reserved = (size: bigint, [part, low, high]: readonly [bigint, bigint, bigint]): bigint => (size <= low ? 0n : clamp(size / part, low, high))

/** The addresses of a range of Services, without the network's own and the broadcast address. Throws on text that is no CIDR. */
export const addressPool = (serviceCIDR: string): Pool & { family: IPAddress['family'] } => {
  const cidr = parseCIDR(serviceCIDR)
  if (!cidr || checkCIDR('', serviceCIDR).length > 0) throw new Error(`${JSON.stringify(serviceCIDR)} is no range of addresses: give Services one like 10.96.0.0/16`)
  const { family, value } = cidr.address
  const bits = BigInt((family === 'IPv4' ? 32 : 128) - cidr.prefix)
  const network = (value >> bits) << bits
  const size = 1n << bits
  const last = network + size - (family === 'IPv4' ? 2n : 1n)
  return { family, first: network + 1n, last, dynamicFrom: network + 1n + reserved(size, [16n, 16n, 256n]) }
}

export const portPool = ({ first, last }: { first: number; last: number }): Pool => {
  const size = BigInt(last - first + 1)
  return { first: BigInt(first), last: BigInt(last), dynamicFrom: BigInt(first) + reserved(size, [32n, 16n, 128n]) }
}

const freeBetween = (low: bigint, high: bigint, isFree: (value: bigint) => boolean, random: Random): bigint | undefined => {
  const size = high - low + 1n
  if (size <= 0n) return undefined
  const start = BigInt(Math.floor(random.next() * Number(size < 2n ** 52n ? size : 2n ** 52n)))
  for (let step = 0n; step < size; step++) {
    const value = low + ((start + step) % size)
    if (isFree(value)) return value
  }
  return undefined
}

/** A free number by chance, or undefined when all are taken. */
export const pickFree = ({ first, last, dynamicFrom }: Pool, isFree: (value: bigint) => boolean, random: Random): bigint | undefined =>
  freeBetween(dynamicFrom, last, isFree, random) ?? freeBetween(first, dynamicFrom - 1n, isFree, random)

export const contains = ({ first, last }: Pool, value: bigint): boolean => value >= first && value <= last
