/** Expectations: upstream's `pkg/apis/admissionregistration/validation/validation_test.go` and the API reference. */
import { expect, test } from 'vitest'
import { MutatingWebhookConfigurations, ValidatingWebhookConfigurations } from '../../../../src/api/kinds.ts'
import type { MutatingWebhookConfiguration, ValidatingWebhookConfiguration } from '../../../../src/api/types.ts'
import { created, sent, strategyOf, updated } from '../support.ts'

const webhook = (more: object = {}): object => ({ name: 'hook.example.com', clientConfig: { url: 'https://example.com/admit' }, sideEffects: 'None', admissionReviewVersions: ['v1'], ...more })
const errorsOf = (...webhooks: object[]): string[] => created(ValidatingWebhookConfigurations, sent<ValidatingWebhookConfiguration>({ webhooks }, { namespace: undefined })).errors
const rule = (more: object = {}): object => ({ rules: [{ operations: ['CREATE'], apiGroups: ['a'], apiVersions: ['v1'], resources: ['things'], ...more }] })
const service = (more: object = {}): object => ({ clientConfig: { service: { namespace: 'ns', name: 'n', ...more } } })
const url = (text: string): object => ({ clientConfig: { url: text } })
const subdomain = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
const form = '; desired format: https://host[/path]'

test.each<[string, object, string[]]>([
  ['right', {}, []],
  ['no name', { name: '' }, ['webhooks[0].name: Required value']],
  ['a short name', { name: 'k8s.io' }, ['webhooks[0].name: Invalid value: "k8s.io": should be a domain with at least three segments separated by dots']],
  ['no side effects named', { sideEffects: undefined }, ['webhooks[0].sideEffects: Required value: must specify one of None, NoneOnDryRun']],
  ['side effects', { sideEffects: 'Some' }, ['webhooks[0].sideEffects: Unsupported value: "Some": supported values: "None", "NoneOnDryRun"']],
  ['failure policy', { failurePolicy: 'Maybe' }, ['webhooks[0].failurePolicy: Unsupported value: "Maybe": supported values: "Fail", "Ignore"']],
  ['match policy', { matchPolicy: 'Other' }, ['webhooks[0].matchPolicy: Unsupported value: "Other": supported values: "Equivalent", "Exact"']],
  ['no patience', { timeoutSeconds: 0 }, ['webhooks[0].timeoutSeconds: Invalid value: 0: the timeout value must be between 1 and 30 seconds']],
  ['too much patience', { timeoutSeconds: 31 }, ['webhooks[0].timeoutSeconds: Invalid value: 31: the timeout value must be between 1 and 30 seconds']],
  ['no versions', { admissionReviewVersions: [] }, ['webhooks[0].admissionReviewVersions: Required value: must specify one of v1, v1beta1']],
  ['a version twice', { admissionReviewVersions: ['v1', 'v1'] }, ['webhooks[0].admissionReviewVersions[1]: Invalid value: "v1": duplicate version']],
  ['versions of the future', { admissionReviewVersions: ['v7'] }, ['webhooks[0].admissionReviewVersions: Invalid value: ["v7"]: must include at least one of v1, v1beta1']],
  ['nobody to ask', { clientConfig: {} }, ['webhooks[0].clientConfig: Required value: exactly one of url or service is required']],
  ['two to ask', { clientConfig: { url: 'https://a.b', service: { namespace: 'a', name: 'b' } } }, ['webhooks[0].clientConfig: Required value: exactly one of url or service is required']],
  ['http', url('http://example.com'), [`webhooks[0].clientConfig.url: Invalid value: "http": 'https' is the only allowed URL scheme${form}`]],
  ['no host', url('https:///path'), [`webhooks[0].clientConfig.url: Invalid value: "": host must be provided${form}`]],
  ['a user', url('https://user:secret@example.com/'), ['webhooks[0].clientConfig.url: Invalid value: "user:secret": user information is not permitted in the URL']],
  ['a fragment and a query', url('https://example.com/a?b=c#d'), ['webhooks[0].clientConfig.url: Invalid value: "d": fragments are not permitted in the URL', 'webhooks[0].clientConfig.url: Invalid value: "b=c": query parameters are not permitted in the URL']],
  ['an unreadable URL', url('https://example.com/%zz'), [`webhooks[0].clientConfig.url: Required value: url must be a valid URL: parse "https://example.com/%zz": invalid URL escape "%zz"${form}`]],
  ['a port of the Service', service({ port: 65_536 }), ['webhooks[0].clientConfig.service.port: Invalid value: 65536: port is not valid: must be between 1 and 65535, inclusive']],
  ['a Service without a name', service({ name: '', namespace: '' }), ['webhooks[0].clientConfig.service.name: Required value: service name is required', 'webhooks[0].clientConfig.service.namespace: Required value: service namespace is required']],
  ['a path without a slash', service({ path: 'foo' }), ["webhooks[0].clientConfig.service.path: Invalid value: \"foo\": must start with a '/'"]],
  ['two slashes', service({ path: '//' }), ['webhooks[0].clientConfig.service.path: Invalid value: "//": segment[0] may not be empty']],
  ['an empty segment', service({ path: '/foo//bar/' }), ['webhooks[0].clientConfig.service.path: Invalid value: "/foo//bar/": segment[1] may not be empty']],
  ['a segment that is no name', service({ path: '/apis/foo.bar/v1alpha1/--bad' }), [`webhooks[0].clientConfig.service.path: Invalid value: "/apis/foo.bar/v1alpha1/--bad": segment[3]: ${subdomain}`]],
  ['an empty rule', { rules: [{}] }, ['webhooks[0].rules[0].operations: Required value', 'webhooks[0].rules[0].apiGroups: Required value', 'webhooks[0].rules[0].apiVersions: Required value', 'webhooks[0].rules[0].resources: Required value']],
  ['all operations and one', rule({ operations: ['CREATE', '*'] }), ['webhooks[0].rules[0].operations: Invalid value: ["CREATE","*"]: if \'*\' is present, must not specify other operations']],
  ['an operation', rule({ operations: ['WATCH'] }), ['webhooks[0].rules[0].operations[0]: Unsupported value: "WATCH": supported values: "*", "CONNECT", "CREATE", "DELETE", "UPDATE"']],
  ['all groups and one', rule({ apiGroups: ['a', '*'] }), ['webhooks[0].rules[0].apiGroups: Invalid value: ["a","*"]: if \'*\' is present, must not specify other API groups']],
  ['an empty version', rule({ apiVersions: [''] }), ['webhooks[0].rules[0].apiVersions[0]: Required value']],
  ['everything and one', rule({ resources: ['*/*', 'a'] }), ["webhooks[0].rules[0].resources: Invalid value: [\"*/*\",\"a\"]: if '*/*' is present, must not specify other resources"]],
  ['all resources and one', rule({ resources: ['*', 'a'] }), ["webhooks[0].rules[0].resources: Invalid value: [\"*\",\"a\"]: if '*' is present, must not specify other resources without subresources"]],
  ['all subresources and one', rule({ resources: ['a/*', 'a/x'] }), ["webhooks[0].rules[0].resources[1]: Invalid value: \"a/x\": if 'a/*' is present, must not specify a/x"]],
  ['a subresource everywhere and one', rule({ resources: ['*/a', 'x/a'] }), ["webhooks[0].rules[0].resources[1]: Invalid value: \"x/a\": if '*/a' is present, must not specify x/a"]],
  ['resources and all their subresources', rule({ resources: ['*', '*/*'] }), ["webhooks[0].rules[0].resources: Invalid value: [\"*\",\"*/*\"]: if '*/*' is present, must not specify other resources"]],
  ['a scope', rule({ scope: 'Galaxy' }), ['webhooks[0].rules[0].scope: Unsupported value: "Galaxy": supported values: "*", "Cluster", "Namespaced"']],
  ['a condition without a name', { matchConditions: [{ name: '', expression: 'true' }] }, ['webhooks[0].matchConditions[0].name: Required value']],
  ['a condition without an expression', { matchConditions: [{ name: 'a', expression: ' ' }] }, ['webhooks[0].matchConditions[0].expression: Required value']],
  ['a condition twice', { matchConditions: [{ name: 'a', expression: 'true' }, { name: 'a', expression: 'true' }] }, ['webhooks[0].matchConditions[1].name: Duplicate value: "a"']],
  ['too many conditions', { matchConditions: Array.from({ length: 65 }, (_, index) => ({ name: `c${index}`, expression: 'true' })) }, ['webhooks[0].matchConditions: Too many: 65: must have at most 64 items']],
  ['a condition about params', { matchConditions: [{ name: 'a', expression: 'params == null' }] }, ["webhooks[0].matchConditions[0].expression: Invalid value: \"params == null\": compilation failed: ERROR: <input>:1:1: undeclared reference to 'params' (in container '')\n | params == null\n | ^"]],
  ['a selector', { namespaceSelector: { matchExpressions: [{ key: 'a', operator: 'Like' }] } }, ['webhooks[0].namespaceSelector.matchExpressions[0].operator: Invalid value: "Like": not a valid selector operator']],
])('%s', (_name, more, expected) => expect(errorsOf(webhook(more))).toEqual(expected))

test('names are unique', () => expect(errorsOf(webhook(), webhook())).toEqual(['webhooks[1].name: Duplicate value: "hook.example.com"']))

test('defaults', () => {
  const { object } = created(MutatingWebhookConfigurations, sent<MutatingWebhookConfiguration>({ webhooks: [webhook({ ...service(), ...rule() })] }, { namespace: undefined }))
  expect(object.webhooks?.[0]).toMatchObject({
    failurePolicy: 'Fail', matchPolicy: 'Equivalent', namespaceSelector: {}, objectSelector: {}, timeoutSeconds: 10, reinvocationPolicy: 'Never', clientConfig: { service: { port: 443 } }, rules: [{ scope: '*' }],
  })
  expect(created(ValidatingWebhookConfigurations, sent<ValidatingWebhookConfiguration>({ webhooks: [webhook()] })).object.webhooks?.[0]).not.toHaveProperty('reinvocationPolicy')
  expect(errorsOf(webhook())).toEqual([])
})

test('what was wrong before may stay, what was right may not become wrong', () => {
  const old = sent<ValidatingWebhookConfiguration>({ webhooks: [webhook({ sideEffects: 'Unknown', admissionReviewVersions: ['v7'] })] })
  expect(updated(ValidatingWebhookConfigurations, old, (next) => { next.metadata.labels = { a: 'b' } }).errors).toEqual([])
  const good = sent<ValidatingWebhookConfiguration>({ webhooks: [webhook()] })
  expect(updated(ValidatingWebhookConfigurations, good, (next) => { for (const each of next.webhooks ?? []) each.sideEffects = 'Unknown' }).errors).toEqual(['webhooks[0].sideEffects: Unsupported value: "Unknown": supported values: "None", "NoneOnDryRun"'])
})

test('updates name the version that they change', () => expect(strategyOf(ValidatingWebhookConfigurations).unconditionalUpdate).toBe(false))
