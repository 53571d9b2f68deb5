/** POSTs audit events to the server that a kubeconfig names, as its user. */
import { Agent as HttpAgent, request as httpRequest } from 'node:http'
import { Agent, request as httpsRequest } from 'node:https'
import type { PostEvents } from '../../apiserver/audit/webhook.ts'
import { accessOf, KubeconfigError, loadKubeconfig } from '../../client/kubeconfig.ts'
import { authorization, type ServerAccess, tlsOptions } from '../../client/server-access.ts'
import { UserError } from '../user-error.ts'

const timeoutMs = 30_000

const accessIn = (file: string): ServerAccess => {
  try {
    return accessOf(loadKubeconfig([file]))
  } catch (error) {
    throw error instanceof KubeconfigError ? new UserError(`wherry apiserver: --audit-webhook-config-file: ${error.message}`) : error
  }
}

/** Throws UserError for a kubeconfig that says nothing of use. */
export const postTo = (file: string): PostEvents => {
  const access = accessIn(file)
  const plain = access.server.startsWith('http:')
  const agent = plain ? new HttpAgent({ keepAlive: true }) : new Agent({ keepAlive: true })
  return async (body, signal) => {
    const [tls, credentials] = await Promise.all([plain ? {} : tlsOptions(access), authorization(access)])
    const headers = { 'content-type': 'application/json', 'content-length': body.length, ...(credentials && { authorization: credentials }) }
    await new Promise<void>((resolve, reject) => {
      const options = { ...tls, agent, method: 'POST', headers, signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]) }
      const sent = (plain ? httpRequest : httpsRequest)(access.server, options, (answer) => {
        answer.resume()
        const { statusCode = 0 } = answer
        answer.once('error', reject).once('end', () => { if (statusCode >= 200 && statusCode < 300) resolve(); else reject(new Error(`the webhook answers ${statusCode}`)) })
      })
      sent.once('error', reject)
      sent.end(body)
    })
  }
}
