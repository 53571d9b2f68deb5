/** In the words of upstream's `pkg/apis/resource/validation/*_test.go` and defaults_test.go. */
import { describe, expect, test } from 'vitest'
import { DeviceClasses, type Kind, Namespaces, ResourceClaims, ResourceClaimTemplates, ResourceSlices } from '../../../../src/api/kinds.ts'
import type { KubeObject } from '../../../../src/api/meta.ts'
import type { DeviceClass, ResourceClaimTemplate, ResourceResourceClaim, ResourceSlice } from '../../../../src/api/types.ts'
import { fakeClock } from '../../../support/fake-clock.ts'
import { contextWith, created, sent, updated } from '../support.ts'

const check = (kind: Kind, spec: object): string[] => created(kind, sent<KubeObject>({ spec, status: {} })).errors
const wrongReference = "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'"

describe('claims', () => {
  const exactly = { deviceClassName: 'gpu' }
  const devices = (more: object): string[] => check(ResourceClaims, { devices: { requests: [{ name: 'foo', exactly }], ...more } })
  const request = (given: object): string[] => check(ResourceClaims, { devices: { requests: [{ name: 'foo', ...given }] } })
  const at = 'spec.devices.requests[0]'
  for (const [name, errors, expected] of [
    ['right', devices({ constraints: [{ requests: ['foo'], matchAttribute: 'a.b/c' }], config: [{ requests: ['foo'], opaque: { driver: 'd', parameters: { a: 1 } } }] }), []],
    ['an alternative', request({ firstAvailable: [{ name: 'a', deviceClassName: 'x' }, { name: 'b', deviceClassName: 'y' }] }), []],
    ['no name', check(ResourceClaims, { devices: { requests: [{ exactly }] } }), [`${at}.name: Required value`]],
    ['neither', request({}), [`${at}: Required value: exactly one of \`exactly\` or \`firstAvailable\` is required`]],
    ['both', request({ exactly, firstAvailable: [{ name: 'a', deviceClassName: 'x' }] }), [`${at}: Invalid value: null: exactly one of \`exactly\` or \`firstAvailable\` is required, but multiple fields are set`]],
    ['no class', request({ exactly: {} }), [`${at}.exactly.deviceClassName: Required value`]],
    ['a count of all', request({ exactly: { ...exactly, allocationMode: 'All', count: 2 } }), [`${at}.exactly.count: Invalid value: 2: must not be specified when allocationMode is 'All'`]],
    ['a negative count', request({ exactly: { ...exactly, count: -1 } }), [`${at}.exactly.count: Invalid value: -1: must be greater than zero`]],
    ['mode', request({ exactly: { ...exactly, allocationMode: 'Some' } }), [`${at}.exactly.allocationMode: Unsupported value: "Some": supported values: "All", "ExactCount"`]],
    ['toleration', request({ exactly: { ...exactly, tolerations: [{ operator: 'Exists', value: 'a', effect: 'Go' }] } }), [`${at}.exactly.tolerations[0].value: Invalid value: "a": must be empty for operator \`Exists\``, `${at}.exactly.tolerations[0].effect: Unsupported value: "Go": supported values: "NoExecute", "NoSchedule", "None"`]],
    ['a name twice', check(ResourceClaims, { devices: { requests: [{ name: 'foo', exactly }, { name: 'foo', exactly }] } }), ['spec.devices.requests[1]: Duplicate value: "foo"']],
    ['too many', check(ResourceClaims, { devices: { requests: Array.from({ length: 33 }, (_, index) => ({ name: `r${index}`, exactly })) } }), ['spec.devices.requests: Too many: 33: must have at most 32 items']],
    ['a selector of nothing', request({ exactly: { ...exactly, selectors: [{}] } }), [`${at}.exactly.selectors[0].cel: Required value`]],
    ['a long selector', request({ exactly: { ...exactly, selectors: [{ cel: { expression: 'x'.repeat(10241) } }] } }), [`${at}.exactly.selectors[0].cel.expression: Too long: may not be more than 10240 bytes`]],
    ['a selector that is no expression', request({ exactly: { ...exactly, selectors: [{ cel: { expression: 'device.driver ==' } }] } }).map((line) => line.split('\n')[0]), [`${at}.exactly.selectors[0].cel.expression: Invalid value: "device.driver ==": compilation failed: ERROR: <input>:1:17: Syntax error: mismatched input '<EOF>' expecting {'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}`]],
    ['a selector of a field that is none', request({ exactly: { ...exactly, selectors: [{ cel: { expression: 'device.color == "red"' } }] } }).map((line) => line.split('\n')[0]), [`${at}.exactly.selectors[0].cel.expression: Invalid value: "device.color == \\"red\\"": compilation failed: ERROR: <input>:1:7: undefined field 'color'`]],
    ['a selector of text', request({ exactly: { ...exactly, selectors: [{ cel: { expression: 'device.driver' } }] } }), [`${at}.exactly.selectors[0].cel.expression: Invalid value: "device.driver": must evaluate to bool or the unknown type, not string`]],
    ['selectors by attributes and capacities', request({ exactly: { ...exactly, selectors: ['device.attributes["gpu.example.com"].model == "x"', 'device.capacity["gpu.example.com"].memory.compareTo(quantity("1Gi")) >= 0', 'cel.bind(a, device.attributes["a.b"], a.c)'].map((expression) => ({ cel: { expression } })) } }), []],
    ['a constraint of another', devices({ constraints: [{ requests: ['bar'], matchAttribute: 'a.b/c' }] }), [`spec.devices.constraints[0].requests[0]: Invalid value: "bar": ${wrongReference}`]],
    ['an attribute without domain', devices({ constraints: [{ matchAttribute: 'c' }] }), ['spec.devices.constraints[0].matchAttribute: Invalid value: "c": a fully qualified name must be a domain and a name separated by a slash']],
    ['no settings', devices({ config: [{}] }), ['spec.devices.config[0].opaque: Required value']],
    ['settings of another kind', devices({ config: [{ opaque: { driver: 'd', parameters: [1] } }] }), ['spec.devices.config[0].opaque.parameters: Invalid value: "<value omitted>": must be a valid JSON object']],
  ] as const) test(name, () => expect(errors).toEqual(expected))

  test('defaults', () => expect(created(ResourceClaims, sent<ResourceResourceClaim>({ spec: { devices: { requests: [{ name: 'a', exactly: { ...exactly, tolerations: [{ key: 'k' }] } }] } }, status: { reservedFor: [] } })).object).toMatchObject({
    spec: { devices: { requests: [{ exactly: { allocationMode: 'ExactCount', count: 1, tolerations: [{ operator: 'Equal' }] } }] } }, status: {} }))

  test('access past what pods may have needs a label of the namespace', () => {
    const spec = { devices: { requests: [{ name: 'a', exactly: { ...exactly, adminAccess: true } }] } }
    expect(check(ResourceClaims, spec)).toEqual([`${at}.exactly.adminAccess: Forbidden: admin access to devices requires the \`resource.kubernetes.io/admin-access: true\` label on the containing namespace`])
    const lookup = { get: <T extends KubeObject>(kind: Kind<T>) => ((kind as Kind) === Namespaces ? { metadata: { labels: { 'resource.kubernetes.io/admin-access': 'true' } } } : undefined) as T | undefined, list: () => [] }
    expect(created(ResourceClaims, sent<KubeObject>({ spec, status: {} }), contextWith([], { lookup })).errors).toEqual([])
  })

  const stored = created(ResourceClaims, sent<ResourceResourceClaim>({ spec: { devices: { requests: [{ name: 'foo', exactly }] } }, status: {} })).object
  const status = (next: ResourceResourceClaim['status'], old: ResourceResourceClaim = stored): string[] => updated(ResourceClaims, old, (claim) => { claim.status = next }, { subresource: 'status' }).errors
  const result = { request: 'foo', driver: 'd', pool: 'p', device: 'g' }
  const allocation = { devices: { results: [result] } }
  const consumer = { resource: 'pods', name: 'p', uid: 'u' }
  for (const [name, errors, expected] of [
    ['right', status({ allocation, reservedFor: [consumer], devices: [{ driver: 'd', pool: 'p', device: 'g', networkData: { ips: ['10.0.0.1/24'] } }] }), []],
    ['reserved without devices', status({ reservedFor: [consumer] }), ['status.reservedFor: Forbidden: may not be specified when `allocated` is not set']],
    ['a consumer twice', status({ allocation, reservedFor: [consumer, consumer] }), ['status.reservedFor[1]: Duplicate value: "u"']],
    ['a result of another request', status({ allocation: { devices: { results: [{ ...result, request: 'bar' }] } } }), [`status.allocation.devices.results[0].request: Invalid value: "bar": ${wrongReference}`]],
    ['another device', status({ allocation, devices: [{ driver: 'd', pool: 'p', device: 'h' }] }), ['status.devices[0]: Invalid value: "d/p/h": must be an allocated device in the claim']],
    ['an address', status({ allocation, devices: [{ driver: 'd', pool: 'p', device: 'g', networkData: { ips: ['10.0.0.1'] } }] }), ['status.devices[0].networkData.ips[0]: Invalid value: "10.0.0.1": must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)']],
    ['another allocation', status({ allocation: { devices: { results: [{ ...result, device: 'h' }] } } }, { ...stored, status: { allocation } }).map((line) => line.slice(-19)), [': field is immutable'.slice(-19)]],
  ] as const) test(`status: ${name}`, () => expect(errors).toEqual(expected))
  test('the spec stays', () => expect(updated(ResourceClaims, stored, (next) => { next.spec.devices = {} }).errors).toEqual(['spec: Invalid value: {"devices":{}}: field is immutable']))
})

test('templates', () => {
  const spec = { devices: { requests: [{ name: 'a', exactly: { deviceClassName: 'x' } }] } }
  const template = created(ResourceClaimTemplates, sent<ResourceClaimTemplate>({ spec: { metadata: { labels: { a: 'b' } }, spec } }))
  expect([template.errors, template.object.spec.spec.devices?.requests?.[0]?.exactly?.count]).toEqual([[], 1])
  expect(check(ResourceClaimTemplates, { metadata: { name: 'x' }, spec: { devices: { requests: [{}] } } })).toEqual([
    'spec.metadata.name: Forbidden: cannot be set', 'spec.spec.devices.requests[0].name: Required value', 'spec.spec.devices.requests[0]: Required value: exactly one of `exactly` or `firstAvailable` is required'])
  expect(updated(ResourceClaimTemplates, template.object, (next) => { next.spec.metadata = {} }).errors[0]).toMatch(/^spec: Invalid value: .*: field is immutable$/)
})

test('classes', () => {
  expect(check(DeviceClasses, { selectors: [{ cel: { expression: 'true' } }], config: [{ opaque: { driver: 'd', parameters: {} } }], extendedResourceName: 'example.com/gpu' })).toEqual([])
  expect(check(DeviceClasses, { selectors: [{}], config: [{}], extendedResourceName: 'gpu' })).toEqual(['spec.selectors[0].cel: Required value', 'spec.config[0].opaque: Required value', 'spec.extendedResourceName: Invalid value: "gpu": must be a valid extended resource name'])
  const old = sent<DeviceClass>({ spec: { selectors: [{ cel: { expression: 'x'.repeat(20_000) } }] } })
  expect(updated(DeviceClasses, old, (next) => { next.metadata.labels = { a: 'b' } }).errors).toEqual([])
})

describe('slices', () => {
  const pool = { name: 'p', generation: 0, resourceSliceCount: 1 }
  const slice = (more: object): string[] => check(ResourceSlices, { driver: 'd', pool, nodeName: 'n', ...more })
  const device = (given: object, more: object = {}): string[] => slice({ devices: [{ name: 'g', ...given }], ...more })
  const at = 'spec.devices[0]'
  const place = 'exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required'
  const capacity = (requestPolicy: object): string[] => device({ allowMultipleAllocations: true, capacity: { memory: { value: '10Gi', requestPolicy } } })
  const policy = `${at}.capacity[memory].requestPolicy`
  for (const [name, errors, expected] of [
    ['right', device({ attributes: { model: { string: 'x' }, 'a.b/version': { version: '1.2.3' }, cores: { int: 4 } }, capacity: { memory: { value: '1Gi' } }, taints: [{ key: 'a', effect: 'NoSchedule' }] }), []],
    ['no driver', slice({ driver: '' }).slice(0, 1), ['spec.driver: Required value']],
    ['pool', slice({ pool: { name: 'a//b', generation: -1, resourceSliceCount: 0 } }).slice(1), ['spec.pool.resourceSliceCount: Invalid value: 0: must be greater than zero', 'spec.pool.generation: Invalid value: -1: must be greater than or equal to zero']],
    ['no place', slice({ nodeName: undefined }), [`spec: Required value: ${place}`]],
    ['two places', slice({ allNodes: true }), [`spec: Invalid value: "{\`nodeName\`, \`allNodes\`}": ${place}, but multiple fields are set`]],
    ['not all nodes', slice({ allNodes: false }), ['spec.allNodes: Invalid value: false: must be either unset or set to true']],
    ['two values', device({ attributes: { a: { int: 1, bool: true } } }), [`${at}.attributes[a]: Invalid value: {"int":1,"bool":true}: exactly one value must be specified`]],
    ['no value', device({ attributes: { a: {} } }), [`${at}.attributes[a]: Invalid value: "": exactly one value must be specified`]],
    ['a version', device({ attributes: { a: { version: '1.2' } } }), [`${at}.attributes[a].version: Invalid value: "1.2": must be a string compatible with semver.org spec 2.0.0`]],
    ['a long text', device({ attributes: { a: { string: 'x'.repeat(65) } } }), [`${at}.attributes[a].string: Too long: may not be more than 64 bytes`]],
    ['a name with slashes', device({ attributes: { 'a/b/c': { int: 1 } } }), [`${at}.attributes: Invalid value: "a/b/c": must not contain more than one slash`]],
    ['a device twice', slice({ devices: [{ name: 'g' }, { name: 'g' }] }), ['spec.devices[1]: Duplicate value: "g"']],
    ['too many devices', slice({ devices: Array.from({ length: 129 }, (_, index) => ({ name: `g${index}` })) }), ['spec.devices: Too many: 129: must have at most 128 items']],
    ['too many tainted devices', slice({ devices: Array.from({ length: 65 }, (_, index) => ({ name: `g${index}`, taints: [{ key: 'a', effect: 'None' }] })) }), ['spec.devices: Too many: 65: must have at most 64 items']],
    ['a device\'s own place', device({ nodeName: 'n' }), [`${at}: Invalid value: null: \`nodeName\`, \`nodeSelector\` and \`allNodes\` can only be set if \`perDeviceNodeSelection\` is set to true in the ResourceSlice spec`]],
    ['a device without place', device({}, { nodeName: undefined, perDeviceNodeSelection: true }), [`${at}: Required value: exactly one of \`nodeName\`, \`nodeSelector\`, or \`allNodes\` is required when \`perDeviceNodeSelection\` is set to true in the ResourceSlice spec`]],
    ['taint', device({ taints: [{ key: '', effect: '' }] }).slice(-1), [`${at}.taints[0].effect: Required value`]],
    ['binding', device({ bindingConditions: ['a'] }), [`${at}.bindingFailureConditions: Invalid value: []: bindingFailureConditions are required to use bindingConditions`]],
    ['counters and devices', slice({ devices: [], sharedCounters: [{ name: 'c', counters: { m: { value: '1' } } }] }), ['spec: Invalid value: "": only one of `sharedCounters` or `devices` is allowed']],
    ['no counters', slice({ sharedCounters: [{ name: 'c', counters: {} }] }), ['spec.sharedCounters[0].counters: Required value']],
    ['a policy for one', device({ capacity: { memory: { value: '1', requestPolicy: {} } } }), [`${policy}: Forbidden: allowMultipleAllocations must be true`]],
    ['a policy of values', capacity({ default: '1Gi', validValues: ['1Gi', '2Gi'] }), []],
    ['values too large, unsorted', capacity({ default: '1Gi', validValues: ['20Gi', '1Gi'] }), [`${policy}.validValues[1]: Invalid value: "1Gi": values must be sorted in ascending order`, `${policy}.validValues[0]: Invalid value: "20Gi": option is larger than capacity value: 10Gi`]],
    ['no default', capacity({ validRange: { min: '1Gi' } }), [`${policy}.default: Required value: required when validRange is defined`]],
    ['a step that misses', capacity({ default: '2Gi', validRange: { min: '1Gi', step: '3Gi' } }), [`${policy}.validRange.step: Invalid value: "2Gi": value is not a multiple of a given step (3Gi) from (1Gi)`]],
    ['a range upside down', capacity({ default: '3Gi', validRange: { min: '3Gi', max: '2Gi' } }), [`${policy}.validRange.max: Invalid value: "3Gi": min is larger than max: 2Gi`, `${policy}.validRange.default: Invalid value: "3Gi": default is more than max: 2Gi`]],
  ] as const) test(name, () => expect(errors).toEqual(expected))

  test('a taint is of now; driver, node and pool stay', () => {
    const context = contextWith([], { clock: fakeClock() })
    const { object } = created(ResourceSlices, sent<ResourceSlice>({ spec: { driver: 'd', pool, nodeName: 'n', devices: [{ name: 'g', taints: [{ key: 'a', effect: 'NoExecute' }] }] } }), context)
    expect(object.spec.devices?.[0]?.taints).toEqual([{ key: 'a', effect: 'NoExecute', timeAdded: '2026-01-01T00:00:00Z' }])
    expect(updated(ResourceSlices, object, (next) => { next.spec.driver = 'e'; next.spec.nodeName = 'm'; next.spec.pool = { ...pool, name: 'q' } }).errors).toEqual([
      'spec.pool.name: Invalid value: "q": field is immutable', 'spec.driver: Invalid value: "e": field is immutable', 'spec.nodeName: Invalid value: "m": field is immutable'])
  })
})
