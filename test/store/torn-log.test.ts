/** A log whose end was torn or whose bytes were changed: the store opens with what is still certain, or refuses. It never serves what was not written. */
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DataDirectoryError } from '../../src/store/embedded/data-directory.ts'
import { openEmbeddedStore } from '../../src/store/embedded/open.ts'
import { fakeClock } from '../support/fake-clock.ts'
import { bytes, text } from './suite/fixture.ts'
import { type TemporaryDirectory, temporaryDirectory } from './temporary.ts'

const full = process.env['WHERRY_FULL'] === '1'

/** The contents after each revision. */
const states: Map<string, string>[] = [new Map(), new Map()]
let inDatabase = 0
let temporary: TemporaryDirectory
const image = (): string => path.join(temporary.directory, 'image')

beforeAll(async () => {
  temporary = await temporaryDirectory()
  const directory = path.join(temporary.directory, 'original')
  await using store = await openEmbeddedStore({ directory, clock: fakeClock() })
  for (let count = 0; count < 150; count += 1) {
    const next = new Map(states.at(-1))
    const [key, value] = [`/key/${count % 13}`, `value ${count} `.padEnd(20 + (count % 7) * 100, '.')]
    if (count % 11 === 10) next.delete(key)
    else next.set(key, value)
    const { revision } = count % 11 === 10 ? await store.delete(key) : await store.put(key, bytes(value))
    states[revision] = next
    // The first part moves into the database, the second stays in the log: as a kill would leave it, since the store is still open.
    if (count < 60) continue
    inDatabase = revision
    await store[Symbol.asyncDispose]()
    break
  }
  await using second = await openEmbeddedStore({ directory, clock: fakeClock() })
  await second.compact(30)
  for (let count = 61; count < 150; count += 1) {
    const [key, value] = [`/key/${count % 13}`, `value ${count} `.padEnd(20 + (count % 7) * 100, '.')]
    const { revision } = await second.put(key, bytes(value))
    states[revision] = new Map(states.at(-1)).set(key, value)
  }
  await mkdir(image())
  for (const file of ['version', 'history.db', 'history.db-wal']) await cp(path.join(directory, file), path.join(image(), file))
})
afterAll(() => temporary[Symbol.asyncDispose]())

/** Opens a damaged copy; returns the revision at which it stands, or undefined if it was refused. Fails if it serves anything that never was. */
const open = async (file: 'history.db' | 'history.db-wal', damage: (content: Buffer) => Buffer): Promise<number | undefined> => {
  const directory = path.join(temporary.directory, 'copy')
  await rm(directory, { recursive: true, force: true })
  await cp(image(), directory, { recursive: true })
  await writeFile(path.join(directory, file), damage(await readFile(path.join(directory, file))))
  try {
    await using store = await openEmbeddedStore({ directory, clock: fakeClock() })
    const { revision, items } = await store.range('/', '0')
    expect(new Map(items.map(({ key, value }) => [key, text(value)]))).toEqual(states[revision])
    expect((await store.put('/after', bytes('x'))).revision).toBe(revision + 1)
    return revision
  } catch (error) {
    expect(error).toBeInstanceOf(DataDirectoryError)
    return undefined
  }
}

const flipped = (content: Buffer, offset: number): Buffer => {
  content[offset]! ^= 1 << (offset % 8)
  return content
}
const distances = Array.from({ length: 512 }, (_, index) => index + 1).filter((distance) => full || distance < 4 || distance % 37 === 0)
const everywhere = (size: number): number[] => Array.from({ length: full ? 2000 : 60 }, (_, index) => Math.floor((index + 0.5) / (full ? 2000 : 60) * size))

describe('a damaged log', () => {
  test('untouched, all of it is there', async () => {
    expect(await open('history.db-wal', (content) => content)).toBe(states.length - 1)
  })

  test('cut off by up to 512 bytes, it loses its last write', async () => {
    for (const distance of distances) expect(await open('history.db-wal', (content) => content.subarray(0, content.length - distance))).toBe(states.length - 2)
  }, 300_000)

  test('changed within its last 512 bytes, it loses its last write', async () => {
    for (const distance of distances) expect(await open('history.db-wal', (content) => flipped(content, content.length - distance))).toBe(states.length - 2)
  }, 300_000)

  test('changed anywhere, it serves a state that was, or nothing', async () => {
    const { length } = await readFile(path.join(image(), 'history.db-wal'))
    const revisions = []
    for (const offset of everywhere(length)) revisions.push(await open('history.db-wal', (content) => flipped(content, offset)))
    expect(new Set(revisions).size).toBeGreaterThan(10)
  }, 300_000)

  test('a database changed anywhere serves a state that was, or nothing', async () => {
    const { length } = await readFile(path.join(image(), 'history.db'))
    for (const offset of everywhere(length)) await open('history.db', (content) => flipped(content, offset))
  }, 300_000)

  test('without its log, what the database holds is a state that was', async () => {
    const revision = await open('history.db-wal', () => Buffer.alloc(0))
    expect(revision).toBe(inDatabase)
  })
})
