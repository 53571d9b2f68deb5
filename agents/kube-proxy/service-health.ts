/** Answers on the health check node ports of Services whose traffic stays on the node: whether a load balancer should send any here. Mirrors pkg/proxy/healthcheck/service_health.go. */
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { EndpointSlice, Service } from '../../src/api/types.ts'
import type { Log } from '../../src/client/component.ts'

export interface ServiceHealth {
  namespace: string
  name: string
  port: number
  /** Addresses of ready endpoints on this node. */
  localEndpoints: number
}

/** undefined: nobody asks after this Service. */
export const serviceHealthOf = (service: Service | undefined, slices: readonly EndpointSlice[], nodeName: string): ServiceHealth | undefined => {
  if (service?.spec.type !== 'LoadBalancer' || service.spec.externalTrafficPolicy !== 'Local' || !service.spec.healthCheckNodePort) return undefined
  const endpoints = slices.filter(({ addressType }) => addressType === 'IPv4').flatMap((slice) => slice.endpoints ?? [])
  const local = endpoints.filter((endpoint) => endpoint.nodeName === nodeName && (endpoint.conditions?.ready ?? true)).flatMap(({ addresses }) => addresses.slice(0, 1))
  return { namespace: service.metadata.namespace ?? '', name: service.metadata.name, port: service.spec.healthCheckNodePort, localEndpoints: new Set(local).size }
}

export interface ServiceHealthServers {
  /** Opens, changes or closes the port of a Service (`namespace/name`). */
  set(key: string, health: ServiceHealth | undefined): void
  close(): void
}

interface Listening { server: Server; health: ServiceHealth }

export interface ServiceHealthOptions {
  /** Whether rules are being written. */
  isHealthy(): boolean
  log: Log
  /** Where to listen; every address when it is not given. */
  address?: string
}

const answer = (response: ServerResponse, { namespace, name, localEndpoints }: ServiceHealth, healthy: boolean): void => {
  response.writeHead(localEndpoints > 0 && healthy ? 200 : 503,
    { 'content-type': 'application/json', 'x-content-type-options': 'nosniff', 'x-load-balancing-endpoint-weight': String(localEndpoints), connection: 'close' })
    .end(JSON.stringify({ service: { namespace, name }, localEndpoints, serviceProxyHealthy: healthy }))
}

export const serviceHealthServers = ({ isHealthy, log, address = '0.0.0.0' }: ServiceHealthOptions): ServiceHealthServers => {
  const open = new Map<string, Listening>()
  const close = (key: string): void => {
    const { server } = open.get(key) ?? {}
    open.delete(key)
    server?.close()
    server?.closeAllConnections()
  }
  const listen = (key: string, health: ServiceHealth): void => {
    const listening: Listening = { health, server: createServer((_request, response) => { answer(response, listening.health, isHealthy()) }) }
    open.set(key, listening)
    listening.server.on('error', (error) => {
      log.warn(`cannot answer health checks of Service ${key} on port ${health.port}`, { error: error.message })
      // The next change of the Service tries again.
      if (open.get(key) === listening) open.delete(key)
    })
    listening.server.listen(health.port, address)
  }
  return {
    set: (key, health) => {
      const known = open.get(key)
      if (known && known.health.port === health?.port) { known.health = health; return }
      if (known) close(key)
      if (health) listen(key, health)
    },
    close: () => { for (const key of open.keys()) close(key) },
  }
}
