/** Upstream's generic test of one resource (test/e2e/framework/conformance, TestResource), as the dynamic client plays it: JSON, field validation, every kind of patch, and what informers see after each step. */
import { expect } from 'vitest'
import { apiVersionOf, type Kind, resourcePath } from '../../src/api/kinds.ts'
import type { JsonObject, JsonValue, KubeObject } from '../../src/api/meta.ts'
import type { Answer, Watched, World } from '../support/conformance.ts'

type Change = (object: JsonObject) => void
type PatchType = 'strategic-merge-patch+json' | 'apply-patch+yaml' | 'merge-patch+json' | 'json-patch+json'
type Patches = Partial<Record<PatchType, JsonValue>>

export interface Testcase {
  kind: Kind
  initial: JsonObject
  update: Change
  updateStatus?: Change
  patches: Patches
  statusPatches?: Patches
}

/** Everything in `expected` must be in what the server answered. */
const holds = ({ status, body, text }: Answer, wanted: number, expected: JsonObject): JsonObject => {
  expect(status, text).toBe(wanted)
  expect(body).toMatchObject(expected)
  expect((body['metadata'] as JsonObject)['resourceVersion']).toMatch(/^[1-9]\d*$/)
  return body
}

export const testResource = async ({ ask, watch, gone }: World, namespace: string, { kind, initial, update, updateStatus, patches, statusPatches = {} }: Testcase): Promise<void> => {
  const scope = kind.namespaced ? { namespace } : {}
  const at = { name: kind.namespaced ? 'test' : `test-${namespace}`, ...scope }
  const labelSelector = `e2e-test.kubernetes.io=${namespace}`
  const selection = `labelSelector=${encodeURIComponent(labelSelector)}`
  const desired: JsonObject = { ...initial, apiVersion: apiVersionOf(kind), kind: kind.kind, metadata: { ...at, labels: { 'e2e-test.kubernetes.io': namespace } } }
  const changed = (object: JsonObject, change: Change): JsonObject => { const next = structuredClone(object); change(next); return next }
  const desiredUpdated = changed(desired, update)

  const seen: Watched<KubeObject>[] = [watch(kind, { labelSelector }), ...(kind.namespaced ? [watch(kind, { ...scope, labelSelector })] : [])]
  let read = 0
  /** Waits until every watcher has seen the object in this version, or its end, and compares the kinds of events since the last step. */
  const events = async (what: string, order: RegExp, object: JsonObject): Promise<void> => {
    const { uid, resourceVersion } = object['metadata'] as { uid: string; resourceVersion: string }
    let next = read
    for (const each of seen) {
      await each.first(what, (event) => event.object.metadata.uid === uid && (order.source.includes('DELETED') ? event.type === 'DELETED' : BigInt(event.object.metadata.resourceVersion ?? '0') >= BigInt(resourceVersion)))
      const fresh = each.events.slice(read)
      expect(fresh.map(({ type }) => type).join(','), what).toMatch(order)
      expect(new Set(fresh.map((event) => event.object.metadata.uid))).toEqual(new Set([uid]))
      const versions = each.events.map((event) => BigInt(event.object.metadata.resourceVersion ?? '0'))
      expect(versions).toEqual(versions.toSorted((a, b) => (a < b ? -1 : Number(a > b))))
      next = each.events.length
    }
    read = next
  }
  const path = (subresource?: string): string => resourcePath(kind, { ...at, subresource })
  const put = async (object: JsonObject, subresource?: string): Promise<Answer> => ask('PUT', path(subresource), { body: object })
  const create = async (): Promise<JsonObject> => holds(await ask('POST', `${resourcePath(kind, scope)}?fieldValidation=Strict`, { body: desired }), 201, desired)
  const remove = async (object: JsonObject): Promise<void> => {
    expect((await ask('DELETE', path())).status).toBe(200)
    await gone(kind, at)
    await events('delete', /^(MODIFIED,)*DELETED$/, object)
  }
  const patched = async (type: PatchType, patch: JsonValue, object: JsonObject, subresource?: string): Promise<Answer> => {
    const { name, namespace: inside, uid } = object['metadata'] as Record<string, string>
    const whole = type === 'json-patch+json' ? patch : { ...patch as JsonObject, apiVersion: apiVersionOf(kind), kind: kind.kind,
      metadata: { ...(patch as JsonObject)['metadata'] as JsonObject | undefined, name: name ?? '', uid: uid ?? '', ...(inside !== undefined && { namespace: inside }) } }
    return ask('PATCH', `${path(subresource)}?fieldValidation=Strict${type === 'apply-patch+yaml' ? '&fieldManager=test-apply&force=true' : ''}`, { body: whole, headers: { 'content-type': `application/${type}` } })
  }
  try {
    const resources = (await ask('GET', `/apis/${apiVersionOf(kind)}`)).body as { resources: { name: string }[] }
    expect(resources.resources.map(({ name }) => name)).toContain(kind.plural)
    for (const each of seen) await each.synced()
    expect(seen.flatMap((each) => each.events)).toEqual([])
    let existing = await create()
    await events('create', /^ADDED(,MODIFIED)*$/, existing)
    existing = holds(await ask('GET', path()), 200, desired)
    existing = holds(await put(changed(existing, update)), 200, desiredUpdated)
    await events('update', /^MODIFIED(,MODIFIED)*$/, existing)
    if (updateStatus) {
      existing = holds(await put(changed(existing, updateStatus), 'status'), 200, changed(desiredUpdated, updateStatus))
      await events('update status', /^MODIFIED(,MODIFIED)*$/, existing)
      existing = holds(await ask('GET', path('status')), 200, changed(desiredUpdated, updateStatus))
    }
    for (const [type, patch] of Object.entries(patches) as [PatchType, JsonValue][]) {
      await remove(existing)
      existing = holds(await patched(type, patch, await create()), 200, desiredUpdated)
      await events(type, /^ADDED(,MODIFIED)+$/, existing)
    }
    for (const [type, patch] of Object.entries(statusPatches) as [PatchType, JsonValue][]) {
      await remove(existing)
      existing = holds(await put(changed(await create(), update)), 200, desiredUpdated)
      existing = holds(await patched(type, patch, existing, 'status'), 200, changed(desiredUpdated, updateStatus ?? (() => {})))
      await events(`${type} of the status`, /^ADDED(,MODIFIED)+$/, existing)
    }
    for (const scopeOfList of kind.namespaced ? [scope, {}] : [{}]) {
      const list = (await ask('GET', `${resourcePath(kind, scopeOfList)}?${selection}`)).body as { items: JsonObject[] }
      expect(list.items).toMatchObject([{ metadata: desiredUpdated['metadata'] }])
    }
    expect((await ask('DELETE', `${resourcePath(kind, scope)}?${selection}`)).status).toBe(200)
    await gone(kind, at)
    await events('the collection', /^(MODIFIED,)*DELETED$/, existing)
  } finally {
    for (const each of seen) each[Symbol.dispose]()
  }
}
