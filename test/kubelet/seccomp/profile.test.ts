import { describe, expect, test } from 'vitest'
import { parseProfile } from '../../../agents/kubelet/seccomp/profile.ts'
import { answer, filterFor } from './support.ts'

const profile = (fields: object): string => JSON.stringify({ defaultAction: 'SCMP_ACT_ALLOW', ...fields })
const withRule = (fields: object): string => profile({ syscalls: [{ names: ['read'], action: 'SCMP_ACT_LOG', ...fields }] })

describe('is read', () => {
  test('the form of the OCI runtime specification', () => {
    expect(parseProfile('{"defaultAction":"SCMP_ACT_ERRNO","defaultErrnoRet":38,"architectures":["SCMP_ARCH_X86_64"],"flags":["SECCOMP_FILTER_FLAG_LOG"],"syscalls":[{"names":["read"],"action":"SCMP_ACT_ALLOW","args":[{"index":1,"value":18446744073709551615,"op":"SCMP_CMP_EQ"}]}]}')).toEqual({
      defaultAction: 'SCMP_ACT_ERRNO', defaultErrnoRet: 38, architectures: ['SCMP_ARCH_X86_64'], flags: ['SECCOMP_FILTER_FLAG_LOG'],
      syscalls: [{ names: ['read'], action: 'SCMP_ACT_ALLOW', args: [{ index: 1, value: 0xffff_ffff_ffff_ffffn, valueTwo: 0n, op: 'SCMP_CMP_EQ' }] }],
    })
  })
  test('Docker\'s form', () => {
    const text = profile({ archMap: [{ architecture: 'SCMP_ARCH_X86_64', subArchitectures: null }], syscalls: [
      { name: 'read', action: 'SCMP_ACT_ERRNO', errnoRet: 1, errno: 'EPERM', args: null, comment: 'why', includes: { caps: ['CAP_BPF'], arches: ['amd64'], minKernel: '4.8' }, excludes: {} },
    ] })
    expect(parseProfile(text).syscalls).toEqual([{ names: ['read'], action: 'SCMP_ACT_ERRNO', errnoRet: 1, args: [], includes: { caps: ['CAP_BPF'], arches: ['amd64'], minKernel: '4.8' }, excludes: {} }])
  })
  test('no rule at all', () => { expect(parseProfile('{"defaultAction":"SCMP_ACT_LOG"}')).toEqual({ defaultAction: 'SCMP_ACT_LOG', syscalls: [] }) })
})

describe('a condition of Docker\'s form', () => {
  for (const [name, condition, given, word] of [
    ['a capability that is there', { includes: { caps: ['CAP_BPF'] } }, { capabilities: ['BPF'] }, 'log'], ['one that is not', { includes: { caps: ['CAP_BPF', 'CAP_KILL'] } }, { capabilities: ['BPF'] }, 'allow'],
    ['excluded by a capability', { excludes: { caps: ['CAP_BPF', 'CAP_KILL'] } }, { capabilities: ['BPF'] }, 'allow'], ['not excluded', { excludes: { caps: ['CAP_KILL'] } }, { capabilities: ['BPF'] }, 'log'],
    ['this machine', { includes: { arches: ['amd64', 's390x'] } }, {}, 'log'], ['another', { includes: { arches: ['arm64'] } }, {}, 'allow'], ['not this machine', { excludes: { arches: ['amd64'] } }, {}, 'allow'],
    ['a kernel that is new enough', { includes: { minKernel: '5.15' } }, { kernelRelease: '5.15.0-1-generic' }, 'log'], ['an older one', { includes: { minKernel: '5.15' } }, { kernelRelease: '5.9.1' }, 'allow'], ['the next great one', { includes: { minKernel: '5.15' } }, { kernelRelease: '6.0.0' }, 'log'],
    ['not on new kernels', { excludes: { minKernel: '5.15' } }, { kernelRelease: '6.0.0' }, 'allow'],
  ] as const) test(name, () => expect(answer(filterFor(parseProfile(withRule(condition)), given), 'read')).toBe(word))
})

describe('is refused, naming the field', () => {
  for (const [name, text, message] of [
    ['no JSON', '{', 'it is not JSON: '], ['a list', '[]', 'the profile must be an object'], ['no default', '{}', 'defaultAction must be a string'],
    ['an unknown default', '{"defaultAction":"ALLOW"}', 'defaultAction: "ALLOW" is not supported, only SCMP_ACT_KILL, '], ['an inherited one', '{"defaultAction":"constructor"}', 'defaultAction: "constructor" is not supported'],
    ['a listener', profile({ listenerPath: '/x' }), 'the profile: field "listenerPath" is not supported'], ['an unknown field', withRule({ Names: [] }), 'syscalls[0]: field "Names" is not supported'],
    ['two lists of architectures', profile({ architectures: ['SCMP_ARCH_X86'], archMap: [] }), 'both architectures and archMap are specified in the seccomp profile, use either architectures or archMap'],
    ['name and names', withRule({ name: 'write' }), 'both name and names are specified in the seccomp profile, use either name or names'],
    ['an unknown architecture', profile({ architectures: ['x86'] }), 'architecture "x86" is not known'], ['an unknown flag', profile({ flags: ['SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV'] }), 'flags: "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV" is not supported'],
    ['an unknown action', withRule({ action: 'SCMP_ACT_NOTIFY' }), 'syscalls[0].action: "SCMP_ACT_NOTIFY" is not supported'], ['a number where none is given', withRule({ errnoRet: 1 }), 'syscalls[0].action: SCMP_ACT_LOG returns no error number'],
    ['a number that is none', withRule({ action: 'SCMP_ACT_ERRNO', errnoRet: 'EPERM' }), 'syscalls[0].errnoRet must be a number from 0 to 4095'], ['a name of a number alone', withRule({ errno: 'EPERM' }), 'syscalls[0].errno is not supported without syscalls[0].errnoRet'],
    ['a seventh argument', withRule({ args: [{ index: 6, value: 1, op: 'SCMP_CMP_EQ' }] }), 'syscalls[0].args[0].index must be a number from 0 to 5'], ['an unknown comparison', withRule({ args: [{ index: 0, value: 1, op: '==' }] }), 'syscalls[0].args[0].op must be one of SCMP_CMP_NE'],
    ['a negative value', withRule({ args: [{ index: 0, value: -1, op: 'SCMP_CMP_EQ' }] }), 'syscalls[0].args[0].value must be a number of 64 bits'], ['a value of 65 bits', withRule({ args: [{ index: 0, value: 0, op: 'SCMP_CMP_EQ' }] }).replace('"value":0', '"value":18446744073709551616'), 'syscalls[0].args[0].value must be a number of 64 bits'],
    ['names that are none', withRule({ names: 'read' }), 'syscalls[0].names must be a list of strings'], ['a version that is none', withRule({ includes: { minKernel: 'new' } }), 'syscalls[0].includes.minKernel must be a version like "4.8"'],
  ] as const) test(name, () => expect(() => filterFor(parseProfile(text))).toThrow(message))
})
