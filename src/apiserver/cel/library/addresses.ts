/** IP addresses and CIDRs. Mirrors `k8s.io/apiserver/pkg/cel/library/ip.go` and `cidr.go`. */
import { addressText, checkIP, type IPAddress, parseCIDR, parseIP, within } from '../../registry/ip-address.ts'
import { celError } from '../errors.ts'
import { type Overload, overload } from '../signature.ts'
import { CelOpaque, type CelValue } from '../values.ts'

class CelAddress extends CelOpaque {
  readonly typeName = 'net.IP'
  readonly address: IPAddress
  constructor(address: IPAddress) {
    super()
    this.address = address
  }
  equals(other: CelValue): boolean { return other instanceof CelAddress && other.address.family === this.address.family && other.address.value === this.address.value }
}

class CelCidr extends CelOpaque {
  readonly typeName = 'net.CIDR'
  readonly address: IPAddress
  readonly prefix: number
  constructor(address: IPAddress, prefix: number) {
    super()
    this.address = address
    this.prefix = prefix
  }
  equals(other: CelValue): boolean { return other instanceof CelCidr && other.text === this.text }
  get text(): string { return `${addressText(this.address)}/${this.prefix}` }
}

const findAddress = (text: string): IPAddress | undefined => (checkIP('', text).length === 0 ? parseIP(text) : undefined)

const toAddress = (text: string): IPAddress => {
  const address = findAddress(text)
  if (!address) throw celError(text.includes('%') ? `IP Address ${JSON.stringify(text)} with zone value is not allowed` : `IP Address ${JSON.stringify(text)} parse error during conversion from string: unable to parse IP`)
  return address
}

const findCidr = (text: string): CelCidr | undefined => {
  const parsed = findAddress(text.split('/')[0] ?? '') && !/\/0\d/.test(text) ? parseCIDR(text) : undefined
  return parsed && new CelCidr(parsed.address, parsed.prefix)
}

const toCidr = (text: string): CelCidr => {
  const cidr = findCidr(text)
  if (!cidr) throw celError(`network address parse error during conversion from string: netip.ParsePrefix(${JSON.stringify(text)}): no '/'`.replace(": no '/'", text.includes('/') ? ': unable to parse' : ": no '/'"))
  return cidr
}

const none: IPAddress = { family: 'IPv4', value: 0n }
const addressOf = (value: CelValue | undefined): IPAddress => (value instanceof CelAddress || value instanceof CelCidr ? value.address : typeof value === 'string' ? toAddress(value) : none)
const cidrOf = (value: CelValue | undefined): CelCidr => (value instanceof CelCidr ? value : toCidr(String(value)))

const masked = ({ address, prefix }: CelCidr): CelCidr => {
  const shift = BigInt((address.family === 'IPv4' ? 32 : 128) - prefix)
  return new CelCidr({ family: address.family, value: (address.value >> shift) << shift }, prefix)
}

const inRanges = (address: IPAddress, ...ranges: readonly string[]): boolean => ranges.some((range) => within(address, range))
const isSpecial = (address: IPAddress): boolean => address.value === 0n || inRanges(address, '127.0.0.0/8', '::1/128', '224.0.0.0/4', 'ff00::/8', '169.254.0.0/16', 'fe80::/10', '255.255.255.255/32')

const questions: Readonly<Record<string, (address: IPAddress) => boolean>> = {
  isUnspecified: ({ value }) => value === 0n, isLoopback: (address) => inRanges(address, '127.0.0.0/8', '::1/128'),
  isLinkLocalMulticast: (address) => inRanges(address, '224.0.0.0/24', 'ff02::/16'), isLinkLocalUnicast: (address) => inRanges(address, '169.254.0.0/16', 'fe80::/10'), isGlobalUnicast: (address) => !isSpecial(address),
}

const holdsCidr = (outer: CelCidr, inner: CelCidr): boolean => outer.address.family === inner.address.family && outer.prefix <= inner.prefix && within(inner.address, outer.text)

export const addressFunctions: readonly Overload[] = [
  overload('ip(string): net.IP', ([text]) => new CelAddress(toAddress(String(text)))),
  overload('isIP(string): bool', ([text]) => findAddress(String(text)) !== undefined),
  overload('ip.isCanonical(string): bool', ([text]) => addressText(toAddress(String(text))) === text),
  overload('(net.IP).family(): int', ([ip]) => (addressOf(ip).family === 'IPv4' ? 4n : 6n)),
  ...Object.entries(questions).map(([name, ask]) => overload(`(net.IP).${name}(): bool`, ([ip]) => ask(addressOf(ip)))),
  overload('string(net.IP): string', ([ip]) => addressText(addressOf(ip))),
  overload('cidr(string): net.CIDR', ([text]) => toCidr(String(text))),
  overload('isCIDR(string): bool', ([text]) => findCidr(String(text)) !== undefined),
  overload('(net.CIDR).containsIP(string): bool', ([cidr, ip]) => within(addressOf(ip), cidrOf(cidr).text)),
  overload('(net.CIDR).containsIP(net.IP): bool', ([cidr, ip]) => within(addressOf(ip), cidrOf(cidr).text)),
  overload('(net.CIDR).containsCIDR(string): bool', ([outer, inner]) => holdsCidr(cidrOf(outer), cidrOf(inner))),
  overload('(net.CIDR).containsCIDR(net.CIDR): bool', ([outer, inner]) => holdsCidr(cidrOf(outer), cidrOf(inner))),
  overload('(net.CIDR).ip(): net.IP', ([cidr]) => new CelAddress(addressOf(cidr))),
  overload('(net.CIDR).prefixLength(): int', ([cidr]) => BigInt(cidrOf(cidr).prefix)),
  overload('(net.CIDR).masked(): net.CIDR', ([cidr]) => masked(cidrOf(cidr))),
  overload('string(net.CIDR): string', ([cidr]) => cidrOf(cidr).text),
]
