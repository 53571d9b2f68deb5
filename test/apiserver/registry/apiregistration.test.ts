/** Expectations: kube-aggregator's `pkg/apis/apiregistration/validation/validation_test.go`. */
import { expect, test } from 'vitest'
import { APIServices } from '../../../src/api/kinds.ts'
import type { APIService } from '../../../src/api/types.ts'
import { contextWith, created, sent, strategyOf, updated } from './support.ts'

const spec = { group: 'wardle.example.com', version: 'v1alpha1', groupPriorityMinimum: 2000, versionPriority: 200, service: { namespace: 'ns', name: 'sample' }, caBundle: 'YQ==' }
const service = (more: object = {}, name = 'v1alpha1.wardle.example.com'): APIService => sent<APIService>({ spec: { ...spec, ...more } }, { name, namespace: undefined })

test.each<[string, APIService, string[]]>([
  ['right', service(), []],
  ['another name', service({}, 'other'), ['metadata.name: Invalid value: "other": must be `spec.version+"."+spec.group`: "v1alpha1.wardle.example.com"']],
  ['no group', service({ group: '', version: 'v2' }, 'v2.'), ['spec.group: Required value: only v1 may have an empty group and it better be legacy kube']],
  ['the core group', service({ group: '', version: 'v1' }, 'v1.'), []],
  ['no priority', service({ groupPriorityMinimum: 0 }), ['spec.groupPriorityMinimum: Invalid value: 0: must be positive and less than 20000']],
  ['too much priority', service({ versionPriority: 1001 }), ['spec.versionPriority: Invalid value: 1001: must be positive and less than 1000']],
  ['a local one with authorities', service({ service: undefined }), ['spec.caBundle: Invalid value: "1 bytes": local APIServices may not have a caBundle']],
  ['a local one that trusts anybody', service({ service: undefined, caBundle: undefined, insecureSkipTLSVerify: true }), ['spec.insecureSkipTLSVerify: Invalid value: true: local APIServices may not have insecureSkipTLSVerify']],
  ['no Service', service({ service: {} }), ['spec.service.namespace: Required value', 'spec.service.name: Required value']],
  ['a port', service({ service: { ...spec.service, port: 70_000 } }), ['spec.service.port: Invalid value: 70000: port is not valid: must be between 1 and 65535, inclusive']],
  ['trust in everybody and in one', service({ insecureSkipTLSVerify: true }), ['spec.insecureSkipTLSVerify: Invalid value: true: may not be true if caBundle is present']],
])('%s', (_name, object, expected) => expect(created(APIServices, object).errors).toEqual(expected))

test('local ones are available at once, others when they have been seen to be', () => {
  const local = created(APIServices, service({ service: undefined, caBundle: undefined })).object
  expect(local.status.conditions).toMatchObject([{ type: 'Available', status: 'True', reason: 'Local', message: 'Local APIServices are always available' }])
  const remote = created(APIServices, sent<APIService>({ spec, status: { conditions: [{ type: 'Available', status: 'True' }] } }, { name: 'v1alpha1.wardle.example.com' })).object
  expect(remote.status).toEqual({})
  expect(remote.spec.service?.port).toBe(443)
})

test('columns', () => {
  const cells = (object: APIService): unknown[] => (strategyOf(APIServices).columns ?? []).map(({ value }) => value(object, { now: new Date() })).slice(0, 3)
  const { object } = created(APIServices, service())
  expect(cells(object)).toEqual(['v1alpha1.wardle.example.com', 'ns/sample', 'Unknown'])
  const failed = updated(APIServices, object, (next) => { next.status = { conditions: [{ type: 'Available', status: 'False', reason: 'MissingEndpoints' }] } }, { subresource: 'status', context: contextWith() })
  expect(cells(failed.object)).toEqual(['v1alpha1.wardle.example.com', 'ns/sample', 'False (MissingEndpoints)'])
  expect(cells(created(APIServices, service({ service: undefined, caBundle: undefined })).object)).toEqual(['v1alpha1.wardle.example.com', 'Local', 'True'])
})
