/** Tells in a policy's status what type checking found in it. Runs inside the API server, event-driven. Mirrors upstream's `pkg/controller/validatingadmissionpolicystatus`. */
import { apiVersionOf, resourcePath, ValidatingAdmissionPolicies } from '../../api/kinds.ts'
import type { ValidatingAdmissionPolicy } from '../../api/types.ts'
import type { InMemoryTransport } from '../listener/in-memory-transport.ts'
import type { ServerParts } from '../server-parts.ts'
import type { Watcher } from '../watch-cache/kind-cache.ts'
import { typeWarnings } from './validating-admission-policy-type-check.ts'

export interface PolicyStatusParts {
  server: ServerParts
  transport: InMemoryTransport
}

const retryMs = 1000
const manager = 'validatingadmissionpolicy-status'

const isChecked = ({ metadata, status }: ValidatingAdmissionPolicy): boolean => (status?.observedGeneration ?? 0) >= (metadata.generation ?? 1)

const write = async ({ server, transport }: PolicyStatusParts, policy: ValidatingAdmissionPolicy, signal: AbortSignal): Promise<void> => {
  const { metadata: { name, generation } } = policy
  const expressionWarnings = typeWarnings(policy, { lookup: server.cache.lookup, resources: server.resources })
  const body = {
    apiVersion: apiVersionOf(ValidatingAdmissionPolicies), kind: ValidatingAdmissionPolicies.kind, metadata: { name },
    status: { observedGeneration: generation ?? 1, typeChecking: expressionWarnings.length > 0 ? { expressionWarnings } : {} },
  }
  const path = `${resourcePath(ValidatingAdmissionPolicies, { name, subresource: 'status' })}?fieldManager=${manager}&force=true`
  const response = await transport.request({ method: 'PATCH', path, headers: { 'content-type': 'application/apply-patch+yaml', 'user-agent': 'kube-apiserver/v1' }, body: Buffer.from(JSON.stringify(body)) }, signal)
  const chunks: Uint8Array[] = []
  for await (const chunk of response.body) chunks.push(chunk)
  // Somebody may have deleted it meanwhile.
  if (response.status >= 300 && response.status !== 404 && response.status !== 409) throw new Error(`${response.status} ${Buffer.concat(chunks).toString().slice(0, 500)}`)
}

/** Until the signal aborts. Policies whose latest generation has been checked are left alone. */
export const runPolicyStatus = async (parts: PolicyStatusParts, signal: AbortSignal): Promise<void> => {
  const { clock, cache, log } = parts.server
  const due = new Set<string>()
  let wake: () => void = () => undefined
  const enqueue = (name: string): void => {
    due.add(name)
    wake()
  }
  const all = (): void => { for (const { metadata } of cache.lookup.list(ValidatingAdmissionPolicies)) enqueue(metadata.name) }
  const watcher: Watcher = { namespace: '', flush: () => undefined, expire: all, offer: ({ current }) => { if (current) enqueue((current.object as ValidatingAdmissionPolicy).metadata.name) } }
  const stop = cache.of(ValidatingAdmissionPolicies).subscribe(watcher)
  signal.addEventListener('abort', () => wake(), { once: true })
  all()
  try {
    while (!signal.aborted) {
      const [name] = due
      if (name === undefined) {
        await new Promise<void>((resolve) => { wake = resolve })
        continue
      }
      due.delete(name)
      const policy = cache.lookup.get(ValidatingAdmissionPolicies, name)
      if (!policy || isChecked(policy)) continue
      await write(parts, policy, signal).catch((error: unknown) => {
        if (signal.aborted) return
        log.warn('the status of a validating admission policy is tried again', { policy: name, error: String(error) })
        void clock.sleep(retryMs, signal).then(() => enqueue(name), () => undefined)
      })
    }
  } finally {
    stop()
  }
}
