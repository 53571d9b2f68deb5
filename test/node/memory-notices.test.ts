/** The kernel's word of memory that is short, by the program that listens to it: on this machine's own cgroups. */
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { memoryNotices } from '../../agents/kubelet/eviction/memory-notices.ts'
import { memoryRequest, memoryWatcherProgram } from '../../agents/kubelet/machine-code/memory-watcher.ts'
import { isRoot } from '../support/cluster.ts'
import { logs } from '../support/logs.ts'

const root = '/sys/fs/cgroup/memory'
const [countsUsage, hasPressure] = [isRoot && existsSync(`${root}/cgroup.event_control`), isRoot && existsSync('/proc/pressure/memory')]
if (!countsUsage) console.log('SKIPPED memory-notices.test.ts, thresholds of usage: they need root and cgroup version 1')
if (!hasPressure) console.log('SKIPPED memory-notices.test.ts, stalls: they need root and a kernel with PSI')

describe('the memory watcher', () => {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'wherry-memory-'))
  const program = path.join(directory, 'memory-watcher')
  const cgroup = path.join(root, `wherry-test-${process.pid}`)
  const places = { usage: path.join(cgroup, 'memory.usage_in_bytes'), control: path.join(cgroup, 'cgroup.event_control'), pressure: '/proc/pressure/memory' }
  beforeAll(() => {
    writeFileSync(program, memoryWatcherProgram(os.arch()) ?? '', { mode: 0o755 })
    if (countsUsage) mkdirSync(cgroup)
  })
  afterAll(() => {
    if (countsUsage) rmdirSync(cgroup)
    rmSync(directory, { recursive: true, force: true })
  })
  /** So many megabytes of memory in the cgroup, and given back. */
  const take = (megabytes: number): void => { execFileSync('/bin/sh', ['-c', `echo $$ > ${cgroup}/cgroup.procs; exec ${process.execPath} -e 'Buffer.alloc(${megabytes} << 20, 1)'`]) }

  test.runIf(countsUsage)('tells when usage has grown by the slack, at once, and again for another slack', async () => {
    const heard: true[] = []
    const log = logs()
    const notices = memoryNotices({ program, log, memoryEvents: undefined, places, pressed: () => { heard.push(true) } })
    try {
      await notices.arm(50 * 2 ** 20)
      await expect.poll(() => { if (heard.length === 0) take(100); return heard.length }, { timeout: 30_000 }).toBeGreaterThan(0)
      const before = heard.length
      await notices.arm(100 * 2 ** 20)
      await expect.poll(() => { if (heard.length === before) take(200); return heard.length }, { timeout: 30_000 }).toBeGreaterThan(before)
      expect(log.lines).toEqual([])
    } finally { notices.close() }
  })

  test.runIf(hasPressure)('is told of stalls', async () => {
    const child = spawn(program, [], { stdio: ['pipe', 'pipe', 'ignore'] })
    const ended = new Promise((resolve) => { child.on('exit', resolve) })
    child.stdin.write(memoryRequest({ control: '/proc/pressure/memory', line: 'some 150000 2000000\n', usage: '' }))
    const at = `/proc/${child.pid ?? 0}`
    // Asleep with the trigger's descriptor: the kernel has taken it, or it would have ended.
    await expect.poll(() => existsSync(`${at}/fd/5`) && / \(memory-watcher\) S /.test(readFileSync(`${at}/stat`, 'utf8')), { timeout: 10_000 }).toBe(true)
    expect(child.exitCode).toBeNull()
    child.stdin.end()
    await ended
  })

  test('is not needed for the counts of a cgroup, whose changes are seen', async () => {
    const [file, log] = [path.join(directory, 'memory.events'), logs()]
    let heard = 0
    writeFileSync(file, 'high 0\nmax 0\n')
    const notices = memoryNotices({ program: '/nonexistent', log, memoryEvents: file, pressed: () => { heard++ }, places: { usage: '', control: '', pressure: '' } })
    try {
      writeFileSync(file, 'high 0\nmax 1\n')
      await expect.poll(() => heard, { timeout: 10_000 }).toBeGreaterThan(0)
    } finally { notices.close() }
  })

  test('ends when the kernel refuses, and with its input', () => {
    const run = (input: Buffer) => spawnSync(program, { input, timeout: 10_000 }).status
    expect(run(Buffer.alloc(0))).toBe(1)
    expect(run(memoryRequest({ control: '/nonexistent', line: 'x', usage: '' }))).toBe(1)
    expect(run(memoryRequest({ control: '/nonexistent', line: 'x', usage: '/nonexistent' }))).toBe(1)
    if (hasPressure) expect(run(memoryRequest({ control: '/proc/pressure/memory', line: 'nonsense', usage: '' }))).toBe(1)
  })
})
