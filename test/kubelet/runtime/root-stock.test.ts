import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { systemRandom } from '../../../src/api/random.ts'
import { rootStock, type RootStock } from '../../../agents/kubelet/runtime/rootfs/root-stock.ts'
import { fakeClock, type FakeClock } from '../../support/fake-clock.ts'

describe('roots in stock', () => {
  let directory: string
  let clock: FakeClock
  let stock: RootStock
  const errors: unknown[] = []
  const inStock = (): string[] => (existsSync(path.join(directory, '.stock')) ? readdirSync(path.join(directory, '.stock')) : [])

  /** As prepareRoot leaves one: layers, what every root has in /etc, and what only this one has. */
  const prepare = (place: string): void => {
    for (const name of ['root-upper', 'root-work', 'layer-0-upper', 'layer-0-work', 'run', 'tmp', 'hidden-0', 'run/secrets']) mkdirSync(path.join(place, name), { recursive: true })
    mkdirSync(path.join(place, 'root-upper/etc'), { mode: 0o751 })
    for (const name of ['hosts', 'resolv.conf', 'secret']) writeFileSync(path.join(place, 'root-upper/etc', name), 'of this container only')
  }

  beforeEach(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'wherry-stock-'))
    clock = fakeClock()
    stock = rootStock({ directory: path.join(directory, '.stock'), clock, random: systemRandom, failed: (error) => errors.push(error) })
  })
  afterEach(() => {
    stock.close()
    rmSync(directory, { recursive: true, force: true })
    expect(errors.splice(0)).toEqual([])
  })

  test('the first is an empty directory; later ones are like it, without anything that was in it', async () => {
    const first = path.join(directory, 'pod/main-0')
    stock.take(first)
    expect(readdirSync(first)).toEqual([])
    prepare(first)
    stock.learn(first)
    expect(inStock()).toEqual([])
    await clock.advance(5000)
    await vi.waitFor(() => { expect(inStock().length).toBeGreaterThan(8) }, 10_000)
    const second = path.join(directory, 'other/main-0')
    stock.take(second)
    expect(readdirSync(second).toSorted()).toEqual(['layer-0-upper', 'layer-0-work', 'root-upper', 'root-work', 'run', 'termination', 'tmp'])
    expect(readdirSync(path.join(second, 'run'))).toEqual([])
    expect(readdirSync(path.join(second, 'root-upper/etc')).toSorted()).toEqual(['hosts', 'resolv.conf'])
    expect(readFileSync(path.join(second, 'root-upper/etc/hosts'), 'utf8')).toBe('')
    expect(statSync(path.join(second, 'root-upper/etc')).mode & 0o777).toBe(statSync(path.join(first, 'root-upper/etc')).mode & 0o777)
    expect(statSync(second).mode & 0o777).toBe(0o700)
  })

  test('none is handed out twice, and what is closed makes no more', async () => {
    const first = path.join(directory, 'pod/main-0')
    stock.take(first)
    prepare(first)
    stock.learn(first)
    await clock.advance(5000)
    await vi.waitFor(() => { expect(inStock().length).toBeGreaterThan(2) }, 10_000)
    stock.close()
    const taken = inStock().length
    for (const name of ['a', 'b']) { stock.take(path.join(directory, name, 'main-0')); writeFileSync(path.join(directory, name, 'main-0/root-upper/mark'), name) }
    for (const name of ['a', 'b']) expect(readFileSync(path.join(directory, name, 'main-0/root-upper/mark'), 'utf8')).toBe(name)
    await clock.advance(60_000)
    expect(inStock().length).toBeLessThanOrEqual(taken - 1)
  })
})
