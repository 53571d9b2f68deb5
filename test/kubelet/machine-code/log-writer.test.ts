/** The log writer as a process of its own, between FIFOs and files: no kubelet is needed. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, readlinkSync, readSync, renameSync, rmSync, symlinkSync, writeFileSync, writeSync } from 'node:fs'
import { arch, tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { logWriterProgram } from '../../../agents/kubelet/machine-code/log-writer/program.ts'
import { codes, maxLineBytes, telling } from '../../../agents/kubelet/machine-code/log-writer/protocol.ts'
import { fits, giveCommand, keepOnlyCommand, readTold, takeCommand, type Told } from '../../../agents/kubelet/runtime/logs/log-commands.ts'
import { openForBoth } from '../../../agents/kubelet/runtime/fifo.ts'
import { until } from '../../support/runtime-node.ts'
import { sayWhatIsSkipped } from '../../support/skipped.ts'

const program = logWriterProgram(arch())
const generation = 7n

sayWhatIsSkipped('log-writer.test.ts, in part', !program, 'there is no such program for this machine\'s architecture')

describe.skipIf(!program)('the log writer', () => {
  let directory: string
  let child: ChildProcess
  let commands: number
  let answers: number
  const place = (name: string): string => path.join(directory, name)
  const makeFifos = (...names: string[]): void => { expect(spawnSync('mkfifo', names.map(place)).status).toBe(0) }
  // What it gets as standard input is open nowhere else: it goes, and its lock with it, when the process does.
  const start = (): ChildProcess => {
    const fds = ['commands', 'answers'].map((name) => openSync(place(name), 'r+'))
    const process = spawn(place('log-writer'), [], { stdio: [fds[0], fds[1], 'inherit'] })
    fds.forEach(closeSync)
    return process
  }
  const openFifos = (): string[] => readdirSync(`/proc/${child.pid}/fd`).map((fd) => readlinkSync(`/proc/${child.pid}/fd/${fd}`)).filter((file) => file.startsWith(directory)).map((file) => path.basename(file)).sort()
  const exited = (process: ChildProcess): Promise<number | null> => new Promise((resolve) => { process.on('exit', resolve) })
  beforeEach(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'wherry-log-writer-'))
    writeFileSync(place('log-writer'), program ?? '', { mode: 0o755 })
    makeFifos('commands', 'answers', 'out', 'err')
    commands = openForBoth(place('commands'))
    answers = openForBoth(place('answers'))
    out = openSync(place('out'), 'r+')
    child = start()
  })
  let out: number
  afterEach(() => {
    child.kill('SIGKILL')
    for (const fd of [commands, answers, out]) closeSync(fd)
    rmSync(directory, { recursive: true, force: true })
  })

  const take = (key: bigint, over: Partial<Parameters<typeof takeCommand>[1]> = {}, by = generation): void => {
    writeSync(commands, takeCommand({ key, generation: by }, { outFifo: place('out'), errFifo: place('err'), log: place('log'), limitBytes: 1 << 30, ...over }))
  }
  const hear = (): Promise<Told> => until('a word', () => {
    const bytes = Buffer.alloc(telling.bytes)
    try {
      return readTold(bytes.subarray(0, readSync(answers, bytes)))[0]
    } catch {
      return undefined
    }
  })
  const give = async (key = 1n): Promise<void> => {
    writeSync(commands, giveCommand({ key, generation }))
    expect(await hear()).toEqual({ key, generation, code: codes.given })
  }
  const raw = (name = 'log'): string[] => (existsSync(place(name)) ? readFileSync(place(name), 'utf8').split('\n').slice(0, -1) : [])
  const lines = (name?: string): string[] => raw(name).map((line) => line.replace(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z /, ''))

  for (const [name, text, expected] of [
    ['one line', 'a\n', ['F a']], ['two and an empty one', 'a\n\nb\n', ['F a', 'F ', 'F b']], ['without a newline', 'a\nb', ['F a', 'P b']],
    ['as long as may be', `${'x'.repeat(maxLineBytes)}\n`, [`F ${'x'.repeat(maxLineBytes)}`]], ['as long as may be, and no newline', 'x'.repeat(maxLineBytes), [`P ${'x'.repeat(maxLineBytes)}`]],
    ['longer by one', `${'x'.repeat(maxLineBytes + 1)}\n`, [`P ${'x'.repeat(maxLineBytes)}`, 'F x']], ['longer by one, and no newline', `${'x'.repeat(maxLineBytes + 1)}`, [`P ${'x'.repeat(maxLineBytes)}`, 'P x']],
    ['longer', `${'x'.repeat(maxLineBytes * 2 + 1)}\n`, [`P ${'x'.repeat(maxLineBytes)}`, `P ${'x'.repeat(maxLineBytes)}`, 'F x']],
    ['more lines than are written at once', 'y\n'.repeat(5000), Array.from({ length: 5000 }, () => 'F y')], ['only newlines', '\n'.repeat(65_536), Array.from({ length: 65_536 }, () => 'F ')],
  ] as const) {
    test(name, async () => {
      writeSync(out, text)
      take(1n)
      await give()
      expect(lines()).toEqual(expected.map((line) => `stdout ${line}`))
    })
  }
  test('bytes stay what they are', async () => {
    writeSync(out, Buffer.from([0xff, 0x00, 0x0a]))
    take(1n)
    await give()
    expect(readFileSync(place('log')).subarray(-4)).toEqual(Buffer.from([0x20, 0xff, 0x00, 0x0a]))
  })
  test('both streams, and the moment to the nanosecond', async () => {
    take(1n)
    const before = Date.now()
    writeSync(out, 'said\n')
    await until('it', () => raw().length === 1)
    const err = openSync(place('err'), 'r+')
    writeSync(err, 'complained\n')
    await until('both', () => raw().length === 2)
    closeSync(err)
    expect(lines()).toEqual(['stdout F said', 'stderr F complained'])
    const after = Date.now()
    const times = raw().map((line) => line.split(' ')[0] ?? '')
    // The kernel's clock may be read in ticks, which are of 10 ms at most.
    for (const time of times) expect([Date.parse(time) >= before - 11, Date.parse(time) <= after]).toEqual([true, true])
    expect(times.toSorted()).toEqual(times)
    expect(times.some((time) => !time.endsWith('000Z'))).toBe(true)
  })
  test('many at once, each into its own', async () => {
    const names = Array.from({ length: 40 }, (_, index) => `out-${index}`)
    makeFifos(...names)
    const fds = names.map((name) => openSync(place(name), 'r+'))
    // Not more commands than wait in the FIFO.
    for (const [index, name] of names.entries()) await until('room', () => { try { take(BigInt(index + 1), { outFifo: place(name), errFifo: undefined, log: place(`log-${index}`) }); return true } catch { return false } })
    for (let line = 0; line < 50; line++) for (const [index, fd] of fds.entries()) writeSync(fd, `${index} ${line}\n`)
    for (const index of names.keys()) {
      await give(BigInt(index + 1))
      expect(lines(`log-${index}`)).toEqual(Array.from({ length: 50 }, (_, line) => `stdout F ${index} ${line}`))
    }
    for (const fd of fds) closeSync(fd)
    expect(openFifos()).toEqual(['answers', 'commands'])
  })
  test('taken again by another kubelet: nothing is lost, nothing is twice; what that one does not take is let go', async () => {
    writeSync(out, 'one\n')
    take(1n)
    makeFifos('other')
    const other = openSync(place('other'), 'r+')
    take(2n, { outFifo: place('other'), errFifo: undefined, log: place('other-log') })
    writeSync(out, 'two\n')
    take(1n, {}, 8n)
    writeSync(out, 'three\n')
    writeSync(other, 'last')
    writeSync(commands, keepOnlyCommand(8n))
    await until('the last words of the other', () => raw('other-log').length === 1)
    await until('it to be let go', () => !openFifos().includes('other'))
    expect(lines('other-log')).toEqual(['stdout P last'])
    writeSync(out, 'four\n')
    await give()
    expect(lines()).toEqual(['one', 'two', 'three', 'four'].map((word) => `stdout F ${word}`))
    closeSync(other)
  })
  test('a full log is told once; renamed, it goes on in a new one', async () => {
    take(1n, { limitBytes: 100 })
    writeSync(out, 'a\nb\nc\n')
    expect(await hear()).toEqual({ key: 1n, generation, code: codes.full })
    writeSync(out, 'd\n')
    await until('it', () => raw().length === 4)
    renameSync(place('log'), place('log.old'))
    writeSync(out, 'e\n')
    await until('a new log', () => raw().length === 1)
    writeSync(out, 'f\ng\n')
    expect(await hear()).toEqual({ key: 1n, generation, code: codes.full })
    await give()
    expect([...lines('log.old'), ...lines()].map((line) => line.slice(-1)).join('')).toBe('abcdefg')
  })
  test('a log that cannot be written is told once, and tried again with the next chunk; never through a symbolic link', async () => {
    mkdirSync(place('there'))
    symlinkSync(place('victim'), place('log'))
    take(1n)
    writeSync(out, 'a\n')
    expect(await hear()).toEqual({ key: 1n, generation, code: -40 })
    rmSync(place('log'))
    writeSync(out, 'b\n')
    await give()
    expect(lines()).toEqual(['stdout F b'])
    expect(existsSync(place('victim'))).toBe(false)
  })
  test('what cannot be taken is refused', async () => {
    take(1n, { outFifo: place('nowhere') })
    expect(await hear()).toEqual({ key: 1n, generation, code: codes.refused })
    take(1n, { errFifo: place('nowhere') })
    expect(await hear()).toEqual({ key: 1n, generation, code: codes.refused })
    expect(openFifos()).toEqual(['answers', 'commands'])
    expect(fits({ outFifo: '/out', errFifo: undefined, log: `/${'x'.repeat(958)}`, limitBytes: 1 })).toBe(true)
    expect(fits({ outFifo: '/out', errFifo: undefined, log: `/${'x'.repeat(959)}`, limitBytes: 1 })).toBe(false)
    expect(fits({ outFifo: '/out', errFifo: `/${'x'.repeat(1535)}`, log: '/log', limitBytes: 1 })).toBe(false)
  })
  test('one alone reads the commands', async () => {
    await give(5n)
    expect(await exited(start())).toBe(1)
    await give(6n)
    child.kill('SIGKILL')
    await exited(child)
    child = start()
    await give(7n)
  })
  test('stopped and continued, it goes on; nobody to listen to it does not hold it up', async () => {
    take(1n)
    child.kill('SIGSTOP')
    child.kill('SIGCONT')
    // More answers than the FIFO holds.
    for (let index = 0; index < 4000; index++) await until('room', () => { try { writeSync(commands, giveCommand({ key: 9n, generation })); return true } catch { return false } })
    writeSync(out, 'still there\n')
    await until('it', () => raw().length === 1)
  })
})
