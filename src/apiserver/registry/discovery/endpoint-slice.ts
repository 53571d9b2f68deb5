import { EndpointSlices } from '../../../api/kinds.ts'
import type { EndpointSlice } from '../../../api/types.ts'
import { ageColumn, listWithMore, nameColumn } from '../columns.ts'
import type { Strategy } from '../strategy.ts'

export const endpointSliceStrategy: Strategy<EndpointSlice> = {
  kind: EndpointSlices,
  columns: [
    nameColumn,
    { name: 'AddressType', type: 'string', description: 'What the addresses are: IPv4, IPv6 or FQDN.', value: ({ addressType }) => addressType ?? '' },
    { name: 'Ports', type: 'string', description: 'The ports of every endpoint.', value: ({ ports = [] }) => listWithMore(ports.map(({ port, name }) => (port === undefined ? name ?? '*' : String(port))), '<unset>') },
    { name: 'Endpoints', type: 'string', description: 'The addresses of the endpoints.', value: ({ endpoints }) => listWithMore((endpoints ?? []).flatMap(({ addresses }) => addresses), '<unset>') },
    ageColumn,
  ],
}
