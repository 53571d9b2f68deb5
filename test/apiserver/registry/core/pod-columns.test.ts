import { describe, expect, test } from 'vitest'
import { Pods } from '../../../../src/api/kinds.ts'
import type { ContainerStatus, Pod, PodStatus } from '../../../../src/api/types.ts'
import { sent, strategyOf } from '../support.ts'

const now = new Date('2026-01-01T01:00:00Z')
const cells = (pod: Pod): Record<string, unknown> => Object.fromEntries((strategyOf(Pods).columns ?? []).map((column) => [column.name, column.value(pod, { now })]))
const container = (status: Partial<ContainerStatus>): ContainerStatus => ({ name: 'c', image: '', imageID: '', ready: false, restartCount: 0, ...status })

interface Case {
  spec?: object
  status: PodStatus
  metadata?: object
}
const podOf = ({ spec, status, metadata }: Case): Pod => sent<Pod>({ spec: { containers: [{ name: 'c' }, { name: 'd' }], ...spec }, status }, metadata)
const running = container({ ready: true, state: { running: {} } })
const ended = { terminated: { exitCode: 0, reason: 'Completed' } }

describe('READY, STATUS and RESTARTS as printPod has them', () => {
  for (const [name, given, expected] of [
    ['the phase', { status: { phase: 'Pending' } }, ['0/2', 'Pending', '0']],
    ['all running', { status: { phase: 'Running', containerStatuses: [running, running] } }, ['2/2', 'Running', '0']],
    ['waiting has a word', { status: { phase: 'Pending', containerStatuses: [container({ state: { waiting: { reason: 'ContainerCreating' } } })] } }, ['0/2', 'ContainerCreating', '0']],
    ['the first container has the last word', { status: { phase: 'Running', containerStatuses: [container({ state: { waiting: { reason: 'CrashLoopBackOff' } } }), container({ state: { waiting: { reason: 'Other' } } })] } }, ['0/2', 'CrashLoopBackOff', '0']],
    ['exit code', { status: { phase: 'Failed', containerStatuses: [container({ state: { terminated: { exitCode: 3 } } })] } }, ['0/2', 'ExitCode:3', '0']],
    ['signal', { status: { phase: 'Failed', containerStatuses: [container({ state: { terminated: { exitCode: 137, signal: 9 } } })] } }, ['0/2', 'Signal:9', '0']],
    ['completed while another runs, ready', { status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }], containerStatuses: [container({ state: ended }), running] } }, ['1/2', 'Running', '0']],
    ['completed while another runs, not ready', { status: { phase: 'Running', containerStatuses: [container({ state: ended }), running] } }, ['1/2', 'NotReady', '0']],
    ['the status\' reason', { status: { phase: 'Failed', reason: 'Evicted' } }, ['0/2', 'Evicted', '0']],
    ['gated', { status: { phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated' }] } }, ['0/2', 'SchedulingGated', '0']],
    ['terminating', { status: { phase: 'Running', containerStatuses: [running, running] }, metadata: { deletionTimestamp: 'x' } }, ['2/2', 'Terminating', '0']],
    ['deleted after it ended', { status: { phase: 'Succeeded', containerStatuses: [container({ state: ended })] }, metadata: { deletionTimestamp: 'x' } }, ['0/2', 'Completed', '0']],
    ['lost with its node', { status: { phase: 'Running', reason: 'NodeLost' }, metadata: { deletionTimestamp: 'x' } }, ['0/2', 'Unknown', '0']],
    ['restarts, without a time', { status: { phase: 'Running', containerStatuses: [container({ ...running, restartCount: 2 })] } }, ['1/2', 'Running', '2']],
    ['restarts, with the latest time', { status: { phase: 'Running', containerStatuses: [container({ ...running, restartCount: 2, lastState: { terminated: { exitCode: 1, finishedAt: '2026-01-01T00:55:00Z' } } }),
      container({ ...running, restartCount: 1, lastState: { terminated: { exitCode: 1, finishedAt: '2026-01-01T00:30:00Z' } } })] } }, ['2/2', 'Running', '3 (5m ago)']],
    ['an init container runs', { spec: { initContainers: [{ name: 'i' }, { name: 'j' }] }, status: { phase: 'Pending', initContainerStatuses: [container({ name: 'i', state: ended }), container({ name: 'j', state: { running: {} } })] } }, ['0/2', 'Init:1/2', '0']],
    ['an init container failed', { spec: { initContainers: [{ name: 'i' }] }, status: { phase: 'Pending', initContainerStatuses: [container({ name: 'i', restartCount: 4, state: { terminated: { exitCode: 1, reason: 'Error' } } })] } }, ['0/2', 'Init:Error', '4']],
    ['an init container backs off', { spec: { initContainers: [{ name: 'i' }] }, status: { phase: 'Pending', initContainerStatuses: [container({ name: 'i', state: { waiting: { reason: 'CrashLoopBackOff' } } })] } }, ['0/2', 'Init:CrashLoopBackOff', '0']],
    ['init restarts are forgotten afterwards', { spec: { initContainers: [{ name: 'i' }] }, status: { phase: 'Running', initContainerStatuses: [container({ name: 'i', restartCount: 4, state: ended })], containerStatuses: [running, running] } }, ['2/2', 'Running', '0']],
    ['a sidecar counts', { spec: { initContainers: [{ name: 's', restartPolicy: 'Always' }] }, status: { phase: 'Running', initContainerStatuses: [container({ name: 's', ready: true, started: true, restartCount: 1, state: { running: {} } })], containerStatuses: [running, running] } }, ['3/3', 'Running', '1']],
    ['a sidecar that has not started holds the pod up', { spec: { initContainers: [{ name: 's', restartPolicy: 'Always' }] }, status: { phase: 'Pending', initContainerStatuses: [container({ name: 's', started: false, state: { running: {} } })] } }, ['0/3', 'Init:0/1', '0']],
  ] as readonly [string, Case, [string, string, string]][]) {
    test(name, () => {
      const { Ready, Status, Restarts } = cells(podOf(given))
      expect([Ready, Status, Restarts]).toEqual(expected)
    })
  }
})

test('the wide columns', () => {
  expect(cells(podOf({ status: { phase: 'Pending' } }))).toMatchObject({ Name: 'it', Age: '60m', IP: '<none>', Node: '<none>', 'Nominated Node': '<none>', 'Readiness Gates': '<none>' })
  expect(cells(podOf({ spec: { nodeName: 'n', readinessGates: [{ conditionType: 'a' }, { conditionType: 'b' }] }, status: { podIPs: [{ ip: '10.0.0.1' }], nominatedNodeName: 'm', conditions: [{ type: 'a', status: 'True' }, { type: 'b', status: 'False' }] } })))
    .toMatchObject({ IP: '10.0.0.1', Node: 'n', 'Nominated Node': 'm', 'Readiness Gates': '1/2' })
})
