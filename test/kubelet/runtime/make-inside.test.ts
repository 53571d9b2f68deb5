import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { makeInside } from '../../../agents/kubelet/runtime/rootfs/make-inside.ts'

describe('a mount point in a volume', () => {
  let place: string
  const at = (name: string): string => path.join(place, name)
  beforeEach(() => {
    place = mkdtempSync(path.join(tmpdir(), 'wherry-inside-'))
    for (const each of ['volume', 'victim']) mkdirSync(at(each))
    writeFileSync(at('victim/kept'), 'kept')
  })
  afterEach(() => { rmSync(place, { recursive: true, force: true }) })

  test('is made with all that leads to it; what is there stays', () => {
    mkdirSync(at('volume/a'), { mode: 0o700 })
    makeInside(at('volume'), ['a', 'b', 'c'], 'directory')
    makeInside(at('volume'), ['a', 'b', 'file'], 'file')
    expect(statSync(at('volume/a')).mode & 0o777).toBe(0o700)
    expect([statSync(at('volume/a/b/c')).isDirectory(), readFileSync(at('volume/a/b/file'), 'utf8')]).toEqual([true, ''])
  })

  test('is made by way of a link to the volume itself', () => {
    symlinkSync(at('volume'), at('link'))
    makeInside(at('link'), ['a'], 'directory')
    expect(existsSync(at('volume/a'))).toBe(true)
  })

  test.each<[string, string, string[], 'file' | 'directory']>([
    ['a link on the way', 'x', ['x', 'made'], 'directory'], ['a link on the way to a file', 'x', ['x', 'made'], 'file'], ['a link in its place', 'x', ['x'], 'directory'], ['a link in the place of a file', 'x', ['x'], 'file'],
  ])('%s, which was none when the path was resolved, leads nowhere', (_, name, parts, kind) => {
    for (const target of [at('victim'), at('victim/kept'), at('victim/new')]) {
      symlinkSync(target, at(`volume/${name}`))
      expect(() => makeInside(at('volume'), parts, kind)).toThrow('the path changed while it was being made')
      rmSync(at(`volume/${name}`))
    }
    expect(readdirSync(at('victim'))).toEqual(['kept'])
  })

  test('leaves nothing open', () => {
    const before = readdirSync('/proc/self/fd').length
    makeInside(at('volume'), ['a', 'b'], 'directory')
    symlinkSync(at('victim'), at('volume/x'))
    for (let round = 0; round < 5; round++) expect(() => makeInside(at('volume'), ['x', 'y'], 'file')).toThrow()
    expect(readdirSync('/proc/self/fd').length).toBe(before)
  })
})
