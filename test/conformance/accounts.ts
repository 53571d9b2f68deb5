/** Who asks, and what is noted. Upstream: test/e2e/auth and test/e2e/instrumentation/core_events.go. */
import { expect } from 'vitest'
import { ConfigMaps, Events, ServiceAccounts } from '../../src/api/kinds.ts'
import type { JsonObject } from '../../src/api/meta.ts'
import { until } from '../support/cluster.ts'
import { type Behaviour, refused } from '../support/conformance.ts'

const rootCa = 'kube-root-ca.crt'

export const accounts = (behaviour: Behaviour): void => {
  behaviour('[sig-auth] ServiceAccounts should update a ServiceAccount [Conformance]', async ({ client, updated }, namespace) => {
    await client.create(ServiceAccounts, { metadata: { name: 'e2e-sa', namespace } })
    const changed = await updated(ServiceAccounts, { name: 'e2e-sa', namespace }, (account) => { account.automountServiceAccountToken = true })
    expect(changed.automountServiceAccountToken).toBe(true)
  })
  behaviour('[sig-auth] ServiceAccounts should create a serviceAccountToken and ensure a successful TokenReview [Conformance]', async ({ client, ask }, namespace) => {
    const account = await client.create(ServiceAccounts, { metadata: { name: 'e2e-sa', namespace } })
    const { status } = await client.createSubresource<{ status: { token: string; expirationTimestamp: string } }>(ServiceAccounts, { name: 'e2e-sa', namespace }, 'token', { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: 600 } })
    expect(status.token).not.toBe('')
    const review = await ask('POST', '/apis/authentication.k8s.io/v1/tokenreviews', { body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', metadata: { name: 'token', namespace }, spec: { token: status.token } } })
    expect([review.status, review.body]).toMatchObject([201, { kind: 'TokenReview', status: { authenticated: true, user: {
      username: `system:serviceaccount:${namespace}:e2e-sa`, uid: account.metadata.uid, groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'] } } }])
    expect((review.body['status'] as JsonObject)['error']).toBeUndefined()
  })
  behaviour('[sig-auth] ServiceAccounts should guarantee kube-root-ca.crt exist in any namespace [Conformance]', async ({ client, updated }, namespace) => {
    const at = { name: rootCa, namespace }
    const original = await until('it is there', () => client.get(ConfigMaps, at).catch(() => undefined))
    expect(original.data?.['ca.crt']).toContain('-----BEGIN CERTIFICATE-----')
    await client.delete(ConfigMaps, at)
    const again = await until('it is made again', () => client.get(ConfigMaps, at).then((found) => (found.metadata.uid === original.metadata.uid ? undefined : found), () => undefined))
    expect(again.data).toEqual(original.data)
    await updated(ConfigMaps, at, (map) => { map.data = { 'ca.crt': '' } })
    await until('it is put right', async () => (await client.get(ConfigMaps, at)).data?.['ca.crt'] === original.data?.['ca.crt'])
  })
  behaviour('[sig-auth] SubjectReview should support SubjectReview API operations [Conformance]', async ({ client, ask }, namespace) => {
    const { metadata } = await client.create(ServiceAccounts, { metadata: { name: 'e2e', namespace } })
    const user = `system:serviceaccount:${namespace}:e2e`
    const groups = ['system:authenticated', 'system:serviceaccounts', `system:serviceaccounts:${namespace}`]
    const resourceAttributes = { verb: 'list', resource: 'configmaps', namespace, version: 'v1' }
    const review = (kind: string, path: string, name: string) => ask('POST', path, { body: { apiVersion: 'authorization.k8s.io/v1', kind, metadata: kind.startsWith('Local') ? { namespace } : {}, spec: { resourceAttributes, user: name, groups, uid: metadata.uid ?? '' } } })
    const whole = await review('SubjectAccessReview', '/apis/authorization.k8s.io/v1/subjectaccessreviews', user)
    expect(whole.status, whole.text).toBe(201)
    const { allowed } = whole.body['status'] as { allowed: boolean }
    // Every group a header of its own, which this client joins: one at a time.
    const impersonated = await ask('GET', `/api/v1/namespaces/${namespace}/configmaps`, { headers: { 'impersonate-user': user, 'impersonate-uid': metadata.uid ?? '', 'impersonate-group': 'system:authenticated' } })
    expect(impersonated.status).toBe(allowed ? 200 : 403)
    const local = await review('LocalSubjectAccessReview', `/apis/authorization.k8s.io/v1/namespaces/${namespace}/localsubjectaccessreviews`, 'e2e')
    expect([local.status, local.body]).toMatchObject([201, { status: { allowed } }])
  })

  behaviour('[sig-instrumentation] Events should manage the lifecycle of an event [Conformance]', async ({ client, ask }, namespace) => {
    const at = { name: 'event-test', namespace }
    const now = new Date().toISOString()
    await client.create(Events, { metadata: { ...at, labels: { 'testevent-constant': namespace } }, message: 'This is a test event', reason: 'Test', type: 'Normal', count: 1, involvedObject: { namespace }, source: { component: 'test' } } as never)
    const list = await client.list(Events, { labelSelector: `testevent-constant=${namespace}` })
    expect(list.items.map(({ metadata }) => metadata.name)).toEqual([at.name])
    const patched = await client.patch(Events, at, { type: 'strategic', body: { message: 'This is a test event - patched' } })
    expect(patched.message).toBe('This is a test event - patched')
    expect((await client.get(Events, at)).message).toBe('This is a test event - patched')
    const before = await client.get(Events, at)
    await client.update(Events, { ...before, series: { count: 100, lastObservedTime: now.replace(/(\.\d{3})Z$/, '$1000Z') } })
    expect((await client.get(Events, at)).series).toEqual({ count: 100, lastObservedTime: now.replace(/(\.\d{3})Z$/, '$1000Z') })
    expect((await ask('GET', `/api/v1/namespaces/${namespace}/events?fieldSelector=${encodeURIComponent('reason=Test,involvedObject.kind=')}`)).body['items']).toHaveLength(1)
    await client.delete(Events, at)
    expect(await refused(client.get(Events, at))).toMatchObject({ code: 404 })
    expect((await client.list(Events, { labelSelector: `testevent-constant=${namespace}` })).items).toEqual([])
  })
}
