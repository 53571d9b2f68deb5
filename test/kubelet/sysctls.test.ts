import { describe, expect, test } from 'vitest'
import { allowedSysctlProblem, dotted, sysctlProblem } from '../../agents/kubelet/sysctls.ts'
import type { PodSpec } from '../../src/api/types.ts'
import { aPod } from './builders.ts'

test.each([['net.ipv4.tcp_syncookies', 'net.ipv4.tcp_syncookies'], ['net/ipv4/tcp_syncookies', 'net.ipv4.tcp_syncookies'], ['net.ipv4.conf.eth0/1.x', 'net.ipv4.conf.eth0/1.x'], ['net/ipv4/conf/eth0.1/x', 'net.ipv4.conf.eth0/1.x'], ['kernel', 'kernel']])('%s is %s', (name, wanted) => {
  expect(dotted(name)).toBe(wanted)
})

describe('what a pod sets', () => {
  const problem = (names: string[], spec: Partial<PodSpec> = {}, allowed: string[] = []) => sysctlProblem(aPod({ ...spec, securityContext: { sysctls: names.map((name) => ({ name, value: '1' })) } }), allowed)
  test.each<[string, ReturnType<typeof problem>, string | undefined]>([
    ['nothing', problem([]), undefined],
    ['what is safe, in both forms', problem(['kernel.shm_rmid_forced', 'net/ipv4/tcp_rmem']), undefined],
    ['what is not', problem(['net.ipv4.tcp_syncookies', 'kernel.msgmax']), 'forbidden sysctl: "kernel.msgmax" not allowlisted'],
    ['what is not, with slashes', problem(['kernel/msgmax']), 'forbidden sysctl: "kernel.msgmax" not allowlisted'],
    ['what is allowed by name', problem(['kernel.msgmax'], {}, ['kernel/msgmax']), undefined],
    ['what is allowed by its beginning', problem(['net.core.somaxconn'], {}, ['net.core.*']), undefined],
    ['what another beginning allows', problem(['net.ipv4.ip_forward'], {}, ['net.core.*']), 'forbidden sysctl: "net.ipv4.ip_forward" not allowlisted'],
    ['the machine\'s network', problem(['net.ipv4.tcp_syncookies'], { hostNetwork: true }), 'forbidden sysctl: "net.ipv4.tcp_syncookies" not allowed with host net enabled'],
    ['the machine\'s shared memory', problem(['kernel.shm_rmid_forced'], { hostIPC: true }), 'forbidden sysctl: "kernel.shm_rmid_forced" not allowed with host ipc enabled'],
    ['another namespace than the machine\'s', problem(['kernel.shm_rmid_forced'], { hostNetwork: true }), undefined],
  ])('%s', (_, said, wanted) => { expect(said).toBe(wanted) })
})

test.each<[string, string | undefined]>([
  ['kernel.msg*', undefined], ['kernel.sem', undefined], ['net/core/somaxconn', undefined], ['net.*', undefined],
  ['kernel.hostname', 'the sysctls "kernel.hostname" are not known to be namespaced'], ['*', 'the sysctls "*" are not known to be namespaced'], ['kernel.*', 'the sysctls "kernel.*" are not known to be namespaced'],
  ['foo-', 'sysctl "foo-" must have at most 253 characters and be a name, or a beginning of names with * at its end'], ['net.*.x', 'sysctl "net.*.x" must have at most 253 characters and be a name, or a beginning of names with * at its end'],
])('allowed: %s', (text, wanted) => { expect(allowedSysctlProblem(text)).toBe(wanted) })
