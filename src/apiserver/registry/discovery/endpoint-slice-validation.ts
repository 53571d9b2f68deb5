/** Mirrors ValidateEndpointSlice of upstream's `pkg/apis/discovery/validation`. */
import { isDns1123Subdomain } from '../../../api/names.ts'
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { DiscoveryEndpointPort, Endpoint, EndpointHints, EndpointSlice } from '../../../api/types.ts'
import { protocols } from '../core/container-port-validation.ts'
import { checkDnsLabel, checkEach, checkOneOf, checkOptionalOneOf, checkQualifiedName, checkUnique, invalids } from '../field-checks.ts'
import { checkIP, checkNonSpecialIP, parseIP } from '../ip-address.ts'
import { checkLabelName, checkLabels } from '../label-checks.ts'

const limits = { endpoints: 1000, addresses: 100, topologyLabels: 16, ports: 20_000, hints: 8 }

const tooMany = (path: string, count: number, max: number): FieldError[] => (count > max ? [fieldError.tooMany(path, count, max)] : [])

const checkAddress = (path: string, address: string, type: string): FieldError[] => {
  if (type === 'FQDN') {
    const domain = address.replace(/\.$/, '')
    return domain.includes('.') ? invalids(path, address, isDns1123Subdomain(domain)) : [fieldError.invalid(path, address, 'should be a domain with at least two segments separated by dots')]
  }
  if (type !== 'IPv4' && type !== 'IPv6') return []
  return [...(parseIP(address)?.family === type ? checkIP(path, address) : [fieldError.invalid(path, address, `must be a valid ${type} address`)]), ...checkNonSpecialIP(path, address)]
}

const checkHints = (path: string, { forZones = [], forNodes = [] }: EndpointHints): FieldError[] => [
  ...tooMany(`${path}.forZones`, forZones.length, limits.hints),
  ...checkEach(`${path}.forZones`, forZones, ({ name }, at) => checkLabelName(`${at}.name`, name)),
  ...checkUnique(`${path}.forZones`, forZones, ({ name }) => ({ key: name, path: '.name' })),
  ...tooMany(`${path}.forNodes`, forNodes.length, limits.hints),
  ...checkEach(`${path}.forNodes`, forNodes, ({ name }, at) => invalids(`${at}.name`, name, isDns1123Subdomain(name))),
  ...checkUnique(`${path}.forNodes`, forNodes, ({ name }) => ({ key: name, path: '.name' })),
]

const checkEndpoint = (path: string, { addresses = [], nodeName, deprecatedTopology = {}, hostname, hints }: Endpoint, type: string): FieldError[] => [
  ...(addresses.length === 0 ? [fieldError.required(`${path}.addresses`, 'must contain at least 1 address')] : tooMany(`${path}.addresses`, addresses.length, limits.addresses)),
  ...checkEach(`${path}.addresses`, addresses, (address, at) => checkAddress(at, address, type)),
  ...(nodeName === undefined ? [] : invalids(`${path}.nodeName`, nodeName, isDns1123Subdomain(nodeName))),
  ...tooMany(`${path}.deprecatedTopology`, Object.keys(deprecatedTopology).length, limits.topologyLabels),
  ...checkLabels(`${path}.deprecatedTopology`, deprecatedTopology),
  ...(Object.hasOwn(deprecatedTopology, 'kubernetes.io/hostname') ? [fieldError.invalid(`${path}.deprecatedTopology[kubernetes.io/hostname]`, deprecatedTopology['kubernetes.io/hostname'], 'may not be specified; use nodeName instead')] : []),
  ...(hostname === undefined ? [] : checkDnsLabel(`${path}.hostname`, hostname)),
  ...(hints ? checkHints(`${path}.hints`, hints) : []),
]

const checkPort = (path: string, { name, protocol, appProtocol }: DiscoveryEndpointPort): FieldError[] => [
  ...(name ? checkDnsLabel(`${path}.name`, name) : []),
  ...checkOneOf(`${path}.protocol`, protocol, protocols),
  ...(appProtocol === undefined ? [] : checkQualifiedName(`${path}.appProtocol`, appProtocol)),
]

export const checkEndpointSlice = ({ addressType, endpoints = [], ports = [] }: EndpointSlice): FieldError[] => [
  ...(addressType ? checkOptionalOneOf('addressType', addressType, ['FQDN', 'IPv4', 'IPv6']) : [fieldError.required('addressType')]),
  ...(endpoints.length > limits.endpoints ? tooMany('endpoints', endpoints.length, limits.endpoints) : checkEach('endpoints', endpoints, (endpoint, at) => checkEndpoint(at, endpoint, addressType))),
  ...(ports.length > limits.ports ? tooMany('ports', ports.length, limits.ports) : [
    ...checkEach('ports', ports, (port, at) => checkPort(at, port)),
    ...checkUnique('ports', ports, ({ name = '' }) => ({ key: name, path: '.name' })),
  ]),
]
