import { expect, test } from 'vitest'
import { definitions, establish, startCrdServer } from './support.ts'

test('a definition is established, served and discovered; instances live', async () => {
  await using server = await startCrdServer()
  await establish(server, { schema: { type: 'object', properties: { spec: { type: 'object', properties: { replicas: { type: 'integer', minimum: 1, default: 3 } } } } } })
  const crd = await server.ask('GET', `${definitions}/crontabs.stable.example.com`)
  expect(crd.body['status']).toMatchObject({ storedVersions: ['v1'], acceptedNames: { plural: 'crontabs', singular: 'crontab', kind: 'CronTab', listKind: 'CronTabList' } })
  const path = '/apis/stable.example.com/v1/namespaces/default/crontabs'
  const made = await server.ask('POST', path, { body: { apiVersion: 'stable.example.com/v1', kind: 'CronTab', metadata: { name: 'a' }, spec: { x: 1 } } })
  expect(made.status, made.text).toBe(201)
  expect(made.body['spec']).toEqual({ replicas: 3 })
  const wrong = await server.ask('POST', path, { body: { apiVersion: 'stable.example.com/v1', kind: 'CronTab', metadata: { name: 'b' }, spec: { replicas: 0 } } })
  expect(wrong.body.message).toBe('CronTab.stable.example.com "b" is invalid: spec.replicas: Invalid value: 0: spec.replicas in body should be greater than or equal to 1')
  expect((await server.ask('GET', path)).body).toMatchObject({ kind: 'CronTabList', items: [{ kind: 'CronTab', apiVersion: 'stable.example.com/v1' }] })
  expect((await server.ask('GET', '/apis/stable.example.com/v1')).body).toMatchObject({ resources: [{ name: 'crontabs', singularName: 'crontab', kind: 'CronTab' }] })
  const gone = await server.ask('DELETE', `${definitions}/crontabs.stable.example.com`)
  expect(gone.status, gone.text).toBe(200)
})
