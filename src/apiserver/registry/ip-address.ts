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

/** An address as text: dotted, or groups with the longest run of zeros left out (RFC 5952). */
export const addressText = ({ family, value }: IPAddress): string => {
  if (family === 'IPv4') return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n).join('.')
  const groups = Array.from({ length: 8 }, (_, index) => ((value >> BigInt(112 - 16 * index)) & 0xffffn).toString(16))
  const text = `:${groups.join(':')}:`
  const runs = [...text.matchAll(/(?::0){2,}(?=:)/g)].sort((a, b) => b[0].length - a[0].length)
  const [longest] = runs
  const shortened = longest ? `${text.slice(0, longest.index)}::${text.slice(longest.index + longest[0].length + 1)}` : text
  return shortened.replace(/^:(?!:)/, '').replace(/(?<!:):$/, '')
}

/** One spelling for each address; text that is none stays as it is. */
export const canonicalIP = (text: string): string => {
  const ip = parseIP(text)
  return ip ? addressText(ip) : text
}

/** The rule of new fields: valid, and spelled as Go would print it. */
export const checkCanonicalIP = (path: string, text: string): FieldError[] => {
  const errors = checkIP(path, text)
  const canonical = canonicalIP(text)
  return errors.length > 0 || canonical === text ? errors : [fieldError.invalid(path, text, `must be in canonical form (${JSON.stringify(canonical)})`)]
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
  if (hasLeadingZero(text) || /\/0\d/.test(text)) return [fieldError.invalid(path, text, 'must not have leading 0s in IP or prefix length')]
  if (isMapped(cidr.address)) return [fieldError.invalid(path, text, 'must not have an IPv4-mapped IPv6 address')]
  const hostBits = BigInt((cidr.address.family === 'IPv4' ? 32 : 128) - cidr.prefix)
  const beyond = cidr.address.value & ((1n << hostBits) - 1n)
  return beyond === 0n ? [] : [fieldError.invalid(path, text, 'must not have bits set beyond the prefix length')]
}

/** The rule of new fields: valid, and spelled as Go would print it. */
export const checkCanonicalCIDR = (path: string, text: string): FieldError[] => {
  const errors = checkCIDR(path, text)
  const cidr = parseCIDR(text)
  const canonical = cidr ? `${addressText(cidr.address)}/${cidr.prefix}` : text
  return errors.length > 0 || canonical === text ? errors : [fieldError.invalid(path, text, `must be in canonical form (${JSON.stringify(canonical)})`)]
}

/** An address of an interface, with the length of its network's prefix. Mirrors IsValidInterfaceAddress. */
export const checkInterfaceAddress = (path: string, text: string): FieldError[] => {
  const cidr = parseCIDR(text)
  if (!cidr) return [fieldError.invalid(path, text, 'must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)')]
  const canonical = `${addressText(cidr.address)}/${cidr.prefix}`
  return canonical === text ? [] : [fieldError.invalid(path, text, `must be in canonical form (${JSON.stringify(canonical)})`)]
}

/** Whether `ip` lies in `range/prefix` of its own family. */
export const within = (ip: IPAddress, range: string): boolean => {
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
