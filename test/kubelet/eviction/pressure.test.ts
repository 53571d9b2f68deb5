/** Named cases after upstream's eviction_manager_test.go and helpers_test.go. */
import { describe, expect, test } from 'vitest'
import { evictionMessage, pressureMessage } from '../../../agents/kubelet/eviction/messages.ts'
import { judgePressure, noPressure } from '../../../agents/kubelet/eviction/pressure.ts'
import { type PodUse, rankForEviction } from '../../../agents/kubelet/eviction/ranking.ts'
import { defaultThresholds, type Observations, type Signal, type Threshold, thresholdTexts } from '../../../agents/kubelet/eviction/threshold.ts'
import type { Container, Pod } from '../../../src/api/types.ts'
import { aContainer, aPod } from '../builders.ts'

const Mi = 2 ** 20
const Gi = 2 ** 30
const enough: Observations = {
  'memory.available': { available: 2 * Gi, capacity: 8 * Gi }, 'nodefs.available': { available: 50, capacity: 100 }, 'nodefs.inodesFree': { available: 50, capacity: 100 },
  'imagefs.available': { available: 50, capacity: 100 }, 'imagefs.inodesFree': { available: 50, capacity: 100 }, 'pid.available': { available: 50, capacity: 100 },
}
const short = (signal: Signal, available: number): Observations => ({ ...enough, [signal]: { ...enough[signal], available } })

const soft: Threshold = { signal: 'memory.available', value: { quantity: 2 * Gi }, graceMilliseconds: 120_000 }
const hard: Threshold = { signal: 'memory.available', value: { quantity: Gi }, graceMilliseconds: 0 }

/** Looks at the given seconds, one after the other: `12: MemoryPressure! memory.available`, with an exclamation mark where something has to be done. */
const looks = (thresholds: readonly Threshold[], ...steps: [seconds: number, observations: Observations][]): string[] => {
  let state = noPressure
  return steps.map(([seconds, observations]) => {
    const verdict = judgePressure(state, { thresholds, observations, now: seconds * 1000, transitionMilliseconds: 300_000 })
    state = verdict.state
    return `${seconds}: ${verdict.pressures.join(' ')}${verdict.act ? ` ! ${verdict.act.signal}` : ''}`
  })
}

describe('thresholds', () => {
  test.each<[string, Observations, string]>([
    ['nothing is short', enough, '0: '],
    ['memory at its threshold', short('memory.available', 100 * Mi), '0: '],
    ['memory below it', short('memory.available', 100 * Mi - 1), '0: MemoryPressure ! memory.available'],
    ['the disk', short('nodefs.available', 9), '0: DiskPressure ! nodefs.available'],
    ['the disk at ten percent', short('nodefs.available', 10), '0: '],
    ['inodes', short('nodefs.inodesFree', 4), '0: DiskPressure ! nodefs.inodesFree'],
    ["the images' disk", short('imagefs.available', 14), '0: DiskPressure ! imagefs.available'],
    ['processes have no threshold by default', short('pid.available', 0), '0: '],
    ['memory comes first', { ...short('nodefs.available', 0), 'memory.available': { available: 0, capacity: 8 * Gi } }, '0: MemoryPressure DiskPressure ! memory.available'],
    ['what cannot be observed is not short', {}, '0: '],
  ])('%s', (_, observations, expected) => { expect(looks(defaultThresholds, [0, observations])).toEqual([expected]) })

  test('processes, where somebody asks for it', () => {
    expect(looks([{ signal: 'pid.available', value: { fraction: 0.1 }, graceMilliseconds: 0 }], [0, short('pid.available', 9)])).toEqual(['0: PIDPressure ! pid.available'])
  })
  test('a soft one is a pressure at once, and acts after its grace', () => {
    expect(looks([soft], [0, short('memory.available', 1.5 * Gi)], [119, short('memory.available', 1.5 * Gi)], [120, short('memory.available', 1.5 * Gi)])).toEqual(['0: MemoryPressure', '119: MemoryPressure', '120: MemoryPressure ! memory.available'])
  })
  test('its grace begins anew when it was left behind', () => {
    expect(looks([soft], [0, short('memory.available', Gi)], [60, enough], [61, short('memory.available', Gi)], [150, short('memory.available', Gi)]).at(-1)).toBe('150: MemoryPressure')
  })
  test('a pressure stays for the transition period', () => {
    expect(looks([hard], [0, short('memory.available', 1)], [1, enough], [299, enough], [300, enough])).toEqual(['0: MemoryPressure ! memory.available', '1: MemoryPressure', '299: MemoryPressure', '300: '])
  })
  test('with a minimum to give back it acts until that is free, too', () => {
    const reclaiming: Threshold = { ...hard, minReclaim: { quantity: 512 * Mi } }
    expect(looks([reclaiming], [0, short('memory.available', Gi - 1)], [10, short('memory.available', Gi + 1)], [20, short('memory.available', 1.5 * Gi)], [30, short('memory.available', Gi + 1)]))
      .toEqual(['0: MemoryPressure ! memory.available', '10: MemoryPressure ! memory.available', '20: MemoryPressure', '30: MemoryPressure'])
  })
})

const named = (name: string, requests: Record<string, string> = {}, priority?: number): Pod => aPod({ containers: [aContainer('c', { resources: { requests } })], ...(priority !== undefined && { priority }) }, { name })
const order = (resource: Parameters<typeof rankForEviction>[2], ...pods: [Pod, Omit<PodUse, 'containers'> | undefined][]): string[] =>
  rankForEviction(pods.map(([pod]) => pod), (pod) => { const use = pods.find(([each]) => each === pod)?.[1]; return use && { ...use, containers: [] } }, resource).map(({ metadata }) => metadata.name)

describe('who goes first', () => {
  test('memory: beyond its request, then priority, then by how much', () => {
    expect(order('memory',
      [named('below', { memory: '1Gi' }), { memoryBytes: 900 * Mi }], [named('far-beyond', { memory: '100Mi' }), { memoryBytes: 700 * Mi }], [named('best-effort'), { memoryBytes: 500 * Mi }],
      [named('important', {}, 1000), { memoryBytes: 4 * Gi }], [named('small'), { memoryBytes: Mi }], [named('low', {}, -1), { memoryBytes: Mi }], [named('unknown', { memory: '1Gi' }), undefined],
    )).toEqual(['unknown', 'low', 'far-beyond', 'best-effort', 'small', 'important', 'below'])
  })
  test('disk: the same, with requests of local storage', () => {
    expect(order('ephemeral-storage', [named('asked', { 'ephemeral-storage': '2Gi' }), { diskBytes: Gi }], [named('not'), { diskBytes: 10 * Mi }])).toEqual(['not', 'asked'])
  })
  test('processes: priority, then how many', () => {
    expect(order('pids', [named('few'), { processes: 1 }], [named('many'), { processes: 90 }], [named('important', {}, 5), { processes: 900 }])).toEqual(['many', 'few', 'important'])
  })
})

describe('messages', () => {
  const threshold = defaultThresholds[0] as Threshold
  const pod = aPod({ containers: [aContainer('web', { resources: { requests: { memory: '10Mi' } } } as Partial<Container>), aContainer('side', { resources: { requests: { memory: '1Gi' } } })] })
  test("memory, in upstream's words", () => {
    expect(evictionMessage(pod, { threshold, observations: short('memory.available', 50 * Mi), use: { containers: [{ name: 'web', memoryBytes: 200 * Mi }, { name: 'side', memoryBytes: Mi }] } })).toEqual({
      message: 'The node was low on resource: memory. Threshold quantity: 100Mi, available: 50Mi. Container web was using 200Mi, request is 10Mi, has larger consumption of memory. ',
      annotations: { starved_resource: 'memory', offending_containers: 'web', offending_containers_usage: '200Mi' },
    })
  })
  test('local storage without a request', () => {
    const disk = { signal: 'nodefs.available', value: { fraction: 0.1 }, graceMilliseconds: 0 } as const
    expect(evictionMessage(pod, { threshold: disk, observations: { 'nodefs.available': { available: 5 * Gi, capacity: 100 * Gi } }, use: { containers: [{ name: 'web', diskBytes: 2 * Gi }] } }).message)
      .toBe('The node was low on resource: ephemeral-storage. Threshold quantity: 10Gi, available: 5Gi. Container web was using 2Gi, request is 0, has larger consumption of ephemeral-storage. ')
  })
  test('a pod that is not taken', () => { expect(pressureMessage(['MemoryPressure', 'DiskPressure'])).toBe('The node had condition: [MemoryPressure DiskPressure]. ') })
})

test('thresholds as a configuration has them', () => {
  expect(thresholdTexts(defaultThresholds, true)).toEqual({ 'memory.available': '100Mi', 'nodefs.available': '10%', 'nodefs.inodesFree': '5%', 'imagefs.available': '15%', 'imagefs.inodesFree': '5%' })
  expect(thresholdTexts([...defaultThresholds, soft, { signal: 'pid.available', value: { quantity: 1000 }, graceMilliseconds: 1 }], false)).toEqual({ 'memory.available': '2Gi', 'pid.available': '1k' })
})
