/** Upstream's words for what it has deprecated. */
import { expect, test } from 'vitest'
import { configMaps, startTestServer } from '../support.ts'

test('a deprecated kind is answered with a warning, others are not', async () => {
  await using api = await startTestServer()
  expect((await api.ask('GET', '/api/v1/namespaces/default/endpoints')).headers['warning']).toBe('299 - "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"')
  expect((await api.ask('GET', configMaps)).headers['warning']).toBeUndefined()
})
