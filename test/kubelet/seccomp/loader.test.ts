import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import os, { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { filterFile, loaderProgram } from '../../../agents/kubelet/seccomp/loader.ts'
import { runtimeDefault } from '../../../agents/kubelet/seccomp/runtime-default.ts'
import { filterFor } from './support.ts'
import { sayWhatIsSkipped } from '../../support/skipped.ts'

sayWhatIsSkipped('loader.test.ts, in part', os.arch() !== 'x64' && os.arch() !== 'arm64', 'there is no such program for this machine\'s architecture')

describe('the program', () => {
  for (const [architecture, elfMachine, bytes] of [['x64', 62, 395], ['arm64', 183, 403]] as const) {
    test(`for ${architecture} is a small ELF executable`, () => {
      const program = loaderProgram(architecture) ?? Buffer.alloc(0)
      expect(program.subarray(0, 6).toString('latin1')).toBe('\u007fELF\u0002\u0001')
      expect([program.readUInt16LE(18), program.readBigUInt64LE(24) - program.readBigUInt64LE(64 + 16), program.length, program.readBigUInt64LE(64 + 32)]).toEqual([elfMachine, 176n, bytes, BigInt(bytes)])
      expect(program.toString('latin1').endsWith('fail seccomp\nfail exec\n')).toBe(true)
    })
  }
  test('for an architecture that nobody wrote it for', () => { expect([loaderProgram('mips'), loaderProgram('constructor')]).toEqual([undefined, undefined]) })
})

// It loads a filter as an unprivileged process does: with no_new_privs, which setpriv(1) of util-linux sets.
describe.skipIf(os.arch() !== 'x64' && os.arch() !== 'arm64')('run on this machine', () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'wherry-loader-'))
  const loader = path.join(directory, 'loader')
  beforeAll(() => {
    writeFileSync(loader, loaderProgram(os.arch()) ?? '')
    chmodSync(loader, 0o755)
  })
  afterAll(() => { rmSync(directory, { recursive: true, force: true }) })
  const run = (filter: Buffer | undefined, words: readonly string[]) => {
    const file = path.join(directory, 'filter')
    writeFileSync(file, filter ?? '')
    const { status, stdout, output } = spawnSync('setpriv', ['--no-new-privs', loader, ...words], { encoding: 'utf8', env: { HERE: 'it is', PATH: '/usr/bin:/bin' }, stdio: ['ignore', 'pipe', 'pipe', 'ignore', 'ignore', 'pipe', openSync(file, 'r')] })
    return { status, stdout, said: output[5] }
  }

  test('loads, and becomes the program with its arguments and environment', () => {
    expect(run(filterFile(0, filterFor(runtimeDefault, { architecture: os.arch() })), ['/bin/sh', 'called-so', '-c', 'echo "$HERE $0 $1"; grep -E "^Seccomp:" /proc/self/status; [ -e /proc/self/fd/5 ] || [ -e /proc/self/fd/6 ] || echo closed', 'zero', 'one'])).toEqual({ status: 0, said: '', stdout: 'it is zero one\nSeccomp:\t2\nclosed\n' })
  })
  for (const [name, filter, words, said] of [
    ['no filter', undefined, ['/bin/true', 'true'], 'fail seccomp\n'], ['a filter that the kernel refuses', filterFile(0, [{ code: 0x15, k: 0, jt: 9, jf: 9 }]), ['/bin/true', 'true'], 'fail seccomp\n'],
    ['flags that the kernel does not know', filterFile(0x8000, [{ code: 6, k: 0x7fff_0000, jt: 0, jf: 0 }]), ['/bin/true', 'true'], 'fail seccomp\n'],
    ['a program that is not there', filterFile(0, [{ code: 6, k: 0x7fff_0000, jt: 0, jf: 0 }]), ['/no/such', 'such'], 'fail exec\n'], ['nothing to execute', filterFile(0, [{ code: 6, k: 0x7fff_0000, jt: 0, jf: 0 }]), [], 'fail exec\n'],
  ] as const) test(`${name}: says so and runs nothing`, () => expect(run(filter, words)).toEqual({ status: 128, stdout: '', said }))
})
