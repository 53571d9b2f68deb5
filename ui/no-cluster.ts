/** A line to nowhere: there is no kubeconfig, or nothing usable in it. The screen says why. */
import { createClient } from '../src/client/client.ts'
import { ConnectionError } from '../src/client/transport.ts'
import type { Line } from './connect.ts'

export const noCluster = (error: unknown): Line => {
  const message = error instanceof Error ? error.message : String(error)
  const transport = { request: () => Promise.reject(new ConnectionError(message)), close: () => undefined }
  return { client: createClient(transport), transport, access: { server: '' }, identity: { context: 'no cluster', namespace: 'default', server: 'any known address', user: '' } }
}
