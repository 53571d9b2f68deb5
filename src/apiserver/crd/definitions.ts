/**
 * Serves what CustomResourceDefinitions define, and brings their status to what is served: names, Established, the end of their instances.
 * Runs inside the API server, from its watch cache, event-driven. Mirrors apiextensions-apiserver's controllers (naming, establishing, finalizer, apiapproval) and crdHandler.
 */
import { timestamp } from '../../api/clock.ts'
import { deepEqual } from '../../api/equal.ts'
import { CustomResourceDefinitions, resourcePath } from '../../api/kinds.ts'
import { isConflict, isNotFound, StatusError } from '../../api/status.ts'
import type { CustomResourceDefinition } from '../../api/types.ts'
import { type CallWebhook, webhookCaller } from '../outbound/call-webhook.ts'
import { serviceResolver } from '../outbound/service-resolver.ts'
import type { InMemoryTransport } from '../listener/in-memory-transport.ts'
import { cleanupFinalizer } from '../registry/apiextensions/custom-resource-definition.ts'
import type { ServerParts } from '../server-parts.ts'
import type { Watcher } from '../watch-cache/kind-cache.ts'
import { decideApproval } from './approval.ts'
import { conditionOf, isTrue, type NewCondition, withCondition } from './conditions.ts'
import { deleteInstances } from './instances.ts'
import { decideEstablished, decideNames } from './names.ts'
import { ruleChecker } from './rules/check-rules.ts'
import { ServedDefinition } from './served-definition.ts'
import { webhookConversion } from './webhook-conversion.ts'

export interface DefinitionsParts {
  server: ServerParts
  transport: InMemoryTransport
}

const retryMs = 1000

/** The status that a definition is to have, its end aside. Pure. */
export const plannedStatus = (definition: CustomResourceDefinition, others: readonly CustomResourceDefinition[], now: string): CustomResourceDefinition['status'] => {
  const { accepted, condition } = decideNames(definition, others)
  const approval = decideApproval(definition.spec.group, definition.metadata.annotations)
  const conditions: (NewCondition | undefined)[] = [condition, decideEstablished(definition, condition), approval]
  return { ...definition.status, acceptedNames: accepted, conditions: conditions.reduce((all, each) => (each ? withCondition(all, each, now) : all), definition.status.conditions ?? []) }
}

export class Definitions {
  private readonly parts: DefinitionsParts
  private readonly served = new Map<string, ServedDefinition>()
  private readonly due = new Set<string>()
  private wake: (() => void) | undefined
  private readonly call: CallWebhook

  constructor(parts: DefinitionsParts) {
    this.parts = parts
    this.call = webhookCaller(serviceResolver(parts.server.cache.lookup, parts.server.random))
  }

  /** Serves all that is established already: before the server is ready. Must be called once the cache is filled. */
  async serveEstablished(): Promise<void> {
    const { log } = this.parts.server
    for (const definition of this.all()) {
      this.due.add(definition.metadata.name)
      if (!isTrue(definition, 'Established')) continue
      try {
        await this.serve(definition)
      } catch (error) {
        log.error('a custom resource cannot be served', { definition: definition.metadata.name, error: String(error) })
      }
    }
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, cache, log } = this.parts.server
    const stop = cache.of(CustomResourceDefinitions).subscribe(this.watcher())
    for (const { metadata } of this.all()) this.enqueue(metadata.name)
    signal.addEventListener('abort', () => this.wake?.(), { once: true })
    try {
      while (!signal.aborted) {
        const [name] = this.due
        if (name === undefined) {
          await new Promise<void>((resolve) => { this.wake = resolve })
          continue
        }
        this.due.delete(name)
        try {
          await this.sync(name, signal)
        } catch (error) {
          if (signal.aborted) return
          // The event of what was faster comes, too; but nothing waits for it that may not come.
          if (!isConflict(error)) log.warn('a custom resource definition is tried again', { definition: name, error: error instanceof StatusError ? error.message : String((error as Error).stack) })
          void clock.sleep(retryMs, signal).then(() => this.enqueue(name), () => undefined)
        }
      }
    } finally {
      stop()
    }
  }

  private watcher(): Watcher {
    return {
      namespace: '', flush: () => undefined,
      offer: (event) => {
        const { current, previous } = event
        const definition = (current ?? previous)?.object as CustomResourceDefinition | undefined
        if (!definition) return
        this.enqueue(definition.metadata.name)
        // A name that one gives up another may have.
        for (const other of this.all()) if (other.spec.group === definition.spec.group && !isTrue(other, 'NamesAccepted')) this.enqueue(other.metadata.name)
      },
      expire: () => { for (const { metadata } of this.all()) this.enqueue(metadata.name) },
    }
  }

  private enqueue(name: string): void {
    this.due.add(name)
    this.wake?.()
    this.wake = undefined
  }

  private all(): readonly CustomResourceDefinition[] { return this.parts.server.cache.lookup.list(CustomResourceDefinitions) }

  private async sync(name: string, signal: AbortSignal): Promise<void> {
    const { cache, clock } = this.parts.server
    const definition = cache.lookup.get(CustomResourceDefinitions, name)
    if (!definition) return this.forget(name)
    const others = this.all().filter((other) => other.spec.group === definition.spec.group && other.metadata.name !== name)
    const status = plannedStatus(definition, others, timestamp(clock.now()))
    const planned = { ...definition, status }
    // Served first: whoever reads that it is established finds it.
    if (isTrue(planned, 'Established')) await this.serve(planned)
    if (!deepEqual(status, definition.status)) {
      await this.write(planned, signal)
      return
    }
    if (definition.metadata.deletionTimestamp && definition.metadata.finalizers?.includes(cleanupFinalizer)) await this.finalize(definition, signal)
  }

  private forget(name: string): void {
    const served = this.served.get(name)
    if (!served) return
    served.close()
    this.parts.server.cache.remove(served.raw.kind)
    this.served.delete(name)
  }

  private async serve(definition: CustomResourceDefinition): Promise<void> {
    const { server } = this.parts
    const { name, uid } = definition.metadata
    // One of the same name that came after the one that we know.
    if (this.served.has(name) && this.served.get(name)?.uid !== uid) this.forget(name)
    let served = this.served.get(name)
    if (!served) {
      if (this.isBuiltIn(definition)) return
      served = new ServedDefinition(definition, {
        resources: server.resources, monotonic: () => server.clock.monotonic(), rules: ruleChecker,
        webhook: ({ spec }) => webhookConversion(spec.conversion ?? { strategy: 'None' }, this.call, server.random),
      })
      await server.cache.add(served.raw.kind, served.raw)
      this.served.set(name, served)
    }
    served.serve(definition)
  }

  /** What is built in stays what it is. */
  private isBuiltIn({ spec: { group, names, versions } }: CustomResourceDefinition): boolean {
    const { cache, resources } = this.parts.server
    return cache.has({ group, plural: names.plural }) || versions.some(({ name }) => resources.find(group, name, names.plural) !== undefined)
  }

  private async write(definition: CustomResourceDefinition, signal: AbortSignal): Promise<void> {
    const path = resourcePath(CustomResourceDefinitions, { name: definition.metadata.name, subresource: 'status' })
    const response = await this.parts.transport.request({ method: 'PUT', path, headers: { 'content-type': 'application/json', 'user-agent': 'kube-apiserver/v1' }, body: Buffer.from(JSON.stringify(definition)) }, signal)
    const chunks: Uint8Array[] = []
    for await (const chunk of response.body) chunks.push(chunk)
    if (response.status < 300) return
    const error = new StatusError(JSON.parse(Buffer.concat(chunks).toString()) as StatusError['status'])
    if (!isNotFound(error)) throw error
  }

  /** Deletes the instances, and then lets the definition go. */
  private async finalize(definition: CustomResourceDefinition, signal: AbortSignal): Promise<void> {
    const { name } = definition.metadata
    const served = this.served.get(name)
    const { clock } = this.parts.server
    const told = async (condition: Omit<NewCondition, 'type'>): Promise<boolean> => {
      const conditions = withCondition(definition.status.conditions, { type: 'Terminating', ...condition }, timestamp(clock.now()))
      if (deepEqual(conditions, definition.status.conditions)) return false
      await this.write({ ...definition, status: { ...definition.status, conditions } }, signal)
      return true
    }
    if (served && served.raw.size > 0) {
      const failedBefore = conditionOf(definition, 'Terminating')?.reason === 'InstanceDeletionFailed'
      if (!failedBefore && await told({ status: 'True', reason: 'InstanceDeletionInProgress', message: 'CustomResource deletion is in progress' })) return
      served.whenEmpty(() => this.enqueue(name))
      try {
        await deleteInstances(served, this.parts.server, signal)
      } catch (error) {
        await told({ status: 'True', reason: 'InstanceDeletionFailed', message: `could not issue all deletes: ${error instanceof Error ? error.message : String(error)}` })
        throw error
      }
      // The last one to go brings us back.
      return
    }
    const finalizers = (definition.metadata.finalizers ?? []).filter((each) => each !== cleanupFinalizer)
    const done = served ? { reason: 'InstanceDeletionCompleted', message: 'removed all instances' } : { reason: 'NeverEstablished', message: 'resource was never established' }
    const conditions = withCondition(definition.status.conditions, { type: 'Terminating', status: 'False', ...done }, timestamp(clock.now()))
    // As upstream through the status, which nothing in the spec can hold up that would not be accepted today.
    await this.write({ ...definition, metadata: { ...definition.metadata, finalizers }, status: { ...definition.status, conditions } }, signal)
  }
}
