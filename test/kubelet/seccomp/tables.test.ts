import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { runtimeDefault } from '../../../agents/kubelet/seccomp/runtime-default.ts'
import { machineOf, x32Bit } from '../../../agents/kubelet/seccomp/syscalls/tables.ts'
import { machine } from './support.ts'
import { sayWhatIsSkipped } from '../../support/skipped.ts'

const numbersOf = (architecture: string, abi: number) => machine(architecture).abis[abi]?.numbers ?? new Map<string, number>()

sayWhatIsSkipped('tables.test.ts, in part', !existsSync('/usr/include/x86_64-linux-gnu/asm/unistd_64.h'), 'the headers of the kernel are not here to compare with (linux-libc-dev)')

test('an architecture without tables', () => { expect(machineOf('mips')).toBeUndefined() })

test('some numbers that everybody knows', () => {
  expect([['x64', 0, 'execve'], ['x64', 1, 'execve'], ['x64', 2, 'execve'], ['arm64', 0, 'execve'], ['arm64', 1, 'execve'], ['x64', 0, 'seccomp'], ['arm64', 0, 'seccomp'], ['x64', 1, 'mseal'], ['arm64', 0, 'file_setattr']].map(([architecture, abi, name]) =>
    numbersOf(String(architecture), Number(abi)).get(String(name)))).toEqual([59, 11, x32Bit + 520, 221, 11, 317, 277, 462, 469])
})

test('no number has two names but where the kernel has two names for one', () => {
  for (const architecture of ['x64', 'arm64']) {
    for (const { name: abi, numbers } of machine(architecture).abis) {
      const twice = [...Map.groupBy(numbers, ([, number]) => number).values()].filter((names) => names.length > 1).map((names) => names.map(([name]) => name))
      expect([abi, twice]).toEqual([abi, abi === 'SCMP_ARCH_ARM' ? [['arm_sync_file_range', 'sync_file_range2']] : []])
    }
  }
})

test('RuntimeDefault names nothing that no machine knows', () => {
  const known = new Set(['x64', 'arm64'].flatMap((architecture) => machine(architecture).abis.flatMap(({ numbers }) => [...numbers.keys()])))
  expect(runtimeDefault.syscalls.flatMap(({ names }) => names).filter((name) => !known.has(name))).toEqual([])
})

describe('as the headers of this machine say', () => {
  for (const [header, abi] of [['unistd_64.h', 0], ['unistd_32.h', 1]] as const) {
    const file = `/usr/include/x86_64-linux-gnu/asm/${header}`
    // Without the kernel's headers (linux-libc-dev) there is nothing to compare with.
    test.skipIf(!existsSync(file))(header, () => {
      const said = [...readFileSync(file, 'utf8').matchAll(/^#define __NR_(\w+)\s+(\d+)$/gm)].map(([, name = '', number]): [string, number] => [name, Number(number)])
      const ours = numbersOf('x64', abi)
      expect(said.length).toBeGreaterThan(300)
      expect(said.filter(([name]) => ours.has(name)).map(([name]) => [name, ours.get(name)])).toEqual(said.filter(([name]) => ours.has(name)))
      // The headers may be newer than our tables, never more than that.
      expect(said.filter(([name, number]) => !ours.has(name) && number < 424)).toEqual([])
    })
  }
})
