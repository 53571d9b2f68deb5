import { describe, expect, test } from 'vitest'
import { Pods } from '../../../../src/api/kinds.ts'
import type { Pod } from '../../../../src/api/types.ts'
import { created, sent, strategyOf } from '../support.ts'

const podOf = (spec: object, container: object = {}): Pod => created(Pods, sent<Pod>({ spec: { ...spec, containers: [{ name: 'c', image: 'app:1', ...container }] } })).object
const containerOf = (container: object): Pod['spec']['containers'][number] | undefined => podOf({}, container).spec.containers[0]

describe('a pod gets upstream\'s defaults', () => {
  test('a bare pod', () => {
    expect(podOf({})).toEqual({
      metadata: expect.anything(),
      spec: {
        containers: [{ name: 'c', image: 'app:1', imagePullPolicy: 'IfNotPresent', terminationMessagePath: '/dev/termination-log', terminationMessagePolicy: 'File', resources: {} }],
        dnsPolicy: 'ClusterFirst', restartPolicy: 'Always', securityContext: {}, terminationGracePeriodSeconds: 30, schedulerName: 'default-scheduler', enableServiceLinks: true,
      },
      status: { phase: 'Pending', qosClass: 'BestEffort' },
    })
  })

  for (const [image, policy] of [
    ['app', 'Always'], ['app:latest', 'Always'], ['host', 'Always'], ['app:1', 'IfNotPresent'], ['registry:5000/app', 'Always'], ['registry:5000/app:v2', 'IfNotPresent'],
    [`app@sha256:${'a'.repeat(64)}`, 'IfNotPresent'], [`app:latest@sha256:${'a'.repeat(64)}`, 'Always'], ['NOT/Valid Image', 'IfNotPresent'], ['', 'IfNotPresent'],
  ] as const) test(`image ${JSON.stringify(image)} is pulled ${policy}`, () => expect(containerOf({ image })?.imagePullPolicy).toBe(policy))

  test('probes, hooks, ports and env', () => {
    const container = containerOf({
      ports: [{ containerPort: 80 }],
      readinessProbe: { httpGet: { port: 80 } }, livenessProbe: { grpc: { port: 9000 }, periodSeconds: 3 }, lifecycle: { preStop: { httpGet: { port: 1, path: '/bye' } } },
      env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }, { name: 'B', valueFrom: { resourceFieldRef: { resource: 'limits.cpu' } } }],
    })
    expect(container?.ports).toEqual([{ containerPort: 80, protocol: 'TCP' }])
    expect(container?.readinessProbe).toEqual({ httpGet: { port: 80, path: '/', scheme: 'HTTP' }, timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 })
    expect(container?.livenessProbe).toEqual({ grpc: { port: 9000, service: '' }, timeoutSeconds: 1, periodSeconds: 3, successThreshold: 1, failureThreshold: 3 })
    expect(container?.lifecycle?.preStop?.httpGet).toEqual({ port: 1, path: '/bye', scheme: 'HTTP' })
    expect(container?.env).toEqual([{ name: 'A', valueFrom: { fieldRef: { fieldPath: 'metadata.name', apiVersion: 'v1' } } }, { name: 'B', valueFrom: { resourceFieldRef: { resource: 'limits.cpu', divisor: '0' } } }])
  })

  test('requests from limits, in canonical form and rounded up to thousandths', () => {
    expect(containerOf({ resources: { limits: { cpu: '1000m', memory: '1024Mi', 'example.com/x': '1' }, requests: { cpu: '0.0001' } } })?.resources)
      .toEqual({ limits: { cpu: '1', memory: '1Gi', 'example.com/x': '1' }, requests: { cpu: '1m', memory: '1Gi', 'example.com/x': '1' } })
  })

  test('host ports with the host\'s network', () => expect(podOf({ hostNetwork: true }, { ports: [{ containerPort: 80 }] }).spec.containers[0]?.ports?.[0]?.hostPort).toBe(80))

  test('volumes', () => {
    const { volumes } = podOf({ volumes: [{ name: 'a' }, { name: 'b', hostPath: { path: '/x' } }, { name: 'c', secret: { secretName: 's' } }, { name: 'd', projected: { sources: [{ serviceAccountToken: { path: 't' } }] } }, { name: 'e', emptyDir: { sizeLimit: '1024Ki' } }] }).spec
    expect(volumes).toEqual([
      { name: 'a', emptyDir: {} }, { name: 'b', hostPath: { path: '/x', type: '' } }, { name: 'c', secret: { secretName: 's', defaultMode: 420 } },
      { name: 'd', projected: { defaultMode: 420, sources: [{ serviceAccountToken: { path: 't', expirationSeconds: 3600 } }] } }, { name: 'e', emptyDir: { sizeLimit: '1Mi' } },
    ])
  })

  for (const [given, expected] of [[{ serviceAccount: 'old' }, 'old'], [{ serviceAccountName: 'new', serviceAccount: 'old' }, 'new']] as const) {
    test(`service account ${JSON.stringify(given)}`, () => expect(podOf(given).spec).toMatchObject({ serviceAccountName: expected, serviceAccount: expected }))
  }

  test('a client cannot set the status, and gates are told in it', () => {
    const pod = created(Pods, sent<Pod>({ spec: { containers: [{ name: 'c', image: 'a' }], schedulingGates: [{ name: 'example.com/wait' }] }, status: { phase: 'Running' } })).object
    expect(pod.status).toEqual({ phase: 'Pending', qosClass: 'BestEffort', conditions: [{ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated', message: 'Scheduling is blocked due to non-empty scheduling gates' }] })
  })

  test('defaults are idempotent', () => {
    const pod = podOf({ hostNetwork: true, volumes: [{ name: 'a' }] }, { ports: [{ containerPort: 80 }], resources: { limits: { cpu: '0.5' } }, livenessProbe: { exec: { command: ['x'] } } })
    const again = structuredClone(pod)
    strategyOf(Pods).setDefaults?.(again)
    expect(again).toEqual(pod)
  })
})

describe('quality of service', () => {
  const both = { limits: { cpu: '1', memory: '1Gi' } }
  for (const [name, containers, expected] of [
    ['nothing asked', [{}], 'BestEffort'],
    ['requests of zero are none', [{ requests: { cpu: '0' } }], 'BestEffort'],
    ['only requests', [{ requests: { cpu: '1' } }], 'Burstable'],
    ['limits of everything', [both], 'Guaranteed'],
    ['one container without', [both, {}], 'Burstable'],
    ['requests below limits', [{ ...both, requests: { cpu: '500m' } }], 'Burstable'],
    ['equal in other words', [{ ...both, requests: { cpu: '1000m', memory: '1024Mi' } }], 'Guaranteed'],
    ['no memory limit', [{ limits: { cpu: '1' } }], 'Burstable'],
  ] as const) {
    test(name, () => {
      const pod = created(Pods, sent<Pod>({ spec: { containers: containers.map((resources, index) => ({ name: `c${index}`, image: 'a', resources })) } })).object
      expect(pod.status.qosClass).toBe(expected)
    })
  }
})

describe('graceful deletion', () => {
  for (const [name, spec, status, asked, expected] of [
    ['not scheduled', {}, {}, 60, 0],
    ['running, its own grace', { nodeName: 'n' }, {}, undefined, 30],
    ['running, asked', { nodeName: 'n' }, {}, 5, 5],
    ['at once', { nodeName: 'n' }, {}, 0, 0],
    ['finished', { nodeName: 'n' }, { phase: 'Succeeded' }, undefined, 0],
    ['failed', { nodeName: 'n' }, { phase: 'Failed' }, 30, 0],
    ['negative means one second', { nodeName: 'n' }, {}, -3, 1],
  ] as const) {
    test(name, () => {
      const pod = podOf(spec)
      expect(strategyOf(Pods).gracefulDeletion?.({ ...pod, status: { ...pod.status, ...status } }, asked)).toBe(expected)
    })
  }
})
