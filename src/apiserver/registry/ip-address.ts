/** IP addresses and CIDRs in specs: parsing and upstream's refusals. Mirrors apimachinery's `pkg/util/validation/ip.go` (strict rules) and ValidateNonSpecialIP. */
import { fieldError, type FieldError } from '../../api/status.ts'

export interface IPAddress {
  family: 'IPv4' | 'IPv6'
  value: bigint
}

const parseIPv4 = (text: string): bigint | undefined => {
  const parts = text.split('.')
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,}$/.test(part) && Number(part) <= 255)) return undefined
  return parts.reduce((value, part) => value * 256n + BigInt(Number(part)), 0n)
}

/** Groups of an IPv6 address, with a dotted tail (only at the address's very end) turned into two groups; undefined when one is malformed. */
const groupsOf = (text: string, atEnd: boolean): number[] | undefined => {
  if (text === '') return []
  const groups: number[] = []
  const parts = text.split(':')
  for (const [index, part] of parts.entries()) {
    const tail = atEnd && index === parts.length - 1 && part.includes('.') ? parseIPv4(part) : undefined
    if (tail !== undefined) groups.push(Number(tail >> 16n), Number(tail & 0xffffn))
    else if (/^[0-9a-fA-F]{1,4}$/.test(part)) groups.push(Number.parseInt(part, 16))
    else return undefined
  }
  return groups
}

const parseIPv6 = (text: string): bigint | undefined => {
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const [head, tail] = [groupsOf(halves[0] ?? '', halves.length === 1), groupsOf(halves[1] ?? '', true)]
  if (!head || !tail) return undefined
  const missing = 8 - head.length - tail.length
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined
  return [...head, ...Array<number>(missing).fill(0), ...tail].reduce((value, group) => (value << 16n) | BigInt(group), 0n)
}

/** An address from its text, leading zeros forgiven (`010.0.0.1` is 10.0.0.1, as Go's ParseIPSloppy reads it). */
export const parseIP = (text: string): IPAddress | undefined => {
  const four = text.includes(':') ? undefined : parseIPv4(text)
  if (four !== undefined) return { family: 'IPv4', value: four }
  const six = text.includes(':') ? parseIPv6(text) : undefined
  return six === undefined ? undefined : { family: 'IPv6', value: six }
}

const hasLeadingZero = (text: string): boolean => !text.includes(':') && /(^|\.)0\d/.test(text)
const isMapped = ({ family, value }: IPAddress): boolean => family === 'IPv6' && value >> 32n === 0xffffn

export const checkIP = (path: string, text: string): FieldError[] => {
  const ip = parseIP(text)
  if (!ip) return [fieldError.invalid(path, text, 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)')]
  if (hasLeadingZero(text)) return [fieldError.invalid(path, text, 'must not have leading 0s')]
  return isMapped(ip) ? [fieldError.invalid(path, text, 'must not be an IPv4-mapped IPv6 address')] : []
}

/** A CIDR from its text, or undefined. */
export const parseCIDR = (text: string): { address: IPAddress; prefix: number } | undefined => {
  const [host = '', length, ...rest] = text.split('/')
  const address = parseIP(host)
  if (!address || length === undefined || rest.length > 0 || !/^\d{1,3}$/.test(length)) return undefined
  const prefix = Number(length)
  return prefix <= (address.family === 'IPv4' ? 32 : 128) ? { address, prefix } : undefined
}

export const checkCIDR = (path: string, text: string): FieldError[] => {
  const cidr = parseCIDR(text)
  if (!cidr) return [fieldError.invalid(path, text, 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)')]
  if (hasLeadingZero(text) || /\/0\d/.test(text)) return [fieldError.invalid(path, text, 'must not have leading 0s')]
  const hostBits = BigInt((cidr.address.family === 'IPv4' ? 32 : 128) - cidr.prefix)
  const beyond = cidr.address.value & ((1n << hostBits) - 1n)
  return beyond === 0n ? [] : [fieldError.invalid(path, text, 'must not have bits set beyond the prefix length')]
}

/** Whether `ip` lies in `range/prefix` of its own family. */
const within = (ip: IPAddress, range: string): boolean => {
  const cidr = parseCIDR(range)
  if (!cidr || cidr.address.family !== ip.family) return false
  const shift = BigInt((ip.family === 'IPv4' ? 32 : 128) - cidr.prefix)
  return ip.value >> shift === cidr.address.value >> shift
}

const specialRanges: readonly (readonly [message: string, ranges: readonly string[]])[] = [
  ['may not be in the loopback range (127.0.0.0/8, ::1/128)', ['127.0.0.0/8', '::1/128']],
  ['may not be in the link-local range (169.254.0.0/16, fe80::/10)', ['169.254.0.0/16', 'fe80::/10']],
  ['may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)', ['224.0.0.0/24', 'ff02::/16']],
]

/** Endpoints and external IPs may not point to the node itself or its link. */
export const checkNonSpecialIP = (path: string, text: string): FieldError[] => {
  const ip = parseIP(text)
  if (!ip) return [fieldError.invalid(path, text, 'must be a valid IP address')]
  return [
    ...(ip.value === 0n ? [fieldError.invalid(path, text, `may not be unspecified (${text})`)] : []),
    ...specialRanges.filter(([, ranges]) => ranges.some((range) => within(ip, range))).map(([message]) => fieldError.invalid(path, text, message)),
  ]
}
