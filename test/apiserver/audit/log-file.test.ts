/** The log backend of upstream's task page: a file of JSON lines, rotated by size, kept by number and by age. */
import { mkdtemp, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { PassThrough } from 'node:stream'
import { gunzipSync } from 'node:zlib'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { openLogFile, standardOutput } from '../../../src/apiserver/audit/log-file.ts'
import type { Log } from '../../../src/apiserver/log.ts'
import { silent } from '../../../src/apiserver/log.ts'
import { fakeClock } from '../../support/fake-clock.ts'

let directory: string
let file: string
beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'wherry-audit-'))
  file = path.join(directory, 'logs', 'audit.log')
})
afterEach(() => rm(directory, { recursive: true, force: true }))

const clock = fakeClock()
const backups = async (): Promise<string[]> => (await readdir(path.dirname(file))).filter((name) => name !== 'audit.log').sort()
const almostHalf = 'x'.repeat(500_000)

test('lines come in order, are there after close, and only the owner may read them', async () => {
  const sink = await openLogFile({ file, clock, log: silent })
  for (let index = 0; index < 1000; index += 1) sink.write(`{"n":${index}}`)
  await sink.close()
  expect((await readFile(file, 'utf8')).split('\n')).toEqual([...Array.from({ length: 1000 }, (_, index) => `{"n":${index}}`), ''])
  expect((await stat(file)).mode & 0o777).toBe(0o600)
})

test('what is there already stays', async () => {
  for (const line of ['one', 'two']) {
    const sink = await openLogFile({ file, clock, log: silent })
    sink.write(line)
    await sink.close()
  }
  expect(await readFile(file, 'utf8')).toBe('one\ntwo\n')
})

test('a file that would grow beyond its size is exchanged; lines are never parted', async () => {
  const sink = await openLogFile({ file, clock, log: silent, maxSizeMb: 1 })
  for (const name of ['a', 'b', 'c', 'd', 'e']) sink.write(name + almostHalf)
  await sink.close()
  const old = await backups()
  expect(old).toHaveLength(2)
  for (const name of old) expect(name).toMatch(/^audit-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}\.log$/)
  const starts = await Promise.all([...old, 'audit.log'].map(async (name) => (await readFile(path.join(path.dirname(file), name), 'utf8')).split('\n').map((line) => line[0] ?? '').join('')))
  expect(starts).toEqual(['ab', 'cd', 'e'])
  expect((await stat(file)).mode & 0o777).toBe(0o600)
})

test('backups are compressed where that is asked for, and stay backups', async () => {
  const write = async (names: readonly string[], maxBackups = 0): Promise<void> => {
    const sink = await openLogFile({ file, clock, log: silent, maxSizeMb: 1, compress: true, maxBackups })
    for (const name of names) sink.write(name + almostHalf)
    await sink.close()
  }
  await write(['a', 'b', 'c'])
  const [name = ''] = await backups()
  expect(name).toMatch(/^audit-.*\.log\.gz$/)
  expect(gunzipSync(await readFile(path.join(path.dirname(file), name))).toString().split('\n').map((line) => line[0] ?? '').join('')).toBe('ab')
  await write(['d', 'e', 'f', 'g'], 1)
  const left = await backups()
  expect(left).toHaveLength(1)
  expect(gunzipSync(await readFile(path.join(path.dirname(file), left[0] ?? ''))).toString()[0]).toBe('e')
})

test('old files go: by number, and by age', async () => {
  const write = async (options: { maxBackups?: number; maxAgeDays?: number }): Promise<void> => {
    const sink = await openLogFile({ file, clock, log: silent, maxSizeMb: 1, ...options })
    for (const name of ['a', 'b', 'c']) sink.write(name + almostHalf)
    await sink.close()
  }
  await write({})
  await writeFile(path.join(path.dirname(file), 'audit-other.log'), 'not ours')
  for (let round = 0; round < 3; round += 1) await write({ maxBackups: 2 })
  expect(await backups()).toHaveLength(3)
  await clock.advance(3 * 86_400_000)
  await write({ maxAgeDays: 2 })
  const left = await backups()
  const today = clock.now().toISOString().slice(0, 10)
  expect(left.filter((name) => !name.startsWith(`audit-${today}T`))).toEqual(['audit-other.log'])
  expect(left).toHaveLength(3)
})

test('a full disk is said once, nothing waits for it, and writing goes on when there is room', async () => {
  const said: string[] = []
  const note = (message: string, fields: Record<string, unknown> = {}): void => { said.push(`${message} ${String(fields['lost'] ?? fields['error'])}`) }
  const log: Log = { ...silent, error: note, warn: note }
  const sink = await openLogFile({ file, clock, log })
  const probe = await open(file)
  const prototype = Object.getPrototypeOf(probe) as { write(...given: unknown[]): Promise<unknown> }
  await probe.close()
  const settled = async (): Promise<void> => { for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve)) }
  const full = vi.spyOn(prototype, 'write').mockRejectedValue(new Error('ENOSPC: no space left on device'))
  for (const line of ['a', 'b']) {
    sink.write(line)
    await settled()
  }
  full.mockRestore()
  sink.write('c')
  await sink.close()
  expect(said).toEqual(['audit events are lost ENOSPC: no space left on device', 'audit events are written again 2'])
  expect(await readFile(file, 'utf8')).toBe('c\n')
})

test('a path that cannot be written to is refused at once', async () => {
  await expect(openLogFile({ file: directory, clock, log: silent })).rejects.toThrow(/EISDIR/)
})

test('standard output', async () => {
  const output = new PassThrough()
  const sink = standardOutput(output)
  sink.write('{}')
  sink.write('[]')
  await sink.close()
  expect((output.read() as Buffer).toString()).toBe('{}\n[]\n')
})
