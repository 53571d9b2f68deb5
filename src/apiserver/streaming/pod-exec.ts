/** pods/exec and pods/attach: a client's WebSocket is joined to one that the kubelet speaks, its SPDY is translated. Mirrors `pkg/registry/core/pod/rest/subresources.go`. */
import type { Clock } from '../../api/clock.ts'
import { badRequest } from '../../api/status.ts'
import type { JsonObject } from '../../api/meta.ts'
import type { Pod } from '../../api/types.ts'
import type { Authorizer } from '../authorization/authorizer.ts'
import type { Exchange } from '../exchange.ts'
import type { ConnectHandler, ConnectRequest } from './connect-handler.ts'
import { containerOf } from './container.ts'
import { ensureMayCreate } from './create-permission.ts'
import { type KubeletAddress, kubeletOf, type KubeletClient } from './kubelet-access.ts'
import { orRefuse } from './refusal.ts'
import { relayUpgrade } from './relay.ts'
import { remoteCommandProtocols, type RemoteStreams, serveSpdyRemoteCommand } from './spdy-remote-command.ts'
import { acceptSpdy, handshake, spdyProtocol } from './spdy-upgrade.ts'
import { upgradeHeaders } from './upgrade-headers.ts'

export interface ConversationParts { kubelets: KubeletClient; authorizer: Authorizer; clock: Clock }

/** A bool of a query, as apimachinery converts them. */
const isTrue = (query: URLSearchParams, name: string): boolean => { const value = query.get(name); return value !== null && value.toLowerCase() !== 'false' && value !== '0' }

const streamsOf = (query: URLSearchParams): RemoteStreams => ({ stdin: isTrue(query, 'stdin'), stdout: isTrue(query, 'stdout'), stderr: isTrue(query, 'stderr'), tty: isTrue(query, 'tty') })

const optionsOf = ({ exchange: { query } }: ConnectRequest, kind: string): JsonObject => ({
  apiVersion: 'v1', kind, container: query.get('container') ?? '', ...streamsOf(query), ...(kind === 'PodExecOptions' && { command: query.getAll('command') }),
})

/** The kubelet's query: nothing of a client's but what is known. */
const kubeletQuery = (query: URLSearchParams): string => {
  const asked = new URLSearchParams()
  for (const [name, wanted] of Object.entries(streamsOf(query))) if (wanted) asked.append(name, '1')
  for (const each of query.getAll('command')) asked.append('command', each)
  return asked.toString()
}

interface Place { at: KubeletAddress; path: string }

const overSpdy = async (exchange: Exchange, { at, path }: Place, { kubelets, clock }: ConversationParts): Promise<void> => {
  const agreed = handshake(exchange.headers['x-stream-protocol-version'], remoteCommandProtocols)
  if ('status' in agreed) { exchange.respond(agreed.status, { 'content-type': 'text/plain; charset=utf-8', ...agreed.headers }, Buffer.from(agreed.text)); return }
  // The kubelet first: what it refuses can still be told in an answer.
  const channels = await orRefuse(exchange, kubelets.channels(at, path))
  if (!channels) return
  await serveSpdyRemoteCommand({ socket: acceptSpdy(exchange, agreed.protocol), protocol: agreed.protocol, streams: streamsOf(exchange.query), channels, clock })
}

const conversation = (parts: ConversationParts, subresource: 'exec' | 'attach', kind: string): ConnectHandler => ({
  resource: 'pods', subresource, methods: ['GET', 'POST'], needsParent: true,
  options: (request) => optionsOf(request, kind),
  connect: async (request) => {
    const { exchange, parent, lookup } = request
    await ensureMayCreate(parts.authorizer, request)
    const pod = parent as Pod
    const { query, upgrade } = exchange
    const container = containerOf(pod, query.get('container') ?? '')
    const place: Place = { at: kubeletOf(lookup, pod), path: `/${subresource}/${pod.metadata.namespace ?? ''}/${pod.metadata.name}/${container}?${kubeletQuery(query)}` }
    if (!upgrade) throw badRequest('Upgrade request required')
    if (subresource === 'exec' && query.getAll('command').length === 0) throw badRequest('you must specify at least 1 command')
    if (!['stdin', 'stdout', 'stderr'].some((name) => isTrue(query, name))) throw badRequest('you must specify at least 1 of stdin, stdout, stderr')
    if (upgrade.protocol === spdyProtocol) return overSpdy(exchange, place, parts)
    if (upgrade.protocol !== 'websocket') throw badRequest(`unable to upgrade: protocol ${JSON.stringify(upgrade.protocol)} is not supported for pods/${subresource}, only websocket and SPDY/3.1`)
    await relayUpgrade(exchange, parts.kubelets.open(place.at, { method: 'GET', path: place.path, headers: { connection: 'Upgrade', upgrade: 'websocket', ...upgradeHeaders(exchange.headers) } }))
  },
})

export const podExec = (parts: ConversationParts): ConnectHandler => conversation(parts, 'exec', 'PodExecOptions')
export const podAttach = (parts: ConversationParts): ConnectHandler => conversation(parts, 'attach', 'PodAttachOptions')
