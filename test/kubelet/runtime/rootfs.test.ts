import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { parseMountInfo } from '../../../agents/kubelet/runtime/proc/mount-info.ts'
import { allCapabilities, capabilitiesOf, credentialsOf, setprivArguments } from '../../../agents/kubelet/runtime/rootfs/credentials.ts'
import { bind, renderFstab } from '../../../agents/kubelet/runtime/rootfs/fstab.ts'
import { hostMounts } from '../../../agents/kubelet/runtime/rootfs/host-layers.ts'
import { kernelMounts, maskedPaths } from '../../../agents/kubelet/runtime/rootfs/kernel-mounts.ts'
import { type LayeredRoot, layeredRoot } from '../../../agents/kubelet/runtime/rootfs/layered-root.ts'
import { parseLibraries } from '../../../agents/kubelet/runtime/rootfs/tools.ts'

test('mounts as lines of fstab: whatever the names hold', () => {
  expect(renderFstab('/r', [bind('/a b#c\\d\n', '/x\ty', 'ro'), { source: 'overlay', containerPath: '/', type: 'overlay', options: [] }]))
    .toBe('/a\\040b\\043c\\134d\\012 /r/x\\011y none bind,ro 0 0\noverlay /r overlay defaults 0 0\n')
})

test('which mounts of the machine are shown, and how', () => {
  const line = (mountPoint: string, type: string): string => `1 0 0:1 / ${mountPoint} rw - ${type} x rw`
  const mounts = parseMountInfo([line('/', 'ext4'), line('/proc', 'proc'), line('/home/a', 'nfs4'), line('/home', 'xfs'), line('/boot/efi', 'vfat'), line('/run/user/0', 'tmpfs'), line('/etc/resolv.conf', 'ext4'),
    line('/home', 'xfs'), line('/var/lib/wherry/x', 'tmpfs'), line('/var/lib/docker/overlay2/a/merged', 'overlay')].join('\n'))
  expect(hostMounts(mounts, ['/run', '/tmp', '/var/lib/wherry'], (each) => each !== '/etc/resolv.conf')).toEqual([
    { mountPoint: '/home', show: 'overlay' }, { mountPoint: '/home/a', show: 'read-only' }, { mountPoint: '/boot/efi', show: 'read-only' }, { mountPoint: '/etc/resolv.conf', show: 'read-only' },
  ])
})

describe('kernel mounts', () => {
  const options = { unmasked: false, writableSys: false, terminalGroup: 5, sharedMemory: '/s', devices: [], isDirectory: (each: string) => (each === '/proc/keys' ? false : each === '/proc/sys' || each === '/sys/firmware' ? true : undefined) }
  test('sys can be changed by the privileged alone', () => {
    expect(kernelMounts(options).find(({ containerPath }) => containerPath === '/sys')?.options).toContain('ro')
    expect(kernelMounts({ ...options, writableSys: true }).find(({ containerPath }) => containerPath === '/sys')?.options).toContain('rw')
  })
  test('what is masked is what this kernel has', () => {
    expect(maskedPaths(options, { empty: '/e', root: '/r' })).toEqual([bind('/dev/null', '/proc/keys'), bind('/e', '/sys/firmware', 'ro'), bind('/r/proc/sys', '/proc/sys', 'ro')])
    expect(maskedPaths({ ...options, unmasked: true }, { empty: '/e', root: '/r' })).toEqual([])
  })
})

describe('a root in layers', () => {
  let base: string
  let view: LayeredRoot
  const at = (...parts: string[]): string => path.join(base, ...parts)
  beforeEach(() => {
    base = mkdtempSync(path.join(tmpdir(), 'wherry-layers-'))
    for (const each of ['lower/etc', 'lower/usr/bin', 'upper', 'volume/inner']) mkdirSync(at(each), { recursive: true })
    mkdirSync(at('lower/secret'), { mode: 0o700 })
    symlinkSync('usr/bin', at('lower/bin'))
    symlinkSync('/etc', at('lower/conf'))
    symlinkSync('../../../../../../../..', at('lower/up'))
    symlinkSync('b', at('lower/a'))
    symlinkSync('a', at('lower/b'))
    symlinkSync('/data/inner', at('volume/link'))
    symlinkSync(at('outside'), at('volume/out'))
    writeFileSync(at('lower/etc/passwd'), 'root')
    view = layeredRoot()
    view.add({ containerPath: '/', lower: at('lower'), upper: at('upper') })
    view.add({ containerPath: '/data', lower: at('volume'), upper: at('volume') })
    view.add({ containerPath: '/ro', lower: at('volume'), upper: undefined })
  })
  afterEach(() => { rmSync(base, { recursive: true, force: true }) })

  for (const [from, to] of [['/etc/x', '/etc/x'], ['/bin/ls', '/usr/bin/ls'], ['/conf/x', '/etc/x'], ['/up/etc', '/etc'], ['/data/link/x', '/data/inner/x'], ['/../../x', '/x'], ['/a/../bin', '/usr/bin']] as const) {
    test(`${from} is ${to}`, () => {
      if (from.startsWith('/a/')) expect(() => view.resolve(from)).toThrow('too many symbolic links')
      else expect(view.resolve(from)).toBe(to)
    })
  }
  test('a new mount point is made in the upper layer, with its parents as they are shown', () => {
    expect(view.mountPoint('/secret/deep/x', 'directory')).toBe('/secret/deep/x')
    expect(statSync(at('upper/secret')).mode & 0o777).toBe(0o700)
    expect(readdirSync(at('lower/secret'))).toEqual([])
  })
  test('a file', () => {
    view.mountPoint('/bin/new', 'file')
    expect(statSync(at('upper/usr/bin/new')).isFile()).toBe(true)
  })
  test('in a volume it is made in the volume, and a link of the volume leads nowhere else', () => {
    view.mountPoint('/data/x', 'directory')
    expect(existsSync(at('volume/x'))).toBe(true)
    view.mountPoint('/data/out/x', 'directory')
    expect(existsSync(at('outside'))).toBe(false)
    expect(existsSync(at('upper', at('outside'), 'x'))).toBe(true)
  })
  test('what cannot be', () => {
    expect(() => view.mountPoint('/ro/x', 'directory')).toThrow('/ro is read-only')
    expect(() => view.mountPoint('/etc', 'file')).toThrow('it is a directory there')
    expect(() => view.mountPoint('/etc/passwd', 'directory')).toThrow('not a directory there')
  })
  test('files are read through links', () => { expect([view.readFile('/conf/passwd'), view.readFile('/etc'), view.readFile('/none')]).toEqual(['root', undefined, undefined]) })
})

describe('who a container is', () => {
  const spec = { runAsUser: undefined, runAsGroup: undefined, supplementalGroups: [], capabilities: { add: [], drop: [] }, privileged: false, allowPrivilegeEscalation: true }
  const files = { passwd: 'root:x:0:0:root:/root:/bin/sh\napp:x:1000:1001::/home/app:/bin/sh\n', group: 'staff:x:50:root,app\nextra:x:77:app\nnone:x:78:\n' }
  for (const [name, over, expected] of [
    ['nobody in particular', {}, { uid: 0, gid: 0, groups: [0, 50], home: '/root' }],
    ['a known user', { runAsUser: 1000 }, { uid: 1000, gid: 1001, groups: [1001, 50, 77], home: '/home/app' }],
    ['an unknown user', { runAsUser: 5 }, { uid: 5, gid: 0, groups: [0], home: '/' }],
    ['another group, and more', { runAsUser: 1000, runAsGroup: 9, supplementalGroups: [77, 8] }, { uid: 1000, gid: 9, groups: [9, 77, 8, 50] }],
    ['only the groups that are asked for', { runAsUser: 1000, supplementalGroups: [8], strictGroups: true }, { uid: 1000, gid: 1001, groups: [1001, 8] }],
  ] as const) test(name, () => { expect(credentialsOf({ ...spec, ...over }, files)).toMatchObject(expected) })
  for (const [name, capabilities, count, has] of [
    ['defaults', { add: [], drop: [] }, 14, 'CHOWN'], ['none', { add: [], drop: ['ALL'] }, 0, undefined], ['one only', { add: ['CAP_NET_ADMIN'], drop: ['all'] }, 1, 'NET_ADMIN'],
    ['all', { add: ['ALL'], drop: [] }, allCapabilities.length, 'SYS_ADMIN'], ['all but one', { add: ['ALL'], drop: ['SYS_ADMIN'] }, allCapabilities.length - 1, 'BPF'], ['less one', { add: [], drop: ['net_raw'] }, 13, 'KILL'],
  ] as const) {
    test(`capabilities: ${name}`, () => {
      const found = capabilitiesOf(capabilities)
      expect(found).toHaveLength(count)
      if (has) expect(found).toContain(has)
    })
  }
  test('a capability that is none', () => { expect(() => capabilitiesOf({ add: ['FLY'], drop: [] })).toThrow('unknown capability "CAP_FLY"') })
  test('as arguments of setpriv: only what the machine can give', () => {
    const credentials = { uid: 5, gid: 6, groups: [7, 8], capabilities: ['CHOWN', 'SYS_ADMIN'], noNewPrivileges: true, home: '/' }
    expect(setprivArguments(credentials, 1n)).toEqual(['--reuid=5', '--regid=6', '--groups=7,8', '--inh-caps=-all', '--bounding-set=-all,+chown', '--no-new-privs'])
    expect(setprivArguments({ ...credentials, groups: [], capabilities: undefined, noNewPrivileges: false }, 1n)).toEqual(['--reuid=5', '--regid=6', '--clear-groups', '--inh-caps=-all'])
  })
})

test('libraries of programs, of glibc and of musl', () => {
  expect(parseLibraries('/bin/sh:\n\tlinux-vdso.so.1 (0x7f)\n\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x7f)\n\t/lib64/ld-linux-x86-64.so.2 (0x7f)\n'))
    .toEqual({ loader: '/lib64/ld-linux-x86-64.so.2', libraries: new Map([['libc.so.6', '/lib/x86_64-linux-gnu/libc.so.6']]) })
  expect(parseLibraries('\t/lib/ld-musl-x86_64.so.1 (0x7f)\n\tlibc.musl-x86_64.so.1 => /lib/ld-musl-x86_64.so.1 (0x7f)\n').loader).toBe('/lib/ld-musl-x86_64.so.1')
})
