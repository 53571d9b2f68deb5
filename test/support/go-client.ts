/** Requests as upstream's typed Go clients send them: bodies of creations, updates and deletions as protobuf (where upstream's message definitions are at hand), answers asked for as protobuf first. */
import type { JsonObject } from '../../src/api/meta.ts'
import type { ApiRequest, Transport } from '../../src/client/transport.ts'
import { hasOracle } from './oracle.ts'
import { ProtobufEncoder } from './protobuf-encode.ts'

const encoder = hasOracle ? new ProtobufEncoder() : undefined
const packages: Record<string, string> = { 'apiextensions.k8s.io': 'k8s.io.apiextensions_apiserver.pkg.apis.apiextensions', 'apiregistration.k8s.io': 'k8s.io.kube_aggregator.pkg.apis.apiregistration' }

const messageOf = ({ apiVersion = '', kind = '' }: { apiVersion?: string; kind?: string }): string => {
  if (kind === 'DeleteOptions') return 'k8s.io.apimachinery.pkg.apis.meta.v1.DeleteOptions'
  const [group = '', version = ''] = apiVersion.includes('/') ? apiVersion.split('/') : ['core', apiVersion]
  return `${packages[group] ?? `k8s.io.api.${group.split('.')[0] ?? ''}`}.${version}.${kind}`
}

/** The same request in protobuf, where it is of a kind that has messages. */
const encoded = (request: ApiRequest): ApiRequest => {
  if (request.headers['content-type'] !== 'application/json' || !request.body || !encoder) return request
  const object = JSON.parse(Buffer.from(request.body).toString()) as JsonObject
  const message = messageOf(object as { apiVersion?: string })
  if (!encoder.names.includes(message)) return request
  return { ...request, headers: { ...request.headers, 'content-type': 'application/vnd.kubernetes.protobuf' }, body: encoder.body(message, object as Parameters<ProtobufEncoder['body']>[1]) }
}

export const asGoClient = (transport: Transport): Transport => ({
  request: (request, signal) => {
    const { accept } = request.headers
    return transport.request(encoded(accept === 'application/json' ? { ...request, headers: { ...request.headers, accept: 'application/vnd.kubernetes.protobuf,application/json' } } : request), signal)
  },
})
