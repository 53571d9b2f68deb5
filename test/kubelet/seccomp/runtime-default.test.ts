import { describe, expect, test } from 'vitest'
import { runtimeDefault } from '../../../agents/kubelet/seccomp/runtime-default.ts'
import { answer, filterFor, type Given } from './support.ts'

const defaults = ['CHOWN', 'DAC_OVERRIDE', 'SYS_CHROOT', 'SETUID']

describe('RuntimeDefault', () => {
  for (const [name, call, args, given, word] of [
    ['ordinary calls', 'openat', [], {}, 'allow'], ['a new call that programs need', 'fchmodat2', [], {}, 'allow'],
    ['rings of input and output', 'io_uring_setup', [], {}, 'errno 1'], ['keys', 'keyctl', [], {}, 'errno 1'], ['another root', 'pivot_root', [], {}, 'errno 1'], ['a new kernel', 'kexec_load', [], {}, 'errno 1'],
    ['page faults for oneself', 'userfaultfd', [], {}, 'errno 1'], ['swap', 'swapon', [], {}, 'errno 1'],
    ['a socket', 'socket', [2], {}, 'allow'], ['a socket to the hypervisor', 'socket', [40], {}, 'errno 1'],
    ['a thread', 'clone', [0x3d0f00], {}, 'allow'], ['a new user namespace', 'clone', [0x1000_0000], {}, 'errno 1'], ['a new mount namespace among others', 'clone', [0x2_0000 | 0x11], {}, 'errno 1'],
    ['clone3 is not there', 'clone3', [], {}, 'errno 38'], ['what comes after all known calls is not there', 600, [], {}, 'errno 38'],
    ['the question of personality', 'personality', [0xffff_ffff], {}, 'allow'], ['addresses that are not random', 'personality', [0x4_0000], {}, 'errno 1'],
    ['mount', 'mount', [], {}, 'errno 1'], ['mount with SYS_ADMIN', 'mount', [], { capabilities: ['SYS_ADMIN'] }, 'allow'],
    ['clone3 with SYS_ADMIN', 'clone3', [], { capabilities: ['SYS_ADMIN'] }, 'allow'], ['a new user namespace with SYS_ADMIN', 'clone', [0x1000_0000], { capabilities: ['SYS_ADMIN'] }, 'allow'],
    ['chroot with what containers have', 'chroot', [], { capabilities: defaults }, 'allow'], ['chroot without', 'chroot', [], {}, 'errno 1'],
    ['reboot', 'reboot', [], { capabilities: defaults }, 'errno 1'], ['reboot with all there is', 'reboot', [], { capabilities: undefined }, 'allow'],
    ['bpf with BPF', 'bpf', [], { capabilities: ['BPF'] }, 'allow'], ['the clock with SYS_TIME', 'clock_settime', [], { capabilities: ['SYS_TIME'] }, 'allow'], ['the clock', 'clock_settime', [], {}, 'errno 1'],
    ['tracing', 'ptrace', [], {}, 'allow'], ['tracing on an old kernel', 'ptrace', [], { kernelRelease: '4.4.0-generic' }, 'errno 1'], ['tracing on an old kernel with SYS_PTRACE', 'ptrace', [], { kernelRelease: '4.4.0', capabilities: ['SYS_PTRACE'] }, 'allow'],
    ['a call of this machine only', 'arch_prctl', [], {}, 'allow'],
  ] satisfies [string, string | number, number[], Given, string][]) test(name, () => expect(answer(filterFor(runtimeDefault, given), call, { args })).toBe(word))

  test('32-bit programs', () => { expect(['openat', 'socketcall', 'mount', 'clock_gettime64'].map((call) => answer(filterFor(runtimeDefault), call, { abi: 1 }))).toEqual(['allow', 'allow', 'errno 1', 'allow']) })
  test('on aarch64', () => {
    const program = filterFor(runtimeDefault, { architecture: 'arm64' })
    expect(['openat', 'mount', 'clone3'].map((call) => answer(program, call, { architecture: 'arm64' }))).toEqual(['allow', 'errno 1', 'errno 38'])
    expect(['openat', 'cacheflush', 'mount'].map((call) => answer(program, call, { architecture: 'arm64', abi: 1 }))).toEqual(['allow', 'allow', 'errno 1'])
  })
  test('is small', () => { expect(filterFor(runtimeDefault).length).toBeLessThan(1000) })
})
