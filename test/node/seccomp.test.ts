/** Filters of system calls on real processes: loaded in every way a container's process can come to be, and doing what the profile says. */
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ProcessRuntime } from '../../agents/kubelet/runtime/process-runtime.ts'
import type { ContainerSpec, SeccompProfile } from '../../agents/kubelet/runtime/runtime.ts'
import { aContainer, aSandbox, collect, isRoot, launch, leavePlace, newPlace, never, openRuntime, runToEnd } from '../support/runtime-node.ts'
import { sayWhatIsSkipped } from '../support/skipped.ts'

const place = newPlace()
const runtimeDefault = { kind: 'default' } as const
const profile = (text: object): SeccompProfile => ({ kind: 'file', path: '/var/lib/kubelet/seccomp/mine.json', text: JSON.stringify(text) })
const users = [
  ['root', {}], ['root without privileges to gain', { allowPrivilegeEscalation: false }], ['another user', { runAsUser: 12345 }],
  ['another user without privileges to gain', { runAsUser: 12345, runAsGroup: 23456, allowPrivilegeEscalation: false, capabilities: { add: [], drop: ['ALL'] } }],
  ['another user in a read-only root', { runAsUser: 12345, readOnlyRootFilesystem: true }], ['root with SYS_ADMIN', { capabilities: { add: ['SYS_ADMIN'], drop: [] } }],
] as const satisfies [string, Partial<ContainerSpec>][]

sayWhatIsSkipped('seccomp.test.ts', !isRoot, 'containers of real processes need root')

describe.skipIf(!isRoot)('seccomp', () => {
  let runtime: ProcessRuntime
  let attempt = 0
  const run = (command: readonly string[], over: Partial<ContainerSpec> = {}) => {
    attempt++
    return runToEnd(runtime, aContainer(place, 'box', command, { name: 'run', attempt, logPath: path.join(place.scratch, `run-${attempt}.log`), seccomp: runtimeDefault, ...over }))
  }
  beforeAll(async () => {
    runtime = await openRuntime(place)
    await runtime.runSandbox(aSandbox('box'), never)
  })
  afterAll(async () => {
    await runtime.destroy()
    leavePlace(place)
  })

  for (const [name, over] of users) {
    test(`is loaded for ${name}`, async () => {
      const { output, state } = await run(['sh', '-c', 'grep -E "^(Seccomp|NoNewPrivs|Uid):" /proc/self/status; unshare -U true 2>&1'], over)
      const admin = 'capabilities' in over && (over.capabilities.add as readonly string[]).includes('SYS_ADMIN')
      expect(output).toMatch(new RegExp(`^Uid:\t${'runAsUser' in over ? 12345 : 0}\t.*\nNoNewPrivs:\t${'allowPrivilegeEscalation' in over ? 1 : 0}\nSeccomp:\t2\n${admin ? '' : 'unshare: unshare failed: Operation not permitted\n'}$`))
      expect(state.exitCode).toBe(admin ? 0 : 1)
    })

    test(`stands for commands in a container of ${name}`, async () => {
      const spec = aContainer(place, 'box', ['sleep', '100'], { name: 'long', attempt: ++attempt, seccomp: runtimeDefault, ...over })
      await launch(runtime, spec)
      for (const tty of [false, true]) expect((await collect(runtime, 'box', ['sh', '-c', 'echo $(grep -E "^Seccomp:" /proc/self/status)'], { name: 'long', tty })).out.trim()).toBe('Seccomp: 2')
      await runtime.stopContainer('box', 'long', 0)
    })
  }

  test('with a terminal', async () => {
    expect((await run(['sh', '-c', 'grep -E "^Seccomp:" /proc/self/status'], { tty: true, allowPrivilegeEscalation: false })).output.trim()).toMatch(/^Seccomp:\t2$/)
  })

  test('arguments, names that no shell holds, and what PATH finds arrive as they are', async () => {
    const { output } = await run(['perl', '-e', 'print join "|", $ENV{"odd.name-x"}, @ARGV, $0', '--', "it's", '', '*'], { allowPrivilegeEscalation: false, env: [{ name: 'odd.name-x', value: "o'dd" }] })
    expect(output).toBe("o'dd|it's||*|-e")
    expect((await run(['sh', '-c', 'echo "$0" "$1"', 'name', ''], { allowPrivilegeEscalation: false, env: [{ name: 'PATH', value: '/no/where::/bin' }] })).output).toBe('name \n')
  })

  test('a profile of one\'s own: what it forbids fails as it says, in every way of loading it', async () => {
    const forbids = profile({ defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 28 }] })
    for (const [, over] of users) expect((await run(['mkdir', '/tmp/x'], { ...over, seccomp: forbids })).output).toContain('No space left on device')
  })

  test('a profile that allows hardly anything holds from the execution of the program on, and nothing of ours needs more', async () => {
    const names = 'execve brk arch_prctl mmap munmap mprotect access faccessat openat open read pread64 close fstat newfstatat set_tid_address set_robust_list rseq prlimit64 getrandom write exit_group ioctl lseek fadvise64'
    const strict = profile({ defaultAction: 'SCMP_ACT_KILL_PROCESS', syscalls: [{ names: names.split(' '), action: 'SCMP_ACT_ALLOW' }] })
    const over = { seccomp: strict, runAsUser: 12345, allowPrivilegeEscalation: false }
    expect(await run(['cat', '/etc/hostname'], over)).toMatchObject({ output: 'box\n', state: { exitCode: 0 } })
    // SIGSYS
    expect((await run(['mkdir', '/tmp/x'], over)).state.exitCode).toBe(128 + 31)
  })

  for (const [name, over, message] of [
    ['a profile that is no JSON', { seccomp: { kind: 'file', path: '/p/x.json', text: '{' } }, 'cannot load seccomp profile "/p/x.json": it is not JSON'],
    ['a profile with an action that nobody listens to', { seccomp: profile({ defaultAction: 'SCMP_ACT_NOTIFY' }) }, 'defaultAction: "SCMP_ACT_NOTIFY" is not supported'],
  ] as const satisfies [string, Partial<ContainerSpec>, string][]) {
    test(`${name} keeps the container from being created`, async () => {
      await expect(runtime.createContainer(aContainer(place, 'box', ['true'], { name: 'never', ...over }), never)).rejects.toThrow(message)
      expect((await runtime.listContainers('box')).filter((state) => state.name === 'never')).toEqual([])
    })
  }

  test('a program that the kernel cannot execute is told as such', async () => {
    writeFileSync(path.join(place.scratch, 'nonsense'), 'neither a program nor a script', { mode: 0o755 })
    const mounts = [{ hostPath: path.join(place.scratch, 'nonsense'), containerPath: '/opt/nonsense', readOnly: true, propagation: 'private' }] as const
    expect((await run(['/opt/nonsense'], { allowPrivilegeEscalation: false, mounts })).state).toMatchObject({ exitCode: 128, reason: 'StartError', message: expect.stringContaining('exec /opt/nonsense: exec format error') })
  })

  test('a container without a profile has none', async () => {
    expect((await run(['grep', '^Seccomp:', '/proc/self/status'], { seccomp: undefined } as unknown as Partial<ContainerSpec>)).output).toBe(/^Seccomp:.*\n/m.exec(spawnSync('cat', ['/proc/self/status'], { encoding: 'utf8' }).stdout)?.[0])
  })
})
