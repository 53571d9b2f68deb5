import { expect, test } from 'vitest'
import type { ContainerStatus } from '../../src/api/types.ts'
import { lostContainers } from '../../agents/kubelet/lost-containers.ts'
import { freshRecord } from '../../agents/kubelet/pod-record.ts'
import { aPod } from './builders.ts'

const now = new Date('2026-01-02T00:00:00Z')
const ended = { exitCode: 3, reason: 'Error', message: 'why', startedAt: '2026-01-01T00:00:00Z', finishedAt: '2026-01-01T00:00:05Z', containerID: 'wherry://abc' }
const known = { id: 'abc', exitCode: 3, reason: 'Error', message: 'why', finishedAt: new Date('2026-01-01T00:00:05Z'), shownImage: { name: 'docker.io/library/web:1', id: 'sha256:1' } }
const unknown = { id: 'uid-1-web-2', exitCode: 137, reason: 'ContainerStatusUnknown', finishedAt: now }

test.each<[string, Partial<ContainerStatus>, object]>([
  ['ran', { state: { running: { startedAt: '2026-01-01T00:00:00Z' } }, lastState: { terminated: ended } }, unknown],
  ['had ended', { state: { terminated: ended } }, known],
  ['waited for its back-off', { state: { waiting: { reason: 'CrashLoopBackOff' } }, lastState: { terminated: ended } }, known],
  ['had ended for want of memory', { state: { terminated: { ...ended, exitCode: 137, reason: 'OOMKilled' } } }, { ...known, exitCode: 137, reason: 'OOMKilled', oomKilled: true }],
])('a container that %s when the machine was started anew', (_, status, expected) => {
  const pod = { ...aPod(), status: { containerStatuses: [{ name: 'web', image: 'docker.io/library/web:1', imageID: 'sha256:1', ready: false, restartCount: 2, containerID: 'wherry://abc', ...status }] } }
  const [lost] = lostContainers(pod, { record: freshRecord(pod), observed: { sandbox: undefined, containers: [] } }, { now, logPath: (name, attempt) => `/logs/${name}/${attempt}.log` })
  expect(lost).toMatchObject({ ...expected, name: 'web', attempt: 2, state: 'exited', logPath: '/logs/web/2.log' })
})
