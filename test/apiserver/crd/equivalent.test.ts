/** matchPolicy Equivalent where a webhook converts: what asks for one version sees requests of the other in it. API reference of matchPolicy; apiserver `plugin/webhook/generic/conversion.go`. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { JsonObject } from '../../../src/api/meta.ts'
import { allow, deny, jsonPatch, startWebhookFixture, type WebhookFixture } from '../admission/webhook-fixture.ts'
import { startWebhookServer, type WebhookServer } from '../webhook-server.ts'
import { establish } from './support.ts'

let on: WebhookFixture
let converting: WebhookServer
let broken = false
const group = 'stable.example.com'
const path = (version: string, name = ''): string => `/apis/${group}/${version}/namespaces/default/ends${name && `/${name}`}`
const v1 = (name: string, hostPort: string): JsonObject => ({ apiVersion: `${group}/v1`, kind: 'End', metadata: { name }, hostPort })
const rule = { operations: ['CREATE', 'UPDATE', 'DELETE'], apiGroups: [group], apiVersions: ['v2'], resources: ['ends'] }
const rules: JsonObject = { rules: [rule] }
const admission = '/apis/admissionregistration.k8s.io/v1'

const convert = (object: JsonObject, apiVersion: string): JsonObject => {
  if (object['apiVersion'] === apiVersion) return object
  const { hostPort, host, port, ...rest } = object
  if (apiVersion.endsWith('v1')) return { ...rest, apiVersion, hostPort: `${String(host)}:${String(port)}` }
  const [left = '', right = ''] = String(hostPort).split(':')
  return { ...rest, apiVersion, host: left, port: right }
}

beforeAll(async () => {
  converting = await startWebhookServer(({ body }) => {
    const { uid, objects, desiredAPIVersion } = body['request'] as unknown as { uid: string; objects: JsonObject[]; desiredAPIVersion: string }
    const result = broken ? { status: 'Failure', message: 'not today' } : { status: 'Success' }
    return { apiVersion: body['apiVersion'] ?? '', kind: 'ConversionReview', response: { uid, result, convertedObjects: broken ? [] : objects.map((object) => convert(object, desiredAPIVersion)) } }
  })
  on = await startWebhookFixture()
  const version = (name: string, storage: boolean, properties: JsonObject): JsonObject => ({ name, served: true, storage, schema: { openAPIV3Schema: { type: 'object', properties } } })
  await establish(on.api, {
    plural: 'ends', kind: 'End', spec: { conversion: { strategy: 'Webhook', webhook: { conversionReviewVersions: ['v1'], clientConfig: { url: converting.url('/convert'), caBundle: converting.caBundle } } } },
    versions: [version('v1', true, { hostPort: { type: 'string' } }), version('v2', false, { host: { type: 'string' }, port: { type: 'string', default: '80' } })],
  })
})
afterAll(async () => {
  await on[Symbol.asyncDispose]()
  await converting[Symbol.asyncDispose]()
})
afterEach(async () => {
  broken = false
  await on.clear()
  for (const plural of ['validatingadmissionpolicies', 'validatingadmissionpolicybindings', 'mutatingadmissionpolicies', 'mutatingadmissionpolicybindings']) await on.api.ask('DELETE', `${admission}/${plural}`)
})

const policy = async (type: 'Validating' | 'Mutating', name: string, spec: JsonObject): Promise<void> => {
  const apiVersion = 'admissionregistration.k8s.io/v1'
  const plural = `${type.toLowerCase()}admissionpolic`
  const made = await on.api.ask('POST', `${admission}/${plural}ies`, { body: { apiVersion, kind: `${type}AdmissionPolicy`, metadata: { name }, spec: { matchConstraints: { resourceRules: [{ ...rule, operations: ['CREATE', 'UPDATE'] }] }, ...spec } } })
  const bound = await on.api.ask('POST', `${admission}/${plural}ybindings`, { body: { apiVersion, kind: `${type}AdmissionPolicyBinding`, metadata: { name }, spec: { policyName: name, ...(type === 'Validating' && { validationActions: ['Deny'] }) } } })
  expect([made.status, bound.status], made.text + bound.text).toEqual([201, 201])
}

test('a mutating webhook sees the converted object, and its change comes back converted', async () => {
  await on.register('mutating', { one: ['/one', rules] })
  on.handlers = { '/one': () => jsonPatch({ op: 'replace', path: '/host', value: 'changed' }) }
  const made = await on.api.ask('POST', path('v1'), { body: v1('mutated', 'localhost:8080') })
  expect([made.status, made.body['apiVersion'], made.body['hostPort']], made.text).toEqual([201, `${group}/v1`, 'changed:8080'])
  expect(on.reviews[0]?.request).toMatchObject({
    kind: { group, version: 'v2', kind: 'End' }, resource: { version: 'v2' }, requestKind: { version: 'v1' }, requestResource: { version: 'v1' }, object: { apiVersion: `${group}/v2`, kind: 'End', host: 'localhost', port: '8080' },
  })
})

test('what the webhook takes away gets the default of its version before it is converted back', async () => {
  await on.register('mutating', { one: ['/one', rules] })
  on.handlers = { '/one': () => jsonPatch({ op: 'remove', path: '/port' }) }
  expect((await on.api.ask('POST', path('v1'), { body: v1('defaulted', 'a:1') })).body['hostPort']).toBe('a:80')
})

test('a validating webhook sees both objects converted', async () => {
  await on.api.ask('POST', path('v1'), { body: v1('judged', 'a:1') })
  await on.register('validating', { one: ['/one', rules] })
  on.handlers = { '/one': ({ object, oldObject }) => (object?.['host'] === oldObject?.['host'] ? allow() : deny('hosts stay')) }
  const headers = { 'content-type': 'application/merge-patch+json' }
  expect((await on.api.ask('PATCH', path('v1', 'judged'), { body: { hostPort: 'a:2' }, headers })).status).toBe(200)
  expect((await on.api.ask('PATCH', path('v1', 'judged'), { body: { hostPort: 'b:2' }, headers })).body.message).toContain('hosts stay')
})

test('matchPolicy Exact leaves the other version alone', async () => {
  await on.register('validating', { one: ['/one', { ...rules, matchPolicy: 'Exact' }] })
  on.handlers = { '/one': () => deny('never') }
  expect((await on.api.ask('POST', path('v1'), { body: v1('exact', 'a:1') })).status).toBe(201)
})

test('conditions and policies see the converted object', async () => {
  await on.register('validating', { one: ['/one', { ...rules, matchConditions: [{ name: 'ours', expression: "object.host == 'watched'" }] }] })
  on.handlers = { '/one': () => deny('watched') }
  expect((await on.api.ask('POST', path('v1'), { body: v1('unwatched', 'a:1') })).status).toBe(201)
  expect((await on.api.ask('POST', path('v1'), { body: v1('watched', 'watched:1') })).body.message).toContain('denied the request: watched')
  await policy('Validating', 'ports', { validations: [{ expression: "object.port != '22'", message: 'not ssh' }] })
  expect((await on.api.ask('POST', path('v1'), { body: v1('ssh', 'a:22') })).body.message).toContain('not ssh')
  expect((await on.api.ask('POST', path('v1'), { body: v1('no-ssh', 'a:23') })).status).toBe(201)
})

test('a mutating policy changes the converted object', async () => {
  await policy('Mutating', 'hosts', { reinvocationPolicy: 'Never', mutations: [{ patchType: 'JSONPatch', jsonPatch: { expression: "[JSONPatch{op: 'replace', path: '/host', value: object.host + '.local'}]" } }] })
  expect((await on.api.ask('POST', path('v1'), { body: v1('patched', 'a:1') })).body['hostPort']).toBe('a.local:1')
  await on.api.ask('DELETE', `${admission}/mutatingadmissionpolicybindings`)
  await policy('Mutating', 'configured', { reinvocationPolicy: 'Never', mutations: [{ patchType: 'ApplyConfiguration', applyConfiguration: { expression: "Object{port: '443'}" } }] })
  expect((await on.api.ask('POST', path('v1'), { body: v1('applied', 'a:1') })).body['hostPort']).toBe('a:443')
})

test('a conversion that fails refuses the request, whatever the failure policy', async () => {
  await on.register('validating', { one: ['/one', { ...rules, failurePolicy: 'Ignore' }] })
  broken = true
  const answer = await on.api.ask('POST', path('v1'), { body: v1('broken', 'a:1') })
  expect([answer.status, answer.body.message]).toEqual([500, `Internal error occurred: conversion webhook for ${group}/v1, Kind=End failed: not today`])
})
