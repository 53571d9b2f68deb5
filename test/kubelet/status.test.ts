/** Named cases after upstream's status/generate_test.go and kubelet_pods_test.go (TestPodPhase..., TestConvertToAPIContainerStatuses). */
import { describe, expect, test } from 'vitest'
import { ownConditions } from '../../agents/kubelet/conditions.ts'
import type { Waiting } from '../../agents/kubelet/container-status.ts'
import type { Observed } from '../../agents/kubelet/observed.ts'
import { phaseOf } from '../../agents/kubelet/phase.ts'
import { podStatus, type StatusInput } from '../../agents/kubelet/status.ts'
import { statusPatch } from '../../agents/kubelet/status-patch.ts'
import type { ContainerStatus, PodStatus } from '../../src/api/types.ts'
import { aContainer, aPod, aSandbox, aState, observed, start } from './builders.ts'

const running = (name: string, more: Partial<ContainerStatus> = {}): ContainerStatus => ({ name, image: 'host', imageID: 'host', ready: true, started: true, restartCount: 0, state: { running: {} }, ...more })
const ended = (name: string, exitCode: number): ContainerStatus => running(name, { ready: false, state: { terminated: { exitCode } } })
const waiting = (name: string, more: Partial<ContainerStatus> = {}): ContainerStatus => running(name, { ready: false, started: false, state: { waiting: {} }, ...more })
const waitingAfter = (name: string, exitCode: number): ContainerStatus => waiting(name, { lastState: { terminated: { exitCode } } })
const two = (restartPolicy: string, init: string[] = [], sidecars: string[] = []) => aPod({
  restartPolicy, containers: [aContainer('A'), aContainer('B')], initContainers: [...init.map((name) => aContainer(name)), ...sidecars.map((name) => aContainer(name, { restartPolicy: 'Always' }))],
})

describe('phase', () => {
  test.each<[string, ReturnType<typeof two>, ContainerStatus[], string, boolean?]>([
    ['waiting', two('Always'), [], 'Pending'],
    ['all running', two('Always'), [running('A'), running('B')], 'Running'],
    ['all stopped with restart always', two('Always'), [ended('A', 1), ended('B', 0)], 'Running'],
    ['all succeeded with restart always, but the pod is terminal', two('Always'), [ended('A', 0), ended('B', 0)], 'Succeeded', true],
    ['all stopped with restart always, but the pod is terminal', two('Always'), [ended('A', 1), ended('B', 0)], 'Failed', true],
    ['mixed state #1 with restart always', two('Always'), [running('A'), ended('B', 0)], 'Running'],
    ['mixed state #2 with restart always', two('Always'), [running('A')], 'Pending'],
    ['mixed state #3 with restart always', two('Always'), [running('A'), waiting('B')], 'Pending'],
    ['backoff crashloop container with restart always', two('Always'), [running('A'), waitingAfter('B', 1)], 'Running'],
    ['all succeeded with restart never', two('Never'), [ended('A', 0), ended('B', 0)], 'Succeeded'],
    ['all failed with restart never', two('Never'), [ended('A', 1), ended('B', 1)], 'Failed'],
    ['mixed state #1 with restart never', two('Never'), [running('A'), ended('B', 0)], 'Running'],
    ['all succeeded with restart onfailure', two('OnFailure'), [ended('A', 0), ended('B', 0)], 'Succeeded'],
    ['all failed with restart onfailure', two('OnFailure'), [ended('A', 1), ended('B', 1)], 'Running'],
    ['backoff crashloop with restart onfailure', two('OnFailure'), [running('A'), waitingAfter('B', 1)], 'Running'],
    ['init container runs', two('Always', ['I']), [running('I')], 'Pending'],
    ['init container failed, restart never', two('Never', ['I']), [ended('I', 1)], 'Failed'],
    ['init container failed, restart always', two('Always', ['I']), [ended('I', 1)], 'Pending'],
    ['init container waits after a failure, restart always', two('Always', ['I']), [waitingAfter('I', 1), waiting('A'), waiting('B')], 'Pending'],
    ['init done, containers run', two('Always', ['I']), [ended('I', 0), running('A'), running('B')], 'Running'],
    ['a sidecar that has not started', two('Always', [], ['S']), [running('S', { started: false }), waiting('A'), waiting('B')], 'Pending'],
    ['a sidecar in back-off beside running containers', two('Always', [], ['S']), [waitingAfter('S', 1), running('A'), running('B')], 'Running'],
    ['a sidecar that runs when the containers have succeeded', two('Never', [], ['S']), [running('S'), ended('A', 0), ended('B', 0)], 'Succeeded'],
  ])('%s', (_, pod, statuses, expected, stopped = false) => { expect(phaseOf(pod, statuses, stopped)).toBe(expected) })
})

describe('conditions', () => {
  const pod = aPod({ containers: [aContainer('1234'), aContainer('5678')] })
  const of = (statuses: ContainerStatus[], phase: 'Running' | 'Succeeded' | 'Failed' | 'Pending' = 'Running', spec = {}, conditions: PodStatus['conditions'] = []) =>
    Object.fromEntries(ownConditions({ pod: { ...pod, spec: { ...pod.spec, ...spec } }, statuses, phase, sandboxReady: true, conditions: conditions ?? [] }).map((condition) => [condition.type, condition]))

  test.each<[string, ReturnType<typeof of>, object]>([
    ['all ready', of([running('1234'), running('5678')]), { status: 'True' }],
    ['one unknown', of([running('1234')]), { status: 'False', reason: 'ContainersNotReady', message: 'containers with unknown status: [5678]' }],
    ['one unready', of([running('1234'), running('5678', { ready: false })]), { status: 'False', reason: 'ContainersNotReady', message: 'containers with unready status: [5678]' }],
    ['both', of([running('1234', { ready: false })]), { status: 'False', message: 'containers with unknown status: [5678], containers with unready status: [1234]' }],
    ['two unready', of([waiting('1234'), waiting('5678')]), { message: 'containers with unready status: [1234 5678]' }],
    ['succeeded', of([ended('1234', 0), ended('5678', 0)], 'Succeeded'), { status: 'False', reason: 'PodCompleted' }],
    ['failed', of([running('1234'), running('5678')], 'Failed'), { status: 'False', reason: 'PodFailed' }],
    ['a gate that is not there', of([running('1234'), running('5678')], 'Running', { readinessGates: [{ conditionType: 'gate1' }] }), { status: 'False', reason: 'ReadinessGatesNotReady', message: 'corresponding condition of pod readiness gate "gate1" does not exist.' }],
    ['a gate that is closed', of([running('1234'), running('5678')], 'Running', { readinessGates: [{ conditionType: 'gate1' }] }, [{ type: 'gate1', status: 'False' }]), { reason: 'ReadinessGatesNotReady', message: 'the status of pod readiness gate "gate1" is not "True", but False' }],
    ['a gate that is open', of([running('1234'), running('5678')], 'Running', { readinessGates: [{ conditionType: 'gate1' }] }, [{ type: 'gate1', status: 'True' }]), { status: 'True' }],
  ])('Ready: %s', (_, conditions, expected) => { expect(conditions['Ready']).toMatchObject(expected) })

  test('Initialized names what is incomplete', () => {
    const spec = { initContainers: [aContainer('a'), aContainer('b', { restartPolicy: 'Always' })] }
    expect(of([waiting('a'), waiting('b')], 'Pending', spec)['Initialized']).toMatchObject({ status: 'False', reason: 'ContainersNotInitialized', message: 'containers with incomplete status: [a b]' })
    expect(of([{ ...ended('a', 0), ready: true }, running('b')], 'Pending', spec)['Initialized']).toMatchObject({ status: 'True' })
    expect(of([], 'Succeeded', {})['Initialized']).toMatchObject({ status: 'True', reason: 'PodCompleted' })
  })
})

describe('status', () => {
  const input = (seen: Observed, more: Partial<StatusInput> = {}): StatusInput => ({
    pod: aPod(), observed: seen, old: {}, waiting: new Map<string, Waiting>(), health: () => ({ started: true, ready: true }), failure: undefined, stopped: false, hostIPs: ['192.0.2.1'], now: start, ...more,
  })
  const web = (of: StatusInput) => podStatus(of).status.containerStatuses?.[0]

  test.each<[string, StatusInput, object]>([
    ['nothing yet', input({ sandbox: undefined, containers: [] }), { ready: false, restartCount: 0, state: { waiting: { reason: 'ContainerCreating' } } }],
    ['before its init containers are done', input({ sandbox: undefined, containers: [] }, { pod: aPod({ initContainers: [aContainer('init')] }) }), { state: { waiting: { reason: 'PodInitializing' } } }],
    ['running', input(observed(aState('web', 'running'))), { ready: true, started: true, state: { running: { startedAt: '2026-01-01T00:00:00Z' } }, containerID: 'wherry://id-web-0' }],
    ['running, an armed spare beside it', input(observed(aState('web', 'running'), aState('web', 'created', { attempt: 1 }))), { restartCount: 0, state: { running: {} } }],
    ['resized below what the kernel counts', input(observed(aState('web', 'running')), { pod: aPod({ containers: [aContainer('web', { resources: { requests: { cpu: '1m' }, limits: { cpu: '5m' } } })] }), actuated: () => ({ requests: { cpu: '2m' }, limits: { cpu: '10m' } }) }), { resources: { requests: { cpu: '1m' }, limits: { cpu: '5m' } } }],
    ['not yet resized', input(observed(aState('web', 'running')), { pod: aPod({ containers: [aContainer('web', { resources: { requests: { cpu: '1m' }, limits: { cpu: '5m' } } })] }), actuated: () => ({ requests: { cpu: '3m' }, limits: { cpu: '11m' } }) }), { resources: { requests: { cpu: '3m' }, limits: { cpu: '11m' } } }],
    ['running, not ready', input(observed(aState('web', 'running')), { health: () => ({ started: true, ready: false }) }), { ready: false, started: true }],
    ['ended', input(observed(aState('web', 'exited', { exitCode: 3 }))), { ready: false, state: { terminated: { exitCode: 3, reason: 'Error' } } }],
    ['ended well', input(observed(aState('web', 'exited'))), { state: { terminated: { exitCode: 0, reason: 'Completed' } } }],
    ['out of memory', input(observed(aState('web', 'exited', { exitCode: 137, oomKilled: true }))), { state: { terminated: { exitCode: 137, reason: 'OOMKilled' } } }],
    ['could not start', input(observed(aState('web', 'exited', { exitCode: 128, reason: 'StartError', message: 'no such file' }))), { state: { terminated: { exitCode: 128, reason: 'StartError', message: 'no such file' } } }],
    ['in back-off', input(observed(aState('web', 'exited', { exitCode: 3 })), { waiting: new Map([['web', { reason: 'CrashLoopBackOff', message: 'back-off' }]]) }),
      { state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off' } }, lastState: { terminated: { exitCode: 3 } } }],
    ['after a restart', input(observed(aState('web', 'exited', { exitCode: 3 }), aState('web', 'running', { attempt: 1 }))), { restartCount: 1, state: { running: {} }, lastState: { terminated: { exitCode: 3 } } }],
    ['the earlier attempt forgotten, it stays in lastState', input(observed(aState('web', 'running', { attempt: 2 })), { old: { containerStatuses: [running('web', { restartCount: 2, lastState: { terminated: { exitCode: 9 } } })] } }), { restartCount: 2, lastState: { terminated: { exitCode: 9 } } }],
    ['a running one lost by the runtime', input(observed(), { old: { containerStatuses: [running('web')] } }), { restartCount: 1, lastState: { terminated: { reason: 'ContainerStatusUnknown', exitCode: 137 } } }],
    ['stopped for good without a trace', input({ sandbox: undefined, containers: [] }, { stopped: true }), { state: { terminated: { reason: 'ContainerStatusUnknown', exitCode: 137, message: 'The container could not be located when the pod was terminated' } } }],
  ])('%s', (_, of, expected) => { expect(web(of)).toMatchObject(expected) })

  test('a phase is terminal only when nothing runs', () => {
    const pod = aPod({ restartPolicy: 'Never', initContainers: [aContainer('side', { restartPolicy: 'Always' })] })
    const seen = observed(aState('side', 'running'), aState('web', 'exited'))
    const { status, phase } = podStatus(input(seen, { pod, old: { phase: 'Running' } }))
    expect(phase).toBe('Succeeded')
    expect(status.phase).toBe('Running')
    expect(podStatus(input(observed(aState('side', 'exited'), aState('web', 'exited')), { pod, stopped: true })).status.phase).toBe('Succeeded')
  })

  test('moments of conditions stay while their status does', () => {
    const old = podStatus(input(observed(aState('web', 'running')))).status
    const later = podStatus(input(observed(aState('web', 'running')), { old, now: new Date('2026-01-01T01:00:00Z'), health: () => ({ started: true, ready: false }) })).status
    const moment = (type: string) => later.conditions?.find((condition) => condition.type === type)?.lastTransitionTime
    expect(moment('PodScheduled')).toBe('2026-01-01T00:00:00Z')
    expect(moment('Ready')).toBe('2026-01-01T01:00:00Z')
  })

  test('addresses', () => {
    expect(podStatus(input(observed())).status).toMatchObject({ podIP: '10.244.0.5', podIPs: [{ ip: '10.244.0.5' }], hostIP: '192.0.2.1' })
    expect(podStatus(input({ sandbox: aSandbox({ podIP: undefined }), containers: [] }, { pod: aPod({ hostNetwork: true }) })).status.podIP).toBe('192.0.2.1')
    expect(podStatus(input({ sandbox: undefined, containers: [] })).status.podIP).toBeUndefined()
  })
})

describe('the patch', () => {
  const condition = (type: string, status: string, more = {}) => ({ type, status, ...more })
  test.each<[string, PodStatus, PodStatus, object | undefined]>([
    ['nothing', { phase: 'Running' }, { phase: 'Running' }, undefined],
    ['a field', { phase: 'Pending', hostIP: 'a' }, { phase: 'Running', hostIP: 'a' }, { phase: 'Running' }],
    ['a field that goes', { phase: 'Running', reason: 'x' }, { phase: 'Running' }, { reason: null }],
    ['only own conditions that changed', { conditions: [condition('Ready', 'False', { reason: 'x' }), condition('DisruptionTarget', 'True')] }, { conditions: [condition('Ready', 'True'), condition('PodScheduled', 'True')] },
      { conditions: [{ type: 'Ready', status: 'True', reason: null }, { type: 'PodScheduled', status: 'True' }] }],
    ['an address that changed', { podIPs: [{ ip: 'a' }] }, { podIPs: [{ ip: 'b' }] }, { podIPs: [{ ip: 'b' }, { ip: 'a', $patch: 'delete' }] }],
    ['what others own', { nominatedNodeName: 'n', phase: 'Running' }, { phase: 'Running' }, undefined],
  ])('%s', (_, from, to, expected) => { expect(statusPatch('u', from, to)).toEqual(expected && { metadata: { uid: 'u' }, status: expected }) })
})
