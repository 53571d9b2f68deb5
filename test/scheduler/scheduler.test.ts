import { afterEach, describe, expect, test } from 'vitest'
import { Events, Nodes, PersistentVolumeClaims, PersistentVolumes, Pods, StorageClasses } from '../../src/api/kinds.ts'
import { internalError } from '../../src/api/status.ts'
import type { Node, PersistentVolume, PersistentVolumeClaim, Pod, StorageClass } from '../../src/api/types.ts'
import { createClient } from '../../src/client/client.ts'
import { scheduler } from '../../src/scheduler/scheduler.ts'
import { aNode, aPod, type NodeBuilder, type PodBuilder } from '../support/builders.ts'
import { fakeApi } from '../support/fake-api.ts'
import { fakeClock } from '../support/fake-clock.ts'
import { fakeRandom } from '../support/fake-random.ts'
import { logs } from '../support/logs.ts'

const stops: AbortController[] = []
afterEach(() => { for (const stop of stops.splice(0)) stop.abort() })

const open = (nodes: NodeBuilder[], options: { leaderElection?: { identity: string } } = {}) => {
  const api = fakeApi()
  const clock = fakeClock()
  const stop = new AbortController()
  stops.push(stop)
  const log = logs()
  for (const node of nodes) api.put(Nodes, node.build())
  const running = scheduler({ client: createClient(api), clock, random: fakeRandom(), log, ...options })
  const done = running.run(stop.signal)
  const submit = (...pods: PodBuilder[]) => { for (const pod of pods) api.put(Pods, pod.build()) }
  const pod = (name: string) => api.read<Pod>(Pods, `default/${name}`)
  const placed = () => Object.fromEntries(api.all<Pod>(Pods).map(({ metadata, spec }) => [metadata.name, spec.nodeName]))
  const events = (reason?: string) => api.all(Events).filter((event) => reason === undefined || event.reason === reason).map(({ involvedObject, message }) => `${involvedObject.name}: ${message}`)
  const condition = (name: string) => pod(name)?.status.conditions?.find(({ type }) => type === 'PodScheduled')
  return { api, clock, stop, log, running, done, submit, pod, placed, events, condition }
}

describe('scheduling', () => {
  test('pods go where there is room, with an event each', async () => {
    const { clock, submit, placed, events } = open([aNode('a'), aNode('b')])
    submit(aPod('one').requesting({ cpu: '3' }), aPod('two').requesting({ cpu: '3' }))
    await clock.advance(0)
    expect(new Set(Object.values(placed()))).toEqual(new Set(['a', 'b']))
    expect(events('Scheduled').toSorted()).toEqual([`one: Successfully assigned default/one to ${placed()['one']}`, `two: Successfully assigned default/two to ${placed()['two']}`])
  })

  test('pods that come later count those that are there, bound or about to be', async () => {
    const { clock, submit, placed } = open([aNode('a').withCapacity({ pods: '2' }), aNode('b').withCapacity({ pods: '2' })])
    submit(aPod('there').onNode('a').inPhase('Running'))
    for (let index = 0; index < 3; index++) submit(aPod(`new-${index}`))
    await clock.advance(0)
    expect(Object.values(placed()).toSorted()).toEqual(['a', 'a', 'b', 'b'])
  })

  test("a pod that fits nowhere says why, in upstream's words, in an event and a condition", async () => {
    const { clock, submit, events, condition, running } = open([aNode('a').withTaint('dedicated'), aNode('b').withCapacity({ cpu: '1' }), aNode('c').withCapacity({ cpu: '1' })])
    submit(aPod('big').requesting({ cpu: '2' }))
    await clock.advance(0)
    const message = '0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 Insufficient cpu. preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.'
    expect(events('FailedScheduling')).toEqual([`big: ${message}`])
    expect(condition('big')).toMatchObject({ status: 'False', reason: 'Unschedulable', message, lastTransitionTime: '2026-01-01T00:00:00Z' })
    expect(running.decisions.list('default/big')).toHaveLength(1)
  })

  test('no nodes at all', async () => {
    const { clock, submit, events, api, placed } = open([])
    submit(aPod('early'))
    await clock.advance(0)
    expect(events()).toEqual(['early: no nodes available to schedule pods'])
    api.put(Nodes, aNode('a').build())
    await clock.advance(1_000)
    expect(placed()).toEqual({ early: 'a' })
  })

  test('a waiting pod is placed when room comes', async () => {
    const { clock, submit, api, placed } = open([aNode('a')])
    submit(aPod('first').requesting({ cpu: '4' }))
    await clock.advance(0)
    submit(aPod('second').requesting({ cpu: '4' }))
    await clock.advance(0)
    expect(placed()).toEqual({ first: 'a', second: undefined })
    api.remove(Pods, 'default/first')
    await clock.advance(1_000)
    expect(placed()).toEqual({ second: 'a' })
  })

  test('heartbeats of nodes wake nobody; a node that gets a bigger allocatable does', async () => {
    const { clock, submit, api, running, placed } = open([aNode('a').withCapacity({ cpu: '1' })])
    submit(aPod('big').requesting({ cpu: '2' }))
    await clock.advance(0)
    const node = api.read<Node>(Nodes, 'a')
    for (let beat = 0; beat < 5; beat++) {
      api.put(Nodes, { ...node, status: { ...node?.status, conditions: [{ type: 'Ready', status: 'True', lastHeartbeatTime: `${beat}` }] } } as never)
      await clock.advance(10_000)
    }
    expect(running.decisions.list()).toHaveLength(1)
    api.put(Nodes, { ...node, status: aNode('a').build().status } as never)
    await clock.advance(1_000)
    expect(placed()).toEqual({ big: 'a' })
  })

  test('pods of other schedulers, terminating pods and gated pods are left alone', async () => {
    const { clock, submit, placed, running, api } = open([aNode('a')])
    submit(aPod('other').withSpec({ schedulerName: 'mine' }), aPod('going').terminating(), aPod('gated').gatedBy('wait'))
    await clock.advance(10_000)
    expect(placed()).toEqual({ other: undefined, going: undefined, gated: undefined })
    expect(running.decisions.list()).toEqual([])
    const gated = api.read<Pod>(Pods, 'default/gated')
    api.put(Pods, { ...gated, spec: { ...gated?.spec, schedulingGates: [] } } as never)
    await clock.advance(0)
    expect(placed()['gated']).toBe('a')
  })

  test('higher priority first', async () => {
    const { clock, submit, api, placed } = open([])
    submit(aPod('low').requesting({ cpu: '4' }), aPod('high').requesting({ cpu: '4' }).withPriority(100))
    await clock.advance(60_000)
    api.put(Nodes, aNode('a').build())
    await clock.advance(0)
    expect(placed()).toEqual({ low: undefined, high: 'a' })
  })

  test('a binding that fails is tried again after its back-off, and the room is free meanwhile', async () => {
    const { clock, submit, api, placed, condition, events, log } = open([aNode('a')])
    let failures = 2
    api.refuse = ({ path }) => { if (path.endsWith('/one/binding') && failures-- > 0) throw internalError(new Error('disk full')) }
    submit(aPod('one').requesting({ cpu: '4' }))
    await clock.advance(0)
    expect(condition('one')).toMatchObject({ status: 'False', reason: 'SchedulerError', message: 'Internal error occurred: disk full' })
    expect(events('FailedScheduling')).toEqual(['one: Internal error occurred: disk full'])
    expect(log.lines).toContain('error: scheduling default/one failed: Internal error occurred: disk full')
    await clock.advance(999)
    expect(failures).toBe(1)
    await clock.advance(1)
    expect([failures, placed()['one']]).toEqual([0, undefined])
    await clock.advance(2_000)
    expect(placed()['one']).toBe('a')
  })

  test('finished pods take no room', async () => {
    const { clock, submit, api, placed } = open([aNode('a').withCapacity({ pods: '1' })])
    submit(aPod('job').onNode('a').inPhase('Running'), aPod('next'))
    await clock.advance(0)
    expect(placed()['next']).toBeUndefined()
    const job = api.read<Pod>(Pods, 'default/job')
    api.put(Pods, { ...job, status: { ...job?.status, phase: 'Succeeded' } } as never)
    await clock.advance(1_000)
    expect(placed()['next']).toBe('a')
  })
})

describe('preemption', () => {
  test('the least important pods go, the pod is nominated and then placed', async () => {
    const { clock, submit, api, placed, pod, events } = open([aNode('a'), aNode('b')])
    submit(aPod('low-a').onNode('a').requesting({ cpu: '3' }).withPriority(1).inPhase('Running'), aPod('mid-b').onNode('b').requesting({ cpu: '3' }).withPriority(5).inPhase('Running'))
    // The kubelet of this test is slow: a deleted pod stays for a while, terminating.
    api.refuse = ({ method, path }) => {
      const name = /\/pods\/([^/?]+)$/.exec(path)?.[1]
      const going = method === 'DELETE' && name ? pod(name) : undefined
      if (!going) return
      api.put(Pods, { ...going, metadata: { ...going.metadata, deletionTimestamp: '2026-01-01T00:00:30Z' } } as never)
      throw internalError(new Error('terminating'))
    }
    submit(aPod('vip').requesting({ cpu: '2' }).withPriority(1000).withUid('vip-uid'))
    await clock.advance(0)
    expect(pod('vip')?.status.nominatedNodeName).toBe('a')
    expect(pod('low-a')?.status.conditions).toMatchObject([{ type: 'DisruptionTarget', status: 'True', reason: 'PreemptionByScheduler', message: 'default-scheduler: preempting to accommodate a higher priority pod' }])
    expect(placed()['vip']).toBeUndefined()
    api.refuse = undefined
    api.remove(Pods, 'default/low-a')
    await clock.advance(1_000)
    expect(placed()).toEqual({ 'mid-b': 'b', vip: 'a' })
    expect(events('FailedScheduling')[0]).toBe('vip: 0/2 nodes are available: 2 Insufficient cpu.')
  })

  test('the victim hears by whom', async () => {
    const { clock, submit, events, placed } = open([aNode('a')])
    submit(aPod('low').onNode('a').requesting({ cpu: '3' }).inPhase('Running'))
    await clock.advance(0)
    submit(aPod('vip').requesting({ cpu: '2' }).withPriority(1000).withUid('vip-uid'))
    await clock.advance(2_000)
    expect(events('Preempted')).toEqual(['low: Preempted by pod vip-uid on node a'])
    expect(placed()).toEqual({ vip: 'a' })
  })

  test('room that was made for a pod is not taken by a lesser one', async () => {
    const { clock, submit, placed } = open([aNode('a')])
    submit(aPod('vip').requesting({ cpu: '3' }).withPriority(1000).nominatedTo('a').withSpec({ schedulingGates: [] }), aPod('low').requesting({ cpu: '3' }))
    await clock.advance(5_000)
    expect(placed()).toEqual({ vip: 'a', low: undefined })
  })
})

test('with leader election only one of two schedules', async () => {
  const one = open([aNode('a')], { leaderElection: { identity: 'one' } })
  await one.clock.advance(0)
  one.submit(aPod('pod'))
  await one.clock.advance(3_000)
  expect(one.placed()).toEqual({ pod: 'a' })
  expect(one.running.ready).toBe(true)
  one.stop.abort()
  await one.done
})

test('ends when its signal aborts', async () => {
  const { clock, stop, done, running } = open([aNode('a')])
  await clock.advance(0)
  stop.abort()
  await done
  expect(running.ready).toBe(false)
})

describe('claims', () => {
  const at = (name: string, namespace?: string) => ({ name, uid: `uid-${name}`, resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z', ...(namespace && { namespace }) })
  const storageClass = (provisioner: string): StorageClass => ({ metadata: at('later'), provisioner, volumeBindingMode: 'WaitForFirstConsumer' })
  const claim: PersistentVolumeClaim = { metadata: at('data', 'default'), spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, storageClassName: 'later' }, status: { phase: 'Pending' } }
  const volume = (spec: PersistentVolume['spec'], phase: string): PersistentVolume => ({ metadata: at('pv'), spec, status: { phase } })
  const using = aPod('web').withSpec({ volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }] })
  const bindClaim = (api: ReturnType<typeof open>['api'], volumeName: string): void => {
    const current = api.read<PersistentVolumeClaim>(PersistentVolumeClaims, 'default/data') ?? claim
    const bound: PersistentVolumeClaim = { ...current, metadata: { ...current.metadata, annotations: { ...current.metadata.annotations, 'pv.kubernetes.io/bind-completed': 'yes' } }, spec: { ...current.spec, volumeName }, status: { phase: 'Bound' } }
    api.put(PersistentVolumeClaims, bound)
  }

  test('of a class that waits are given a node, and the pod goes there once they are bound', async () => {
    const { api, clock, submit, placed } = open([aNode('a')])
    api.put(StorageClasses, storageClass('example.com/disks'))
    api.put(PersistentVolumeClaims, claim)
    submit(using)
    await clock.advance(0)
    expect(api.read<PersistentVolumeClaim>(PersistentVolumeClaims, 'default/data')?.metadata.annotations).toEqual({ 'volume.kubernetes.io/selected-node': 'a' })
    expect(placed()).toEqual({ web: undefined })
    bindClaim(api, 'pv')
    await clock.advance(0)
    expect(placed()).toEqual({ web: 'a' })
  })

  test('are given a volume that is there', async () => {
    const { api, clock, submit, placed } = open([aNode('a')])
    api.put(StorageClasses, storageClass('kubernetes.io/no-provisioner'))
    api.put(PersistentVolumeClaims, claim)
    api.put(PersistentVolumes, volume({ accessModes: ['ReadWriteOnce'], capacity: { storage: '1Gi' }, storageClassName: 'later' }, 'Available'))
    submit(using)
    await clock.advance(0)
    expect(api.read<PersistentVolume>(PersistentVolumes, 'pv')).toMatchObject({ metadata: { annotations: { 'pv.kubernetes.io/bound-by-controller': 'yes' } }, spec: { claimRef: { namespace: 'default', name: 'data', uid: 'uid-data' } } })
    bindClaim(api, 'pv')
    await clock.advance(0)
    expect(placed()).toEqual({ web: 'a' })
  })

  test('whose volume could not be made let their pod be scheduled again', async () => {
    const { api, clock, submit, placed, events } = open([aNode('a')])
    api.put(StorageClasses, storageClass('example.com/disks'))
    api.put(PersistentVolumeClaims, claim)
    submit(using)
    await clock.advance(0)
    api.put(PersistentVolumeClaims, { ...claim, metadata: { ...claim.metadata, annotations: {} } } as PersistentVolumeClaim)
    await clock.advance(0)
    expect(events('FailedScheduling')).toEqual(['web: binding volumes: provisioning failed for PVC "data"'])
    await clock.advance(2_000)
    expect(api.read<PersistentVolumeClaim>(PersistentVolumeClaims, 'default/data')?.metadata.annotations).toMatchObject({ 'volume.kubernetes.io/selected-node': 'a' })
    expect(placed()).toEqual({ web: undefined })
  })

  test('that come later let their pod try again', async () => {
    const { api, clock, submit, placed, events } = open([aNode('a')])
    submit(using)
    await clock.advance(0)
    expect(events('FailedScheduling')).toEqual(['web: 0/1 nodes are available: persistentvolumeclaim "data" not found. preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.'])
    api.put(PersistentVolumes, volume({}, 'Bound'))
    bindClaim(api, 'pv')
    await clock.advance(2_000)
    expect(placed()).toEqual({ web: 'a' })
  })
})
