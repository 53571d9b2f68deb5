/** A kubelet that will not have a conversation: its answer is the client's, unless it is no refusal at all. Mirrors apimachinery's UpgradeAwareHandler. */
import { unclassified } from '../../api/status.ts'
import type { Exchange } from '../exchange.ts'
import { KubeletRefusal } from './kubelet-channels.ts'

/** Rejects with what `attempt` rejects with; a refusal is answered here, and resolves with nothing. */
export const orRefuse = async <T>(exchange: Exchange, attempt: Promise<T>): Promise<T | undefined> => {
  try {
    return await attempt
  } catch (error) {
    if (!(error instanceof KubeletRefusal)) throw error
    if (error.status < 400) throw unclassified(`invalid upgrade response: status code ${error.status}`)
    exchange.respond(error.status, { 'content-type': 'text/plain; charset=utf-8' }, error.body)
    return undefined
  }
}
