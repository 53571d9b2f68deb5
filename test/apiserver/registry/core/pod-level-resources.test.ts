/** Resources of a pod as a whole: what the API server makes of them, and what it refuses. */
import { describe, expect, test } from 'vitest'
import { Deployments, Pods } from '../../../../src/api/kinds.ts'
import { podLimits, podRequests } from '../../../../src/api/pod-resources.ts'
import { formatQuantity } from '../../../../src/api/quantity.ts'
import type { Deployment, Pod, ResourceRequirements } from '../../../../src/api/types.ts'
import { created, sent, updated } from '../support.ts'

const container = (name: string, resources: ResourceRequirements = {}, more = {}) => ({ name, image: 'a', resources, ...more })
const make = (resources: ResourceRequirements, ...containers: object[]) => created(Pods, sent<Pod>({ spec: { resources, containers: containers.length > 0 ? containers : [container('c')] } }))

describe('defaults', () => {
  for (const [name, resources, containers, expected] of [
    ['requests are the limits where no container requests anything', { limits: { cpu: '2', memory: '1024Mi' } }, [container('a'), container('b')], { limits: { cpu: '2', memory: '1Gi' }, requests: { cpu: '2', memory: '1Gi' } }],
    ['requests are those of the containers', { limits: { cpu: '2', memory: '1Gi' } }, [container('a', { requests: { cpu: '250m' } }), container('b', { requests: { cpu: '250m' } })], { limits: { cpu: '2', memory: '1Gi' }, requests: { cpu: '500m', memory: '1Gi' } }],
    ['a container that says only its limit requests it', { limits: { cpu: '2' } }, [container('a', { limits: { cpu: '1' } }), container('b')], { limits: { cpu: '2' }, requests: { cpu: '1' } }],
    ['requests that are said stay', { limits: { cpu: '2' }, requests: { cpu: '1' } }, [container('a', { requests: { cpu: '250m' } })], { limits: { cpu: '2' }, requests: { cpu: '1' } }],
    ['requests alone make no limits', { requests: { cpu: '1' } }, [container('a', { limits: { memory: '1Gi' } })], { requests: { cpu: '1' } }],
    ['huge pages of the containers', { requests: { cpu: '1' } }, [container('a', { limits: { 'hugepages-2Mi': '4Mi', cpu: '1' } }), container('b', { limits: { 'hugepages-2Mi': '4Mi', cpu: '0' } })],
      { limits: { 'hugepages-2Mi': '8Mi' }, requests: { cpu: '1', 'hugepages-2Mi': '8Mi' } }],
    ['nothing for the pod', {}, [container('a', { limits: { cpu: '1' } })], {}],
  ] as const) test(name, () => { const { object, errors } = make(resources, ...containers); expect(errors).toEqual([]); expect(object.spec.resources).toEqual(expected) })

  test('a template gets none', () => {
    const { object } = created(Deployments, sent<Deployment>({ spec: { selector: { matchLabels: { a: 'b' } }, template: { metadata: { labels: { a: 'b' } }, spec: { resources: { limits: { memory: '2048Mi' } }, containers: [container('a')] } } } } as never))
    expect(object.spec.template.spec?.resources).toEqual({ limits: { memory: '2Gi' } })
  })
})

describe('refused', () => {
  for (const [name, resources, containers, errors] of [
    ['another resource', { limits: { 'ephemeral-storage': '1Gi' } }, [], ['spec.resources.limits[ephemeral-storage]: Unsupported value: "ephemeral-storage": supported values: "cpu", "hugepages-", "memory"']],
    ['an extended resource', { limits: { 'example.com/gpu': '1' }, requests: { 'example.com/gpu': '1' } }, [], ['limits', 'requests'].map((side) => `spec.resources.${side}[example.com/gpu]: Unsupported value: "example.com/gpu": supported values: "cpu", "hugepages-", "memory"`)],
    ['claims', { claims: [{ name: 'gpu' }] }, [], ['spec.resources.claims: Forbidden: claims may not be set for Resources at pod-level']],
    ['less than nothing', { limits: { cpu: '-1' }, requests: { cpu: '-1' } }, [], ['limits', 'requests'].map((side) => `spec.resources.${side}[cpu]: Invalid value: "-1": must be greater than or equal to 0`)],
    ['more requested than limited', { limits: { cpu: '1' }, requests: { cpu: '2' } }, [], ['spec.resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1']],
    ['containers that request more together', { requests: { cpu: '1', memory: '1Gi' } }, [container('a', { requests: { cpu: '750m' } }), container('b', { requests: { cpu: '750m' } })], ['spec.resources.requests[cpu]: Invalid value: "1": must be greater than or equal to aggregate container requests of 1500m']],
    ['containers whose limits become requests that are more than the limit', { limits: { memory: '100Gi' } }, [container('a', { limits: { memory: '60Gi' } }), container('b', { limits: { memory: '60Gi' } })],
      ['spec.resources.requests: Invalid value: "120Gi": must be less than or equal to memory limit of 100Gi']],
    ['a container that may have more than the pod', { limits: { cpu: '1' }, requests: { cpu: '1' } }, [container('a', { limits: { cpu: '2' }, requests: { cpu: '1' } })], ['spec.resources.containers[0][cpu].limits: Invalid value: "2": must be less than or equal to pod limits of 1']],
    ['huge pages that are requested and not limited', { requests: { 'hugepages-2Mi': '2Mi', cpu: '1' } }, [], ['spec.resources.limits: Required value: Limit must be set for non overcommitable resources']],
    ['containers with more huge pages', { limits: { 'hugepages-2Mi': '2Mi', cpu: '1' } }, [container('a', { limits: { 'hugepages-2Mi': '4Mi', cpu: '1' } })],
      ['spec.resources.requests[hugepages-2Mi]: Invalid value: "2Mi": must be greater than or equal to aggregate container requests of 4Mi', 'spec.resources.limits[hugepages-2Mi]: Invalid value: "2Mi": must be greater than or equal to aggregate container limits of 4Mi',
        'spec.resources.containers[0][hugepages-2Mi].limits: Invalid value: "4Mi": must be less than or equal to pod limits of 2Mi']],
  ] as const) test(name, () => { expect(make(resources as never, ...containers).errors).toEqual(errors) })

  test('a change of them', () => {
    const old = make({ limits: { cpu: '2' } }).object
    const { errors } = updated(Pods, old, (next) => { next.spec.resources = { limits: { cpu: '3' }, requests: { cpu: '3' } } })
    expect(errors.join()).toMatch(/spec: Forbidden: pod updates may not change fields other than/)
  })

  test('containers whose limits are more together than the pod\'s are fine', () => {
    expect(make({ limits: { cpu: '2' }, requests: { cpu: '1' } }, container('a', { limits: { cpu: '2' }, requests: { cpu: '500m' } }), container('b', { limits: { cpu: '2' }, requests: { cpu: '500m' } })).errors).toEqual([])
  })
})

describe('what counts', () => {
  const show = (amounts: ReturnType<typeof podRequests>) => Object.fromEntries([...amounts].map(([name, amount]) => [name, formatQuantity(amount)]))
  test('for quotas and limit ranges: what the pod says, and of the rest what its containers say', () => {
    const pod = make({ limits: { cpu: '2' }, requests: { cpu: '1' } }, container('a', { requests: { cpu: '100m', memory: '1Gi' }, limits: { memory: '2Gi' } })).object
    expect([show(podRequests(pod)), show(podLimits(pod))]).toEqual([{ cpu: '1', memory: '1Gi' }, { cpu: '2', memory: '2Gi' }])
  })

  const full = { cpu: '1', memory: '1Gi' }
  for (const [name, resources, containers, quality] of [
    ['equal requests and limits', { limits: full, requests: full }, [container('a')], 'Guaranteed'],
    ['limits alone, since requests follow', { limits: full }, [container('a'), container('b')], 'Guaranteed'],
    ['one resource only', { limits: { cpu: '1' } }, [container('a', { limits: full, requests: full })], 'Burstable'],
    ['requests below limits, whatever the containers say', { limits: { cpu: '2', memory: '2Gi' }, requests: full }, [container('a', { limits: full, requests: full })], 'Burstable'],
    ['requests alone', { requests: full }, [container('a')], 'Burstable'],
    ['nothing, and containers with nothing', {}, [container('a')], 'BestEffort'],
    ['nothing, and containers with all', {}, [container('a', { limits: full, requests: full })], 'Guaranteed'],
  ] as const) test(`the quality of service: ${name}`, () => { expect(make(resources, ...containers).object.status.qosClass).toBe(quality) })
})
