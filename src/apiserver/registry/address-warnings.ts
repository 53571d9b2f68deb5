/** Addresses that are right and written in an unusual way. Mirrors GetWarningsForIP and GetWarningsForCIDR of apimachinery's `pkg/util/validation/ip.go`; what they say of leading zeros and the like is an error here. */
import { addressText, canonicalIP, parseCIDR, parseIP } from './ip-address.ts'

export const ipWarnings = (path: string, text: string): string[] => {
  const canonical = canonicalIP(text)
  return parseIP(text)?.family !== 'IPv6' || canonical === text ? [] : [`${path}: IPv6 address ${JSON.stringify(text)} should be in RFC 5952 canonical format (${JSON.stringify(canonical)})`]
}

export const cidrWarnings = (path: string, text: string): string[] => {
  const cidr = parseCIDR(text)
  const canonical = cidr ? `${addressText(cidr.address)}/${cidr.prefix}` : text
  return cidr?.address.family !== 'IPv6' || canonical === text ? [] : [`${path}: IPv6 CIDR value ${JSON.stringify(text)} should be in RFC 5952 canonical format (${JSON.stringify(canonical)})`]
}
