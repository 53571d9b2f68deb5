/** EndpointSlices. Mirrors upstream's `pkg/registry/discovery/endpointslice/strategy.go` and SetDefaults_EndpointPort. */
import { EndpointSlices } from '../../../api/kinds.ts'
import type { EndpointSlice } from '../../../api/types.ts'
import { ageColumn, listWithMore, nameColumn } from '../columns.ts'
import { checkImmutable } from '../field-checks.ts'
import { ipWarnings } from '../address-warnings.ts'
import type { Strategy } from '../strategy.ts'
import { checkEndpointSlice } from './endpoint-slice-validation.ts'

export const endpointSliceStrategy: Strategy<EndpointSlice> = {
  kind: EndpointSlices,
  setDefaults(slice) {
    slice.endpoints ??= []
    for (const port of slice.ports ?? []) {
      port.name ??= ''
      port.protocol ??= 'TCP'
    }
  },
  validate: checkEndpointSlice,
  warnings: ({ metadata, addressType, endpoints }) => [
    ...(addressType === 'FQDN' ? ['spec.addressType: FQDN endpoints are deprecated'] : []),
    // What controllers write need not be looked at.
    ...(metadata.labels?.['endpointslice.kubernetes.io/managed-by'] === undefined ? (endpoints ?? []).flatMap(({ addresses }, index) => (addresses ?? []).flatMap((ip, at) => ipWarnings(`endpoints[${index}].addresses[${at}]`, ip))) : []),
  ],
  validateUpdate: (next, old) => [...checkEndpointSlice(next), ...checkImmutable('addressType', next.addressType, old.addressType)],
  generationOf: ({ addressType, endpoints, ports, metadata: { labels, annotations, ownerReferences, finalizers } }) => [addressType, endpoints, ports, labels, annotations, ownerReferences, finalizers],
  columns: [
    nameColumn,
    { name: 'AddressType', type: 'string', description: 'What the addresses are: IPv4, IPv6 or FQDN.', value: ({ addressType }) => addressType ?? '' },
    { name: 'Ports', type: 'string', description: 'The ports of every endpoint.', value: ({ ports = [] }) => listWithMore(ports.map(({ port, name }) => (port === undefined ? name || '*' : String(port))), '<unset>') },
    { name: 'Endpoints', type: 'string', description: 'The addresses of the endpoints.', value: ({ endpoints }) => listWithMore((endpoints ?? []).flatMap(({ addresses }) => addresses ?? []), '<unset>') },
    ageColumn,
  ],
}
