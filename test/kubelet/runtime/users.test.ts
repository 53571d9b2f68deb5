import { chownSync, existsSync, lstatSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { idMapperProgram } from '../../../agents/kubelet/machine-code/id-mapper.ts'
import { ptyUnlockerProgram } from '../../../agents/kubelet/machine-code/pty-unlocker.ts'
import type { Pod } from '../../../agents/kubelet/runtime/context.ts'
import { bind } from '../../../agents/kubelet/runtime/rootfs/fstab.ts'
import { chooseUsers, giveToUsers, mapMounts, usersPerPod } from '../../../agents/kubelet/runtime/users.ts'
import { sayWhatIsSkipped } from '../../support/skipped.ts'

const podWith = (uid: string, users: number | undefined): Pod => ({ uid, sandbox: { record: { users } }, attempts: [] }) as unknown as Pod
const node = (pods: readonly Pod[], nodeName = 'node-1') => ({ clusterId: 'c', nodeName, pods: new Map(pods.map((pod) => [pod.uid, pod])) })

describe('the users of a pod', () => {
  const first = chooseUsers(node([]), 'a')
  test('are a whole block, far from people, below the end of numbers', () => {
    for (const nodeName of ['node-1', 'node-2', 'n3', 'n4', 'n5']) {
      const base = chooseUsers(node([], nodeName), 'a')
      expect([base % usersPerPod, base >= 1024 * usersPerPod, base + usersPerPod < 2 ** 32]).toEqual([0, true, true])
    }
  })
  test('stay when its sandbox is made anew', () => { expect(chooseUsers(node([podWith('a', 7 * usersPerPod)]), 'a')).toBe(7 * usersPerPod) })
  test('are those of no other pod of the node', () => {
    const second = chooseUsers(node([podWith('a', first), podWith('plain', undefined)]), 'b')
    expect(second).not.toBe(first)
    expect([first, second]).not.toContain(chooseUsers(node([podWith('a', first), podWith('b', second)]), 'c'))
  })
  test('begin elsewhere on another node of the machine', () => { expect(chooseUsers(node([], 'node-2'), 'a')).not.toBe(first) })
})

sayWhatIsSkipped('users.test.ts, in part', process.getuid?.() !== 0, 'files of other owners need root')

describe.skipIf(process.getuid?.() !== 0)('files', () => {
  let directory: string
  beforeEach(() => { directory = mkdtempSync(path.join(tmpdir(), 'wherry-users-')) })
  afterEach(() => { rmSync(directory, { recursive: true, force: true }) })
  const at = (...parts: string[]): string => path.join(directory, ...parts)

  test('are given to the same users of the pod, links themselves and once', () => {
    mkdirSync(at('root/etc'), { recursive: true })
    writeFileSync(at('root/etc/file'), '')
    chownSync(at('root/etc/file'), 10, 20)
    writeFileSync(at('outside'), '')
    symlinkSync(at('outside'), at('root/link'))
    giveToUsers(at('root'), 3 * usersPerPod)
    giveToUsers(at('root'), 3 * usersPerPod)
    const owner = (file: string): number[] => [lstatSync(file).uid - 3 * usersPerPod, lstatSync(file).gid - 3 * usersPerPod]
    expect([owner(at('root')), owner(at('root/etc/file')), owner(at('root/link')), statSync(at('outside')).uid]).toEqual([[0, 0], [10, 20], [0, 0], 0])
  })

  test('of layers and volumes are mounted by way of a place in between, others as they are', () => {
    writeFileSync(at('token'), '')
    mkdirSync(at('volume'))
    const overlay = { source: 'overlay', containerPath: '/', type: 'overlay', options: ['lowerdir=/image', 'upperdir=/u', 'workdir=/w'], owners: 'mapped' } as const
    const device = bind('/dev/null', '/dev/null')
    const { mounts, pairs } = mapMounts([overlay, device, { ...bind(at('volume'), '/v'), owners: 'mapped' }, { ...bind(at('token'), '/t'), owners: 'mapped' }], at('owners'))
    expect(mounts.map(({ source, options }) => [source, options[0]])).toEqual([['overlay', `lowerdir=${at('owners/0')}`], ['/dev/null', 'bind'], [at('owners/1'), 'bind'], [at('owners/2'), 'bind']])
    expect(pairs).toBe(`/image\n${at('owners/0')}\nalone\n${at('volume')}\n${at('owners/1')}\n\n${at('token')}\n${at('owners/2')}\n\n`)
    expect([statSync(at('owners/0')).isDirectory(), statSync(at('owners/1')).isDirectory(), statSync(at('owners/2')).isFile()]).toEqual([true, true, true])
    expect(existsSync(at('owners/3'))).toBe(false)
  })
  test('with a line break in their name are refused', () => { expect(() => mapMounts([{ ...bind('/a\nb', '/v'), owners: 'mapped' }], at('owners'))).toThrow('its name has a line break') })
})

test('the program that maps owners', () => { expect([idMapperProgram('x64')?.length, idMapperProgram('arm64')?.length, idMapperProgram('mips')]).toEqual([176 + 204, 176 + 180, undefined]) })
test('the program that unlocks terminals', () => { expect([ptyUnlockerProgram('x64')?.length, ptyUnlockerProgram('arm64')?.length, ptyUnlockerProgram('mips')]).toEqual([176 + 33, 176 + 44, undefined]) })
