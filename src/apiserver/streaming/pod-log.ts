/** pods/log: a container's log from its kubelet. Mirrors `pkg/registry/core/pod/{strategy.go:LogLocation,rest/log.go}` and apiserver's LocationStreamer. */
import type { IncomingMessage } from 'node:http'
import { badRequest, internalError, StatusError, unclassified } from '../../api/status.ts'
import type { Pod } from '../../api/types.ts'
import type { ConnectHandler } from './connect-handler.ts'
import { containerOf } from './container.ts'
import { type KubeletAddress, kubeletOf, type KubeletClient } from './kubelet-access.ts'
import { logQuery } from './log-query.ts'
import { relayBody } from './relay.ts'
import { relayBodyToWebSocket } from './websocket-body.ts'

export const podLog = (kubelets: KubeletClient): ConnectHandler => ({
  resource: 'pods', subresource: 'log', methods: ['GET'], needsParent: true,
  connect: async ({ exchange, parent, lookup, signal }) => {
    const pod = parent as Pod
    const query = logQuery(exchange.query, pod.metadata.name)
    const container = containerOf(pod, query.container)
    // Nobody runs it yet: there is no log, which is no error.
    if (!pod.spec.nodeName) { exchange.respond(204, {}, new Uint8Array()); return }
    const at = kubeletOf(lookup, pod)
    const path = `/containerLogs/${pod.metadata.namespace ?? ''}/${pod.metadata.name}/${container}?${query.forKubelet}`
    const response = await kubelets.get(at, path, signal, { insecure: query.insecureSkipTLSVerifyBackend })
    if (response.statusCode !== 200) throw await refusal(response, { at, path, pod: pod.metadata.name })
    const cancel = (): void => { response.destroy() }
    const body = response as AsyncIterable<Buffer>
    if (exchange.upgrade?.protocol === 'websocket') await relayBodyToWebSocket(body, exchange, cancel)
    else await relayBody(body, exchange, { status: 200, headers: { 'content-type': 'text/plain' }, cancel })
  },
})

const largestRefusal = 50_000

/** What a kubelet said instead of a log. A redirect is never followed: the kubelet, or who took its place, would send us anywhere (CVE-2020-8559). */
const refusal = async (response: IncomingMessage, { at, path, pod }: { at: KubeletAddress; path: string; pod: string }): Promise<StatusError> => {
  const code = response.statusCode ?? 500
  if (code >= 300 && code < 400) {
    response.destroy()
    return unclassified(`Get ${JSON.stringify(`https://${at.host}:${at.port}${path}`)}: redirects forbidden`)
  }
  const chunks: Buffer[] = []
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    if (chunks.reduce((sum, each) => sum + each.length, 0) > largestRefusal) break
  }
  return kubeletStatus(code, Buffer.concat(chunks).subarray(0, largestRefusal).toString().trim(), pod)
}

/** GenericHttpResponseChecker, in its words. Pure. */
export const kubeletStatus = (code: number, text: string, pod: string): StatusError => {
  if (code === 400) return badRequest(text)
  if (code === 500) return internalError(new Error(text))
  const about = `( pods/log ${pod})`
  const [reason, message] = code === 404 ? ['NotFound', `the server could not find the requested resource ${about}`]
    : code === 401 ? ['Unauthorized', `the server has asked for the client to provide credentials ${about}`]
    : code === 403 ? ['Forbidden', `${text} ${about}`]
    : code === 422 ? ['Invalid', `the server rejected our request due to an error in our request ${about}`]
    : code === 503 ? ['ServiceUnavailable', `${text || 'the server is currently unable to handle the request'} ${about}`]
    : code >= 500 ? ['InternalError', `an error on the server (${JSON.stringify(text)}) has prevented the request from succeeding ${about}`]
    : [undefined, `the server responded with the status code ${code} but did not return more information ${about}`]
  return new StatusError({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message: message ?? '', ...(reason && { reason }), code, details: { name: pod, kind: 'pods/log' } })
}
