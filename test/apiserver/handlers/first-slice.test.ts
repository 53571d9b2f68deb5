import { expect, test } from 'vitest'
import { configMap, configMaps, startTestServer, take } from '../support.ts'

test('an object is created, read, listed, watched and deleted', async () => {
  await using api = await startTestServer()
  const created = await api.ask('POST', configMaps, { body: configMap('a', { data: { key: 'value' } }) })
  expect(created.body).toMatchObject({ kind: 'ConfigMap' })
  expect(created.status).toBe(201)
  const stop = new AbortController()
  const events = api.watch(`${configMaps}?watch=true`, stop.signal)
  expect(await take(events, 1)).toMatchObject([{ type: 'ADDED', object: { metadata: { name: 'a' } } }])
  expect((await api.ask('GET', `${configMaps}/a`)).body).toEqual(created.body)
  expect((await api.ask('GET', configMaps)).body).toMatchObject({ kind: 'ConfigMapList', items: [{ data: { key: 'value' } }] })
  expect((await api.ask('DELETE', `${configMaps}/a`)).body).toMatchObject({ kind: 'Status', status: 'Success' })
  expect(await take(events, 1)).toMatchObject([{ type: 'DELETED', object: { metadata: { name: 'a' } } }])
  expect((await api.ask('GET', `${configMaps}/a`)).body).toMatchObject({ reason: 'NotFound', message: 'configmaps "a" not found' })
  stop.abort()
})
