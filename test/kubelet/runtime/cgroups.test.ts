import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { createCgroup, pinCgroup, updateCgroup } from '../../../agents/kubelet/runtime/cgroups/cgroup.ts'
import { findHierarchies, type Hierarchies, rootsOf } from '../../../agents/kubelet/runtime/cgroups/hierarchies.ts'
import { limitWrites, weightOf } from '../../../agents/kubelet/runtime/cgroups/limits.ts'
import { readDetails } from '../../../agents/kubelet/runtime/cgroups/details.ts'
import { readOomKills, readUsage, statistic } from '../../../agents/kubelet/runtime/cgroups/usage.ts'
import { parseMountInfo } from '../../../agents/kubelet/runtime/proc/mount-info.ts'

const v1Mounts = parseMountInfo(['cpu,cpuacct', 'memory', 'pids', 'freezer', 'devices', 'name=systemd'].map((each, index) => `${index} 31 0:${index} / /sys/fs/cgroup/${each} rw - cgroup cgroup rw,${each}`).join('\n'))
const unified = parseMountInfo('41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw')
const v2 = parseMountInfo('41 31 0:38 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw')

describe('hierarchies', () => {
  test('version 1, controllers mounted together and apart', () => {
    const found = findHierarchies(v1Mounts, '')
    expect(found).toMatchObject({ version: 1, unified: undefined, controllers: { cpu: '/sys/fs/cgroup/cpu,cpuacct', cpuacct: '/sys/fs/cgroup/cpu,cpuacct', memory: '/sys/fs/cgroup/memory' } })
    expect(rootsOf(found)).toEqual(['/sys/fs/cgroup/cpu,cpuacct', '/sys/fs/cgroup/memory', '/sys/fs/cgroup/pids', '/sys/fs/cgroup/freezer'])
  })
  test('version 1 with a unified one beside: it kills, so the freezer is not needed', () => {
    const found = findHierarchies([...v1Mounts, ...unified], '')
    expect(found).toMatchObject({ version: 1, unified: '/sys/fs/cgroup/unified' })
    expect(rootsOf(found)).toEqual(['/sys/fs/cgroup/cpu,cpuacct', '/sys/fs/cgroup/memory', '/sys/fs/cgroup/pids', '/sys/fs/cgroup/unified'])
  })
  test('version 2', () => {
    const found = findHierarchies(v2, 'cpuset cpu io memory pids\n')
    expect(found.version).toBe(2)
    expect(rootsOf(found)).toEqual(['/sys/fs/cgroup'])
  })
  test('where containers are pinned to CPUs, one controller more', () => {
    const cpuset = parseMountInfo('50 31 0:50 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset')
    expect(rootsOf(findHierarchies([...v1Mounts, ...unified, ...cpuset], '', true))).toEqual(['/sys/fs/cgroup/cpu,cpuacct', '/sys/fs/cgroup/memory', '/sys/fs/cgroup/pids', '/sys/fs/cgroup/cpuset', '/sys/fs/cgroup/unified'])
    expect(rootsOf(findHierarchies([...v1Mounts, ...unified, ...cpuset], ''))).not.toContain('/sys/fs/cgroup/cpuset')
    expect(findHierarchies(v2, 'cpuset cpu io memory pids\n', true).controllers.cpuset).toBe('/sys/fs/cgroup')
    expect(findHierarchies(v2, 'cpuset cpu io memory pids\n').controllers.cpuset).toBeUndefined()
    expect(() => findHierarchies(v1Mounts, '', true)).toThrow('the cgroup controller "cpuset" is not mounted')
    expect(() => findHierarchies(v2, 'cpu memory\n', true)).toThrow('the cgroup controller "cpuset" is not mounted')
  })
  test('none', () => { expect(() => findHierarchies([], '')).toThrow('the cgroup controller "memory" is not mounted') })
})

describe('limits', () => {
  const limits = { cpuShares: 512, cpuQuotaMicroseconds: 50_000, cpuPeriodMicroseconds: 100_000, memoryLimitBytes: 1 << 20, pidsLimit: 10 }
  const lines = (version: 1 | 2, over: object = limits): string[] => limitWrites(version, over).map(({ controller, file, value }) => `${controller} ${file}=${value}`)
  test('version 1', () => {
    expect(lines(1)).toEqual(['cpu cpu.shares=512', 'cpu cpu.cfs_period_us=100000', 'cpu cpu.cfs_quota_us=50000', 'memory memory.limit_in_bytes=1048576', 'memory memory.memsw.limit_in_bytes=1048576', 'pids pids.max=10'])
  })
  test('version 2', () => {
    expect(lines(2)).toEqual(['cpu cpu.weight=20', 'cpu cpu.max=50000 100000', 'memory memory.max=1048576', 'memory memory.swap.max=0', 'memory memory.oom.group=1', 'pids pids.max=10'])
  })
  test('none', () => { expect([...lines(1, {}), ...lines(2, {})]).toEqual([]) })
  test('unlimited, said aloud', () => {
    expect(lines(1, { cpuQuotaMicroseconds: -1, pidsLimit: -1 })).toEqual(['cpu cpu.cfs_quota_us=-1', 'pids pids.max=max'])
    expect(lines(2, { cpuQuotaMicroseconds: -1, pidsLimit: -1 })).toEqual(['cpu cpu.max=max 100000', 'pids pids.max=max'])
  })
  for (const [shares, weight] of [[0, 1], [2, 1], [1024, 39], [262_144, 10_000], [1_000_000, 10_000]] as const) test(`${shares} shares weigh ${weight}`, () => { expect(weightOf(shares)).toBe(weight) })
})

describe('files of a hierarchy', () => {
  const root = mkdtempSync(path.join(tmpdir(), 'wherry-cgroup-'))
  afterAll(() => { rmSync(root, { recursive: true }) })
  const place = (name: string, files: Record<string, string>): void => {
    mkdirSync(path.join(root, name), { recursive: true })
    for (const [file, text] of Object.entries(files)) writeFileSync(path.join(root, name, file), text)
  }
  const hierarchies = (version: 1 | 2): Hierarchies => ({ version, unified: root, controllers: { cpu: root, cpuacct: root, memory: root, pids: root } })

  test('CPUs of version 1 come from above, and are its own in the end', () => {
    place('', { 'cpuset.cpus': '0-3\n', 'cpuset.mems': '0\n' })
    pinCgroup({ ...hierarchies(1), controllers: { cpu: root, memory: root, cpuset: root } }, 'node/pod/main-0', '1,3')
    expect(['node/cpuset.cpus', 'node/pod/cpuset.cpus', 'node/pod/main-0/cpuset.mems', 'node/pod/main-0/cpuset.cpus'].map((file) => readFileSync(path.join(root, file), 'utf8'))).toEqual(['0-3', '0-3', '0', '1,3'])
  })
  test('CPUs of version 2 are passed on to whoever is below', () => {
    pinCgroup({ version: 2, unified: root, controllers: { cpu: root, memory: root, cpuset: root } }, 'v2/pod/main-0', '2')
    expect(readFileSync(path.join(root, 'v2/pod/main-0/cpuset.cpus'), 'utf8')).toBe('2')
    expect(readFileSync(path.join(root, 'v2/pod/cgroup.subtree_control'), 'utf8')).toBe('+cpu +memory +cpuset')
  })
  test('CPUs cannot be given where nobody has asked for them', () => { expect(() => pinCgroup(hierarchies(1), 'a', '1')).toThrow('without the cgroup controller "cpuset"') })
  test('usage of version 1', () => {
    place('a', { 'cpuacct.usage': '123456789\n', 'memory.usage_in_bytes': '1000\n', 'memory.stat': 'cache 1\ninactive_file 1\npgfault 1\ntotal_inactive_file 300\ntotal_rss 250\ntotal_swap 40\ntotal_pgfault 12\ntotal_pgmajfault 3\n', 'memory.limit_in_bytes': '9223372036854771712\n', 'pids.current': '3\n', 'memory.oom_control': 'oom_kill_disable 0\nunder_oom 0\noom_kill 2\n' })
    expect(readUsage(hierarchies(1), 'a', new Date(0))).toEqual({ at: new Date(0), cpuNanoseconds: 123_456_789n, memoryUsageBytes: 1000, memoryWorkingSetBytes: 700, memoryRssBytes: 250, processCount: 3, pageFaults: 12, majorPageFaults: 3, swapBytes: 40 })
    expect(readOomKills(hierarchies(1), 'a')).toBe(2)
  })
  const stalls = 'some avg10=1.50 avg60=0.25 avg300=0.00 total=1234\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=5\n'
  const stall = { some: { avg10: 1.5, avg60: 0.25, avg300: 0, total: 1234 }, full: { avg10: 0, avg60: 0, avg300: 0, total: 5 } }
  test('usage of version 2', () => {
    place('b', { 'cpu.stat': 'usage_usec 5\nuser_usec 2\n', 'memory.current': '100\n', 'memory.max': '4096\n', 'memory.swap.current': '7\n', 'cpu.pressure': stalls, 'memory.pressure': stalls, 'io.pressure': stalls, 'memory.stat': 'anon 70\nfile 5\ninactive_file 130\npgfault 9\npgmajfault 2\n', 'pids.current': '1\n', 'memory.events': 'low 0\noom 1\noom_kill 1\n' })
    expect(readUsage(hierarchies(2), 'b', new Date(0))).toEqual({ at: new Date(0), cpuNanoseconds: 5000n, memoryUsageBytes: 100, memoryWorkingSetBytes: 0, memoryRssBytes: 70, processCount: 1, pageFaults: 9, majorPageFaults: 2, memoryLimitBytes: 4096, swapBytes: 7, pressure: { cpu: stall, memory: stall, io: stall } })
    expect(readOomKills(hierarchies(2), 'b')).toBe(1)
  })
  test('its details, version 1', () => {
    place('c', {
      'cpuacct.usage_user': '2000\n', 'cpuacct.usage_sys': '3000\n', 'cpu.stat': 'nr_periods 10\nnr_throttled 4\nthrottled_time 5000\n', 'cpu.shares': '512\n', 'cpu.cfs_quota_us': '50000\n', 'cpu.cfs_period_us': '100000\n',
      'memory.stat': 'cache 1\ntotal_cache 70\ntotal_mapped_file 30\ntotal_active_file 20\ntotal_inactive_file 50\n', 'memory.max_usage_in_bytes': '900\n', 'memory.failcnt': '6\n', 'memory.kmem.usage_in_bytes': '80\n', 'memory.oom_control': 'oom_kill 2\n',
      'cgroup.procs': '7\n8\n', 'pids.max': '100\n',
    })
    const details = { cpuUserNanoseconds: 2000, cpuSystemNanoseconds: 3000, cpuPeriods: 10, cpuThrottledPeriods: 4, cpuThrottledNanoseconds: 5000, cpuShares: 512, cpuQuotaMicroseconds: 50_000, cpuPeriodMicroseconds: 100_000,
      memoryCacheBytes: 70, memoryMappedFileBytes: 30, memoryActiveFileBytes: 20, memoryInactiveFileBytes: 50, memoryMaxUsageBytes: 900, memoryLimitHits: 6, memoryKernelBytes: 80, oomKills: 2, processCount: 2, maxThreads: 100 }
    expect(readDetails(hierarchies(1), 'c')).toEqual(details)
    place('c', { 'cpu.cfs_quota_us': '-1\n', 'pids.max': 'max\n' })
    expect(readDetails(hierarchies(1), 'c')).toEqual({ ...details, cpuQuotaMicroseconds: undefined, maxThreads: undefined })
  })
  test('its details, version 2', () => {
    place('d', {
      'cpu.stat': 'usage_usec 5\nuser_usec 2\nsystem_usec 3\nnr_periods 10\nnr_throttled 4\nthrottled_usec 5\n', 'cpu.weight': '20\n', 'cpu.max': '50000 100000\n', 'memory.stat': 'anon 70\nfile 60\nkernel 5\nfile_mapped 40\ninactive_file 30\nactive_file 20\n',
      'memory.peak': '900\n', 'memory.events': 'oom 3\noom_kill 1\n', 'cgroup.procs': '7\n', 'pids.max': 'max\n',
    })
    const details = { cpuUserNanoseconds: 2000, cpuSystemNanoseconds: 3000, cpuPeriods: 10, cpuThrottledPeriods: 4, cpuThrottledNanoseconds: 5000, cpuShares: 500, cpuQuotaMicroseconds: 50_000, cpuPeriodMicroseconds: 100_000,
      memoryCacheBytes: 60, memoryMappedFileBytes: 40, memoryActiveFileBytes: 20, memoryInactiveFileBytes: 30, memoryMaxUsageBytes: 900, memoryLimitHits: undefined, memoryKernelBytes: 5, oomKills: 1, processCount: 1, maxThreads: undefined }
    expect(readDetails(hierarchies(2), 'd')).toEqual(details)
    place('d', { 'cpu.max': 'max 100000\n' })
    expect(readDetails(hierarchies(2), 'd')?.cpuQuotaMicroseconds).toBeUndefined()
  })
  test('of a cgroup that is gone', () => { expect([readUsage(hierarchies(1), 'no', new Date(0)), readOomKills(hierarchies(1), 'no'), readDetails(hierarchies(1), 'no')]).toEqual([undefined, 0, undefined]) })
  test('version 2: every level above passes its controllers on, the cgroup itself does not', async () => {
    await createCgroup(hierarchies(2), 'x/y/z', { pidsLimit: 5 })
    for (const each of ['', 'x', 'x/y']) expect(readFileSync(path.join(root, each, 'cgroup.subtree_control'), 'utf8')).toBe('+cpu +memory +pids')
    expect(() => readFileSync(path.join(root, 'x/y/z/cgroup.subtree_control'))).toThrow('ENOENT')
    expect(readFileSync(path.join(root, 'x/y/z/pids.max'), 'utf8')).toBe('5')
  })
  for (const [version, memory, cpu, becomes] of [[1, 'memory.limit_in_bytes', 'cpu.cfs_quota_us', '20000'], [2, 'memory.max', 'cpu.max', '20000 100000']] as const) {
    test(`other limits for a cgroup of version ${version}: only those that are named, and swap with memory`, () => {
      place(`live${version}`, { [memory]: '100', [cpu]: 'as it was', 'memory.memsw.limit_in_bytes': '100' })
      const read = (file: string): string => readFileSync(path.join(root, `live${version}`, file), 'utf8')
      updateCgroup(hierarchies(version), `live${version}`, { memoryLimitBytes: 200 })
      expect([read(memory), read(cpu), read('memory.memsw.limit_in_bytes')]).toEqual(['200', 'as it was', version === 1 ? '200' : '100'])
      updateCgroup(hierarchies(version), `live${version}`, { cpuQuotaMicroseconds: 20_000 })
      expect([read(memory), read(cpu)]).toEqual(['200', becomes])
    })
  }
})

describe('a statistic', () => {
  const text = 'cache 12\ntotal_cache 34\nrss 56'
  for (const [name, value] of [['cache', 12], ['total_cache', 34], ['rss', 56], ['ss', 0], ['none', 0]] as const) test(`${name} is ${value}`, () => { expect(statistic(text, name)).toBe(value) })
})
