/** Named cases after image_gc_manager_test.go. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { garbageCollector } from '../../../agents/kubelet/images/collect-garbage.ts'
import { bytesToFree, candidates, defaultGarbagePolicy, detected, type ImageAge } from '../../../agents/kubelet/images/garbage.ts'
import { imageStore } from '../../../agents/kubelet/images/image-store.ts'
import { storeImage } from '../../../agents/kubelet/images/load.ts'
import { fakeClock, settle } from '../../support/fake-clock.ts'
import { logs } from '../../support/logs.ts'
import { sayWhatIsSkipped } from '../../support/skipped.ts'

test.each<[string, number, number, number]>([
  ['below the low threshold', 1000, 400, 0], ['between both', 1000, 170, 0], ['just below the high one', 1000, 160, 0], ['parts of a percent count as used', 1000, 151, 49], ['at the high one, down to the low one', 1000, 150, 50], ['full', 1000, 0, 200], ['more free than there is', 1000, 2000, 0],
])('what is to be freed: %s', (_, capacityBytes, availableBytes, expected) => expect(bytesToFree({ capacityBytes, availableBytes }, defaultGarbagePolicy)).toBe(expected))

const minute = 60_000
const age = (id: string, firstDetected: number, lastUsed = 0): ImageAge => ({ id, sizeBytes: 1, firstDetected, lastUsed })

describe('which go, in which order', () => {
  const now = 100 * minute
  test.each<[string, ImageAge[], string[]]>([
    ['the longest unused first', [age('b', 0, 20 * minute), age('a', 0, 10 * minute)], ['a', 'b']], ['of those never used the oldest', [age('b', 2), age('a', 1)], ['a', 'b']],
    ['never one that is in use', [age('a', 0, now)], []], ['never one that has just come', [age('a', now - minute)], []], ['one that came two minutes ago', [age('a', now - 2 * minute)], ['a']],
  ])('%s', (_, images, expected) => expect(candidates(images, { now, policy: defaultGarbagePolicy }).map(({ id }) => id)).toEqual(expected))

  test('an image is as old as the first look that found it; one that was there at the very first is older than any', () => {
    const images = [{ id: 'a', sizeBytes: 1 }]
    const start = detected([], images, { inUse: new Set(), first: true, now: 5 })
    const later = detected(start, [...images, { id: 'b', sizeBytes: 2 }], { inUse: new Set(['a']), first: false, now: 9 })
    expect(later).toEqual([{ id: 'a', sizeBytes: 1, firstDetected: 0, lastUsed: 9 }, { id: 'b', sizeBytes: 2, firstDetected: 9, lastUsed: 0 }])
    expect(detected(later, [], { inUse: new Set(), first: false, now: 10 })).toEqual([])
  })
})

describe('a round', () => {
  const setUp = (sizes: Record<string, number>, { capacity = 1000, used = [] as string[], policy = defaultGarbagePolicy } = {}) => {
    const clock = fakeClock()
    const images = new Map(Object.entries(sizes))
    const events: string[] = []
    const state = { other: 0, used: new Set(used) }
    const total = (): number => [...images.values()].reduce((sum, size) => sum + size, 0)
    const collector = garbageCollector({
      clock, log: logs(), policy, tell: ({ reason, message }) => { events.push(`${reason} ${message}`) },
      store: {
        disk: () => ({ capacityBytes: capacity, availableBytes: capacity - state.other - total() }), collectable: () => [...images].map(([id, sizeBytes]) => ({ id, sizeBytes })), inUse: () => state.used,
        remove: (id) => { if (state.used.has(id)) return Promise.resolve(false); images.delete(id); return Promise.resolve(true) },
      },
    })
    return { clock, images, events, state, collector }
  }

  test('does nothing while there is room', async () => {
    const { collector, images } = setUp({ a: 400, b: 400 })
    await collector.collect()
    expect([...images.keys()]).toEqual(['a', 'b'])
  })
  test('removes no more than it takes', async () => {
    const { collector, images } = setUp({ a: 300, b: 300, c: 300 })
    await collector.collect()
    expect([...images.keys()]).toEqual(['b', 'c'])
  })
  test('leaves what is in use, and says that it was not enough', async () => {
    const { collector, images, events } = setUp({ a: 500, b: 50, c: 400 }, { used: ['a', 'c'] })
    const message = 'Failed to garbage collect required amount of images. Attempted to free 150 bytes, but only found 50 bytes eligible to free.'
    await expect(collector.collect()).rejects.toThrow(message)
    expect([...images.keys()]).toEqual(['a', 'c'])
    expect(events).toEqual([`FreeDiskSpaceFailed ${message}`])
  })
  test('that fails again is an event of its own; a new image is spared for two minutes', async () => {
    const { clock, collector, images, events, state } = setUp({})
    const ending = new AbortController()
    const running = collector.run(ending.signal)
    await settle()
    state.other = 900
    images.set('new', 100)
    await clock.advance(5 * minute)
    expect([...images.keys()]).toEqual(['new'])
    expect(events.map((line) => line.split(' ')[0])).toEqual(['FreeDiskSpaceFailed'])
    await clock.advance(5 * minute)
    expect([...images.keys()]).toEqual([])
    expect(events.map((line) => line.split(' ')[0])).toEqual(['FreeDiskSpaceFailed', 'FreeDiskSpaceFailed', 'ImageGCFailed'])
    ending.abort()
    await running
  })
  test('images that nobody has used for too long go, however much room there is; those in use, and new ones, stay', async () => {
    const { clock, collector, images } = setUp({ old: 10, used: 10 }, { used: ['used'], policy: { ...defaultGarbagePolicy, maxAgeMilliseconds: 30 * minute } })
    await collector.collect()
    await clock.advance(30 * minute)
    await collector.collect()
    expect([...images.keys()]).toEqual(['old', 'used'])
    images.set('new', 10)
    await clock.advance(1)
    await collector.collect()
    expect([...images.keys()]).toEqual(['used', 'new'])
  })
  test('without a disk is an error', async () => {
    const { collector, events } = setUp({}, { capacity: 0 })
    await expect(collector.collect()).rejects.toThrow('invalid capacity 0 on image filesystem')
    expect(events).toEqual(['InvalidDiskCapacity invalid capacity 0 on image filesystem'])
  })
})

sayWhatIsSkipped('garbage.test.ts, in part', process.getuid?.() !== 0, 'files of other owners need root')

describe.runIf(process.getuid?.() === 0)('a machine\'s store', () => {
  test('has what registries gave, without what containers of any node have; away with one is away from the disk', async () => {
    const place = mkdtempSync(path.join(tmpdir(), 'wherry-store-'))
    try {
      const [directory, run] = [path.join(place, 'images'), path.join(place, 'run')]
      const id = (letter: string): string => `sha256:${letter.repeat(64)}`
      const config = { entrypoint: [], command: [], env: [], workingDir: '', user: '', stopSignal: undefined }
      const put = (letter: string, pulled?: true) => storeImage({ directory, now: new Date(0), image: { id: id(letter), names: [`r.example/${letter}:1`], config, ...(pulled && { pulled }) } }, (root) => Promise.resolve(writeFileSync(path.join(root, 'file'), letter)))
      await put('a', true)
      await put('b', true)
      await put('c')
      const record = path.join(run, 'node-2/pods/uid/web/0')
      mkdirSync(record, { recursive: true })
      writeFileSync(path.join(record, 'record'), JSON.stringify({ imageRef: id('b') }))
      const store = imageStore(directory, run)
      expect(store.collectable().map((each) => each.id)).toEqual([id('a'), id('b')])
      expect([...store.inUse()]).toEqual([id('b')])
      expect(await store.remove(id('b'))).toBe(false)
      expect(await store.remove(id('a'))).toBe(true)
      expect(readdirSync(path.join(directory, 'roots')).sort()).toEqual(['b', 'c'].map((letter) => `sha256-${letter.repeat(64)}`))
      expect(store.disk().capacityBytes).toBeGreaterThan(0)
    } finally {
      rmSync(place, { recursive: true, force: true })
    }
  })
})
