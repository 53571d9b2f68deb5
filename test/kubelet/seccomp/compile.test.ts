import { describe, expect, test } from 'vitest'
import { encode } from '../../../agents/kubelet/seccomp/bpf.ts'
import type { Comparison, Profile, Rule } from '../../../agents/kubelet/seccomp/profile.ts'
import { runFilter } from '../../support/filter-machine.ts'
import { answer, filterFor, machine, wordOf } from './support.ts'

const allowing = (...syscalls: Rule[]): Profile => ({ defaultAction: 'SCMP_ACT_ERRNO', syscalls })
const allow = (names: string, more: Partial<Rule> = {}): Rule => ({ names: names.split(' '), action: 'SCMP_ACT_ALLOW', ...more })
const when = (op: Comparison, value: bigint, valueTwo = 0n, index = 0): Pick<Rule, 'args'> => ({ args: [{ index, op, value, valueTwo }] })

describe('a comparison of 64 bits', () => {
  const big = 0x1_0000_0005n
  const around = [0n, 5n, 6n, 4n, 0x1_0000_0004n, 0x1_0000_0005n, 0x1_0000_0006n, 0x2_0000_0000n, 0x2_0000_0005n, 0xffff_ffff_ffff_ffffn]
  const holds: Record<Exclude<Comparison, 'SCMP_CMP_MASKED_EQ'>, (left: bigint, right: bigint) => boolean> = {
    SCMP_CMP_EQ: (left, right) => left === right, SCMP_CMP_NE: (left, right) => left !== right, SCMP_CMP_LT: (left, right) => left < right,
    SCMP_CMP_LE: (left, right) => left <= right, SCMP_CMP_GT: (left, right) => left > right, SCMP_CMP_GE: (left, right) => left >= right,
  }
  for (const [op, expected] of Object.entries(holds) as [keyof typeof holds, (left: bigint, right: bigint) => boolean][]) {
    for (const value of [big, 5n, 0n, 0xffff_ffff_ffff_ffffn]) {
      test(`${op} 0x${value.toString(16)}`, () => {
        const program = filterFor(allowing(allow('ioctl', when(op, value, 0n, 1))))
        for (const given of around) expect([given, answer(program, 'ioctl', { args: [7n, given] })]).toEqual([given, expected(given, value) ? 'allow' : 'errno 1'])
      })
    }
  }

  test('SCMP_CMP_MASKED_EQ', () => {
    const program = filterFor(allowing(allow('ioctl', when('SCMP_CMP_MASKED_EQ', 0xff_0000_00f0n, 0x12_0000_0030n))))
    for (const [given, word] of [[0x12_0000_0030n, 'allow'], [0x9912_ffff_ff3fn, 'allow'], [0x13_0000_0030n, 'errno 1'], [0x12_0000_0040n, 'errno 1'], [0n, 'errno 1']] as const) expect([given, answer(program, 'ioctl', { args: [given] })]).toEqual([given, word])
  })
})

describe('rules of one call', () => {
  const condition = (index: number, value: bigint) => ({ index, value, valueTwo: 0n, op: 'SCMP_CMP_EQ' as const })
  for (const [name, rules, cases] of [
    ['all conditions of a rule must hold', [allow('dup3', { args: [condition(0, 1n), condition(1, 2n), condition(2, 3n)] })], [[[1, 2, 3], 'allow'], [[1, 2, 4], 'errno 1'], [[1, 3, 3], 'errno 1'], [[2, 2, 3], 'errno 1']]],
    ['two on one argument: either', [allow('dup3', { args: [condition(0, 1n), condition(0, 2n)] })], [[[1], 'allow'], [[2], 'allow'], [[3], 'errno 1']]],
    ['several rules: any, the first first', [allow('dup3', when('SCMP_CMP_EQ', 1n)), { names: ['dup3'], action: 'SCMP_ACT_LOG', ...when('SCMP_CMP_LE', 2n) }], [[[1], 'allow'], [[2], 'log'], [[3], 'errno 1']]],
    ['one without conditions beats those that have some', [{ names: ['dup3'], action: 'SCMP_ACT_LOG', ...when('SCMP_CMP_LE', 2n) }, allow('dup3')], [[[1], 'allow'], [[3], 'allow']]],
    ['one that says what happens anyway is none', [{ names: ['dup3'], action: 'SCMP_ACT_ERRNO' }, allow('dup3', when('SCMP_CMP_EQ', 1n))], [[[1], 'allow'], [[2], 'errno 1']]],
  ] satisfies [string, Rule[], [number[], string][]][]) {
    test(name, () => {
      const program = filterFor(allowing(...rules))
      for (const [args, word] of cases) expect([args, answer(program, 'dup3', { args })]).toEqual([args, word])
    })
  }
})

describe('actions', () => {
  for (const [action, errnoRet, word] of [
    ['SCMP_ACT_KILL', undefined, 'kill thread'], ['SCMP_ACT_KILL_THREAD', undefined, 'kill thread'], ['SCMP_ACT_KILL_PROCESS', undefined, 'kill process'], ['SCMP_ACT_TRAP', undefined, 'trap'],
    ['SCMP_ACT_ERRNO', undefined, 'errno 1'], ['SCMP_ACT_ERRNO', 38, 'errno 38'], ['SCMP_ACT_ERRNO', 0, 'errno 0'], ['SCMP_ACT_TRACE', 5, 'trace 5'], ['SCMP_ACT_LOG', undefined, 'log'], ['SCMP_ACT_ALLOW', undefined, 'allow'],
  ] as const) {
    const rule = { names: ['getpid'], action, ...(errnoRet !== undefined && { errnoRet }) }
    test(`${action} ${errnoRet ?? ''}`, () => expect(answer(filterFor({ defaultAction: 'SCMP_ACT_ERRNO', defaultErrnoRet: 13, syscalls: [rule] }), 'getpid')).toBe(word))
  }
})

describe('what is newer than all that the profile names', () => {
  for (const [name, profile, word] of [
    ['does not exist, so that programs fall back', allowing(allow('read statx')), 'errno 38'],
    ['does not exist either where the rest is killed', { defaultAction: 'SCMP_ACT_KILL_PROCESS', syscalls: [allow('read statx')] }, 'errno 38'],
    ['is allowed where the rest is', { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['statx'], action: 'SCMP_ACT_ERRNO' }] }, 'allow'],
    ['is logged where the rest is', { defaultAction: 'SCMP_ACT_LOG', syscalls: [allow('statx')] }, 'log'],
  ] satisfies [string, Profile, string][]) {
    test(name, () => {
      for (const call of ['rseq', 'futex_waitv']) expect(answer(filterFor(profile), call)).toBe(word)
      expect(answer(filterFor(profile), 5000)).toBe(word)
    })
  }
  test('what is older has the default', () => { expect(answer(filterFor(allowing(allow('read statx'))), 'mkdir')).toBe('errno 1') })
})

describe('binary interfaces', () => {
  const all = { architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32', 'SCMP_ARCH_PPC64LE'] }
  for (const [name, profile, cases] of [
    ['without a word only the machine\'s own, others are killed', allowing(allow('read')), ['allow', 'kill process', 'kill process']],
    ['by name', { ...allowing(allow('read')), ...all }, ['allow', 'allow', 'allow']],
    ['by the machine\'s own', { ...allowing(allow('read')), archMap: [{ architecture: 'SCMP_ARCH_X86_64', subArchitectures: ['SCMP_ARCH_X86'] }, { architecture: 'SCMP_ARCH_AARCH64', subArchitectures: ['SCMP_ARCH_ARM'] }] }, ['allow', 'allow', 'kill process']],
  ] satisfies [string, Profile, string[]][]) test(name, () => expect([0, 1, 2].map((abi) => answer(filterFor(profile), 'read', { abi }))).toEqual(cases))

  test('the same number means another call in another interface', () => {
    const program = filterFor({ ...allowing(allow('write')), ...all }) // 1 on x86-64, 4 on i386, where 1 is exit
    expect([answer(program, 1), answer(program, 1, { abi: 1 }), answer(program, 4, { abi: 1 })]).toEqual(['allow', 'errno 1', 'allow'])
  })

  test('what x32 has of its own', () => {
    const program = filterFor({ ...allowing(allow('execve')), ...all })
    expect([answer(program, 'execve'), answer(program, 'execve', { abi: 2 }), answer(program, 0x4000_0000 + 59), answer(program, 0x4000_0000 + 520)]).toEqual(['allow', 'allow', 'errno 1', 'allow'])
  })

  test('an architecture that is none of them', () => { expect(wordOf(runFilter(filterFor({ ...allowing(allow('read')), ...all }), { architecture: 0x1234, number: 0 }).action)).toBe('kill process') })
  test('no call at all', () => { expect(answer(filterFor(allowing(allow('read'))), 0xffff_ffff)).toBe('errno 1') })
  test('on aarch64', () => {
    const program = filterFor({ ...allowing(allow('read mkdirat set_tls')), architectures: ['SCMP_ARCH_ARM'] }, { architecture: 'arm64' })
    const at = (abi: number) => ({ abi, architecture: 'arm64' })
    expect([answer(program, 63, at(0)), answer(program, 34, at(0)), answer(program, 0, at(0)), answer(program, 3, at(1)), answer(program, 0xf_0005, at(1)), answer(program, 0xf_0001, at(1))]).toEqual(['allow', 'allow', 'errno 1', 'allow', 'allow', 'errno 1'])
  })
})

test('every call of every interface gets what its rule says, in a handful of steps', () => {
  const names = [...(machine('x64').abis[0]?.numbers.keys() ?? [])].filter((_, index) => index % 3 === 0)
  const program = filterFor({ ...allowing(allow(names.join(' '))), architectures: ['SCMP_ARCH_X86', 'SCMP_ARCH_X32'] })
  for (const { audit, numbers } of machine('x64').abis) {
    const last = Math.max(...names.map((name) => numbers.get(name) ?? 0))
    for (const [name, number] of numbers) {
      const { action, steps } = runFilter(program, { architecture: audit, number })
      expect([name, wordOf(action)]).toEqual([name, names.includes(name) ? 'allow' : number > last ? 'errno 38' : 'errno 1'])
      expect(steps).toBeLessThan(30)
    }
  }
})

test('a filter that the kernel would not take is refused', () => {
  const args = [0, 1, 2, 3, 4, 5].map((index) => ({ index, value: 1n, valueTwo: 0n, op: 'SCMP_CMP_EQ' as const }))
  expect(() => filterFor(allowing(...Array.from({ length: 300 }, () => allow('read', { args }))))).toThrow('instructions, the kernel takes 4096')
})

test('in memory', () => { expect(encode([{ code: 0x15, k: 0xc000_003e, jt: 1, jf: 2 }]).toString('hex')).toBe('150001023e0000c0') })
