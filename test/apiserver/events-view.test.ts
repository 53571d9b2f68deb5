import { expect, test } from 'vitest'
import { startTestServer, take } from './support.ts'

const core = '/api/v1/namespaces/default/events'
const v1 = '/apis/events.k8s.io/v1/namespaces/default/events'

test('one Event, two shapes', async () => {
  await using api = await startTestServer()
  const sent = { apiVersion: 'events.k8s.io/v1', kind: 'Event', metadata: { name: 'e' }, eventTime: '2026-01-01T00:00:00.000001Z', reportingController: 'example.com/c', reportingInstance: 'c-1', action: 'Doing', reason: 'Because', note: 'hello', type: 'Normal',
    regarding: { kind: 'Pod', name: 'p', namespace: 'default' } }
  const { status, body: created } = await api.ask('POST', v1, { body: sent })
  expect([status, created]).toMatchObject([201, sent])
  expect((await api.ask('GET', `${core}/e`)).body).toMatchObject({ kind: 'Event', apiVersion: 'v1', message: 'hello', reportingComponent: 'example.com/c', involvedObject: { name: 'p' }, eventTime: sent.eventTime })
  expect((await api.ask('GET', `${v1}/e`)).body).toEqual(created)
  expect((await api.ask('GET', v1)).body).toMatchObject({ kind: 'EventList', apiVersion: 'events.k8s.io/v1', items: [{ note: 'hello' }] })
  for (const [path, selector, found] of [[v1, 'reportingController=example.com/c', 1], [v1, 'regarding.name=q', 0], [core, 'involvedObject.name=p', 1], [core, 'source=example.com/c', 1]] as const) {
    expect((await api.ask('GET', `${path}?fieldSelector=${encodeURIComponent(selector)}`)).body.items).toHaveLength(found)
  }
  const stop = new AbortController()
  const watch = api.watch(`${v1}?watch=true`, stop.signal)
  expect(await take(watch, 1)).toMatchObject([{ type: 'ADDED', object: { apiVersion: 'events.k8s.io/v1', note: 'hello' } }])
  const patched = await api.ask('PATCH', `${v1}/e`, { headers: { 'content-type': 'application/merge-patch+json' }, body: { series: { count: 2, lastObservedTime: '2026-01-01T00:00:01.000000Z' } } })
  expect(patched.body).toMatchObject({ series: { count: 2 }, note: 'hello' })
  expect(await take(watch, 1)).toMatchObject([{ type: 'MODIFIED', object: { series: { count: 2 } } }])
  // Conformance, "New Event resource lifecycle": the note of an event can be patched.
  const noted = await api.ask('PATCH', `${v1}/e`, { headers: { 'content-type': 'application/strategic-merge-patch+json' }, body: { note: 'patched' } })
  expect(noted).toMatchObject({ status: 200, body: { note: 'patched' } })
  stop.abort()
})
