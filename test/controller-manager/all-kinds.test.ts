/** What concerns every kind goes on whatever becomes of one of them. Mirrors upstream's test/integration/garbagecollector (TestCRDDeletionCascading, TestCRDConversionWebhook…) and garbagecollector_test.go's TestGarbageCollectorSync. */
import { afterEach, describe, expect, test } from 'vitest'
import { ConfigMaps, CustomResourceDefinitions } from '../../src/api/kinds.ts'
import type { JsonObject } from '../../src/api/meta.ts'
import { internalError } from '../../src/api/status.ts'
import { createClient } from '../../src/client/client.ts'
import { eventSink } from '../../src/client/events.ts'
import { sharedInformers } from '../../src/client/informers.ts'
import type { Transport } from '../../src/client/transport.ts'
import { runForAllKinds } from '../../src/controller-manager/all-kinds.ts'
import { fakeApi } from '../support/fake-api.ts'
import { fakeClock, settle } from '../support/fake-clock.ts'
import { fakeRandom } from '../support/fake-random.ts'
import { logs } from '../support/logs.ts'

const resource = (plural: string, kind: string): JsonObject => ({ resource: plural, responseKind: { kind }, scope: 'Namespaced', verbs: ['list', 'watch', 'delete', 'get'] })
const group = (name: string, resources: JsonObject[], version = 'v1'): JsonObject => ({ metadata: { name }, versions: [{ version, resources }] })
const definitions = group('apiextensions.k8s.io', [{ ...resource('customresourcedefinitions', 'CustomResourceDefinition'), scope: 'Cluster' }])

let stop = new AbortController()
afterEach(() => stop.abort())

/** An API server that says what it serves; of `foos` it has nothing, and answers 404. */
const open = (groups: JsonObject[]) => {
  stop = new AbortController()
  const api = fakeApi()
  const served = { groups }
  const transport: Transport = { request: async (request, signal) => {
    const items = request.path === '/api' ? [group('', [resource('configmaps', 'ConfigMap')])] : request.path === '/apis' ? served.groups : undefined
    if (!items) return api.request(request, signal)
    return { status: 200, headers: {}, body: (async function* () { yield Buffer.from(JSON.stringify({ items })) })() }
  } }
  const clock = fakeClock()
  const log = logs()
  const context = { client: createClient(transport), clock, random: fakeRandom(), log }
  void runForAllKinds({ ...context, informers: sharedInformers(context, stop.signal), events: eventSink(context, stop.signal) }, stop.signal)
  /** An object whose owner is gone: the collector takes it away. */
  const orphan = async (): Promise<boolean> => {
    api.put(ConfigMaps, { metadata: { name: 'left', namespace: 'default', ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'gone', uid: 'gone' }] } } as never)
    await settle()
    return api.read(ConfigMaps, 'default/left') === undefined
  }
  const change = async (): Promise<void> => {
    api.put(CustomResourceDefinitions, { metadata: { name: `foos-${api.requests.length}` } })
    await settle()
    await clock.advance(100)
    await settle()
  }
  return { api, served, clock, log, orphan, change }
}
const foos = (version = 'v1'): JsonObject => group('example.com', [resource('foos', 'Foo')], version)

describe('the collector', () => {
  test('goes on after a definition that was there for a moment only', async () => {
    const { served, orphan, change, clock, api } = open([definitions, foos()])
    await settle()
    expect(await orphan()).toBe(false)
    served.groups = [definitions]
    await change()
    expect(await orphan()).toBe(true)
    const asked = api.requests.filter((line) => line.includes('/foos')).length
    await clock.advance(60_000)
    await settle()
    expect(api.requests.filter((line) => line.includes('/foos')).length).toBe(asked)
  })
  test('begins without a kind that cannot be listed', async () => {
    const { orphan, clock, log } = open([definitions, foos()])
    await settle()
    expect(await orphan()).toBe(false)
    await clock.advance(30_000)
    await settle()
    expect(await orphan()).toBe(true)
    expect(log.lines).toContain('warn: garbage-collector-controller: begins without what cannot be listed: foos.example.com')
  })
  test('lists a kind anew that is served in another version', async () => {
    const { api, served, change } = open([definitions, foos()])
    await settle()
    served.groups = [definitions, foos('v2')]
    api.refuse = ({ path }) => { if (path.includes('/v2/foos')) throw internalError('seen') }
    await change()
    expect(api.requests.filter((line) => line.includes('/apis/example.com/v2/foos')).length).toBeGreaterThan(0)
  })
})
