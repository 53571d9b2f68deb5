import { Endpoints as EndpointsKind } from '../../../api/kinds.ts'
import type { Endpoints } from '../../../api/types.ts'
import { ageColumn, listWithMore, nameColumn } from '../columns.ts'
import type { Strategy } from '../strategy.ts'

const joinHostPort = (ip: string, port: number): string => (ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`)

const endpointList = ({ subsets = [] }: Endpoints): string => {
  if (subsets.length === 0) return '<none>'
  return listWithMore(subsets.flatMap(({ addresses = [], ports = [] }) =>
    (ports.length === 0 ? addresses.map(({ ip }) => ip) : ports.flatMap(({ port }) => addresses.map(({ ip }) => joinHostPort(ip, port))))), '')
}

export const endpointsStrategy: Strategy<Endpoints> = {
  kind: EndpointsKind,
  createOnUpdate: true,
  columns: [nameColumn, { name: 'Endpoints', type: 'string', description: 'The addresses and ports that are ready.', value: endpointList }, ageColumn],
}
