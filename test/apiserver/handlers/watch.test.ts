import { afterAll, beforeAll, expect, test } from 'vitest'
import { fakeClock } from '../../support/fake-clock.ts'
import { configMap, configMaps, startTestServer, take, type TestServer, type WatchLine } from '../support.ts'

let api: TestServer
beforeAll(async () => { api = await startTestServer() })
afterAll(() => api[Symbol.asyncDispose]())

const shown = (lines: readonly WatchLine[]): string[] => lines.map(({ type, object }) => `${type} ${object.metadata.name ?? ''}`)
const versionOf = async (): Promise<string> => String((await api.ask('GET', configMaps)).body.metadata['resourceVersion'])
const label = (name: string, app: string) => api.ask('PATCH', `${configMaps}/${name}`, { headers: { 'content-type': 'application/merge-patch+json' }, body: { metadata: { labels: { app } } } })

/** The next events of a watch on `query`, while `work` is done; the watch ends afterwards. */
const watching = async (query: string, count: number, work: () => Promise<unknown> = async () => undefined): Promise<WatchLine[]> => {
  const stop = new AbortController()
  const events = api.watch(`${configMaps}?watch=true&${query}`, stop.signal)
  const taken = take(events, count)
  await work()
  try {
    return await taken
  } finally {
    stop.abort()
  }
}

test('from a version on: everything after it, in order', async () => {
  const version = await versionOf()
  await api.ask('POST', configMaps, { body: configMap('w1') })
  await label('w1', 'x')
  await api.ask('DELETE', `${configMaps}/w1`)
  const lines = await watching(`resourceVersion=${version}`, 3)
  expect(shown(lines)).toEqual(['ADDED w1', 'MODIFIED w1', 'DELETED w1'])
  const versions = lines.map(({ object }) => Number(object.metadata.resourceVersion))
  expect(versions).toEqual([...versions].sort((a, b) => a - b))
  expect(new Set(versions).size).toBe(3)
})

test('without a version: what is there, then what happens', async () => {
  await api.ask('POST', configMaps, { body: configMap('w2') })
  expect(shown(await watching('fieldSelector=metadata.name%3Dw2', 2, () => label('w2', 'x')))).toEqual(['ADDED w2', 'MODIFIED w2'])
})

test('an object that leaves a selection is told as deleted, with the version of the change and as it was before', async () => {
  await api.ask('POST', configMaps, { body: configMap('w3', { metadata: { name: 'w3', labels: { app: 'in' } } }) })
  const version = await versionOf()
  const left = (await label('w3', 'out')).body.metadata['resourceVersion']
  await label('w3', 'in')
  const lines = await watching(`labelSelector=app%3Din&resourceVersion=${version}`, 2)
  expect(shown(lines)).toEqual(['DELETED w3', 'ADDED w3'])
  expect(lines[0]?.object.metadata).toMatchObject({ resourceVersion: left, labels: { app: 'in' } })
})

test('initial events end with a bookmark that says so', async () => {
  const lines = await watching('fieldSelector=metadata.name%3Dw3&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true', 2)
  expect(shown(lines)).toEqual(['ADDED w3', 'BOOKMARK '])
  expect(lines[1]?.object).toMatchObject({ kind: 'ConfigMap', apiVersion: 'v1', metadata: { annotations: { 'k8s.io/initial-events-end': 'true' } } })
})

test('watchers at the same time see the same order', async () => {
  const version = await versionOf()
  const watchers = Array.from({ length: 5 }, () => watching(`resourceVersion=${version}`, 30))
  await Promise.all(Array.from({ length: 30 }, (_, index) => api.ask('POST', configMaps, { body: configMap(`o${index}`) })))
  const seen = (await Promise.all(watchers)).map(shown)
  for (const each of seen) expect(each).toEqual(seen[0])
})

test('a version that is too old is an ERROR event of 410', async () => {
  await using own = await startTestServer()
  await own.ask('POST', configMaps, { body: configMap('a') })
  const stop = new AbortController()
  // The cache of a new server knows only what happened since it began.
  await using again = await startTestServer({ store: own.store })
  const lines = await take(again.watch(`${configMaps}?watch=true&resourceVersion=1`, stop.signal), 2)
  expect(lines).toMatchObject([{ type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired', message: expect.stringMatching(/^too old resource version: 1 \(\d+\)$/) } }])
})

for (const [name, query, message] of [
  ['initial events need a match', 'sendInitialEvents=true', 'resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan'],
  ['a match needs initial events', 'resourceVersionMatch=NotOlderThan&resourceVersion=0', 'resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided'],
] as const) test(name, async () => expect((await api.ask('GET', `${configMaps}?watch=true&${query}`)).body.message).toBe(`ListOptions.meta.k8s.io "" is invalid: ${message}`))

test('bookmarks come every minute, and the watch ends when its time is over', async () => {
  const clock = fakeClock()
  await using own = await startTestServer({ clock })
  await own.ask('POST', configMaps, { body: configMap('a') })
  const events = own.watch(`${configMaps}?watch=true&allowWatchBookmarks=true&timeoutSeconds=90`, new AbortController().signal)
  const all = (async () => { const lines: WatchLine[] = []; for await (const line of events) lines.push(line); return lines })()
  await clock.advance(90_000)
  expect(shown(await all)).toEqual(['ADDED a', 'BOOKMARK ', 'BOOKMARK '])
})

test('tables in a watch name their columns once', async () => {
  const stop = new AbortController()
  const events = api.watch(`${configMaps}?watch=true&fieldSelector=metadata.name%3Dw2`, stop.signal, { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' })
  const first = await take(events, 1)
  await label('w2', 'y')
  const second = await take(events, 1)
  stop.abort()
  expect(first).toMatchObject([{ type: 'ADDED', object: { kind: 'Table', columnDefinitions: [{ name: 'Name' }, {}, {}], rows: [{ cells: ['w2', 0, expect.any(String)] }] } }])
  expect(second).toMatchObject([{ type: 'MODIFIED', object: { kind: 'Table', columnDefinitions: null } }])
})

test('a reader that does not read is cut off, and the others get everything', async () => {
  await using own = await startTestServer()
  const stop = new AbortController()
  const transport = own.server.inMemoryTransport({ name: 'slow', groups: [] })
  const stalled = await transport.request({ method: 'GET', path: `${configMaps}?watch=true`, headers: {} }, stop.signal)
  const events = own.watch(`${configMaps}?watch=true`, stop.signal)
  const count = 30
  const all = take(events, count)
  const big = 'x'.repeat(500_000)
  for (let index = 0; index < count; index += 1) await own.ask('POST', configMaps, { body: configMap(`big${index}`, { data: { big } }) })
  expect((await all).length).toBe(count)
  await expect((async () => { for await (const _ of stalled.body); })()).rejects.toThrow('the server ended the response in the middle')
  stop.abort()
})
