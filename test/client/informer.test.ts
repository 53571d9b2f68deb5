import { describe, expect, test } from 'vitest'
import { ConfigMaps, Pods } from '../../src/api/kinds.ts'
import { StatusError } from '../../src/api/status.ts'
import type { ConfigMap, Pod } from '../../src/api/types.ts'
import { createClient } from '../../src/client/client.ts'
import type { Change, Index } from '../../src/client/informer.ts'
import { sharedInformers } from '../../src/client/informers.ts'
import { ConnectionError } from '../../src/client/transport.ts'
import { fakeApi } from '../support/fake-api.ts'
import { fakeClock, settle } from '../support/fake-clock.ts'
import { fakeRandom } from '../support/fake-random.ts'
import { logs } from '../support/logs.ts'

const open = () => {
  const api = fakeApi()
  const clock = fakeClock()
  const stop = new AbortController()
  const log = logs()
  const informers = sharedInformers({ client: createClient(api), clock, random: fakeRandom(), log }, stop.signal)
  const put = (name: string, value: string, labels: Record<string, string> = {}) => api.put(ConfigMaps, { metadata: { name, namespace: 'default', labels }, data: { value } } as { metadata: { name: string } })
  const watches = () => api.requests.filter((each) => each.includes('watch=true')).length
  const lists = () => api.requests.length - watches()
  return { api, clock, stop, log, informers, put, watches, lists }
}
const values = (objects: readonly ConfigMap[]) => objects.map(({ metadata, data }) => `${metadata.name}=${data?.['value']}`)

const reader = (changes: AsyncIterable<Change<ConfigMap>>) => {
  const iterator = changes[Symbol.asyncIterator]()
  return async () => {
    const { value, done } = await iterator.next() as IteratorResult<Change<ConfigMap>, undefined>
    return done || !value ? 'end' : `${value.key}: ${value.previous?.data?.['value'] ?? '-'} -> ${value.object?.data?.['value'] ?? '-'}`
  }
}

describe('informer', () => {
  test('lists, then follows the watch', async () => {
    const { api, informers, put } = open()
    put('a', '1')
    const informer = informers.of(ConfigMaps)
    await informer.synced
    put('b', '1')
    put('a', '2')
    await informer.waitFor(api.read(ConfigMaps, 'default/a')?.metadata.resourceVersion ?? '', AbortSignal.timeout(5_000))
    expect(values(informer.lister.list())).toEqual(['a=2', 'b=1'])
    api.remove(ConfigMaps, 'default/b')
    await informer.waitUntil((lister) => lister.get('default/b') === undefined, AbortSignal.timeout(5_000))
    expect(informer.lister.size).toBe(1)
  })

  test('goes on from the last version when the line breaks, without a new list', async () => {
    const { api, clock, informers, put, watches, lists } = open()
    put('a', '1')
    const informer = informers.of(ConfigMaps)
    await informer.synced
    await settle()
    api.cutWatches()
    put('a', '2')
    await clock.advance(1_000)
    expect(values(informer.lister.list())).toEqual(['a=2'])
    expect([lists(), watches()]).toEqual([1, 2])
  })

  test('410 Gone lists anew, tells what is gone and keeps quiet about what is unchanged', async () => {
    const { api, clock, informers, put, lists, stop } = open()
    put('kept', '1'); put('gone', '1')
    const informer = informers.of(ConfigMaps)
    await informer.synced
    const next = reader(informer.changes(stop.signal))
    expect([await next(), await next()]).toEqual(['default/kept: - -> 1', 'default/gone: - -> 1'])
    api.refuse = (request) => { if (request.path.includes('watch=true')) throw new ConnectionError('down') }
    api.cutWatches()
    await settle()
    api.remove(ConfigMaps, 'default/gone')
    api.compact()
    api.refuse = undefined
    await clock.advance(10_000)
    expect(await next()).toBe('default/gone: 1 -> -')
    put('kept', '2')
    expect(await next()).toBe('default/kept: 1 -> 2')
    expect(lists()).toBe(2)
  })

  test('an error inside the watch that says 410 lists anew at once', async () => {
    const { api, informers, put, lists } = open()
    let refusals = 1
    api.refuse = (request) => {
      if (request.path.includes('watch=true') && refusals-- > 0) throw new StatusError({ status: 'Failure', reason: 'Expired', code: 410, message: 'too old' })
    }
    put('a', '1')
    await informers.of(ConfigMaps).synced
    await settle()
    expect(lists()).toBe(2)
  })

  test('backs off while the server is away, logs it once, and comes back', async () => {
    const { api, clock, informers, log, put } = open()
    api.refuse = () => { throw new ConnectionError('connection refused') }
    const informer = informers.of(ConfigMaps)
    await clock.advance(60_000)
    expect(api.requests.length).toBeGreaterThan(10)
    expect(api.requests.length).toBeLessThan(40)
    expect(log.lines.filter((line) => line.startsWith('warn'))).toEqual(['warn: cannot list and watch configmaps: connection refused'])
    api.refuse = undefined
    put('a', '1')
    await clock.advance(5_000)
    expect(informer.lister.size).toBe(1)
  })

  test('a slow reader gets the newest state of each object once', async () => {
    const { informers, put, api, stop } = open()
    const informer = informers.of(ConfigMaps)
    await informer.synced
    const next = reader(informer.changes(stop.signal))
    put('a', '1')
    expect(await next()).toBe('default/a: - -> 1')
    for (let value = 2; value <= 100; value++) put('a', String(value))
    put('b', '1'); api.remove(ConfigMaps, 'default/b')
    put('c', '1')
    await informer.waitUntil((lister) => lister.get('default/c') !== undefined, AbortSignal.timeout(5_000))
    expect([await next(), await next()]).toEqual(['default/a: 1 -> 100', 'default/c: - -> 1'])
  })

  test('an object made again under the same name is two changes', async () => {
    const { informers, put, api, stop } = open()
    put('a', 'old')
    const informer = informers.of(ConfigMaps)
    await informer.synced
    const next = reader(informer.changes(stop.signal))
    await next()
    api.remove(ConfigMaps, 'default/a')
    put('a', 'new')
    await informer.waitUntil((lister) => lister.get('default/a')?.data?.['value'] === 'new', AbortSignal.timeout(5_000))
    expect([await next(), await next()]).toEqual(['default/a: old -> -', 'default/a: - -> new'])
  })

  test('reading ends when the signal aborts, also while it waits', async () => {
    const { informers, stop } = open()
    const informer = informers.of(ConfigMaps)
    await informer.synced
    const next = reader(informer.changes(stop.signal))
    const pending = next()
    await settle()
    stop.abort()
    expect(await pending).toBe('end')
    await expect(informer.waitFor('999999', new AbortController().signal)).rejects.toThrow()
  })

  test('indexes follow the objects', async () => {
    const { informers, put, api } = open()
    const byTier: Index<ConfigMap> = { name: 'tier', valuesOf: ({ metadata }) => (metadata.labels?.['tier'] ? [metadata.labels['tier']] : []) }
    put('a', '1', { tier: 'web' }); put('b', '1', { tier: 'db' })
    const { lister, synced } = informers.of(ConfigMaps)
    await synced
    expect(values(lister.byIndex(byTier, 'web'))).toEqual(['a=1'])
    put('b', '2', { tier: 'web' })
    await informers.of(ConfigMaps).waitUntil((now) => now.get('default/b')?.data?.['value'] === '2', AbortSignal.timeout(5_000))
    expect([values(lister.byIndex(byTier, 'web')), values(lister.byIndex(byTier, 'db'))]).toEqual([['a=1', 'b=2'], []])
    api.remove(ConfigMaps, 'default/a')
    await informers.of(ConfigMaps).waitUntil((now) => now.size === 1, AbortSignal.timeout(5_000))
    expect(values(lister.byIndex(byTier, 'web'))).toEqual(['b=2'])
    expect(values(lister.list('default'))).toEqual(['b=2'])
    expect(lister.list('elsewhere')).toEqual([])
  })

  test('a selection hears of objects that leave it', async () => {
    const { informers, put } = open()
    const informer = informers.of(ConfigMaps, { labelSelector: 'tier=web' })
    put('a', '1', { tier: 'web' })
    await informer.synced
    put('a', '2', { tier: 'db' })
    await informer.waitUntil((lister) => lister.size === 0, AbortSignal.timeout(5_000))
    expect(informer.lister.size).toBe(0)
  })

  test('bookmarks move the version without an event', async () => {
    const { api, informers, put } = open()
    const informer = informers.of(Pods)
    await informer.synced
    await settle()
    const written = put('a', '1')
    api.bookmark()
    await informer.waitFor(written.metadata.resourceVersion, AbortSignal.timeout(5_000))
    expect(informer.resourceVersion()).toBe(written.metadata.resourceVersion)
  })

  test('one that is dropped asks nobody any more; who asks later gets another', async () => {
    const { api, clock, informers } = open()
    const first = informers.of(ConfigMaps)
    await first.synced
    informers.drop(ConfigMaps)
    await expect(first.waitFor('999', new AbortController().signal)).rejects.toThrow('configmaps are served no more')
    await settle()
    const asked = api.requests.length
    await clock.advance(60_000)
    await settle()
    expect(api.requests.length).toBe(asked)
    expect(informers.of(ConfigMaps)).not.toBe(first)
    await informers.of(ConfigMaps).synced
  })
  test('one informer for everyone who asks for the same', () => {
    const { informers } = open()
    const first = informers.of<Pod>(Pods)
    expect(informers.of(Pods)).toBe(first)
    expect(informers.of(Pods, { namespace: 'default' })).not.toBe(first)
    expect(informers.running(Pods)).toHaveLength(2)
  })
})
