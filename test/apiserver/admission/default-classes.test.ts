/** DefaultStorageClass, DefaultIngressClass, RuntimeClass, PersistentVolumeClaimResize, StorageObjectInUseProtection and external IPs, through a server with a clock. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { JsonObject } from '../../../src/api/meta.ts'
import { defaultIngressClass } from '../../../src/apiserver/admission/default-ingress-class.ts'
import { defaultStorageClass } from '../../../src/apiserver/admission/default-storage-class.ts'
import { denyServiceExternalIPs } from '../../../src/apiserver/admission/deny-service-external-ips.ts'
import { persistentVolumeClaimResize } from '../../../src/apiserver/admission/persistent-volume-claim-resize.ts'
import { runtimeClassAdmission } from '../../../src/apiserver/admission/runtime-class.ts'
import { storageObjectInUseProtection } from '../../../src/apiserver/admission/storage-object-protection.ts'
import type { Authorizer } from '../../../src/apiserver/authorization/authorizer.ts'
import { fakeClock } from '../../support/fake-clock.ts'
import { startTestServer, type TestServer } from '../support.ts'

/** Only Ada may use external IPs. */
const authorizer: Authorizer = { authorize: async ({ user, verb, resource, subresource }) => ({ verdict: user.name === 'ada' && verb === 'use' && resource === 'services' && subresource === 'externalips' ? 'allow' : 'no-opinion', reason: '' }) }

const clock = fakeClock()
let api: TestServer
beforeAll(async () => {
  api = await startTestServer({ clock, admission: [defaultStorageClass, storageObjectInUseProtection, persistentVolumeClaimResize, runtimeClassAdmission, defaultIngressClass, denyServiceExternalIPs(authorizer)] })
})
afterAll(() => api[Symbol.asyncDispose]())

const merge = { 'content-type': 'application/merge-patch+json' }
const inDefault = '/api/v1/namespaces/default'
const claims = `${inDefault}/persistentvolumeclaims`
const post = async (path: string, body: JsonObject) => api.ask('POST', path, { body })
const named = (name: string, more: JsonObject, annotations: Record<string, string> = {}): JsonObject => ({ metadata: { name, annotations }, ...more })
const claim = (name: string, spec: JsonObject = {}, annotations = {}): JsonObject => named(name, { spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, ...spec } }, annotations)
interface Made { spec: JsonObject & { storageClassName?: string; ingressClassName?: string }; metadata: { finalizers?: string[]; name: string } }
const made = (answer: { body: unknown }): Made => answer.body as Made

describe('default classes', () => {
  const classes = '/apis/storage.k8s.io/v1/storageclasses'
  const isDefault = { 'storageclass.kubernetes.io/is-default-class': 'true' }
  test('the newest default class is filled in, where none is named', async () => {
    expect(made(await post(claims, claim('before'))).spec.storageClassName).toBeUndefined()
    await post(classes, named('old', { provisioner: 'a/b' }, isDefault))
    await clock.advance(2000)
    for (const name of ['z', 'new']) await post(classes, named(name, { provisioner: 'a/b' }, isDefault))
    await post(classes, named('plain', { provisioner: 'a/b' }))
    expect(made(await post(claims, claim('after'))).spec.storageClassName).toBe('new')
    expect(made(await post(claims, claim('none', { storageClassName: '' }))).spec.storageClassName).toBe('')
    expect(made(await post(claims, claim('annotated', {}, { 'volume.beta.kubernetes.io/storage-class': 'x' }))).spec.storageClassName).toBeUndefined()
  })

  test('the same of Ingresses', async () => {
    const ingresses = '/apis/networking.k8s.io/v1/namespaces/default/ingresses'
    const ingress = (name: string, spec: JsonObject = {}, annotations = {}): JsonObject => named(name, { spec: { defaultBackend: { service: { name: 'a', port: { number: 80 } } }, ...spec } }, annotations)
    await post('/apis/networking.k8s.io/v1/ingressclasses', named('main', { spec: { controller: 'a.io/b' } }, { 'ingressclass.kubernetes.io/is-default-class': 'true' }))
    expect(made(await post(ingresses, ingress('a'))).spec.ingressClassName).toBe('main')
    expect(made(await post(ingresses, ingress('b', { ingressClassName: 'other' }))).spec.ingressClassName).toBe('other')
    expect(made(await post(ingresses, ingress('c', {}, { 'kubernetes.io/ingress.class': 'old' }))).spec.ingressClassName).toBeUndefined()
  })
})

test('what can be in use gets a finalizer', async () => {
  expect(made(await post(claims, claim('guarded'))).metadata.finalizers).toEqual(['kubernetes.io/pvc-protection'])
  expect(made(await post('/api/v1/persistentvolumes', named('guarded', { spec: { accessModes: ['ReadWriteOnce'], capacity: { storage: '1Gi' }, hostPath: { path: '/a' } } }))).metadata.finalizers).toEqual(['kubernetes.io/pv-protection'])
  expect(made(await post('/apis/storage.k8s.io/v1/volumeattributesclasses', named('guarded', { driverName: 'd', parameters: { a: 'b' } }))).metadata.finalizers).toEqual(['kubernetes.io/vac-protection'])
})

describe('claims grow', () => {
  const grow = async (name: string, storage: string) => api.ask('PATCH', `${claims}/${name}`, { headers: merge, body: { spec: { resources: { requests: { storage } } } } })
  const bound = async (name: string, storageClassName: string): Promise<void> => {
    await post(claims, claim(name, { storageClassName }))
    await api.ask('PATCH', `${claims}/${name}/status`, { headers: merge, body: { status: { phase: 'Bound', capacity: { storage: '1Gi' } } } })
  }
  test('only when bound, and of a class that allows it', async () => {
    for (const [name, allowVolumeExpansion] of [['elastic', true], ['rigid', false]] as const) await post('/apis/storage.k8s.io/v1/storageclasses', named(name, { provisioner: 'a/b', allowVolumeExpansion }))
    await bound('may', 'elastic')
    await bound('may-not', 'rigid')
    expect((await grow('may', '2Gi')).status).toBe(200)
    const refused = await grow('may-not', '2Gi')
    expect([refused.status, refused.body.message]).toEqual([403, 'persistentvolumeclaims "may-not" is forbidden: only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize'])
    expect((await grow('may-not', '1024Mi')).status).toBe(200)
  })
})

describe('runtime classes', () => {
  const classes = '/apis/node.k8s.io/v1/runtimeclasses'
  const pod = (name: string, spec: JsonObject): JsonObject => named(name, { spec: { containers: [{ name: 'c', image: 'host' }], ...spec } })
  const pods = `${inDefault}/pods`
  const message = async (body: JsonObject): Promise<string> => (await post(pods, body)).body.message
  test('bring their overhead, and say where their pods can run', async () => {
    await post(classes, named('small', { handler: 'h', overhead: { podFixed: { cpu: '10m' } }, scheduling: { nodeSelector: { runtime: 'small' }, tolerations: [{ key: 'small', operator: 'Exists' }] } }))
    expect(made(await post(pods, pod('a', { runtimeClassName: 'small', nodeSelector: { zone: 'a' }, tolerations: [{ key: 'b', operator: 'Exists' }] }))).spec).toMatchObject({
      overhead: { cpu: '10m' }, nodeSelector: { zone: 'a', runtime: 'small' }, tolerations: [{ key: 'b' }, { key: 'small', operator: 'Exists' }] })
  })
  test('what does not fit is refused', async () => {
    expect(await message(pod('b', { runtimeClassName: 'none' }))).toBe('pods "b" is forbidden: pod rejected: RuntimeClass "none" not found')
    expect(await message(pod('b', { runtimeClassName: 'small', overhead: { cpu: '11m' } }))).toBe('pods "b" is forbidden: pod rejected: Pod\'s Overhead doesn\'t match RuntimeClass\'s defined Overhead')
    expect(await message(pod('b', { overhead: { cpu: '11m' } }))).toBe('pods "b" is forbidden: pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead')
    expect(await message(pod('b', { runtimeClassName: 'small', nodeSelector: { runtime: 'large' } }))).toBe('pods "b" is forbidden: conflict: runtimeClass.scheduling.nodeSelector[runtime] = small; pod.spec.nodeSelector[runtime] = large')
    await api.ask('DELETE', `${classes}/small`)
    expect(await message(pod('b', { runtimeClassName: 'small' }))).toBe('pods "b" is forbidden: pod rejected: RuntimeClass "small" not found')
  })
})

describe('external IPs take others\' traffic: only who may use them sets them', () => {
  const services = `${inDefault}/services`
  const service = (name: string, externalIPs: string[]): JsonObject => named(name, { spec: { ports: [{ port: 80 }], externalIPs } })
  const as = (name: string) => ({ user: { name, groups: [] } })
  for (const ip of ['8.8.8.8', '10.96.0.1', '192.0.2.10']) {
    test(`${ip} by anybody`, async () => {
      const refused = await api.ask('POST', services, { body: service('s', [ip]), ...as('mallory') })
      expect([refused.status, refused.body.message]).toEqual([403, 'services "s" is forbidden: Use of external IPs is denied by admission control'])
    })
  }
  test('whoever may, may; others change the rest, and take them away', async () => {
    expect((await api.ask('POST', services, { body: service('t', ['8.8.8.8', '9.9.9.9']), ...as('ada') })).status).toBe(201)
    const patch = async (body: object) => (await api.ask('PATCH', `${services}/t`, { headers: merge, body, ...as('mallory') })).status
    expect(await patch({ metadata: { labels: { a: 'b' } } })).toBe(200)
    expect(await patch({ spec: { externalIPs: ['9.9.9.9'] } })).toBe(200)
    expect(await patch({ spec: { externalIPs: ['9.9.9.9', '8.8.8.8'] } })).toBe(403)
  })
})
