import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { gunzipSync } from 'node:zlib'
import { eventQueue } from '../../../agents/kubelet/runtime/event-queue.ts'
import { criLines, maxLineBytes } from '../../../agents/kubelet/runtime/logs/cri-line.ts'
import { logLimits, openLogFile } from '../../../agents/kubelet/runtime/logs/log-file.ts'
import { fakeClock } from '../../support/fake-clock.ts'
import { until } from '../../support/runtime-node.ts'

const at = new Date('2026-11-22T10:00:00.123Z')
const head = '2026-11-22T10:00:00.123000000Z stdout'

describe('log lines', () => {
  for (const [name, text, lines] of [
    ['one', 'a\n', [`${head} F a`]], ['two and an empty one', 'a\n\nb\n', [`${head} F a`, `${head} F `, `${head} F b`]], ['without a newline', 'a\nb', [`${head} F a`, `${head} P b`]],
    ['as long as may be', `${'x'.repeat(maxLineBytes)}\n`, [`${head} F ${'x'.repeat(maxLineBytes)}`]],
    ['longer', `${'x'.repeat(maxLineBytes * 2 + 1)}\n`, [`${head} P ${'x'.repeat(maxLineBytes)}`, `${head} P ${'x'.repeat(maxLineBytes)}`, `${head} F x`]], ['nothing', '', []],
  ] as const) test(name, () => { expect(criLines('stdout', Buffer.from(text), at).toString()).toBe(lines.map((line) => `${line}\n`).join('')) })
  test('bytes stay what they are', () => { expect(criLines('stderr', Buffer.from([0xff, 0x00, 0x0a]), at).subarray(-4)).toEqual(Buffer.from([0x20, 0xff, 0x00, 0x0a])) })
})

describe('a log file', () => {
  let directory: string
  beforeEach(() => { directory = mkdtempSync(path.join(tmpdir(), 'wherry-log-')) })
  afterEach(() => { rmSync(directory, { recursive: true, force: true }) })
  const errors: Error[] = []
  const open = (clock = fakeClock(at)) => ({ clock, log: openLogFile(path.join(directory, 'sub', '0.log'), { clock, limits: logLimits({ maxBytes: 100, maxFiles: 3, maxWorkers: 1 }), onError: (error) => errors.push(error) }) })

  test('is turned over when it has grown; older ones are compressed, the oldest go', async () => {
    const { clock, log } = open()
    for (const letter of ['a', 'b', 'c', 'd']) {
      log.append(Buffer.from(letter.repeat(120)))
      await clock.advance(1000)
    }
    log.append(Buffer.from('e'))
    log.close()
    const names = await until('the old ones to be compressed', () => { const all = readdirSync(path.join(directory, 'sub')); return all.length === 3 && all.some((name) => name.endsWith('.gz')) && !all.some((name) => name.endsWith('.tmp')) ? all : undefined })
    expect(names.sort()).toEqual(['0.log', '0.log.20261122-100002.gz', '0.log.20261122-100003'])
    expect(readFileSync(path.join(directory, 'sub/0.log'), 'utf8')).toBe('e')
    expect(gunzipSync(readFileSync(path.join(directory, 'sub/0.log.20261122-100002.gz'))).toString()).toBe('c'.repeat(120))
    expect(errors).toEqual([])
  })
  test('goes on where the last kubelet stopped', () => {
    for (const text of ['one\n', 'two\n']) {
      const { log } = open()
      log.append(Buffer.from(text))
      log.close()
    }
    expect(readFileSync(path.join(directory, 'sub/0.log'), 'utf8')).toBe('one\ntwo\n')
  })
  test('nothing is lost when two turns fall into one second', () => {
    const { log } = open()
    for (const letter of ['a', 'b', 'c']) log.append(Buffer.from(letter.repeat(120)))
    log.close()
    const texts = readdirSync(path.join(directory, 'sub')).map((name) => readFileSync(path.join(directory, 'sub', name), 'utf8'))
    expect(texts.join('').length).toBe(360)
    expect(existsSync(path.join(directory, 'sub/0.log'))).toBe(true)
  })
})

test('events wait for their consumer, come in order, and end with the signal', async () => {
  const queue = eventQueue<number>()
  const stop = new AbortController()
  queue.push(1)
  queue.push(2)
  const seen: number[] = []
  const reading = (async () => { for await (const event of queue.events(stop.signal)) { seen.push(event); if (event === 3) stop.abort() } })()
  await Promise.resolve()
  queue.push(3)
  await reading
  expect(seen).toEqual([1, 2, 3])
})
