/** pods/exec and pods/attach: the client's WebSocket is joined to one that the kubelet speaks. Mirrors `pkg/registry/core/pod/rest/subresources.go`. */
import { badRequest, notImplemented } from '../../api/status.ts'
import type { JsonObject } from '../../api/meta.ts'
import type { Pod } from '../../api/types.ts'
import type { ConnectHandler, ConnectRequest } from './connect-handler.ts'
import { containerOf } from './container.ts'
import { kubeletOf, type KubeletClient } from './kubelet-access.ts'
import { relayUpgrade } from './relay.ts'
import { upgradeHeaders } from './upgrade-headers.ts'

const isTrue = (query: URLSearchParams, name: string): boolean => { const value = query.get(name); return value !== null && value !== 'false' && value !== '0' }

const optionsOf = ({ exchange: { query } }: ConnectRequest, kind: string): JsonObject => ({
  apiVersion: 'v1', kind, container: query.get('container') ?? '', stdin: isTrue(query, 'stdin'), stdout: isTrue(query, 'stdout'), stderr: isTrue(query, 'stderr'), tty: isTrue(query, 'tty'),
  ...(kind === 'PodExecOptions' && { command: query.getAll('command') }),
})

const conversation = (kubelets: KubeletClient, subresource: 'exec' | 'attach', kind: string): ConnectHandler => ({
  resource: 'pods', subresource, methods: ['GET', 'POST'], needsParent: true,
  options: (request) => optionsOf(request, kind),
  connect: async ({ exchange, parent, lookup }) => {
    const pod = parent as Pod
    const { query, upgrade } = exchange
    if (subresource === 'exec' && query.getAll('command').length === 0) throw badRequest('you must specify at least 1 command')
    if (!['stdin', 'stdout', 'stderr'].some((name) => isTrue(query, name))) throw badRequest('you must specify at least 1 of stdin, stdout, stderr')
    const container = containerOf(pod, query.get('container') ?? '')
    if (['Succeeded', 'Failed'].includes(pod.status.phase ?? '')) throw badRequest(`cannot ${subresource === 'exec' ? 'exec into' : 'attach to'} a container in a completed pod; current phase is ${pod.status.phase ?? ''}`)
    const at = kubeletOf(lookup, pod)
    if (!upgrade) throw badRequest('Upgrade request required')
    if (upgrade.protocol !== 'websocket') throw notImplemented(`${upgrade.protocol} is not supported for pods/${subresource}: use a client that speaks WebSockets (kubectl 1.31 or later)`)
    const forwarded = new URLSearchParams(query)
    forwarded.delete('container')
    await relayUpgrade(exchange, kubelets.open(at, {
      method: 'GET', path: `/${subresource}/${pod.metadata.namespace ?? ''}/${pod.metadata.name}/${container}?${forwarded.toString()}`,
      headers: { connection: 'Upgrade', upgrade: 'websocket', ...upgradeHeaders(exchange.headers) },
    }))
  },
})

export const podExec = (kubelets: KubeletClient): ConnectHandler => conversation(kubelets, 'exec', 'PodExecOptions')
export const podAttach = (kubelets: KubeletClient): ConnectHandler => conversation(kubelets, 'attach', 'PodAttachOptions')
