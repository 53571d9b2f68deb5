/** Endpoints. Mirrors ValidateEndpoints and SetDefaults_Endpoints of upstream's core API. */
import { Endpoints as EndpointsKind } from '../../../api/kinds.ts'
import { isDns1123Subdomain, isPortNumber } from '../../../api/names.ts'
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { EndpointAddress, EndpointPort, Endpoints, EndpointSubset } from '../../../api/types.ts'
import { ageColumn, listWithMore, nameColumn } from '../columns.ts'
import { checkDnsLabel, checkEach, checkOneOf, checkQualifiedName, invalids } from '../field-checks.ts'
import { checkIP, checkNonSpecialIP } from '../ip-address.ts'
import { ipWarnings } from '../address-warnings.ts'
import type { Strategy } from '../strategy.ts'
import { protocols } from './container-port-validation.ts'

const joinHostPort = (ip: string, port: number): string => (ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`)

const endpointList = ({ subsets = [] }: Endpoints): string => {
  if (subsets.length === 0) return '<none>'
  return listWithMore(subsets.flatMap(({ addresses = [], ports = [] }) =>
    (ports.length === 0 ? addresses.map(({ ip }) => ip) : ports.flatMap(({ port }) => addresses.map(({ ip }) => joinHostPort(ip, port))))), '')
}

const checkAddress = (path: string, { ip = '', hostname, nodeName }: EndpointAddress): FieldError[] => [
  ...checkIP(`${path}.ip`, ip),
  ...(hostname ? checkDnsLabel(`${path}.hostname`, hostname) : []),
  ...(nodeName === undefined ? [] : invalids(`${path}.nodeName`, nodeName, isDns1123Subdomain(nodeName))),
  ...checkNonSpecialIP(`${path}.ip`, ip),
]

const checkPort = (path: string, { name, port, protocol, appProtocol }: EndpointPort, requireName: boolean): FieldError[] => [
  ...(name ? checkDnsLabel(`${path}.name`, name) : requireName ? [fieldError.required(`${path}.name`)] : []),
  ...invalids(`${path}.port`, port ?? 0, isPortNumber(port ?? 0)),
  ...checkOneOf(`${path}.protocol`, protocol, protocols),
  ...(appProtocol === undefined ? [] : checkQualifiedName(`${path}.appProtocol`, appProtocol)),
]

const checkSubset = (path: string, { addresses = [], notReadyAddresses = [], ports = [] }: EndpointSubset): FieldError[] => [
  ...(addresses.length + notReadyAddresses.length === 0 ? [fieldError.required(path, 'must specify `addresses` or `notReadyAddresses`')] : []),
  ...checkEach(`${path}.addresses`, addresses, (address, at) => checkAddress(at, address)),
  ...checkEach(`${path}.notReadyAddresses`, notReadyAddresses, (address, at) => checkAddress(at, address)),
  ...checkEach(`${path}.ports`, ports, (port, at) => checkPort(at, port, ports.length > 1)),
]

const check = ({ subsets }: Endpoints): FieldError[] => checkEach('subsets', subsets, (subset, at) => checkSubset(at, subset))

export const endpointsStrategy: Strategy<Endpoints> = {
  kind: EndpointsKind,
  createOnUpdate: true,
  setDefaults({ subsets = [] }) {
    for (const { ports = [] } of subsets) for (const port of ports) port.protocol ||= 'TCP'
  },
  validate: check,
  validateUpdate: check,
  warnings: ({ subsets = [] }) => subsets.flatMap((subset, index) => (['addresses', 'notReadyAddresses'] as const).flatMap((list) =>
    (subset[list] ?? []).flatMap(({ ip }, at) => ipWarnings(`subsets[${index}].${list}[${at}].ip`, ip)))),
  columns: [nameColumn, { name: 'Endpoints', type: 'string', description: 'The addresses and ports that are ready.', value: endpointList }, ageColumn],
}
