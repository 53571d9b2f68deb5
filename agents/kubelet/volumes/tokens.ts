/** Service account tokens for projected volumes: bound to their pod, renewed when 80 % of their time, or a day, has gone. Mirrors pkg/kubelet/token. */
import { type Clock, timestamp } from '../../../src/api/clock.ts'
import { ServiceAccounts } from '../../../src/api/kinds.ts'
import type { Pod } from '../../../src/api/types.ts'
import type { Client } from '../../../src/client/client.ts'
import type { TokenRequest } from './payload.ts'

export interface Tokens {
  /** The token to use now; asks for a new one when the one at hand is getting old. A failure to renew is no error while the old one is good. */
  get(pod: Pod, request: TokenRequest): Promise<string>
  /** The same, with its end; whoever wants a newer one asks again. */
  issue(pod: Pod, request: TokenRequest): Promise<{ token: string; expirationTimestamp: string }>
  /** Milliseconds until one of the pod's tokens wants renewal, not above 0 when one does; undefined without tokens. */
  renewIn(podUid: string): number | undefined
  forget(podUid: string): void
}

interface Held { token: string; renewAt: number; expiresAt: number }

const maxAgeMilliseconds = 24 * 3_600_000

export const tokenManager = (client: Client | undefined, clock: Clock): Tokens => {
  const held = new Map<string, Map<string, Held>>()
  /** Handed out: nobody here renews them. */
  const issued = new Map<string, Map<string, Held>>()
  const ask = async (pod: Pod, { audience, expirationSeconds }: TokenRequest): Promise<Held> => {
    if (!client) throw new Error('cannot use TokenManager when kubelet is in standalone mode')
    const askedAt = clock.now().getTime()
    const answer = await client.createSubresource<{ status: { token: string; expirationTimestamp: string } }>(
      ServiceAccounts, { namespace: pod.metadata.namespace, name: pod.spec.serviceAccountName ?? 'default' }, 'token', {
        apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest',
        spec: { ...(audience && { audiences: [audience] }), expirationSeconds, boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: pod.metadata.name, uid: pod.metadata.uid } },
      })
    const expiresAt = Date.parse(answer.status.expirationTimestamp)
    return { token: answer.status.token, expiresAt, renewAt: askedAt + Math.min(maxAgeMilliseconds, (expiresAt - askedAt) * 0.8) }
  }
  const current = async (of: typeof held, pod: Pod, request: TokenRequest): Promise<Held> => {
    const key = JSON.stringify([request.audience, request.expirationSeconds])
    const known = of.get(pod.metadata.uid)?.get(key)
    const now = clock.now().getTime()
    if (known && now < known.renewAt) return known
    const fresh = await ask(pod, request).catch((error: unknown) => {
      if (known && now < known.expiresAt) return { ...known, renewAt: now + 60_000 }
      throw new Error(`failed to fetch token: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
    })
    const ofPod = of.get(pod.metadata.uid) ?? new Map<string, Held>()
    of.set(pod.metadata.uid, ofPod.set(key, fresh))
    return fresh
  }
  return {
    get: async (pod, request) => (await current(held, pod, request)).token,
    async issue(pod, request) {
      const { token, expiresAt } = await current(issued, pod, request)
      return { token, expirationTimestamp: timestamp(new Date(expiresAt)) }
    },
    renewIn(podUid) {
      const moments = [...(held.get(podUid)?.values() ?? [])].map(({ renewAt }) => renewAt)
      return moments.length === 0 ? undefined : Math.min(...moments) - clock.now().getTime()
    },
    forget(podUid) {
      held.delete(podUid)
      issued.delete(podUid)
    },
  }
}
