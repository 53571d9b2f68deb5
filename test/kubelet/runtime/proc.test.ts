import { describe, expect, test } from 'vitest'
import { mountOf, parseMountInfo } from '../../../agents/kubelet/runtime/proc/mount-info.ts'
import { readProcesses } from '../../../agents/kubelet/runtime/proc/process-table.ts'
import { identify, isAlive, parseStat } from '../../../agents/kubelet/runtime/proc/stat.ts'

const tail = 'S 7 12 12 0 -1 4194560 100 0 0 0 5 3 2 4 20 0 4 0 987654 8192 300 18446744073709551615'

describe('a stat line', () => {
  for (const [name, command] of [['plain', 'sleep'], ['with blanks', 'a b c'], ['with parentheses', 'x) S 1 (y'], ['with a newline', 'a\nb'], ['empty', '']] as const) {
    test(`of a command ${name}`, () => {
      expect(parseStat(`42 (${command}) ${tail}\n`)).toEqual({ pid: 42, command, state: 'S', parentPid: 7, userTicks: 5, systemTicks: 3, childTicks: 6, threads: 4, startTime: 987_654, rssPages: 300 })
    })
  }
  test('that is none', () => { expect(parseStat('')).toBeUndefined() })
})

describe('identity', () => {
  test('this process is alive', () => { expect(isAlive(identify(process.pid) ?? { pid: 0, startTime: 0 })).toBe(true) })
  test('its pid with another start time is somebody else', () => { expect(isAlive({ pid: process.pid, startTime: 1 })).toBe(false) })
  test('a pid that nobody has', () => { expect(identify(2 ** 22 + 1)).toBeUndefined() })
})

test('the process table tells of this process, and leaves out those that are gone', () => {
  const [own, ...others] = readProcesses([process.pid, 2 ** 22 + 1])
  expect(others).toEqual([])
  expect(own).toMatchObject({ pid: process.pid, parentPid: process.ppid })
  expect(own?.rssBytes).toBeGreaterThan(1 << 20)
  expect(own?.openFiles).toBeGreaterThan(3)
})

describe('mounts', () => {
  const mounts = parseMountInfo([
    '27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard', '28 27 0:25 / /mnt/with\\040blank ro,nosuid - tmpfs none ro,size=4k',
    '29 27 254:0 /sub /run/netns rw shared:1 master:2 - ext4 /dev/vda rw', '30 27 0:30 / /mnt rw - tmpfs none rw',
  ].join('\n'))
  test('are parsed, blanks and groups too', () => {
    expect(mounts[1]).toEqual({ root: '/', mountPoint: '/mnt/with blank', fileSystem: 'tmpfs', source: 'none', options: ['ro', 'nosuid'], superOptions: ['ro', 'size=4k'], isShared: false })
    expect(mounts[2]).toMatchObject({ root: '/sub', isShared: true })
  })
  for (const [path, mountPoint] of [['/etc', '/'], ['/mnt/x', '/mnt'], ['/mnt/with blank/y', '/mnt/with blank'], ['/mntx', '/'], ['/run/netns', '/run/netns']] as const) {
    test(`${path} lies on ${mountPoint}`, () => { expect(mountOf(mounts, path)?.mountPoint).toBe(mountPoint) })
  }
})
