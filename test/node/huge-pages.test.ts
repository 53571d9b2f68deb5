/** Volumes of huge pages, of real ones: a few are reserved for the moment where the machine lets us. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, test } from 'vitest'
import { readHugePages } from '../../agents/kubelet/huge-pages.ts'
import { systemMounter } from '../../agents/kubelet/volumes/mounter.ts'
import { isRoot } from '../support/runtime-node.ts'

const reserved = '/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages'
const free = (): number => Number(/^HugePages_Free:\s+(\d+)/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1])
const before = existsSync(reserved) ? Number(readFileSync(reserved, 'utf8')) : undefined
const reserve = (pages: number): boolean => {
  try { writeFileSync(reserved, String(pages)) } catch { return false } // a machine that is not ours to change
  return Number(readFileSync(reserved, 'utf8')) === pages
}
const canReserve = isRoot && before !== undefined && reserve(before + 3)
if (before !== undefined && isRoot) reserve(before)
if (!canReserve) console.log('SKIPPED huge-pages.test.ts: no huge pages can be reserved on this machine')

test.runIf(canReserve)('an emptyDir of huge pages takes pages of its size, and no more than its limit', async () => {
  const target = mkdtempSync(path.join(tmpdir(), 'wherry-huge-'))
  reserve((before ?? 0) + 3)
  try {
    expect((await readHugePages())['hugepages-2Mi']).toBe(((before ?? 0) + 3) * 2 ** 21)
    await systemMounter.hugePages(target, { pageSize: '2Mi', sizeBytes: 2 * 2 ** 21 })
    const available = free()
    execFileSync('fallocate', ['-l', '4M', path.join(target, 'data')])
    expect(free()).toBe(available - 2)
    expect(() => execFileSync('fallocate', ['-l', '2M', path.join(target, 'more')], { stdio: 'pipe' })).toThrow(/No space left on device/)
  } finally {
    await systemMounter.unmount(target).catch(() => {}) // it was not mounted: the failure is told already
    rmSync(target, { recursive: true, force: true })
    reserve(before ?? 0)
  }
})
