/**
 * pods/portforward. Three kinds of clients: SPDY on a connection of its own (kubectl before 1.31), SPDY tunnelled in a WebSocket (kubectl since), and channels
 * over a WebSocket, which are the kubelet's own language. Mirrors PortForwardREST of `pkg/registry/core/pod/rest/subresources.go` and apiserver's `streamtunnel.go`.
 */
import { createWebSocketStream } from 'ws'
import { badRequest } from '../../api/status.ts'
import type { Pod } from '../../api/types.ts'
import type { ConnectHandler } from './connect-handler.ts'
import { ensureMayCreate } from './create-permission.ts'
import { kubeletOf } from './kubelet-access.ts'
import type { ConversationParts } from './pod-exec.ts'
import { relayUpgrade } from './relay.ts'
import { PortForwarder, portForwardProtocol } from './spdy-port-forward.ts'
import { acceptSpdy, handshake, spdyProtocol } from './spdy-upgrade.ts'
import { offeredProtocols, upgradeHeaders } from './upgrade-headers.ts'
import { acceptWebSocket } from './websocket-upgrade.ts'

const tunnelProtocol = `SPDY/3.1+${portForwardProtocol}`

const portsOf = (query: URLSearchParams): string[] => query.getAll('ports').flatMap((each) => each.split(',')).filter((each) => each !== '')

export const podPortForward = (parts: ConversationParts): ConnectHandler => ({
  resource: 'pods', subresource: 'portforward', methods: ['GET', 'POST'], needsParent: true,
  options: ({ exchange: { query } }) => ({ apiVersion: 'v1', kind: 'PodPortForwardOptions', ports: portsOf(query).map(Number).filter(Number.isInteger) }),
  connect: async (request) => {
    const { exchange, parent, lookup } = request
    await ensureMayCreate(parts.authorizer, request)
    const { query, upgrade, headers } = exchange
    const pod = parent as Pod
    const at = kubeletOf(lookup, pod)
    const pathTo = (ports: readonly string[]): string => `/portForward/${pod.metadata.namespace ?? ''}/${pod.metadata.name}?${new URLSearchParams(ports.length > 0 ? [['port', ports.join(',')]] : []).toString()}`
    if (!upgrade) throw badRequest('Upgrade request required')
    const forwarder = (): PortForwarder => new PortForwarder({ open: (port) => parts.kubelets.channels(at, pathTo([String(port)])), pod: pod.metadata.uid, clock: parts.clock })
    if (upgrade.protocol === spdyProtocol) {
      const agreed = handshake(headers['x-stream-protocol-version'], [portForwardProtocol])
      if ('status' in agreed) { exchange.respond(agreed.status, { 'content-type': 'text/plain; charset=utf-8', ...agreed.headers }, Buffer.from(agreed.text)); return }
      return forwarder().serve(acceptSpdy(exchange, agreed.protocol))
    }
    if (upgrade.protocol !== 'websocket') throw badRequest(`unable to upgrade: protocol ${JSON.stringify(upgrade.protocol)} is not supported for pods/portforward, only websocket and SPDY/3.1`)
    if (offeredProtocols(headers).some((each) => each.startsWith('SPDY/3.1+'))) return forwarder().serve(createWebSocketStream((await acceptWebSocket(exchange, [tunnelProtocol])).socket))
    await relayUpgrade(exchange, parts.kubelets.open(at, { method: 'GET', path: pathTo(portsOf(query)), headers: { connection: 'Upgrade', upgrade: 'websocket', ...upgradeHeaders(headers) } }))
  },
})
