import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { execa } from 'execa'
import { describe, expect, test } from 'vitest'
import type { Pod } from '../../../src/api/types.ts'
import { nodeNameFrom } from '../../../src/cluster/ssh/add-node.ts'
import { authorize, unauthorize, withoutHost } from '../../../src/cluster/ssh/cluster-key.ts'
import { isEvictable } from '../../../src/cluster/ssh/drain.ts'
import { explainSsh, hostKeyFingerprint, type Talk } from '../../../src/cluster/ssh/first-contact.ts'
import { ownAddress, packagesFor, parseProbe, problemsOf } from '../../../src/cluster/ssh/requirements.ts'

describe('what a machine must have', () => {
  const good = ['hostname=box', 'system=Linux', 'architecture=x86_64', 'root=yes', 'overlay=yes', 'cgroups=yes', 'apt=yes', 'free=10000000', 'route=192.0.2.1 dev eth0 src 192.0.2.7 uid 0']
  const judge = (...changed: string[]): string[] => {
    const names = new Set(changed.map((line) => line.split('=')[0]))
    const lines = [...good.filter((line) => !names.has(line.split('=')[0])), ...changed]
    return problemsOf(parseProbe(lines.join('\n')), { own: 'x64', user: 'ann', server: '192.0.2.1' }).map(({ what, remedy }) => `${what}: ${remedy}`)
  }
  test.each([
    ['a good one', [], []],
    ['missing programs that apt brings', ['missing=iptables', 'missing=conntrack'], []],
    ['another system', ['system=Darwin'], [/it runs Darwin/]],
    ['another architecture', ['architecture=aarch64'], [/its architecture is aarch64, this machine's is x64/]],
    ['no root', ['root='], [/ann is not root there and sudo asks for a password: .*NOPASSWD/]],
    ['no overlay', ['overlay='], [/modprobe overlay/]], ['no cgroups', ['cgroups='], [/mount -t cgroup2/]], ['no space', ['free=1000'], [/only 0 MiB are free/]],
    ['missing programs and no apt', ['missing=iptables', 'missing=iptables-save', 'apt='], [/these programs are missing: iptables, iptables-save: .*packages: iptables\)/]],
    ['only what can be done without, and no apt', ['missing=conntrack', 'apt='], []],
    ['behind a router', ['route=192.0.2.1 via 198.51.100.1 dev eth0 src 198.51.100.7'], [/router 198\.51\.100\.1, not on a common link/]],
    ['no way at all', ['route='], [/no route to the API server's address 192\.0\.2\.1/]],
    ['this machine itself', ['route=local 192.0.2.1 dev lo src 192.0.2.1'], [/is its own/]],
  ] as const)('%s', (_, changed, expected) => {
    const problems = judge(...changed)
    expect(problems).toHaveLength(expected.length)
    expected.forEach((pattern, index) => expect(problems[index]).toMatch(pattern))
  })
  test('its address is that of the way to the API server', () => expect(ownAddress(parseProbe(good.join('\n')))).toBe('192.0.2.7'))
  test('each package is asked for once', () => expect(packagesFor(['iptables', 'iptables-save', 'ip'])).toEqual(['iptables', 'iproute2']))
})

describe("a node's name", () => {
  test.each([['asked for', 'edge-1', 'Box', 'edge-1'], ["the machine's own", undefined, 'Box.example.org', 'box']] as const)('%s', (_, asked, host, expected) => expect(nodeNameFrom(asked, host)).toBe(expected))
  test.each(['-x', '../../etc', 'A b', 'a;b', 'ж', '', 'a'.repeat(64)])('is not %j', (name) => expect(() => nodeNameFrom(name, 'box')).toThrow("cannot be a node's name"))
})

describe('what ssh says becomes what to do', () => {
  test.each([
    ['Host key verification failed.', '--accept-new-host-key'], ['root@h: Permission denied (publickey).', 'ssh-copy-id'], ['ssh: Could not resolve hostname h', 'check the name'],
    ['ssh: connect to host h port 22: Connection refused', 'does sshd run'], ['@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed.', 'find out why'],
  ])('%s', (said, remedy) => expect(explainSsh({ user: 'root', host: 'h' }, `debug1: noise\n${said}`).message).toMatch(new RegExp(`^cannot log in to root@h: (?!debug)[^]*${remedy}`)))
  test('the host key that was proved', () => expect(hostKeyFingerprint('debug1: x\r\ndebug1: Server host key: ssh-ed25519 SHA256:abc/+\ndebug1: y')).toBe('SHA256:abc/+'))
})

describe('authorized_keys', () => {
  const line = 'restrict ssh-ed25519 AAAA wherry-123456'
  const within = async (before: string | undefined, work: (talk: Talk, file: string) => Promise<void>): Promise<string> => {
    const home = await mkdtemp(path.join(tmpdir(), 'wherry-keys-'))
    const file = path.join(home, '.ssh/authorized_keys')
    const talk: Talk = async ([program = '', ...args], { input }) => {
      const { exitCode = -1, stdout, stderr } = await execa(program, args, { input: input ?? '', env: { HOME: home }, reject: false })
      return { exitCode, stdout, stderr }
    }
    try {
      if (before !== undefined) { await execa('mkdir', ['-p', path.dirname(file)]); await writeFile(file, before) }
      await work(talk, file)
      return await readFile(file, 'utf8')
    } finally {
      await rm(home, { recursive: true, force: true })
    }
  }
  const signal = new AbortController().signal
  test.each([
    ['is made', undefined, `${line}\n`], ['gets the line', 'ssh-rsa BBBB ann\n', `ssh-rsa BBBB ann\n${line}\n`], ['without a last line break, too', 'ssh-rsa BBBB ann', `ssh-rsa BBBB ann\n${line}\n`], ['gets it once', `${line}\nssh-rsa BBBB ann\n`, `${line}\nssh-rsa BBBB ann\n`],
  ])('%s', async (_, before, expected) => {
    let mode = 0
    expect(await within(before, async (talk, file) => { await authorize(talk, line, signal); mode = (await stat(file)).mode & 0o777 })).toBe(expected)
    if (before === undefined) expect(mode).toBe(0o600)
  })
  test.each([
    ['loses the line, and only it', `ssh-rsa BBBB ann\n${line}\n${line}-2\n`, `ssh-rsa BBBB ann\n${line}-2\n`], ['that had nothing else is empty', `${line}\n`, ''], ['without it stays', 'ssh-rsa BBBB ann\n', 'ssh-rsa BBBB ann\n'],
  ])('%s', async (_, before, expected) => expect(await within(before, (talk) => unauthorize(talk, line, signal))).toBe(expected))
})

test('known_hosts loses one name', () => expect(withoutHost('a ssh-ed25519 A\nab ssh-ed25519 B\na ecdsa C\n', 'a')).toBe('ab ssh-ed25519 B\n'))

test.each([
  ['an ordinary pod', {}, true], ['one of a ReplicaSet', { ownerReferences: [{ kind: 'ReplicaSet', controller: true }] }, true], ['one of a DaemonSet', { ownerReferences: [{ kind: 'DaemonSet', controller: true }] }, false],
  ['a mirror of a static pod', { annotations: { 'kubernetes.io/config.mirror': 'x' } }, false],
] as const)('drained: %s', (_, metadata, expected) => expect(isEvictable({ metadata: { name: 'p', ...metadata }, status: { phase: 'Running' } } as unknown as Pod)).toBe(expected))
