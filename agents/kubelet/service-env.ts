/** The variables by which containers find Services. Mirrors pkg/kubelet/envvars and getServiceEnvVarMap. Pure. */
import type { Service } from '../../src/api/types.ts'

const hasAddress = ({ spec }: Service): boolean => Boolean(spec.clusterIP) && spec.clusterIP !== 'None'

/** Of the Services of `namespace`, where the pod wants them, and of the API server's own, which every pod gets. */
export const serviceEnvironment = (services: readonly Service[], namespace: string, enableServiceLinks: boolean): Map<string, string> => {
  const usable = services.filter(hasAddress)
  const own = enableServiceLinks ? usable.filter((service) => service.metadata.namespace === namespace) : []
  const api = usable.filter(({ metadata }) => metadata.namespace === 'default' && metadata.name === 'kubernetes' && !own.some((each) => each.metadata.name === 'kubernetes'))
  return new Map([...own, ...api].sort((left, right) => (left.metadata.name < right.metadata.name ? -1 : 1)).flatMap(variablesOf))
}

const variablesOf = ({ metadata, spec }: Service): [string, string][] => {
  const prefix = metadata.name.toUpperCase().replaceAll('-', '_')
  const address = spec.clusterIP ?? ''
  const host = address.includes(':') ? `[${address}]` : address
  const ports = spec.ports ?? []
  const first = ports[0]
  if (!first) return []
  return [
    [`${prefix}_SERVICE_HOST`, address],
    [`${prefix}_SERVICE_PORT`, String(first.port)],
    ...ports.filter(({ name }) => name).map(({ name, port }): [string, string] => [`${prefix}_SERVICE_PORT_${(name ?? '').toUpperCase().replaceAll('-', '_')}`, String(port)]),
    ...ports.flatMap(({ port, protocol = 'TCP' }, index): [string, string][] => {
      const url = `${protocol.toLowerCase()}://${host}:${port}`
      const link = `${prefix}_PORT_${port}_${protocol}`
      return [...(index === 0 ? [[`${prefix}_PORT`, url] as [string, string]] : []), [link, url], [`${link}_PROTO`, protocol.toLowerCase()], [`${link}_PORT`, String(port)], [`${link}_ADDR`, address]]
    }),
  ]
}
