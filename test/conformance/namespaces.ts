/** Namespaces and what is counted in them. Upstream: test/e2e/apimachinery/{namespace,resource_quota,chunking}.go. */
import { expect } from 'vitest'
import { ConfigMaps, Namespaces, Pods, PodTemplates, ResourceQuotas } from '../../src/api/kinds.ts'
import type { JsonObject } from '../../src/api/meta.ts'
import { StatusError } from '../../src/api/status.ts'
import { until } from '../support/cluster.ts'
import { isFull } from '../support/conformance-pods.ts'
import { type Behaviour, refused, type World } from '../support/conformance.ts'

const finalizer = 'e2e.example.com/fakeFinalizer'

const quota = async ({ client }: World, namespace: string, labels: Record<string, string>): Promise<void> => {
  await client.create(ResourceQuotas, { metadata: { name: 'e2e-quota', namespace, labels }, spec: { hard: { cpu: '500m', memory: '500Mi' } } })
}

/** Creates so many pod templates, named so that their order is known. */
const templates = async ({ client }: World, namespace: string, count: number): Promise<string[]> => {
  const names = Array.from({ length: count }, (_, index) => `template-${String(index).padStart(4, '0')}`)
  await Promise.all(Array.from({ length: 10 }, async (_, worker) => {
    for (const name of names.filter((_name, index) => index % 10 === worker)) await client.create(PodTemplates, { metadata: { name, namespace }, template: { spec: { containers: [{ name: 'test', image: 'test2' }] } } } as never)
  }))
  return names
}

const compacted = (behaviour: Behaviour): void => {
  behaviour('[sig-api-machinery] Servers with support for API chunking should support continue listing from the last key if the original version has been compacted away, though the list is inconsistent [Slow] [Conformance]', async (world, namespace) => {
    const { client } = world
    const names = await templates(world, namespace, 60)
    const first = await client.list(PodTemplates, { namespace, limit: 10 })
    expect(first.remainingItemCount).toBe(50)
    const stale = { namespace, limit: 10, continueToken: first.continueToken ?? '' }
    // The server forgets what was five minutes ago; meanwhile something has to happen.
    const { status } = await until('the token expires', async () => {
      await client.patch(Namespaces, { name: namespace }, { type: 'merge', body: { metadata: { annotations: { at: String(performance.now()) } } } })
      return client.list(PodTemplates, stale).then(() => undefined, (error: unknown) => (error instanceof StatusError ? error : Promise.reject(error as Error)))
    }, 660)
    expect(status).toMatchObject({ code: 410, reason: 'Expired', metadata: { continue: expect.stringMatching(/./) as string } })
    const found: string[] = []
    let version: string | undefined
    for (let continueToken = status.metadata?.continue; continueToken;) {
      const page = await client.list(PodTemplates, { namespace, limit: 10, continueToken })
      version ??= page.resourceVersion
      expect([page.items.length, page.resourceVersion]).toEqual([10, version])
      found.push(...page.items.map(({ metadata }) => metadata.name))
      expect(page.remainingItemCount ?? 0).toBe(50 - found.length)
      continueToken = page.continueToken
    }
    expect(version).not.toBe(first.resourceVersion)
    expect(found).toEqual(names.slice(10))
  })
}

export const namespaces = (behaviour: Behaviour): void => {
  behaviour('[sig-api-machinery] Namespaces [Serial] should apply changes to a namespace status [Conformance]', async ({ client, ask, updated }, name) => {
    const { body } = await ask('GET', `/api/v1/namespaces/${name}/status`)
    expect(body).toMatchObject({ kind: 'Namespace', apiVersion: 'v1', status: { phase: 'Active' } })
    const patched = await client.patch(Namespaces, { name }, { type: 'merge', body: { metadata: { annotations: { 'e2e-patched-ns-status': name } },
      status: { conditions: [{ type: 'StatusPatch', status: 'True', reason: 'E2E', message: 'Patched by an e2e test' }] } } }, { subresource: 'status' })
    expect(patched).toMatchObject({ metadata: { annotations: { 'e2e-patched-ns-status': name } }, status: { phase: 'Active', conditions: [{ type: 'StatusPatch', status: 'True', reason: 'E2E', message: 'Patched by an e2e test' }] } })
    const written = await updated(Namespaces, { name }, ({ status }) => { status.conditions = [...(status.conditions ?? []), { type: 'StatusUpdate', status: 'True', reason: 'E2E', message: 'Updated by an e2e test' } as never] }, { subresource: 'status' })
    expect(written.status).toMatchObject({ phase: 'Active', conditions: [{ type: 'StatusPatch' }, { type: 'StatusUpdate', status: 'True', reason: 'E2E', message: 'Updated by an e2e test' }] })
  })
  behaviour('[sig-api-machinery] Namespaces [Serial] should apply an update to a Namespace [Conformance]', async ({ updated }, name) => {
    const changed = await updated(Namespaces, { name }, ({ metadata }) => { metadata.labels = { ...metadata.labels, [name]: 'updated' } })
    expect(changed.metadata.labels).toMatchObject({ [name]: 'updated', 'kubernetes.io/metadata.name': name })
  })
  behaviour('[sig-api-machinery] Namespaces [Serial] should apply a finalizer to a Namespace [Conformance]', async ({ client, updated }, name) => {
    const added = await updated(Namespaces, { name }, ({ spec }) => { spec.finalizers = [...(spec.finalizers ?? []), finalizer] }, { subresource: 'finalize' })
    expect(added.spec.finalizers).toEqual(['kubernetes', finalizer])
    const removed = await updated(Namespaces, { name }, ({ spec }) => { spec.finalizers = spec.finalizers?.filter((each) => each !== finalizer) ?? [] }, { subresource: 'finalize' })
    expect(removed.spec.finalizers).toEqual(['kubernetes'])
    expect((await client.get(Namespaces, { name })).status.phase).toBe('Active')
  })
  behaviour('[sig-api-machinery] OrderedNamespaceDeletion namespace deletion should delete pod first [Conformance]', async ({ client, updated, gone, makeNamespace }, within) => {
    const namespace = `${within}-ordered`
    await makeNamespace(namespace)
    await client.create(Pods, { metadata: { name: 'pod', namespace, finalizers: [finalizer] }, spec: { terminationGracePeriodSeconds: 1, containers: [{ name: 'main', image: 'host', command: ['sleep', '1000'] }] } } as never)
    await client.create(ConfigMaps, { metadata: { name: 'kept', namespace }, data: { key: 'value' } })
    await client.delete(Namespaces, { name: namespace })
    await until('the namespace waits for its pod', async () => (await client.get(Namespaces, { name: namespace })).status.conditions?.some(({ type, status }) => type === 'NamespaceFinalizersRemaining' && status === 'True'))
    expect((await client.get(Pods, { name: 'pod', namespace })).metadata.deletionTimestamp).toBeDefined()
    expect((await client.get(ConfigMaps, { name: 'kept', namespace })).metadata.deletionTimestamp).toBeUndefined()
    await updated(Pods, { name: 'pod', namespace }, ({ metadata }) => { metadata.finalizers = [] })
    await gone(Namespaces, { name: namespace })
  })

  behaviour('[sig-api-machinery] ResourceQuota should manage the lifecycle of a ResourceQuota [Conformance]', async (world, namespace) => {
    const { client, gone } = world
    const at = { name: 'e2e-quota', namespace }
    await quota(world, namespace, { 'e2e-quota': namespace })
    expect((await client.list(ResourceQuotas, { labelSelector: `e2e-quota=${namespace}` })).items).toHaveLength(1)
    const patched = await client.patch(ResourceQuotas, at, { type: 'strategic', body: { metadata: { labels: { 'e2e-quota': 'patched', [namespace]: 'patched' } }, spec: { hard: { memory: '750Mi' } } } })
    expect(patched).toMatchObject({ metadata: { labels: { [namespace]: 'patched' } }, spec: { hard: { cpu: '500m', memory: '750Mi' } } })
    await client.deleteCollection(ResourceQuotas, { namespace, labelSelector: `${namespace}=patched` })
    await gone(ResourceQuotas, at)
  })
  behaviour('[sig-api-machinery] ResourceQuota should apply changes to a resourcequota status [Conformance]', async (world, namespace) => {
    const { client, ask, watch, updated } = world
    const at = { name: 'e2e-quota', namespace }
    const hardIs = (hard: JsonObject) => async () => JSON.stringify((await client.get(ResourceQuotas, at)).status.hard) === JSON.stringify(hard)
    using events = watch(ResourceQuotas, { namespace })
    await quota(world, namespace, { 'e2e-quota': namespace })
    await until('its status is calculated', hardIs({ cpu: '500m', memory: '500Mi' }))
    const written = await updated(ResourceQuotas, at, (object) => { object.status = { hard: { cpu: '500m', memory: '500Mi' } } }, { subresource: 'status' })
    expect(written.status).toEqual({ hard: { cpu: '500m', memory: '500Mi' } })
    const changed = await client.patch(ResourceQuotas, at, { type: 'strategic', body: { spec: { hard: { cpu: '1', memory: '1Gi' } } } })
    expect(changed.spec.hard).toEqual({ cpu: '1', memory: '1Gi' })
    const patched = await client.patch(ResourceQuotas, at, { type: 'strategic', body: { status: { hard: { cpu: '1', memory: '1Gi' } } } }, { subresource: 'status' })
    expect(patched.status.hard).toEqual({ cpu: '1', memory: '1Gi' })
    await events.first('the patched status', ({ type, object }) => type === 'MODIFIED' && object.status.hard?.['cpu'] === '1')
    expect((await ask('GET', `/api/v1/namespaces/${namespace}/resourcequotas/e2e-quota/status`)).body).toMatchObject({ kind: 'ResourceQuota', status: { hard: { cpu: '1', memory: '1Gi' } } })
    const again = await client.patch(ResourceQuotas, at, { type: 'strategic', body: { spec: { hard: { cpu: '2' } }, status: { hard: { cpu: '2', memory: '2Gi' } } } }, { subresource: 'status' })
    expect(again).toMatchObject({ spec: { hard: { cpu: '1', memory: '1Gi' } }, status: { hard: { cpu: '2', memory: '2Gi' } } })
    await events.first('the status patched again', ({ type, object }) => type === 'MODIFIED' && object.status.hard?.['cpu'] === '2')
    // The controller does not look at changes of the status: five minutes may pass until it counts anew.
    if (isFull) await until('the status is put right', hardIs({ cpu: '1', memory: '1Gi' }), 360)
  })

  behaviour('[sig-api-machinery] Servers with support for API chunking should return chunks of results for list calls [Conformance]', async (world, namespace) => {
    const { client } = world
    const names = await templates(world, namespace, 400)
    for (const limit of [17, 133]) {
      const found: string[] = []
      let next: { continueToken?: string } = {}
      let version: string | undefined
      do {
        const page = await client.list(PodTemplates, { namespace, limit, ...next })
        version ??= page.resourceVersion
        expect(page.resourceVersion).toBe(version)
        found.push(...page.items.map(({ metadata }) => metadata.name ?? ''))
        expect(page.remainingItemCount).toBe(page.continueToken === undefined ? undefined : names.length - found.length)
        next = page.continueToken === undefined ? {} : { continueToken: page.continueToken }
        expect(page.items.length).toBeLessThanOrEqual(limit)
      } while (next.continueToken !== undefined)
      expect(found).toEqual(names)
    }
    const whole = await client.list(PodTemplates, { namespace })
    expect(whole.items.map(({ metadata }) => metadata.name)).toEqual(names)
    expect([whole.continueToken, whole.remainingItemCount]).toEqual([undefined, undefined])
    expect(await refused(client.list(PodTemplates, { namespace, limit: 1, continueToken: 'nonsense' }))).toMatchObject({ code: 400 })
  })
  if (isFull) compacted(behaviour)
}
