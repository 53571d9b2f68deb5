import { expect, test } from 'vitest'
import type { ContainerStatus } from '../../src/api/types.ts'
import { attemptOfLog } from '../../agents/kubelet/server/which-log.ts'

const ended = (containerID: string) => ({ terminated: { exitCode: 0, containerID } })

test.each<[string, Partial<ContainerStatus>, number | undefined]>([
  ['that has ended', { state: ended('wherry://a') }, 4],
  ['whose next attempt waits', { state: { waiting: { reason: 'CrashLoopBackOff' } }, lastState: ended('wherry://a') }, 4],
  ['whose next attempt runs', { state: { running: {} }, lastState: ended('wherry://a') }, 3],
  ['whose next attempt has ended, too', { state: ended('wherry://b'), lastState: ended('wherry://a') }, 3],
  ['of which nothing is known', { state: { running: {} } }, undefined],
])('the attempt of a container %s', (_, status, attempt) => {
  expect(attemptOfLog({ containerStatuses: [{ name: 'web', image: '', imageID: '', ready: false, restartCount: 4, ...status }] }, 'web', 'wherry://a')).toBe(attempt)
})
