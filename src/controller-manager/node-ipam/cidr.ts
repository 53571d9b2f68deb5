/** Ranges of addresses and their parts, IPv4 and IPv6. Mirrors pkg/controller/nodeipam/ipam/cidrset. */
import { isIPv4, isIPv6 } from 'node:net'

export interface Range { base: bigint; bits: number; prefix: number }

const parseIPv4 = (text: string): bigint => text.split('.').reduce((value, part) => (value << 8n) | BigInt(part), 0n)

const parseIPv6 = (text: string): bigint => {
  const [head = '', tail] = text.split('::')
  const groups = (part: string): string[] => (part === '' ? [] : part.split(':'))
  const missing = 8 - groups(head).length - groups(tail ?? '').length
  const all = tail === undefined ? groups(head) : [...groups(head), ...Array.from({ length: missing }, () => '0'), ...groups(tail)]
  return all.reduce((value, part) => (value << 16n) | BigInt(`0x${part}`), 0n)
}

/** Throws for text that is no range, naming it. */
export const parseRange = (text: string): Range => {
  const [address = '', prefixText = ''] = text.split('/')
  const bits = isIPv4(address) ? 32 : isIPv6(address) ? 128 : 0
  const prefix = /^\d{1,3}$/.test(prefixText) ? Number(prefixText) : -1
  if (bits === 0 || prefix < 0 || prefix > bits) throw new Error(`invalid CIDR address: ${text}`)
  const value = bits === 32 ? parseIPv4(address) : parseIPv6(address)
  const hostBits = BigInt(bits - prefix)
  return { base: (value >> hostBits) << hostBits, bits, prefix }
}

const formatIPv4 = (value: bigint): string => [24n, 16n, 8n, 0n].map((shift) => String((value >> shift) & 255n)).join('.')

/** Canonical text of RFC 5952, by way of the platform's own URL parser. */
const formatIPv6 = (value: bigint): string => {
  const groups = Array.from({ length: 8 }, (_, index) => ((value >> BigInt(112 - 16 * index)) & 0xffffn).toString(16))
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1)
}

export const formatRange = ({ base, bits, prefix }: Range): string => `${bits === 32 ? formatIPv4(base) : formatIPv6(base)}/${prefix}`

/** How many parts with this prefix a range has. */
export const partCount = (range: Range, prefix: number): bigint => (prefix < range.prefix ? 0n : 1n << BigInt(prefix - range.prefix))

export const part = (range: Range, prefix: number, index: bigint): Range => ({ base: range.base + (index << BigInt(range.bits - prefix)), bits: range.bits, prefix })

export const overlaps = (a: Range, b: Range): boolean => {
  if (a.bits !== b.bits) return false
  const shift = BigInt(a.bits - Math.min(a.prefix, b.prefix))
  return a.base >> shift === b.base >> shift
}
