import { execFileSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { goScript, startFailureMessage } from '../../../agents/kubelet/runtime/shim/go-script.ts'
import { assignments, isExportable, quote } from '../../../agents/kubelet/runtime/shim/quote.ts'
import { sysctlPath } from '../../../agents/kubelet/runtime/sandbox/sandbox.ts'
import { signalNumber } from '../../../agents/kubelet/runtime/signals.ts'
import { completeEnvironment } from '../../../agents/kubelet/runtime/start.ts'

describe('words for the shell', () => {
  for (const text of ['', 'plain', "it's", "''", '$(id) `id` "$x" \\', 'a\nb\t', '*?[x]', '-n', '~', '#no comment', 'é€😀', Array.from({ length: 127 }, (_, index) => String.fromCharCode(index + 1)).join('')]) {
    test(`${JSON.stringify(text).slice(0, 40)} means itself`, () => { expect(execFileSync('sh', ['-c', `printf %s ${quote(text)}`], { encoding: 'utf8' })).toBe(text) })
  }
  test('a NUL cannot be passed', () => { expect(() => quote('a\0b')).toThrow('NUL') })
  test('a file of assignments', () => { expect(assignments({ a: "x'y", b: '' })).toBe("a='x'\\''y'\nb=''\n") })
  for (const [name, held] of [['PATH', true], ['_x1', true], ['a.b', false], ['1a', false], ['', false], ['a-b', false], ['OPTIND', false], ['a\nb', false]] as const) {
    test(`a variable ${JSON.stringify(name)} ${held ? 'can' : 'cannot'} be held by a shell`, () => { expect(isExportable(name)).toBe(held) })
  }
})

describe('the go script', () => {
  const run = (program: Parameters<typeof goScript>[0]) => execFileSync('sh', ['-c', 'exec 3</dev/null 8>&2 9>/dev/null; exec /bin/sh -s'], { env: {}, input: goScript(program), encoding: 'utf8', stdio: ['pipe', 'pipe', 'pipe'] })
  test('executes the program with its environment, and the last of two values', () => {
    expect(run({ command: ['/usr/bin/env'], workingDir: '/', env: [{ name: 'A', value: 'one' }, { name: 'B', value: "x\n'y'" }, { name: 'A', value: 'two' }] }).split('\n').filter((line) => !line.startsWith('PWD')).join('\n')).toBe("A=two\nB=x\n'y'\n")
  })
  test('runs nothing before all of it has come', () => {
    const script = goScript({ command: ['echo', 'ran'], workingDir: '/', env: [] })
    expect(() => execFileSync('sh', ['-s'], { input: script.slice(0, -3), encoding: 'utf8', stdio: ['pipe', 'pipe', 'pipe'] })).toThrow(/[Ss]yntax error/)
  })
  for (const [name, program, word] of [
    ['no directory', { command: ['true'], workingDir: '/no/such', env: [] }, 'directory'], ['no program', { command: ['no-such'], workingDir: '/', env: [] }, 'missing'],
    ['a directory', { command: ['/'], workingDir: '/', env: [] }, 'isDirectory'], ['no permission', { command: ['/etc/passwd'], workingDir: '/', env: [] }, 'denied'],
  ] as const) {
    test(`says what is wrong: ${name}`, () => { expect(() => run(program)).toThrow(`fail ${word}`) })
  }
  test('in upstream\'s words', () => {
    expect(startFailureMessage('missing', { command: ['x'], workingDir: '/', env: [] })).toBe('unable to start container process: error during container init: exec: "x": executable file not found in $PATH')
  })
})

test('the environment is completed, and what the container says wins', () => {
  const env = completeEnvironment([{ name: 'HOME', value: '/mine' }], { hostname: 'h', home: '/', tty: true })
  expect(Object.fromEntries(env.map(({ name, value }) => [name, value]))).toEqual({ PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', HOSTNAME: 'h', HOME: '/mine', TERM: 'xterm' })
})

describe('signals', () => {
  for (const [name, number] of [['SIGTERM', 15], ['term', 15], ['9', 9], ['SIGRTMIN', 34], ['SIGRTMIN+3', 37], ['RTMAX-1', 63], ['SIGUSR1', 10]] as const) test(`${name} is ${number}`, () => { expect(signalNumber(name)).toBe(number) })
  for (const name of ['', 'SIGNO', '0', '65', 'SIGRTMIN+99', 'toString']) test(`${JSON.stringify(name)} is none`, () => { expect(() => signalNumber(name)).toThrow('unknown signal') })
})

describe('sysctl names', () => {
  for (const [name, file] of [['net.ipv4.ip_forward', 'net/ipv4/ip_forward'], ['net/ipv4/conf/eth0.1/forwarding', 'net/ipv4/conf/eth0.1/forwarding'], ['kernel.shmmax', 'kernel/shmmax']] as const) {
    test(name, () => { expect(sysctlPath(name)).toBe(file) })
  }
  for (const name of ['', 'x', '../etc/passwd', 'net/../../etc', 'net ipv4', 'a/$(id)', 'net.ipv4.x\ny']) test(`${JSON.stringify(name)} is none`, () => { expect(() => sysctlPath(name)).toThrow('invalid sysctl name') })
})
