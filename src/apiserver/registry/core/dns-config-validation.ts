/** A pod's DNS and host names. Mirrors validatePodDNSConfig and ValidateHostAliases of upstream's core validation. */
import { maxLengthError, regexError } from '../../../api/names.ts'
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { HostAlias, PodDNSConfig, PodSpec } from '../../../api/types.ts'
import { checkDnsSubdomain, checkEach, invalids } from '../field-checks.ts'
import { checkIP } from '../ip-address.ts'

const maxNameservers = 3
const maxSearches = 32
const maxSearchCharacters = 2048

const searchFormat = '_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?(\\._?[a-z0-9]([-_a-z0-9]*[a-z0-9])?)*'
const searchDomain = new RegExp(`^(?:${searchFormat})$`)
const searchMessage = regexError("a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must start and end with an alphanumeric character", searchFormat, 'example.com')

/** A search domain may end in a dot and have underscores; `.` alone is the root. */
const checkSearch = (path: string, search: string): FieldError[] => {
  if (search === '.') return []
  const domain = search.replace(/\.$/, '')
  return invalids(path, domain, [...(domain.length > 253 ? [maxLengthError(253)] : []), ...(searchDomain.test(domain) ? [] : [searchMessage])])
}

const checkConfig = (path: string, { nameservers = [], searches = [], options }: PodDNSConfig): FieldError[] => [
  ...(nameservers.length > maxNameservers ? [fieldError.invalid(`${path}.nameservers`, nameservers, `must not have more than ${maxNameservers} nameservers`)] : []),
  ...checkEach(`${path}.nameservers`, nameservers, (server, at) => checkIP(at, server)),
  ...(searches.length > maxSearches ? [fieldError.invalid(`${path}.searches`, searches, `must not have more than ${maxSearches} search paths`)] : []),
  ...(searches.join(' ').length > maxSearchCharacters ? [fieldError.invalid(`${path}.searches`, searches, `must not have more than ${maxSearchCharacters} characters (including spaces) in the search list`)] : []),
  ...checkEach(`${path}.searches`, searches, (search, at) => checkSearch(at, search)),
  ...checkEach(`${path}.options`, options, ({ name }, at) => (name ? [] : [fieldError.required(at, 'must not be empty')])),
]

/** `path`: of the pod's spec. */
export const checkDns = (path: string, { dnsPolicy, dnsConfig }: PodSpec): FieldError[] => {
  if (dnsPolicy === 'None') {
    if (!dnsConfig) return [fieldError.required(`${path}.dnsConfig`, 'must provide `dnsConfig` when `dnsPolicy` is None')]
    if ((dnsConfig.nameservers ?? []).length === 0) return [fieldError.required(`${path}.dnsConfig.nameservers`, 'must provide at least one DNS nameserver when `dnsPolicy` is None')]
  }
  return dnsConfig ? checkConfig(`${path}.dnsConfig`, dnsConfig) : []
}

export const checkHostAliases = (path: string, aliases: readonly HostAlias[] | undefined): FieldError[] => checkEach(path, aliases, ({ ip, hostnames }, at) => [
  ...checkIP(`${at}.ip`, ip ?? ''),
  ...checkEach(`${at}.hostnames`, hostnames, (hostname, namePath) => checkDnsSubdomain(namePath, hostname)),
])
