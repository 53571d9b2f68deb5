/** How the aggregator writes APIServices: through the server's own handlers, as upstream's loopback client. */
import { APIServices, resourcePath } from '../../api/kinds.ts'
import type { KubeObject } from '../../api/meta.ts'
import type { InMemoryTransport } from '../listener/in-memory-transport.ts'
import type { UserInfo } from '../registry/strategy.ts'

const apiserver: UserInfo = { name: 'system:apiserver', groups: ['system:masters', 'system:authenticated'] }
const headers = { 'content-type': 'application/json', accept: 'application/json', 'user-agent': 'kube-apiserver' }

export interface OwnWrite { method: 'POST' | 'PUT' | 'DELETE'; name?: string; subresource?: string; object?: Omit<KubeObject, 'metadata'> & { metadata: object } }

/** Resolves with whether it was done; false when somebody else was faster. Rejects with what the server says otherwise. */
export type WriteApiService = (write: OwnWrite, signal: AbortSignal) => Promise<boolean>

export const apiServiceWriter = (transport: (user: UserInfo) => InMemoryTransport): WriteApiService => async ({ method, name, subresource, object }, signal) => {
  const path = resourcePath(APIServices, { name, subresource })
  const { status, body } = await transport(apiserver).request({ method, path, headers, ...(object && { body: Buffer.from(JSON.stringify(object)) }) }, signal)
  const chunks: Uint8Array[] = []
  for await (const chunk of body) chunks.push(chunk)
  if (status === 404 || status === 409) return false
  if (status >= 300) throw new Error(`${method} ${path}: ${status} ${Buffer.concat(chunks).toString().slice(0, 500)}`)
  return true
}
