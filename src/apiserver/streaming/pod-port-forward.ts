/** pods/portforward: a client that speaks channels over WebSocket is joined to the pod's kubelet. Mirrors PortForwardREST of `pkg/registry/core/pod/rest/subresources.go`. */
import { badRequest, notImplemented } from '../../api/status.ts'
import type { Pod } from '../../api/types.ts'
import type { ConnectHandler } from './connect-handler.ts'
import { kubeletOf, type KubeletClient } from './kubelet-access.ts'
import { relayUpgrade } from './relay.ts'
import { upgradeHeaders } from './upgrade-headers.ts'

const tunnelled = 'SPDY/3.1+portforward.k8s.io'

export const podPortForward = (kubelets: KubeletClient): ConnectHandler => ({
  resource: 'pods', subresource: 'portforward', methods: ['GET', 'POST'], needsParent: true,
  options: ({ exchange: { query } }) => ({ apiVersion: 'v1', kind: 'PodPortForwardOptions', ports: query.getAll('ports').flatMap((each) => each.split(',')).map(Number).filter(Number.isInteger) }),
  connect: async ({ exchange, parent, lookup }) => {
    const { query, upgrade, headers } = exchange
    const pod = parent as Pod
    const at = kubeletOf(lookup, pod)
    if (!upgrade) throw badRequest('Upgrade request required')
    if (upgrade.protocol !== 'websocket' || headers['sec-websocket-protocol']?.includes(tunnelled)) {
      throw notImplemented('port forwarding over SPDY, which is what kubectl speaks, is not supported: reach the pod by its IP address or its Service')
    }
    await relayUpgrade(exchange, kubelets.open(at, {
      method: 'GET', path: `/portForward/${pod.metadata.namespace ?? ''}/${pod.metadata.name}?${query.toString()}`, headers: { connection: 'Upgrade', upgrade: 'websocket', ...upgradeHeaders(headers) },
    }))
  },
})
