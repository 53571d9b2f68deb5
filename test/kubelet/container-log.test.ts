import { appendFile, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { logTail, openLog, parseLogLine, tailPosition } from '../../agents/kubelet/container-log.ts'
import { logOptions } from '../../agents/kubelet/server/log-options.ts'
import { readLog } from '../../agents/kubelet/server/read-log.ts'
import { fakeClock, settle } from '../support/fake-clock.ts'

let directory: string
let file: string
beforeEach(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'wherry-log-'))
  file = path.join(directory, '0.log')
})
afterEach(async () => { await rm(directory, { recursive: true, force: true }) })

const line = (text: string, tag = 'F'): string => `2026-01-01T00:00:00.000000000Z stdout ${tag} ${text}\n`

test('a line of CRI\'s format', () => {
  expect(parseLogLine(Buffer.from('2026-01-01T00:00:00.1Z stderr P:x some text '))).toMatchObject({ time: '2026-01-01T00:00:00.1Z', stream: 'stderr', partial: true, text: Buffer.from('some text ') })
  expect(parseLogLine(Buffer.from('rubbish'))).toBeUndefined()
  expect(parseLogLine(Buffer.from('2026 stdlog F x'))).toBeUndefined()
})

describe('the tail', () => {
  const many = Array.from({ length: 5000 }, (_, index) => line(`line ${index} ${'x'.repeat(index % 97)}`))
  test.each([0, 1, 2, 10, 999, 4999, 5000, 6000])('of %d lines', async (count) => {
    await writeFile(file, many.join(''))
    const handle = await openLog(file)
    expect(await tailPosition(handle, count, many.join('').length)).toBe(many.slice(0, Math.max(0, 5000 - count)).join('').length)
    await handle.close()
  })
  test('a line in parts is one', async () => {
    await writeFile(file, line('first') + line('a', 'P') + line('b', 'P') + line('c'))
    expect(await logTail(file, { lines: 1, bytes: 100 })).toBe('abc\n')
    expect(await logTail(file, { lines: 2, bytes: 100 })).toBe('first\nabc\n')
    expect(await logTail(file, { lines: 2, bytes: 3 })).toBe('bc\n')
  })
  test.each(['tailLines=2', 'tailLines=2&timestamps=true&limitBytes=1000'])('is no longer for what is written while it is read: %s', async (query) => {
    await writeFile(file, ['one', 'two', 'three'].map((text) => line(text)).join(''))
    const clock = fakeClock()
    const source = { file, clock, isRunning: () => Promise.resolve(true), onExit: () => () => {} }
    const got: string[] = []
    for await (const chunk of readLog(source, logOptions(new URLSearchParams(query), clock.now()), new AbortController().signal)) {
      got.push(chunk.toString().split(' ').at(-1) ?? '')
      if (got.length < 5) await appendFile(file, line(`after ${got.length}`))
    }
    expect(got).toEqual(['two\n', 'three\n'])
  })
})

test('what a pod could put in a log\'s place is not read', async () => {
  await writeFile(path.join(directory, 'secret'), line('secret'))
  await symlink(path.join(directory, 'secret'), file)
  await expect(openLog(file)).rejects.toThrow(/ELOOP/)
  await expect(openLog('/dev/null')).rejects.toThrow(/not a regular file/)
  expect(await logTail(file, { lines: 1, bytes: 10 })).toBe('')
})

test('following goes on through a rotation, and ends with the container', async () => {
  const clock = fakeClock()
  let running = true
  let heard = (): void => {}
  const got: string[] = []
  await writeFile(file, line('one'))
  const reading = (async () => {
    const source = { file, clock, isRunning: () => Promise.resolve(running), onExit: (hear: () => void) => { heard = hear; return () => {} } }
    for await (const chunk of readLog(source, logOptions(new URLSearchParams('follow=true'), clock.now()), new AbortController().signal)) got.push(chunk.toString())
  })()
  const until = async (text: string): Promise<void> => { const deadline = performance.now() + 20_000; while (got.join('') !== text && performance.now() < deadline) await settle(2); expect(got.join('')).toBe(text) }
  await until('one\n')
  await appendFile(file, line('two'))
  await until('one\ntwo\n')
  await rename(file, `${file}.20260101-000000`)
  await writeFile(file, line('three'))
  await until('one\ntwo\nthree\n')
  running = false
  heard()
  await expect.poll(() => clock.sleepers, { timeout: 20_000 }).toBe(1)
  await appendFile(file, line('last words'))
  await clock.advance(200)
  await reading
  expect(got.join('')).toBe('one\ntwo\nthree\nlast words\n')
})
