/** The steps that upstream's tests called «should support … API operations» have in common, with what they look at in each answer. */
import { expect } from 'vitest'
import { apiVersionOf, type Kind, resourcePath } from '../../src/api/kinds.ts'
import type { Draft, JsonObject, JsonValue, KubeObject, Metadata } from '../../src/api/meta.ts'
import { refused, type World } from '../support/conformance.ts'

export interface Operations<T extends KubeObject> {
  kind: Kind<T>
  /** Of the object without its metadata. */
  template: Omit<Draft<T>, 'metadata'>
  /** More than the annotation, in the merge patch, and what of the answer must then be so. */
  patch?: { body: JsonObject; answer: object }
  /** More than the annotation, in the update. */
  update?: { change: (object: T) => void; answer: object }
  /** A field of metadata or status that the status subresource sets. */
  conditions?: boolean
}

const listsEverywhere = async ({ ask }: World, kind: Kind): Promise<void> => {
  const groups = (await ask('GET', '/apis')).body as { groups?: { name: string; versions: { version: string }[] }[] }
  expect(groups.groups?.find(({ name }) => name === kind.group)?.versions).toContainEqual({ version: kind.version, groupVersion: apiVersionOf(kind) })
  const group = (await ask('GET', `/apis/${kind.group}`)).body as { versions?: object[] }
  expect(group.versions).toContainEqual({ version: kind.version, groupVersion: apiVersionOf(kind) })
  const resources = (await ask('GET', `/apis/${apiVersionOf(kind)}`)).body as { resources?: { name: string }[] }
  const names = resources.resources?.map(({ name }) => name)
  expect(names).toContain(kind.plural)
  for (const { name } of kind.subresources) expect(names).toContain(`${kind.plural}/${name}`)
}

type Conditioned = { status: { conditions?: { type: string }[] } }
const typesIn = (object: unknown): string[] | undefined => (object as Conditioned).status?.conditions?.map(({ type }) => type)

const statusOperations = async <T extends KubeObject>({ ask, client, updated }: World, kind: Kind<T>, object: { metadata: Metadata }): Promise<void> => {
  const at = { name: object.metadata.name ?? '' }
  const read = await ask('GET', resourcePath(kind, { ...at, subresource: 'status' }))
  expect(read.body).toMatchObject({ apiVersion: apiVersionOf(kind), kind: kind.kind, metadata: { uid: object.metadata.uid } })
  const condition = (type: string): JsonObject => ({ type, status: 'False', reason: 'E2E', message: 'Set from an e2e test', lastTransitionTime: new Date(Date.now() + 3600_000).toISOString().replace(/\.\d+Z/, 'Z') })
  const patched = await client.patch(kind, at, { type: 'merge', body: { metadata: { annotations: { patchedstatus: 'true' } }, status: { conditions: [condition('PatchStatusFailed')] } } }, { subresource: 'status' })
  expect(typesIn(patched)).toContain('PatchStatusFailed')
  const written = await updated(kind, at, (next) => { (next as unknown as Conditioned).status.conditions?.push(condition('StatusUpdateFailed') as { type: string }) }, { subresource: 'status' })
  expect(typesIn(written)).toContain('StatusUpdateFailed')
}

/** Create three, get, list, watch, patch, update, status, delete, delete as a collection. */
export const apiOperations = async <T extends KubeObject>(world: World, namespace: string, { kind, template, patch, update, conditions = false }: Operations<T>): Promise<void> => {
  const { client, watch, updated } = world
  await listsEverywhere(world, kind)
  const labelSelector = `special-label=${namespace}`
  const scope = kind.namespaced ? { namespace } : {}
  const create = (): Promise<T> => client.create(kind, { ...template, metadata: { generateName: `e2e-example-${namespace}-`, labels: { 'special-label': namespace }, ...scope } } as Draft<T>)
  await create()
  await create()
  const created = await create()
  const at = { name: created.metadata.name ?? '', ...scope }
  expect((await client.get(kind, at)).metadata.uid).toBe(created.metadata.uid)
  const list = await client.list(kind, { labelSelector })
  expect(list.items).toHaveLength(3)
  if (kind.namespaced) expect((await client.list(kind, { ...scope, labelSelector })).items).toHaveLength(3)

  using watched = watch(kind, { ...scope, labelSelector, resourceVersion: list.resourceVersion })
  const { body = {}, answer = {} } = patch ?? {}
  const patched = await client.patch(kind, at, { type: 'merge', body: { metadata: { annotations: { patched: 'true' } }, ...body } as JsonValue })
  expect(patched).toMatchObject({ metadata: { annotations: { patched: 'true' } }, ...answer })
  const changed = await updated(kind, at, (object) => {
    (object.metadata.annotations ??= {})['updated'] = 'true'
    update?.change(object)
  })
  expect(changed).toMatchObject({ metadata: { annotations: { patched: 'true', updated: 'true' } }, ...update?.answer })
  await watched.first('the annotation of the patch', ({ type, object }) => type === 'MODIFIED' && object.metadata.annotations?.['updated'] === 'true')
  expect(watched.events.every(({ type }) => type === 'MODIFIED')).toBe(true)
  if (conditions) await statusOperations(world, kind, created)

  await client.delete(kind, at)
  await watched.first('the deletion', ({ type, object }) => type === 'DELETED' && object.metadata.uid === created.metadata.uid)
  expect(await refused(client.get(kind, at))).toMatchObject({ code: 404, reason: 'NotFound' })
  expect((await client.list(kind, { labelSelector })).items).toHaveLength(2)
  await client.deleteCollection(kind, { ...scope, labelSelector })
  expect((await client.list(kind, { labelSelector })).items).toEqual([])
}
