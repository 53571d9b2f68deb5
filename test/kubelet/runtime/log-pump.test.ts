/** How logs come about beside the log writer: by the kubelet itself, and by it in the writer's place; and how they are followed. Real FIFOs and files, no containers. */
import { spawnSync } from 'node:child_process'
import { appendFileSync, closeSync, mkdtempSync, openSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { endOfLog, followLog } from '../../../agents/kubelet/runtime/logs/follow-log.ts'
import { logLimits } from '../../../agents/kubelet/runtime/logs/log-file.ts'
import { type LogPump, logPump, type LogPumpOptions } from '../../../agents/kubelet/runtime/logs/log-pump.ts'
import { writtenPump } from '../../../agents/kubelet/runtime/logs/written-pump.ts'
import { systemClock } from '../../../src/api/clock.ts'
import { fakeClock } from '../../support/fake-clock.ts'
import { logText, until } from '../../support/runtime-node.ts'

let directory: string
let file: string
let fifos: number[]
let errors: string[]
const place = (name: string): string => path.join(directory, name)
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'wherry-pump-'))
  file = place('sub/0.log')
  errors = []
  expect(spawnSync('mkfifo', [place('out'), place('err')]).status).toBe(0)
  fifos = ['out', 'err'].map((name) => openSync(place(name), 'r+'))
})
afterEach(() => {
  fifos.forEach(closeSync)
  rmSync(directory, { recursive: true, force: true })
})
const say = (text: string, stream = 0): void => { writeSync(fifos[stream] ?? -1, text) }
const limitsOf = (maxBytes: number) => logLimits({ maxBytes, maxFiles: 5, maxWorkers: 1 })
const options = (over: Partial<LogPumpOptions> = {}): LogPumpOptions => ({ directory, tty: false, file, limits: limitsOf(1 << 30), clock: systemClock, onError: ({ message }) => { errors.push(message) }, ...over })

describe('the kubelet itself', () => {
  let pump: LogPump
  afterEach(async () => { await pump.finish() })
  test('carries both streams, and at the end what is left', async () => {
    say('before\n')
    pump = logPump(options())
    await until('what was there', () => logText(file) === 'before\n')
    say('oh\n', 1)
    await until('the other stream', () => logText(file).endsWith('oh\n'))
    say('last words')
    await pump.finish()
    expect(logText(file)).toBe('before\noh\nlast words')
    expect(errors).toEqual([])
  })
  test('has no log of what never spoke; one of what has begun', () => {
    pump = logPump(options())
    expect(readdirSync(directory)).toEqual(['err', 'out'])
    pump.begin()
    expect(readFileSync(file, 'utf8')).toBe('')
  })
  test('tells of a log that cannot be made, and tries again', async () => {
    writeFileSync(place('sub'), '')
    pump = logPump(options())
    say('lost\n')
    await until('an error', () => errors.length === 1)
    rmSync(place('sub'))
    say('kept\n')
    await until('it', () => logText(file) === 'kept\n')
  })
})

describe('a log that the log writer fills', () => {
  test('is made at the beginning, and asks for the rest at the end', async () => {
    let given = false
    const { pump } = writtenPump(options(), () => { given = true; return Promise.resolve() })
    pump.begin()
    expect(readFileSync(file, 'utf8')).toBe('')
    await pump.finish()
    expect(given).toBe(true)
    expect(errors).toEqual([])
  })
  test('is turned over when it is full, a second later if that second has one already', async () => {
    const clock = fakeClock(new Date('2026-11-22T10:00:00Z'))
    const { pump, heard } = writtenPump(options({ limits: limitsOf(10), clock }), () => Promise.resolve())
    pump.begin()
    for (const text of ['first, and full', 'second, and full']) {
      writeFileSync(file, text)
      heard.full()
    }
    expect(readdirSync(place('sub')).sort()).toEqual(['0.log', '0.log.20261122-100000'])
    await until('the next second', async () => { await clock.advance(1000); return readdirSync(place('sub')).length > 1 && !readdirSync(place('sub')).includes('0.log') })
    heard.full() // told late: it is gone already
    await until('the older one to be compressed', () => readdirSync(place('sub')).join(' ') === '0.log.20261122-100000.gz 0.log.20261122-100001')
    expect(errors).toEqual([])
    await pump.finish()
  })
  test('that is full already is turned over by a kubelet that comes back', async () => {
    const { pump } = writtenPump(options({ limits: limitsOf(0) }), () => Promise.resolve())
    pump.begin()
    expect(readdirSync(place('sub'))).toHaveLength(1)
    expect(readdirSync(place('sub'))).not.toContain('0.log')
    await pump.finish()
  })
  test('is filled by the kubelet when the writer refuses', async () => {
    const { pump, heard } = writtenPump(options(), () => Promise.resolve())
    pump.begin()
    say('one\n')
    heard.refused()
    await until('it', () => logText(file) === 'one\n')
    say('two')
    await pump.finish()
    expect(logText(file)).toBe('one\ntwo')
    expect(errors).toEqual(['the log writer cannot take it: the kubelet writes it itself'])
  })
  test('ends without the writer when that does not answer', async () => {
    const clock = fakeClock(new Date('2026-11-22T10:00:00Z'))
    const { pump } = writtenPump(options({ clock }), () => new Promise<void>(() => {}))
    const finished = pump.finish()
    await clock.advance(10_000)
    await finished
    expect(errors).toEqual(['the log writer has not written the last of it in 10 s'])
  })
})

describe('to follow a log', () => {
  const line = (text: string, tag = 'F', stream = 'stdout'): string => `2026-11-22T10:00:00.123456789Z ${stream} ${tag} ${text}\n`
  const follow = async () => {
    const ended = Promise.withResolvers<void>()
    const stop = new AbortController()
    const seen: string[] = []
    const end = await endOfLog(place('log'))
    const done = (async () => { for await (const { stream, text, partial } of followLog(end, { clock: systemClock, ended: ended.promise, signal: stop.signal })) seen.push(`${stream} ${text.toString()}${partial ? '…' : ''}`) })()
    return { seen, done, end: ended.resolve, stop: () => { stop.abort() } }
  }
  beforeEach(() => { writeFileSync(place('log'), line('before')) })
  test('from now on, across a turn, to the end', async () => {
    const { seen, done, end } = await follow()
    appendFileSync(place('log'), line('prompt', 'P') + line('oh', 'F', 'stderr') + '2026-11-22T10:00:00.12345')
    await until('two', () => seen.length === 2)
    appendFileSync(place('log'), '6789Z stdout F half\n')
    renameSync(place('log'), place('log.old'))
    appendFileSync(place('log.old'), line('late'))
    writeFileSync(place('log'), line('new'))
    await until('the new one', () => seen.length === 5)
    appendFileSync(place('log'), line('last'))
    end()
    await done
    expect(seen).toEqual(['stdout prompt…', 'stderr oh', 'stdout half', 'stdout late', 'stdout new', 'stdout last'])
  })
  test('given up, it ends', async () => {
    const { seen, done, stop } = await follow()
    stop()
    await done
    expect(seen).toEqual([])
  })
  test('a link in its place is not followed', async () => {
    const { done, seen } = await follow()
    renameSync(place('log'), place('log.old'))
    expect(spawnSync('ln', ['-s', '/etc/passwd', place('log')]).status).toBe(0)
    await expect(done).rejects.toThrow('ELOOP')
    expect(seen).toEqual([])
  })
})
