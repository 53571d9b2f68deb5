/** Tokens of a pod's service account for a driver that asks for them in its CSIDriver. */
import type { CSIDriver, Pod } from '../../../src/api/types.ts'
import type { Tokens } from '../volumes/tokens.ts'

export interface PodTokens { of(pod: Pod, driver: CSIDriver | undefined): Promise<Record<string, string>> }

const defaultSeconds = 3600

/** As the attribute that upstream's drivers read; nothing for a driver that asks for none. */
export const podTokens = (tokens: Pick<Tokens, 'issue'>): PodTokens => ({
  async of(pod, driver) {
    const requests = driver?.spec.tokenRequests ?? []
    if (requests.length === 0) return {}
    const issued = await Promise.all(requests.map(async ({ audience = '', expirationSeconds = defaultSeconds }): Promise<[string, object]> => [audience, await tokens.issue(pod, { audience, expirationSeconds, path: '' })]))
    return { 'csi.storage.k8s.io/serviceAccount.tokens': JSON.stringify(Object.fromEntries(issued)) }
  },
})
