import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { configMap, configMaps, startTestServer, type TestServer } from '../support.ts'

let api: TestServer
const names = ['a', 'b', 'c', 'd', 'e']
let firstVersion = ''
let lastVersion = ''

beforeAll(async () => {
  api = await startTestServer()
  for (const name of names) {
    const { body } = await api.ask('POST', configMaps, { body: configMap(name, { metadata: { name, labels: { app: name < 'c' ? 'web' : 'db' } } }) })
    firstVersion ||= String(body.metadata['resourceVersion'])
    lastVersion = String(body.metadata['resourceVersion'])
  }
  await api.ask('POST', '/api/v1/namespaces/default-2/configmaps', { body: configMap('z') })
})
afterAll(() => api[Symbol.asyncDispose]())

const namesOf = (items: readonly object[]): unknown[] => items.map((item) => (item as { metadata: { name: string } }).metadata.name)
const list = (query: string, path = configMaps) => api.ask('GET', `${path}${query}`)

describe('what is listed', () => {
  for (const [name, query, expected] of [
    ['everything, in order', '', names],
    ['by label', '?labelSelector=app%3Dweb', ['a', 'b']],
    ['by label, negated', '?labelSelector=app!%3Dweb', ['c', 'd', 'e']],
    ['by name', '?fieldSelector=metadata.name%3Dc', ['c']],
    ['by a name that is not', '?fieldSelector=metadata.name!%3Dc', ['a', 'b', 'd', 'e']],
    ['by another namespace', '?fieldSelector=metadata.namespace%3Dother', []],
    ['at version 0, whatever the limit', '?resourceVersion=0&limit=2', names],
  ] as const) test(name, async () => expect(namesOf((await list(query)).body.items)).toEqual(expected))

  test('over all namespaces, in the order of their keys', async () => expect(namesOf((await list('', '/api/v1/configmaps')).body.items)).toEqual(['z', ...names]))
  test('items carry no kind of their own, the list does', async () => {
    const { body } = await list('')
    expect(body).toMatchObject({ kind: 'ConfigMapList', apiVersion: 'v1' })
    expect(body.items.every((item) => !('kind' in item) && !('apiVersion' in item))).toBe(true)
  })
  test('exactly at an old version', async () => {
    const { body } = await list(`?resourceVersion=${firstVersion}&resourceVersionMatch=Exact`)
    expect([namesOf(body.items), body.metadata['resourceVersion']]).toEqual([['a'], firstVersion])
  })
  test('not older than a version', async () => expect(namesOf((await list(`?resourceVersion=${firstVersion}&resourceVersionMatch=NotOlderThan`)).body.items)).toEqual(names))
  test('with a limit and a version, exactly this version', async () => expect(namesOf((await list(`?resourceVersion=${firstVersion}&limit=10`)).body.items)).toEqual(['a']))
})

describe('chunks', () => {
  test('are of one moment, and count what is left', async () => {
    const first = (await list('?limit=2')).body
    expect([namesOf(first.items), first.metadata['remainingItemCount']]).toEqual([['a', 'b'], 3])
    await api.ask('POST', configMaps, { body: configMap('bb') })
    const second = (await list(`?limit=2&continue=${String(first.metadata['continue'])}`)).body
    expect([namesOf(second.items), second.metadata['remainingItemCount'], second.metadata['resourceVersion']]).toEqual([['c', 'd'], 1, first.metadata['resourceVersion']])
    const third = (await list(`?limit=2&continue=${String(second.metadata['continue'])}`)).body
    expect([namesOf(third.items), third.metadata['continue'], third.metadata['remainingItemCount']]).toEqual([['e'], undefined, undefined])
    await api.ask('DELETE', `${configMaps}/bb`)
  })

  test('with a selector count nothing', async () => {
    const first = (await list('?limit=1&labelSelector=app%3Ddb')).body
    expect([namesOf(first.items), first.metadata['remainingItemCount']]).toEqual([['c'], undefined])
    expect(namesOf((await list(`?limit=5&labelSelector=app%3Ddb&continue=${String(first.metadata['continue'])}`)).body.items)).toEqual(['d', 'e'])
  })

  test('whose version is compacted end in 410, with a token that goes on', async () => {
    await using own = await startTestServer()
    for (const name of names) await own.ask('POST', configMaps, { body: configMap(name) })
    const first = (await own.ask('GET', `${configMaps}?limit=2`)).body
    await own.ask('DELETE', `${configMaps}/d`)
    await own.store.compact(await own.store.revision())
    const expired = await own.ask('GET', `${configMaps}?limit=2&continue=${String(first.metadata['continue'])}`)
    expect(expired.body).toMatchObject({ code: 410, reason: 'Expired', message: expect.stringContaining('The provided continue parameter is too old to display a consistent list result.') })
    const rest = await own.ask('GET', `${configMaps}?limit=1&continue=${String(expired.body.metadata['continue'])}`)
    expect(namesOf(rest.body.items)).toEqual(['c'])
    expect(namesOf((await own.ask('GET', `${configMaps}?continue=${String(rest.body.metadata['continue'])}`)).body.items)).toEqual(['e'])
  })
})

describe('what is refused, in upstream’s words', () => {
  const token = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  for (const [name, query, code, message] of [
    ['a match without a version', '?resourceVersionMatch=Exact', 422, 'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided'],
    ['an unknown match', '?resourceVersionMatch=Newest&resourceVersion=5', 422, 'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Unsupported value: "Newest": supported values: "Exact", "NotOlderThan", ""'],
    ['exactly version 0', '?resourceVersionMatch=Exact&resourceVersion=0', 422, 'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"'],
    ['initial events of a list', '?sendInitialEvents=true', 422, 'ListOptions.meta.k8s.io "" is invalid: sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list'],
    ['a version that is none', '?resourceVersion=abc', 422, 'configmaps "" is invalid: resourceVersion: Invalid value: "abc": strconv.ParseUint: parsing "abc": invalid syntax'],
    ['an unknown field', '?fieldSelector=spec.x%3Dy', 400, '"spec.x" is not a known field selector: only "metadata.name", "metadata.namespace"'],
    ['a token that is none', '?continue=%7B', 400, 'invalid continue token: continue key is not valid: illegal base64 data at input byte 0'],
    ['a token of one letter', '?continue=x', 400, 'invalid continue token: continue key is not valid: illegal base64 data at input byte 0'],
    ['a token that is no JSON', `?continue=${Buffer.from('x').toString('base64url')}`, 400, "invalid continue token: continue key is not valid: invalid character 'x' looking for beginning of value"],
    ['a token of another form', `?continue=${token({ v: 'v2', rv: 5, start: 'a' })}`, 400, 'invalid continue token: continue key is not valid: server does not recognize this encoded version "v2"'],
    ['a token that leads elsewhere', `?continue=${token({ v: 'meta.k8s.io/v1', rv: 5, start: '../../secrets/default/x' })}`, 400, 'invalid continue token: continue key is not valid: ../../secrets/default/x'],
    ['a token and a version', `?resourceVersion=5&continue=${token({ v: 'meta.k8s.io/v1', rv: 5, start: 'a' })}`, 400, 'specifying resource version is not allowed when using continue'],
  ] as const) {
    test(name, async () => {
      const { body } = await list(query)
      expect([body['code'], body.message]).toEqual([code, message])
    })
  }

  test('a selector that cannot be read', async () => expect((await list('?labelSelector=a%3D%3D%3Db')).status).toBe(400))
  test('a version of the future, after three seconds', async () => {
    const { body } = await list(`?resourceVersion=${Number(lastVersion) + 1000}&resourceVersionMatch=NotOlderThan`)
    expect(body).toMatchObject({ code: 504, reason: 'Timeout', message: expect.stringMatching(/^Timeout: Too large resource version: \d+, current: \d+$/), details: { retryAfterSeconds: 1, causes: [{ reason: 'ResourceVersionTooLarge' }] } })
  })
  test('a field of pods that is not selectable', async () => expect((await list('?fieldSelector=spec.hostname%3Dx', '/api/v1/pods')).body.message).toBe('field label not supported: spec.hostname'))
})

describe('tables', () => {
  const accept = { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json' }
  test('have columns and rows', async () => {
    const { body } = await api.ask('GET', `${configMaps}?fieldSelector=metadata.name%3Da`, { headers: accept })
    expect(body).toMatchObject({ kind: 'Table', apiVersion: 'meta.k8s.io/v1', columnDefinitions: [{ name: 'Name', type: 'string', format: 'name', priority: 0 }, { name: 'Data' }, { name: 'Age' }],
      rows: [{ cells: ['a', 0, expect.any(String)], object: { kind: 'PartialObjectMetadata', metadata: { name: 'a' } } }] })
  })
  test('include the whole object on demand, or nothing', async () => {
    const whole = await api.ask('GET', `${configMaps}/a?includeObject=Object`, { headers: accept })
    expect(whole.body).toMatchObject({ rows: [{ object: { kind: 'ConfigMap', metadata: { name: 'a' } } }] })
    const none = await api.ask('GET', `${configMaps}/a?includeObject=None`, { headers: accept })
    expect(none.body).toMatchObject({ rows: [{ object: null }] })
  })
  test('metadata alone', async () => {
    const { body } = await api.ask('GET', configMaps, { headers: { accept: 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1' } })
    expect(body).toMatchObject({ kind: 'PartialObjectMetadataList', apiVersion: 'meta.k8s.io/v1' })
    expect(body.items[0]).toMatchObject({ kind: 'PartialObjectMetadata', metadata: { name: 'a' } })
  })
  test('YAML', async () => expect((await api.ask('GET', `${configMaps}/a`, { headers: { accept: 'application/yaml' } })).text).toMatch(/^kind: ConfigMap\napiVersion: v1\n/))
})
