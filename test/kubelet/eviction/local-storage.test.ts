import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { measureDisk, measureDiskAndInodes } from '../../../agents/kubelet/eviction/disk-usage.ts'
import { exceededStorage, isLimited, type LocalUse, storageSlack } from '../../../agents/kubelet/eviction/local-storage.ts'
import { storageWatch } from '../../../agents/kubelet/eviction/storage-watch.ts'
import type { Pod, Volume } from '../../../src/api/types.ts'
import { fakeClock } from '../../support/fake-clock.ts'
import { aContainer, aPod } from '../builders.ts'

const Mi = 2 ** 20
const limited = (limits: (string | undefined)[], volumes: Volume[] = []): Pod => aPod({
  containers: limits.map((limit, index) => aContainer(`c${index + 1}`, limit === undefined ? {} : { resources: { limits: { 'ephemeral-storage': limit } } })), volumes,
})
const use = (containers: Record<string, number>, volumes: Record<string, number> = {}): LocalUse => ({ containers, volumes })
const scratch: Volume = { name: 'scratch', emptyDir: { sizeLimit: '10Mi' } }

describe('what has been written', () => {
  test.each<[string, Pod, LocalUse, string | undefined]>([
    ['within all limits', limited(['10Mi'], [scratch]), use({ c1: 4 * Mi }, { scratch: 4 * Mi }), undefined],
    ['exactly a limit', limited([], [scratch]), use({}, { scratch: 10 * Mi }), undefined],
    ['a volume', limited([undefined], [scratch]), use({ c1: 0 }, { scratch: 10 * Mi + 1 }), 'Usage of EmptyDir volume "scratch" exceeds the limit "10Mi". '],
    ['one container of two', limited(['10Mi', '100Mi']), use({ c1: 11 * Mi, c2: 0 }), 'Container c1 exceeded its local ephemeral storage limit "10Mi". '],
    ['all together, volumes included', limited(['10Mi', '10Mi'], [{ name: 'free', emptyDir: {} }]), use({ c1: 9 * Mi, c2: 9 * Mi }, { free: 5 * Mi }), 'Pod ephemeral local storage usage exceeds the total limit of containers 20Mi. '],
    ['one container is limited, the other writes', limited(['10Mi', undefined]), use({ c1: 0, c2: 11 * Mi }), 'Pod ephemeral local storage usage exceeds the total limit of containers 10Mi. '],
    ['a limit of zero is none', limited([], [{ name: 'scratch', emptyDir: { sizeLimit: '0' } }]), use({}, { scratch: 10 * Mi }), undefined],
    ['in memory', limited([], [{ name: 'scratch', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } }]), use({}, { scratch: 10 * Mi }), undefined],
  ])('%s', (_, pod, used, message) => { expect(exceededStorage(pod, used)).toBe(message) })

  test('who has to be measured', () => {
    expect([limited(['1Mi']), limited([undefined], [scratch]), limited([undefined]), limited([], [{ name: 'm', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } }])].map(isLimited)).toEqual([true, true, false, false])
  })
  test('what is left before something could be exceeded', () => { expect(storageSlack(limited(['10Mi', '100Mi'], [scratch]), use({ c1: 3 * Mi, c2: 0 }, { scratch: 9 * Mi }))).toBe(Mi) })
})

describe('the watch measures', () => {
  const watched = () => {
    const clock = fakeClock()
    const state = { used: 100 * Mi, bytes: 2 * Mi, measured: 0 }
    const look = storageWatch({ clock, usedOnDisks: () => Promise.resolve(state.used), directoriesOf: () => Promise.resolve({ volumes: { scratch: '/scratch' }, containers: {} }),
      measure: () => { state.measured++; return Promise.resolve(new Map([['/scratch', { bytes: state.bytes, inodes: 0 }]])) } })
    const pod = limited([undefined], [scratch])
    return { clock, state, look: (pods: Pod[] = [pod]) => look(pods, new AbortController().signal) }
  }
  test('nothing where nothing is limited', async () => {
    const { state, look } = watched()
    expect(await look([limited([undefined])])).toEqual([])
    expect(state.measured).toBe(0)
  })
  test('only when the disk has taken in what would exceed a limit', async () => {
    const { state, look } = watched()
    await look()
    state.used += 7 * Mi
    await look()
    expect(state.measured).toBe(1)
    state.used += Mi
    state.bytes = 11 * Mi
    expect((await look()).map(({ message }) => message)).toEqual(['Usage of EmptyDir volume "scratch" exceeds the limit "10Mi". '])
  })
  test('after a minute in any case, and when the pods are others', async () => {
    const { clock, state, look } = watched()
    await look()
    await clock.advance(60_000)
    await look()
    expect(state.measured).toBe(2)
    const other = limited(['1Mi'])
    await look([{ ...other, metadata: { ...other.metadata, uid: 'uid-2' } }])
    expect(state.measured).toBe(3)
  })
})

test('directories are measured by what they take of the disk; what is gone is left out', async () => {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'wherry-du-'))
  try {
    const odd = path.join(directory, 'a\nb c')
    await mkdir(path.join(odd, 'deep'), { recursive: true })
    await writeFile(path.join(odd, 'deep', 'file'), Buffer.alloc(3 * Mi, 1))
    const signal = new AbortController().signal
    const measured = await measureDiskAndInodes([odd, path.join(directory, 'gone')], signal)
    expect([...measured.keys()]).toEqual([odd])
    expect(measured.get(odd)?.bytes).toBeGreaterThanOrEqual(3 * Mi)
    expect(measured.get(odd)?.bytes).toBeLessThan(3.2 * Mi)
    expect(measured.get(odd)?.inodes).toBe(3)
    expect(await measureDisk([], signal)).toEqual(new Map())
    expect(await measureDisk([path.join(directory, 'gone')], signal)).toEqual(new Map())
  } finally { await rm(directory, { recursive: true }) }
})
