import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type BodyKind, decodeType } from '../../../../src/api/decode.ts'
import * as kinds from '../../../../src/api/kinds.ts'
import type { JsonObject, JsonValue, KubeObject } from '../../../../src/api/meta.ts'
import { fromFieldsV1, pathsOf } from '../../../../src/api/patch/apply/field-set.ts'
import { applyConfiguration, fieldManagerName, trackUpdate } from '../../../../src/api/patch/apply/field-manager.ts'
import { formatPath } from '../../../../src/api/patch/apply/path-element.ts'
import { StatusError } from '../../../../src/api/status.ts'
import type { ManagedFieldsEntry } from '../../../../src/api/types.ts'
import { cpuMilliseconds } from '../../../support/cpu-time.ts'

/** One object and those who write to it, second by second. */
class Story {
  object: (KubeObject & JsonObject) | undefined
  #seconds = 0
  readonly #kind: BodyKind
  constructor(kind: BodyKind) { this.#kind = kind }

  get #now(): Date { return new Date(Date.UTC(2030, 0, 1, 0, 0, this.#seconds++)) }

  decode(object: object): KubeObject & JsonObject {
    return decodeType<KubeObject & JsonObject>({ apiVersion: kinds.apiVersionOf(this.#kind), kind: this.#kind.kind, ...object }, this.#kind.schema).value
  }

  update(manager: string, object: object, more: { subresource?: string; resetFields?: string[] } = {}): this {
    const next = this.decode(object)
    trackUpdate(this.object, next, { kind: this.#kind, manager, now: this.#now, ...more })
    this.object = next
    return this
  }

  apply(manager: string, config: object, { force = false, resetFields = [] as string[], subresource = '' } = {}): this {
    const full = { apiVersion: kinds.apiVersionOf(this.#kind), kind: this.#kind.kind, ...config } as unknown as JsonValue
    const { object, changed } = applyConfiguration<KubeObject & JsonObject>({ kind: this.#kind, manager, now: this.#now, live: this.object, config: full, force, resetFields, subresource })
    this.changed = changed
    this.object = object
    return this
  }

  changed = false
  get entries(): ManagedFieldsEntry[] { return this.object?.metadata.managedFields ?? [] }
  /** `manager operation` → paths. */
  get owned(): Record<string, string[]> {
    return Object.fromEntries(this.entries.map(({ manager, operation, subresource, fieldsV1 }) => [`${manager} ${operation}${subresource ? ` ${subresource}` : ''}`, pathsOf(fromFieldsV1(fieldsV1)).map(formatPath)]))
  }
}

const configMap = (data: object, more: object = {}): object => ({ metadata: { name: 'a', ...more }, data })
const refusal = (run: () => unknown): StatusError => {
  try {
    run()
  } catch (error) {
    if (error instanceof StatusError) return error
    throw error
  }
  throw new Error('was accepted')
}

describe('updates', () => {
  test('the creator owns all that is there, and not what the server fills', () => {
    const story = new Story(kinds.ConfigMaps).update('kubectl-create', configMap({ a: '1' }, { namespace: 'n', uid: 'u', resourceVersion: '1', creationTimestamp: '2030-01-01T00:00:00Z', generation: 1, labels: { x: 'y' }, annotations: {} }))
    expect(story.entries).toEqual([{ manager: 'kubectl-create', operation: 'Update', apiVersion: 'v1', time: '2030-01-01T00:00:00Z', fieldsType: 'FieldsV1',
      fieldsV1: { 'f:data': { '.': {}, 'f:a': {} }, 'f:metadata': { 'f:labels': { '.': {}, 'f:x': {} } } } }])
  })
  test('a Deployment, as upstream records it', () => {
    const story = new Story(kinds.Deployments).update('kubectl-create', { metadata: { name: 'web', labels: { app: 'web' } }, spec: { replicas: 1, selector: { matchLabels: { app: 'web' } }, strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } },
      template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web', image: 'x' }], securityContext: {} } } } })
    expect(story.entries[0]?.fieldsV1).toEqual({ 'f:metadata': { 'f:labels': { '.': {}, 'f:app': {} } }, 'f:spec': { 'f:replicas': {}, 'f:selector': {}, 'f:strategy': { 'f:rollingUpdate': { '.': {}, 'f:maxSurge': {} }, 'f:type': {} },
      'f:template': { 'f:metadata': { 'f:labels': { '.': {}, 'f:app': {} } }, 'f:spec': { 'f:containers': { 'k:{"name":"web"}': { '.': {}, 'f:image': {}, 'f:name': {}, 'f:resources': {} } }, 'f:securityContext': {} } } } })
  })
  test('who changes a field takes it', () => expect(new Story(kinds.ConfigMaps).update('a', configMap({ x: '1', y: '1' })).update('b', configMap({ x: '1', y: '2', z: '3' })).owned)
    .toEqual({ 'a Update': ['.data', '.data.x'], 'b Update': ['.data.y', '.data.z'] }))
  test('what goes away, nobody owns; who owns nothing, is not listed', () => expect(new Story(kinds.ConfigMaps).update('a', configMap({ x: '1' })).update('b', configMap({ x: '1', y: '2' })).update('c', configMap({ x: '1' })).owned).toEqual({ 'a Update': ['.data', '.data.x'] }))
  test('without a change the times stay', () => expect(new Story(kinds.ConfigMaps).update('a', configMap({ x: '1' })).update('b', configMap({ x: '1' })).entries).toMatchObject([{ manager: 'a', time: '2030-01-01T00:00:00Z' }]))
  test('a subresource is a manager of its own', () => {
    const status = (replicas: number): object => ({ metadata: { name: 'x', labels: { l: '1' } }, status: { replicas } })
    expect(new Story(kinds.Deployments).update('a', status(0)).update('a', status(1), { subresource: 'status', resetFields: ['spec', 'metadata.labels'] }).owned).toEqual({ 'a Update': ['.metadata.labels', '.metadata.labels.l'], 'a Update status': ['.status.replicas'] })
  })
  test('what an endpoint does not write, it does not own', () => expect(new Story(kinds.Deployments).update('a', { spec: { replicas: 1 }, status: { replicas: 1 } }, { resetFields: ['status'] }).owned).toEqual({ 'a Update': ['.spec.replicas'] }))
  test('a client that forgets managedFields keeps them; [] and [{}] start anew', () => {
    for (const managedFields of [[], [{}]]) {
      const story = new Story(kinds.ConfigMaps).update('a', configMap({ x: '1' })).update('b', { ...configMap({ x: '2' }), metadata: { name: 'a', managedFields } })
      expect(story.owned).toEqual({})
    }
    expect(Object.keys(new Story(kinds.ConfigMaps).update('a', configMap({ x: '1', y: '1' })).update('b', configMap({ x: '2', y: '1' })).owned)).toEqual(['a Update', 'b Update'])
  })
  test('entries that nobody can read count as none', () => {
    const entry = { manager: 'm', operation: 'Update', apiVersion: 'v1', fieldsType: 'FieldsV1' }
    for (const bad of [{ ...entry, fieldsV1: { nonsense: {} } }, { ...entry, operation: 'Delete' }, { ...entry, fieldsType: 'FieldsV2' }])
      expect(Object.keys(new Story(kinds.ConfigMaps).update('a', configMap({ x: '1', y: '1' })).update('b', { ...configMap({ x: '2', y: '1' }), metadata: { name: 'a', managedFields: [bad] } }).owned)).toEqual(['a Update', 'b Update'])
  })
  test('at most ten updaters: the oldest become ancient-changes', () => {
    const story = new Story(kinds.ConfigMaps)
    for (let index = 0; index < 13; index++) story.update(`m${index}`, configMap(Object.fromEntries(Array.from({ length: index + 1 }, (_, key) => [`k${key}`, '1']))))
    expect(story.entries.map(({ manager }) => manager)).toEqual(['ancient-changes', 'm4', 'm5', 'm6', 'm7', 'm8', 'm9', 'm10', 'm11', 'm12'])
    expect(story.owned['ancient-changes Update']).toEqual(['.data', '.data.k0', '.data.k1', '.data.k2', '.data.k3'])
  })
})

describe('apply', () => {
  const deployment = (spec: object): object => ({ metadata: { name: 'web' }, spec })
  test('owns what it names', () => expect(new Story(kinds.ConfigMaps).apply('a', configMap({ x: '1' }, { labels: { l: '1' } })).owned).toEqual({ 'a Apply': ['.data.x', '.metadata.labels.l'] }))
  test('conflicts with what others set otherwise', () => {
    const story = new Story(kinds.Deployments).update('kubectl-client-side-apply', deployment({ replicas: 1 }))
    const error = refusal(() => story.apply('me', deployment({ replicas: 2 })))
    expect(error.status).toEqual({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', reason: 'Conflict', code: 409,
      message: 'Apply failed with 1 conflict: conflict with "kubectl-client-side-apply" using apps/v1: .spec.replicas',
      details: { causes: [{ reason: 'FieldManagerConflict', message: 'conflict with "kubectl-client-side-apply" using apps/v1', field: '.spec.replicas' }] } })
  })
  test('several conflicts, by manager', () => {
    const story = new Story(kinds.ConfigMaps).update('u', configMap({ x: '1' })).apply('b', configMap({ y: '1', z: '1' }))
    expect(refusal(() => story.apply('me', configMap({ x: '2', y: '2', z: '2' }))).message).toBe('Apply failed with 3 conflicts: conflicts with "b":\n- .data.y\n- .data.z\nconflicts with "u" using v1:\n- .data.x')
  })
  test('a manager through a subresource', () => {
    const story = new Story(kinds.Deployments).update('a', deployment({ replicas: 1 })).update('hpa', deployment({ replicas: 2 }), { subresource: 'scale' })
    expect(refusal(() => story.apply('me', deployment({ replicas: 3 }))).message).toBe('Apply failed with 1 conflict: conflict with "hpa" with subresource "scale" using apps/v1: .spec.replicas')
  })
  test('force takes', () => expect(new Story(kinds.ConfigMaps).update('u', configMap({ x: '1' })).apply('me', configMap({ x: '2' }), { force: true })).toMatchObject({ owned: { 'me Apply': ['.data.x'], 'u Update': ['.data'] }, object: { data: { x: '2' } } }))
  test('the same value is shared', () => expect(new Story(kinds.ConfigMaps).apply('a', configMap({ x: '1' })).apply('b', configMap({ x: '1' })).owned).toEqual({ 'a Apply': ['.data.x'], 'b Apply': ['.data.x'] }))
  test('what is applied no more goes away', () => expect(new Story(kinds.ConfigMaps).apply('a', configMap({ x: '1', y: '1' })).apply('a', configMap({ x: '1' })).object?.['data']).toEqual({ x: '1' }))
  test('unless somebody else applies it, or has set it', () => {
    expect(new Story(kinds.ConfigMaps).apply('a', configMap({ x: '1' })).apply('b', configMap({ x: '1' })).apply('a', configMap({}))).toMatchObject({ object: { data: { x: '1' } }, owned: { 'b Apply': ['.data.x'] } })
    expect(new Story(kinds.ConfigMaps).apply('a', configMap({ x: '1' })).update('u', configMap({ x: '2' })).apply('a', configMap({ y: '1' }), { force: true }).object?.['data']).toEqual({ x: '2', y: '1' })
  })
  test('again is no change, and keeps the time', () => {
    const story = new Story(kinds.Deployments).apply('a', deployment({ replicas: 1, template: { spec: { containers: [{ name: 'c', resources: { limits: { cpu: '1000m' } } }] } } }))
    const entries = story.entries
    story.apply('a', deployment({ replicas: 1, template: { spec: { containers: [{ name: 'c', resources: { limits: { cpu: '1000m' } } }] } } }))
    expect([story.changed, story.entries]).toEqual([false, entries])
  })
  test('over an object that nobody tracks: it belongs to before-first-apply', () => {
    const story = new Story(kinds.ConfigMaps)
    story.object = story.decode(configMap({ x: '1' }))
    expect(story.apply('a', configMap({ y: '1' })).owned).toEqual({ 'a Apply': ['.data.y'], 'before-first-apply Update': ['.data', '.data.x'] })
  })
  test('identity and server-filled metadata survive', () => {
    const filled = { metadata: { name: 'a', uid: 'u', resourceVersion: '7', creationTimestamp: '2030-01-01T00:00:00Z', labels: { l: '1' } } }
    expect(new Story(kinds.ConfigMaps).apply('a', configMap({}, { labels: { l: '1' } })).update('server', { ...filled }).apply('a', configMap({ x: '1' })).object).toMatchObject({ metadata: { uid: 'u', resourceVersion: '7' }, data: { x: '1' } })
  })
  test('status through the main endpoint is not owned', () => expect(new Story(kinds.Deployments).apply('a', { ...deployment({ replicas: 1 }), status: { replicas: 9 } }, { resetFields: ['status'] }).owned).toEqual({ 'a Apply': ['.spec.replicas'] }))
})

describe('structs, as structured-merge-diff tests them', () => {
  const strategy = (value: object | null): object => ({ metadata: { name: 'web' }, spec: { strategy: value } })
  const updated = (): Story => new Story(kinds.Deployments).apply('default', strategy({ type: 'Recreate' })).update('controller', strategy({ type: 'Recreate', rollingUpdate: { maxSurge: 1 } }))
  const left = { spec: { strategy: { rollingUpdate: { maxSurge: 1 } } } }
  test('remove all', () => expect((new Story(kinds.Deployments).apply('default', strategy({ type: 'Recreate' })).apply('default', { metadata: { name: 'web' } }).object?.['spec'] as JsonObject)['strategy']).toEqual({}))
  test('remove what one applied, with what another set beside it', () => expect(updated().apply('default', { metadata: { name: 'web' } }).object).toMatchObject(left))
  test('an empty struct', () => expect(updated().apply('default', strategy({})).object).toMatchObject(left))
  test('null', () => expect(updated().apply('default', strategy(null)).object).toMatchObject(left))
  test('taken over', () => expect(new Story(kinds.Deployments).apply('default', strategy({ type: 'Recreate' })).update('controller', strategy({ type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } })).apply('default', strategy(null)).object)
    .toMatchObject({ spec: { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } } } }))
})

describe('lists', () => {
  const containers = (...list: object[]): object => ({ metadata: { name: 'p' }, spec: { containers: list } })
  const specOf = (story: Story): unknown => (story.object?.['spec'] as JsonObject | undefined)?.['containers']
  test('each applier its items', () => expect(specOf(new Story(kinds.Pods).apply('a', containers({ name: 'a', image: '1' })).apply('b', containers({ name: 'b', image: '2' })))).toMatchObject([{ name: 'a' }, { name: 'b' }]))
  test('an item goes with its applier, another\'s fields in it stay', () => {
    expect(specOf(new Story(kinds.Pods).apply('a', containers({ name: 'a' }, { name: 'b' })).apply('a', containers({ name: 'b' })))).toMatchObject([{ name: 'b' }])
    expect(specOf(new Story(kinds.Pods).apply('a', containers({ name: 'a', image: '1', args: ['x'] })).apply('b', containers({ name: 'a', tty: true })).apply('a', containers()))).toEqual([{ name: 'a', tty: true, resources: {} }])
  })
  test('finalizers are a set', () => expect(new Story(kinds.ConfigMaps).apply('a', configMap({ k: 'v' }, { finalizers: ['a/x'] })).apply('b', configMap({ k: 'v' }, { finalizers: ['b/y'] })).apply('a', configMap({ k: 'v' })).object?.metadata.finalizers).toEqual(['b/y']))
  test('a selector is owned as a whole', () => {
    const service = (selector: object): object => ({ metadata: { name: 's' }, spec: { selector } })
    expect(refusal(() => new Story(kinds.Services).apply('a', service({ x: '1' })).apply('b', service({ y: '1' }))).message).toBe('Apply failed with 1 conflict: conflict with "a": .spec.selector')
  })
})

describe('refused', () => {
  for (const [name, config, code, message] of [
    ['an unknown field', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', namespace: 'n' }, unknownField: 1 }, 500, 'failed to create typed patch object (n/a; /v1, Kind=ConfigMap): .unknownField: field not declared in schema'],
    ['another kind', { apiVersion: 'v1', kind: 'Secret' }, 400, 'invalid object type: /v1, Kind=Secret'], ['another version', { apiVersion: 'apps/v1', kind: 'ConfigMap' }, 400, 'invalid object type: apps/v1, Kind=ConfigMap'],
    ['managedFields', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { managedFields: [] } }, 400, 'metadata.managedFields must be nil'],
  ] as const) test(name, () => {
    const error = refusal(() => applyConfiguration({ kind: kinds.ConfigMaps, manager: 'm', now: new Date(0), live: undefined, config: config as unknown as JsonValue, force: false }))
    expect([error.code, error.message]).toEqual([code, message])
  })
})

describe('from client-side to server-side apply', () => {
  const annotation = 'kubectl.kubernetes.io/last-applied-configuration'
  const lastApplied = (data: object): object => ({ [annotation]: JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { annotations: {}, name: 'a' }, data }) })
  test('kubectl does not conflict with what it had applied itself', () => {
    const story = new Story(kinds.ConfigMaps).update('kubectl-client-side-apply', configMap({ x: '1' }, { annotations: lastApplied({ x: '1' }) })).apply('kubectl', configMap({ x: '2' }))
    expect(story.object?.['data']).toEqual({ x: '2' })
    expect(story.object?.metadata.annotations?.[annotation]).toBe('{"apiVersion":"v1","data":{"x":"2"},"kind":"ConfigMap","metadata":{"name":"a"}}\n')
  })
  test('but with what was changed since', () => expect(refusal(() => new Story(kinds.ConfigMaps).update('kubectl-client-side-apply', configMap({ x: '1', y: '1' }, { annotations: lastApplied({ x: '1', y: '1' }) }))
    .update('other', configMap({ x: '5', y: '1' }, { annotations: lastApplied({ x: '1', y: '1' }) })).apply('kubectl', configMap({ x: '2', y: '2' }))).message).toBe('Apply failed with 1 conflict: conflict with "other" using v1: .data.x'))
  test('others have no such right', () => expect(refusal(() => new Story(kinds.ConfigMaps).update('kubectl-client-side-apply', configMap({ x: '1' }, { annotations: lastApplied({ x: '1' }) })).apply('flux', configMap({ x: '2' }))).code).toBe(409))
})

test('the name of a manager', () => expect([fieldManagerName('me', 'x/1'), fieldManagerName('', 'kubectl/v1.36 (linux)'), fieldManagerName(undefined, undefined), fieldManagerName(undefined, `${'x'.repeat(200)}/1`).length, fieldManagerName(undefined, 'a\u0000b/1')])
  .toEqual(['me', 'kubectl', 'unknown', 128, 'ab']))

test('applied fields are there, applying again changes nothing, applying nothing takes them away', () => {
  const data = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), fc.constantFrom('1', '2'))
  fc.assert(fc.property(data, data, data, (theirs, ours, next) => {
    const story = new Story(kinds.ConfigMaps).update('them', configMap(theirs)).apply('us', configMap(ours), { force: true })
    expect(story.object?.['data'] ?? {}).toEqual({ ...theirs, ...ours })
    expect(story.apply('us', configMap(ours)).changed).toBe(false)
    story.apply('us', configMap(next), { force: true })
    expect(story.object?.['data'] ?? {}).toMatchObject(next)
    story.apply('us', { metadata: { name: 'a' } })
    expect(Object.keys(story.owned).some((manager) => manager.startsWith('us '))).toBe(false)
  }))
})

test('a plain write costs little', () => {
  const story = new Story(kinds.ConfigMaps)
  const objects = Array.from({ length: 3000 }, (_, index) => story.decode(configMap({ a: '1', b: String(index) }, { labels: { x: 'y' } })))
  const started = cpuMilliseconds()
  for (const [index, object] of objects.entries()) trackUpdate(objects[index - 1], object, { kind: kinds.ConfigMaps, manager: 'm', now: new Date(0) })
  // A bound far above what it takes (about 30 µs), for busy machines.
  expect((cpuMilliseconds() - started) / objects.length).toBeLessThan(1)
})
