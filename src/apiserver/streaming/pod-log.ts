/** pods/log: a container's log from its kubelet. Mirrors `pkg/registry/core/pod/{strategy.go:LogLocation,rest/log.go}`. */
import { badRequest, fieldError, invalid, StatusError } from '../../api/status.ts'
import type { FieldError } from '../../api/status.ts'
import type { Pod } from '../../api/types.ts'
import type { ConnectHandler } from './connect-handler.ts'
import { containerOf } from './container.ts'
import { kubeletOf, type KubeletClient } from './kubelet-access.ts'
import { relayBody } from './relay.ts'

const passed = ['follow', 'previous', 'sinceSeconds', 'sinceTime', 'timestamps', 'tailLines', 'limitBytes', 'stream'] as const

/** validation.go: ValidatePodLogOptions. */
const checkOptions = (query: URLSearchParams): FieldError[] => {
  const number = (name: string, least: number, words: string): FieldError[] => {
    const text = query.get(name)
    if (text === null) return []
    return /^-?\d+$/.test(text) && Number(text) >= least ? [] : [fieldError.invalid(name, /^-?\d+$/.test(text) ? Number(text) : text, words)]
  }
  return [
    ...number('tailLines', 0, 'must be greater than or equal to 0'), ...number('limitBytes', 1, 'must be greater than 0'), ...number('sinceSeconds', 1, 'must be greater than 0'),
    ...(query.has('sinceSeconds') && query.has('sinceTime') ? [fieldError.forbidden('', 'at most one of `sinceTime` or `sinceSeconds` may be specified')] : []),
  ]
}

export const podLog = (kubelets: KubeletClient): ConnectHandler => ({
  resource: 'pods', subresource: 'log', methods: ['GET'], needsParent: true,
  connect: async ({ exchange, parent, lookup, signal }) => {
    const pod = parent as Pod
    const errors = checkOptions(exchange.query)
    if (errors.length > 0) throw invalid({ group: '', kind: 'PodLogOptions' }, pod.metadata.name, errors)
    const container = containerOf(pod, exchange.query.get('container') ?? '')
    if (!pod.spec.nodeName) { exchange.respond(200, { 'content-type': 'text/plain' }, new Uint8Array()); return }
    const query = new URLSearchParams(passed.flatMap((name) => { const value = exchange.query.get(name); return value === null ? [] : [[name, value] as [string, string]] }))
    const response = await kubelets.get(kubeletOf(lookup, pod), `/containerLogs/${pod.metadata.namespace ?? ''}/${pod.metadata.name}/${container}?${query.toString()}`, signal)
    if (response.statusCode === 200) { await relayBody(response, exchange, { status: 200, headers: { 'content-type': 'text/plain' } }); return }
    const chunks: Buffer[] = []
    for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk)
    throw kubeletRefusal(response.statusCode ?? 500, Buffer.concat(chunks).toString().trim())
  },
})

/** What a kubelet said, as the Status that kubectl prints: its own words if it sent a Status, else upstream's `a container name must be ...` text as a 400. */
const kubeletRefusal = (code: number, text: string): StatusError => {
  try {
    const status = JSON.parse(text) as { kind?: string }
    if (status.kind === 'Status') return new StatusError(status as StatusError['status'])
  } catch { /* plain words, below */ }
  if (code === 400 || code === 404) return badRequest(text)
  return new StatusError({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message: text || `the kubelet answered ${code}`, reason: 'InternalError', code })
}
