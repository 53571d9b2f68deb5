import { describe, expect, test } from 'vitest'
import { execFileSync } from 'node:child_process'
import { formatDestination, parseDestination, providerIDOf } from '../../src/cloud-controller-manager/ssh/destination.ts'
import { asRoot, clusterOptions, optionPath, quoteWord, sshArguments } from '../../src/cloud-controller-manager/ssh/ssh.ts'

describe('where a machine is', () => {
  test.each([
    ['a host', 'build-7.example.org', { host: 'build-7.example.org' }],
    ['an alias of ssh_config', 'my_box', { host: 'my_box' }],
    ['user and host', 'root@192.0.2.7', { user: 'root', host: '192.0.2.7' }],
    ['host and port', '192.0.2.7:2222', { host: '192.0.2.7', port: 2222 }],
    ['all of it', 'a.b-c@host:22', { user: 'a.b-c', host: 'host', port: 22 }],
    ['an IPv6 address', 'root@[2001:db8::7]:22', { user: 'root', host: '2001:db8::7', port: 22 }],
    ['a link-local address', '[fe80::1%eth0]', { host: 'fe80::1%eth0' }],
  ] as const)('%s', (_, text, expected) => {
    expect(parseDestination(text)).toEqual(expected)
    expect(formatDestination(parseDestination(text))).toBe(text)
    expect(providerIDOf(parseDestination(text))).toBe(`ssh://${text}`)
  })
  test.each([
    ['nothing', '', 'the host ""'], ['an option', '-oProxyCommand=touch /tmp/x', 'the host "-oProxyCommand=touch /tmp/x"'], ['an option as a host', 'root@-oProxyCommand=x', 'the host "-oProxyCommand=x"'],
    ['an option as a user', '-lroot@host', 'the user "-lroot"'], ['a user with a shell in it', 'a$(id)@host', 'the user "a$(id)"'], ['an empty user', '@host', 'the user ""'], ['two users', 'a@b@host', 'the user "a@b"'],
    ['a command after the host', 'host;reboot', 'the host "host;reboot"'], ['a substitution', '$(reboot)', 'the host "$(reboot)"'], ['a backtick', '`reboot`', 'the host "`reboot`"'],
    ['a blank', 'host name', 'the host "host name"'], ['a line break', 'host\nProxyCommand x', 'the host "host\\nProxyCommand x"'], ['a NUL', 'ho\0st', 'the host "ho\\u0000st"'], ['a token of ssh', '%h', 'the host "%h"'], ['another alphabet', 'hоst', 'the host "hоst"'],
    ['no port', 'host:', 'the port ""'], ['port 0', 'host:0', 'the port "0"'], ['too high a port', 'host:65536', 'the port "65536"'], ['a port with an option', 'host:22 -oX', 'the port "22 -oX"'],
    ['a bare IPv6 address', '2001:db8::7', 'an IPv6 address is written in brackets'], ['an unclosed bracket', '[2001:db8::7', 'an IPv6 address is written in brackets'], ['a file in brackets', '[/etc/passwd]', 'the host'],
  ])('%s is refused', (_, text, why) => expect(() => parseDestination(text)).toThrow(why))
})

describe('arguments of ssh', () => {
  test('end with -- before the host; the command is one argument', () => {
    expect(sshArguments({ user: 'root', host: 'h', port: 2222 }, ['BatchMode=yes'], ['ip', 'route'])).toEqual(['-T', '-o', 'BatchMode=yes', '-l', 'root', '-p', '2222', '--', 'h', "'ip' 'route'"])
  })
  test('without a command have none', () => expect(sshArguments({ host: 'h' }, [], [])).toEqual(['-T', '--', 'h']))

  test.each([
    ['plain', 'route'], ['empty', ''], ['blanks', ' a  b '], ['quotes', `it's "so"`], ['a substitution', '$(reboot)'], ['a backtick', '`reboot`'], ['a variable', '$HOME'], ['separators', ';&|<>()'],
    ['a backslash', String.raw`\n\\`], ['a line break', 'a\nb'], ['an option', '-rf'], ['a pattern', '/*'], ['a tilde', '~root'], ['history', '!!'], ['other alphabets', 'ж 漢 😀'], ['only quotes', "''''"],
  ])('mean to a shell what they say: %s', (_, word) => {
    // As sshd does it: the login shell reads one line.
    expect(execFileSync('sh', ['-c', ['printf', '%s|', word].map(quoteWord).join(' ')]).toString()).toBe(`${word}|`)
  })
  test('a NUL is refused', () => expect(() => quoteWord('a\0b')).toThrow('NUL'))

  test('the cluster trusts only its own known_hosts, asks nobody and forwards nothing', () => {
    const options = clusterOptions({ directory: '/data dir/ssh', sockets: '/run/wherry/1/ssh' }, 'node-7')
    expect(options).toEqual(expect.arrayContaining(['BatchMode=yes', 'StrictHostKeyChecking=yes', 'UserKnownHostsFile="/data dir/ssh/known_hosts"', 'GlobalKnownHostsFile=/dev/null', 'HostKeyAlias=node-7', 'IdentitiesOnly=yes', 'IdentityFile="/data dir/ssh/id_ed25519"',
      'ControlPath="/run/wherry/1/ssh/%C"', 'ForwardAgent=no', 'ClearAllForwardings=yes', 'PermitLocalCommand=no']))
  })
  test.each([['/a b', '"/a b"'], ['/100%/x', '"/100%%/x"']])('a file %s in an option', (file, expected) => expect(optionPath(file)).toBe(expected))
  test.each(['/a"b', '/a\nb', '/a\\b'])('a file %j is refused in an option', (file) => expect(() => optionPath(file)).toThrow('cannot be given to ssh'))
  test('what needs root is asked of sudo without a question', () => expect(asRoot(['ip', 'route']).slice(2)).toEqual(['if [ "$(id -u)" = 0 ]; then exec "$@"; else exec sudo -n -- "$@"; fi', 'wherry', 'ip', 'route']))
})
