/** Volumes on a real file system: atomic content, modes, links that lead nowhere else. Named after pkg/volume/util/atomic_writer_test.go and subpath_linux_test.go. */
import { chmod, lstat, mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { writeAtomically } from '../../agents/kubelet/volumes/atomic-writer.ts'
import { prepareHostPath } from '../../agents/kubelet/volumes/host-path.ts'
import { systemMounter } from '../../agents/kubelet/volumes/mounter.ts'
import { type Payload, payloadOf } from '../../agents/kubelet/volumes/payload.ts'
import { bindSubPath } from '../../agents/kubelet/volumes/sub-path.ts'
import { MountError, type VolumeFacts, volumes } from '../../agents/kubelet/volumes/volumes.ts'
import type { ConfigMap, Node, PersistentVolume, PersistentVolumeClaim, Pod, Volume } from '../../src/api/types.ts'
import { fakeClock } from '../support/fake-clock.ts'
import { aContainer, aPod } from './builders.ts'
import { fakeMounter } from './support.ts'
import { sayWhatIsSkipped } from '../support/skipped.ts'

let directory: string
beforeEach(async () => { directory = await mkdtemp(path.join(os.tmpdir(), 'wherry-volumes-')) })
afterEach(async () => { await rm(directory, { recursive: true, force: true }) })

const payload = (files: Record<string, string>, mode = 0o644): Payload => new Map(Object.entries(files).map(([name, text]) => [name, { data: Buffer.from(text), mode }]))
const write = (files: Record<string, string>, mode?: number) => writeAtomically(directory, payload(files, mode), { fsGroup: undefined }, new Date('2026-01-01T00:00:00Z'))
const read = (name: string): Promise<string> => readFile(path.join(directory, name), 'utf8')

sayWhatIsSkipped('volumes.test.ts, in part', process.getuid?.() !== 0, 'files of other owners need root')

describe('atomic writer', () => {
  test('names lead through ..data', async () => {
    expect(await write({ 'a.txt': 'one', 'sub/b.txt': 'two' })).toBe(true)
    expect(await readlink(path.join(directory, 'a.txt'))).toBe('..data/a.txt')
    expect(await readlink(path.join(directory, 'sub'))).toBe('..data/sub')
    expect([await read('a.txt'), await read('sub/b.txt')]).toEqual(['one', 'two'])
    expect(await readlink(path.join(directory, '..data'))).toMatch(/^\.\.2026_01_01_00_00_00\./)
  })

  test('the same content is not written again', async () => {
    await write({ a: 'one' })
    const before = await readlink(path.join(directory, '..data'))
    expect(await write({ a: 'one' })).toBe(false)
    expect(await readlink(path.join(directory, '..data'))).toBe(before)
  })

  test.each<[string, Record<string, string>, Record<string, string>]>([
    ['a changed file', { a: 'one' }, { a: 'two' }], ['a new one', { a: 'one' }, { a: 'one', b: 'two' }], ['one that goes', { a: 'one', b: 'two' }, { b: 'two' }], ['a whole directory that goes', { 'x/y/z': '1', a: '2' }, { a: '2' }], ['everything goes', { a: '1' }, {}],
  ])('%s', async (_, before, after) => {
    await write(before)
    expect(await write(after)).toBe(true)
    const visible = (await readdir(directory)).filter((name) => !name.startsWith('..')).sort()
    expect(visible).toEqual([...new Set(Object.keys(after).map((name) => name.split('/')[0]))].sort())
    for (const [name, text] of Object.entries(after)) expect(await read(name)).toBe(text)
    expect((await readdir(directory)).filter((name) => /^\.\.\d/.test(name))).toHaveLength(1)
  })

  test.each(['../a', '/a', 'x/../../a', '..a', ''])('the name %j is refused', async (name) => { await expect(write({ [name]: 'x' })).rejects.toThrow(/invalid path/) })

  test('modes are as asked, whatever the umask', async () => {
    const before = process.umask(0o077)
    try { await write({ a: 'x' }, 0o444) } finally { process.umask(before) }
    expect((await stat(path.join(directory, 'a'))).mode & 0o777).toBe(0o444)
  })

  test.runIf(process.getuid?.() === 0)('a group may read', async () => {
    await writeAtomically(directory, payload({ a: 'x' }, 0o400), { fsGroup: 1234 }, new Date(0))
    const facts = await stat(path.join(directory, 'a'))
    expect([facts.gid, facts.mode & 0o777]).toEqual([1234, 0o440])
    expect(await writeAtomically(directory, payload({ a: 'x' }, 0o400), { fsGroup: 1234 }, new Date(0))).toBe(false)
  })
})

describe('payload', () => {
  const settings = { metadata: aPod().metadata, data: { a: '1', b: '2' }, binaryData: { bin: Buffer.from([0xff]).toString('base64') } } as ConfigMap
  const facts = { podIPs: [], hostIPs: [], nodeName: 'n', allocatable: {}, configMap: (name: string) => (name === 'settings' ? settings : undefined), secret: () => undefined, token: () => 'token' }
  const of = (volume: Omit<Volume, 'name'>, pod: Pod = aPod()) => Object.fromEntries([...payloadOf(pod, { name: 'v', ...volume }, facts)].map(([name, { data, mode }]) => [name, `${data.toString('latin1')} ${mode.toString(8)}`]))
  test.each<[string, Omit<Volume, 'name'>, Record<string, string>]>([
    ['all keys', { configMap: { name: 'settings', defaultMode: 0o400 } }, { a: '1 400', b: '2 400', bin: 'ÿ 400' }],
    ['items with modes', { configMap: { name: 'settings', items: [{ key: 'a', path: 'x/y', mode: 0o600 }, { key: 'b', path: 'z' }] } }, { 'x/y': '1 600', z: '2 644' }],
    ['an optional one that is not there', { configMap: { name: 'none', optional: true } }, {}], ['an optional key', { configMap: { name: 'settings', optional: true, items: [{ key: 'none', path: 'x' }] } }, {}], ['an optional Secret', { secret: { secretName: 'none', optional: true } }, {}],
    ['projected from several', { projected: { sources: [{ configMap: { name: 'settings', items: [{ key: 'a', path: 'a' }] } }, { downwardAPI: { items: [{ path: 'name', fieldRef: { fieldPath: 'metadata.name' } }] } }, { serviceAccountToken: { path: 'token' } }], defaultMode: 0o440 } }, { a: '1 440', name: 'web-1 440', token: 'token 440' }],
  ])('%s', (_, volume, expected) => { expect(of(volume)).toEqual(expected) })
  test.each<[string, Omit<Volume, 'name'>, string]>([
    ['no ConfigMap', { configMap: { name: 'none' } }, 'configmap "none" not found'], ['no Secret', { secret: { secretName: 'none' } }, 'secret "none" not found'], ['no key', { configMap: { name: 'settings', items: [{ key: 'none', path: 'x' }] } }, 'configmap references non-existent config key: none'],
  ])('%s', (_, volume, message) => { expect(() => of(volume)).toThrow(message) })
  test('a token belongs to the one user of all containers', () => {
    expect(of({ projected: { sources: [{ serviceAccountToken: { path: 'token' } }] } }, aPod({ containers: [aContainer('web', { securityContext: { runAsUser: 1000 } })] }))).toEqual({ token: 'token 600' })
  })
})

describe('hostPath', () => {
  test.each(['', 'DirectoryOrCreate', 'FileOrCreate'])('type %j takes what is not there', async (type) => {
    await prepareHostPath({ path: path.join(directory, 'new'), type })
    const facts = await stat(path.join(directory, 'new')).catch(() => undefined)
    expect([facts?.isDirectory() ?? false, facts?.isFile() ?? false]).toEqual([type !== 'FileOrCreate', type === 'FileOrCreate'])
  })
  test.each([['Directory', 'a directory'], ['File', 'a file'], ['Socket', 'a socket file'], ['CharDevice', 'a character device'], ['BlockDevice', 'a block device']])('type %s does not', async (type, word) => {
    await expect(prepareHostPath({ path: path.join(directory, 'none'), type })).rejects.toThrow(`hostPath type check failed: ${directory}/none is not ${word}`)
  })
  test('what is there must be of its type', async () => {
    const socket = net.createServer()
    await new Promise<void>((resolve) => { socket.listen(path.join(directory, 'socket'), resolve) })
    await writeFile(path.join(directory, 'file'), '')
    await prepareHostPath({ path: path.join(directory, 'socket'), type: 'Socket' })
    await prepareHostPath({ path: path.join(directory, 'file'), type: 'File' })
    await prepareHostPath({ path: '/dev/null', type: 'CharDevice' })
    await expect(prepareHostPath({ path: path.join(directory, 'file'), type: 'DirectoryOrCreate' })).rejects.toThrow('is not a directory')
    await expect(prepareHostPath({ path: directory, type: 'FileOrCreate' })).rejects.toThrow('is not a file')
    socket.close()
  })
})

describe('subPath', () => {
  const base = () => path.join(directory, 'volume')
  const target = () => path.join(directory, 'target')
  const bind = async (subPath: string) => { const mounter = fakeMounter(); await bindSubPath(base(), subPath, target(), { mounter, make: true }); return mounter }
  beforeEach(async () => {
    await mkdir(path.join(base(), 'sub'), { recursive: true })
    await writeFile(path.join(base(), 'sub', 'file'), 'x')
    await mkdir(path.join(directory, 'outside'))
  })

  test('what has to be made is for those who may write to the volume', async () => {
    await chmod(base(), 0o777)
    await bind('new/deep')
    for (const made of ['new', 'new/deep']) expect((await stat(path.join(base(), made))).mode & 0o777).toBe(0o777)
  })

  test('a directory, a file, and what has to be made', async () => {
    await bind('sub')
    expect((await stat(target())).isDirectory()).toBe(true)
    await rm(target(), { recursive: true })
    await bind('sub/file')
    expect((await stat(target())).isFile()).toBe(true)
    await rm(target())
    await bind('new/deep')
    expect((await stat(path.join(base(), 'new/deep'))).isDirectory()).toBe(true)
  })

  test.each(['../outside', 'sub/../../outside', '/etc'])('%s is refused by its text', async (subPath) => { await expect(bind(subPath)).rejects.toThrow(/must not/) })

  test.each<[string, string]>([['a link out of the volume', '../../outside'], ['an absolute link', '/etc']])('%s is refused', async (_, to) => {
    await symlink(to, path.join(base(), 'sub', 'link'))
    await expect(bind('sub/link')).rejects.toThrow(/not within volume path/)
    await expect(bind('sub/link/passwd')).rejects.toThrow(/not within volume path|ENOENT|symlink/)
  })

  test('a link inside the volume is followed', async () => {
    await symlink('file', path.join(base(), 'sub', 'inside'))
    const mounter = await bind('sub/inside')
    expect([...mounter.mounts.keys()]).toEqual([target()])
  })

  test('somebody who swaps links all the time never leads out, and leaves no file open', async () => {
    const openFiles = async (): Promise<number> => (await readdir('/proc/self/fd')).length
    const before = await openFiles()
    const link = path.join(base(), 'swapped')
    let swapping = true
    const swap = (async () => {
      while (swapping) {
        await rm(link, { recursive: true, force: true })
        await symlink('../outside', link).catch(() => {})
        await rm(link, { recursive: true, force: true })
        await mkdir(link).catch(() => {})
      }
    })()
    for (let round = 0; round < 200; round++) {
      let opened = ''
      const mounter = { ...fakeMounter(), bind: async (source: string) => { opened = await readlink(source) } }
      await bindSubPath(base(), 'swapped', path.join(directory, `target-${round}`), { mounter, make: true }).catch(() => {})
      expect(opened.startsWith(path.join(directory, 'outside'))).toBe(false)
    }
    swapping = false
    await swap
    expect(await openFiles()).toBeLessThan(before + 10)
  })
})

describe('a pod\'s volumes', () => {
  const clock = fakeClock()
  const nodeHere = { metadata: { name: 'node-1', labels: { 'kubernetes.io/hostname': 'here' } } } as unknown as Node
  const facts: VolumeFacts = { podIPs: [], hostIPs: [], nodeName: 'n', allocatable: {}, configMap: () => Promise.resolve(undefined), secret: () => Promise.resolve(undefined), claim: () => Promise.resolve(undefined), persistentVolume: () => Promise.resolve(undefined) }
  const make = () => {
    const mounter = fakeMounter()
    return { mounter, of: volumes({ directory: path.join(directory, 'disk'), memoryDirectory: path.join(directory, 'memory'), mounter, clock, node: () => nodeHere, tokens: { get: () => Promise.resolve('t'), issue: () => Promise.resolve({ token: 't', expirationTimestamp: '' }), renewIn: () => undefined, forget() {} } }) }
  }

  test('a file of an emptyDir is read, and nothing outside of it', async () => {
    const { of } = make()
    const pod = aPod({ volumes: [{ name: 'files', emptyDir: {} }, { name: 'host', hostPath: { path: '/etc' } }], containers: [aContainer('web', { volumeMounts: [{ name: 'files', mountPath: '/files' }] })] })
    await of.prepare(pod, facts)
    const [mount] = await of.mountsOf(pod, pod.spec.containers[0] ?? aContainer(), [])
    const at = (name: string): string => path.join(mount?.hostPath ?? '', name)
    await writeFile(at('app.env'), "A='1'")
    await symlink('app.env', at('inside'))
    await symlink('/etc/hostname', at('outside'))
    await writeFile(at('large'), Buffer.alloc(1024 * 1024 + 1))
    await mkdir(at('folder'))
    expect([await of.fileOf(pod, 'files', 'app.env'), await of.fileOf(pod, 'files', 'inside')]).toEqual(["A='1'", "A='1'"])
    for (const [volume, file, why] of [['files', 'outside', 'not within volume path'], ['files', '../x', "must not contain '..'"], ['files', '/etc/hostname', 'must not be an absolute path'], ['files', 'none', 'ENOENT'], ['files', 'folder', 'is no file'],
      ['files', 'large', 'is larger than'], ['host', 'hostname', 'cannot find the volume "host"'], ['other', 'x', 'cannot find the volume "other"']] as const) await expect(of.fileOf(pod, volume, file)).rejects.toThrow(why)
  })

  test('emptyDirs are writable by all; what a pod made of them stays', async () => {
    const { of, mounter } = make()
    const pod = aPod({ volumes: [{ name: 'disk', emptyDir: {} }, { name: 'memory', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } }], containers: [aContainer('web', { volumeMounts: [{ name: 'disk', mountPath: '/disk', mountPropagation: 'HostToContainer' }, { name: 'memory', mountPath: '/memory', readOnly: true }] })] })
    await of.prepare(pod, facts)
    const [disk, memory] = await of.mountsOf(pod, pod.spec.containers[0] ?? aContainer(), [])
    expect((await stat(disk?.hostPath ?? '')).mode & 0o7777).toBe(0o777)
    expect((await stat(memory?.hostPath ?? '')).mode & 0o7777).toBe(0o1777)
    expect(disk).toMatchObject({ containerPath: '/disk', readOnly: false, propagation: 'rslave' })
    expect(memory).toMatchObject({ containerPath: '/memory', readOnly: true })
    expect(mounter.mounts.get(memory?.hostPath ?? '')).toBe('tmpfs 1048576')
    await chmod(disk?.hostPath ?? '', 0o700)
    await make().of.prepare(pod, facts)
    expect((await stat(disk?.hostPath ?? '')).mode & 0o777).toBe(0o700)
  })

  test('what is missing is named', async () => {
    const { of } = make()
    await expect(of.prepare(aPod({ volumes: [{ name: 'cfg', configMap: { name: 'none' } }] }), facts)).rejects.toThrow(new MountError('MountVolume.SetUp failed for volume "cfg" : configmap "none" not found'))
    await expect(of.prepare(aPod({ volumes: [{ name: 'net', rbd: { monitors: ['x'], image: 'i' } }] }), facts)).rejects.toThrow('no volume plugin matched: rbd')
  })

  test('nfs is mounted by the machine, and what its mount says is passed on', async () => {
    const pod = aPod({ volumes: [{ name: 'net', nfs: { server: 'x', path: '/export' } }], containers: [aContainer('web', { volumeMounts: [{ name: 'net', mountPath: '/net', readOnly: true }] })] })
    const { of, mounter } = make()
    await of.prepare(pod, facts)
    const [mount] = await of.mountsOf(pod, pod.spec.containers[0] ?? aContainer(), [])
    expect(mount).toMatchObject({ containerPath: '/net', readOnly: true })
    expect(mounter.mounts.get(mount?.hostPath ?? '')).toBe('nfs x:/export')
    await expect(of.prepare(aPod({ volumes: [{ name: 'net', nfs: { server: '-oexec', path: '/' } }] }, { uid: 'uid-2' }), facts)).rejects.toThrow('MountVolume.SetUp failed for volume "net" : invalid NFS server "-oexec"')
    await expect(systemMounter.remote('nonesuch', 'x:/export', path.join(directory, 'none'), ['ro'])).rejects.toThrow(/^mount failed: exit status \d+\nMounting command: mount\nMounting arguments: -t nonesuch -o ro x:\/export .*\/none\nOutput: mount: ./)
  })

  describe('of claims', () => {
    const pinned = (node: string): PersistentVolume['spec'] => ({ nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: [node] }] }] } } })
    const using = aPod({ volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'c' } }], containers: [aContainer('web', { volumeMounts: [{ name: 'data', mountPath: '/data' }] })] })
    const scratch = aPod({ volumes: [{ name: 'data', ephemeral: { volumeClaimTemplate: { spec: {} } } }] })
    const claim = (more: Partial<PersistentVolumeClaim> = {}, metadata: Partial<Pod['metadata']> = {}): PersistentVolumeClaim =>
      ({ metadata: { ...using.metadata, name: 'c', uid: 'claim-1', ...metadata }, spec: { volumeName: 'pv' }, status: { phase: 'Bound' }, ...more })
    const volume = (spec: PersistentVolume['spec'] = {}, annotations: Record<string, string> = {}): PersistentVolume =>
      ({ metadata: { ...using.metadata, name: 'pv', annotations }, spec: { claimRef: { namespace: 'default', name: 'c', uid: 'claim-1' }, hostPath: { path: `${directory}/pv`, type: 'DirectoryOrCreate' }, ...spec }, status: {} })
    const given = (aClaim?: PersistentVolumeClaim, aVolume?: PersistentVolume): VolumeFacts =>
      ({ ...facts, claim: (name) => Promise.resolve(name === (aClaim?.metadata.name ?? '') ? aClaim : undefined), persistentVolume: (name) => Promise.resolve(name === 'pv' ? aVolume : undefined) })
    const waiting = (why: string): MountError => new MountError(`Unable to attach or mount volumes: unmounted volumes=[data], unattached volumes=[], failed to process volumes=[data]: ${why}`)

    test.each<[string, Pod, PersistentVolumeClaim | undefined, PersistentVolume | undefined, MountError]>([
      ['no claim', using, undefined, undefined, waiting('error processing PVC default/c: failed to fetch PVC from API server: persistentvolumeclaims "c" not found')],
      ['an unbound claim', using, claim({ status: { phase: 'Pending' } }), undefined, waiting('error processing PVC default/c: PVC is not bound')],
      ['a claim on its way out', using, claim({}, { deletionTimestamp: '2026-01-01T00:00:00Z' }), volume(), waiting('error processing PVC default/c: PVC is being deleted')],
      ['no volume', using, claim(), undefined, waiting('error processing PVC default/c: failed to fetch PV pv from API server: persistentvolumes "pv" not found')],
      ['a volume of another claim', using, claim(), volume({ claimRef: { uid: 'other' } }), waiting('error processing PVC default/c: found PV object pv but its pv.Spec.ClaimRef.UID other does not point to claim.UID claim-1')],
      ['an ephemeral claim of somebody else', scratch, claim({}, { name: 'web-1-data' }), volume(), waiting('PVC default/web-1-data was not created for pod default/web-1 (pod is not owner)')],
      ['a block volume', using, claim(), volume({ volumeMode: 'Block' }), waiting('volume data has volumeMode Block, but is specified in volumeMounts')],
      ['a file system as a device', aPod({ ...using.spec, containers: [aContainer('web', { volumeDevices: [{ name: 'data', devicePath: '/dev/x' }] })] }), claim(), volume(), waiting('volume data has volumeMode Filesystem, but is specified in volumeDevices')],
      ['a local device that is none', aPod({ ...using.spec, containers: [aContainer('web', { volumeDevices: [{ name: 'data', devicePath: '/dev/x' }] })] }), claim(), volume({ volumeMode: 'Block', hostPath: undefined, local: { path: '/dev/null' } }), new MountError('MapVolume.SetUpDevice failed for volume "pv" : path "/dev/null" is not a block device', { reason: 'FailedMapVolume' })],
      ['a volume that no machine has by itself', using, claim(), volume({ hostPath: undefined, rbd: { monitors: ['m'], image: 'i' } }), new MountError('MountVolume.SetUp failed for volume "pv" : no volume plugin matched: rbd')],
      ['a volume of another node', using, claim(), volume(pinned('elsewhere')), new MountError('MountVolume.NodeAffinity check failed for volume "pv" : no matching NodeSelectorTerms')],
      ['a device of another node', aPod({ ...using.spec, containers: [aContainer('web', { volumeDevices: [{ name: 'data', devicePath: '/dev/x' }] })] }), claim(), volume({ ...pinned('elsewhere'), volumeMode: 'Block', hostPath: undefined, local: { path: '/dev/null' } }), new MountError('MapVolume.NodeAffinity check failed for volume "pv" : no matching NodeSelectorTerms', { reason: 'FailedMapVolume' })],
      ['mount options', using, claim(), volume({ mountOptions: ['ro'] }), new MountError('MountVolume.SetUp failed for volume "pv" : Mount options are not supported for volume type hostPath')],
      ['a local volume that is not there', using, claim(), volume({ hostPath: undefined, local: { path: '/none/such' } }), new MountError('MountVolume.SetUp failed for volume "pv" : path "/none/such" does not exist')],
      ['a local path that is neither directory nor disk', using, claim(), volume({ hostPath: undefined, local: { path: '/dev/null' } }), new MountError('MountVolume.SetUp failed for volume "pv" : only directory and block device are supported, and "/dev/null" is neither')],
    ])('%s', async (_, pod, aClaim, aVolume, error) => { await expect(make().of.prepare(pod, given(aClaim, aVolume))).rejects.toThrow(error) })

    test('a volume of this node is mounted, and kept when the node is not that any more', async () => {
      const { of } = make()
      await of.prepare(using, given(claim(), volume(pinned('here'))))
      await expect(of.prepare(using, given(claim(), volume(pinned('elsewhere'))))).resolves.toBeUndefined()
    })

    test.each<[string, PersistentVolume['spec']['accessModes'], boolean]>([['one pod', ['ReadWriteOncePod'], true], ['one node', ['ReadWriteOnce'], false], ['either', ['ReadWriteOncePod', 'ReadWriteOnce'], false]])('a volume for %s', async (_, accessModes, alone) => {
      const [{ of }, other] = [make(), { ...using, metadata: { ...using.metadata, uid: 'other' } }]
      const asked = given(claim(), volume({ accessModes }))
      await of.prepare(using, asked)
      const second = of.prepare(other, asked)
      if (!alone) { await second; return }
      await expect(second).rejects.toThrow(new MountError('MountVolume.SetUp failed for volume "pv" : volume uses the ReadWriteOncePod access mode and is already in use by another pod'))
      await of.prepare(using, asked)
      await of.remove(using.metadata.uid)
      await of.prepare(other, asked)
    })

    const mounts = async (pod: Pod, aClaim: PersistentVolumeClaim, aVolume: PersistentVolume) => {
      const { of, mounter } = make()
      await of.prepare(pod, given(aClaim, aVolume))
      return { mounts: await of.mountsOf(pod, pod.spec.containers[0] ?? aContainer(), []), mounter, of }
    }
    test('a bound claim is its volume\'s path, and what is in it stays when the pod goes', async () => {
      const { mounts: [mount], of } = await mounts(using, claim(), volume())
      expect(mount).toMatchObject({ hostPath: path.join(directory, 'pv'), containerPath: '/data', readOnly: false })
      await writeFile(path.join(directory, 'pv/file'), 'x')
      await of.remove('uid-1')
      expect(await readFile(path.join(directory, 'pv/file'), 'utf8')).toBe('x')
    })
    test('a provisioned directory is for everybody, an administrator\'s as the umask has it', async () => {
      await mounts(using, claim(), volume({}, { 'pv.kubernetes.io/provisioned-by': 'wherry.io/host-path' }))
      expect((await stat(path.join(directory, 'pv'))).mode & 0o777).toBe(0o777)
      await rm(path.join(directory, 'pv'), { recursive: true })
      await mounts(using, claim(), volume())
      expect((await stat(path.join(directory, 'pv'))).mode & 0o777).toBe(0o755)
    })
    test('nfs, with the options of the volume, once for all syncs, gone with the pod', async () => {
      const nfs = volume({ hostPath: undefined, nfs: { server: 'fd00::1', path: '/export' }, mountOptions: ['nfsvers=4'] })
      const { mounts: [mount], mounter, of } = await mounts(aPod({ ...using.spec, volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'c', readOnly: true } }] }), claim(), nfs)
      expect(mount?.hostPath).toMatch(/\/pods\/uid-1\/volumes\/kubernetes\.io~nfs\/pv$/)
      expect(mounter.mounts.get(mount?.hostPath ?? '')).toBe('nfs [fd00::1]:/export ro nfsvers=4')
      await of.remove('uid-1')
      expect([...mounter.mounts]).toEqual([])
    })
    test('only to read', async () => {
      const pod = aPod({ ...using.spec, volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'c', readOnly: true } }] })
      expect((await mounts(pod, claim(), volume())).mounts).toMatchObject([{ readOnly: true }])
    })
    test('an ephemeral claim of the pod itself, and a subPath', async () => {
      const pod = aPod({ ...scratch.spec, containers: [aContainer('web', { volumeMounts: [{ name: 'data', mountPath: '/data', subPath: 'sub' }] })] })
      const own = claim({}, { name: 'web-1-data', ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'web-1', uid: 'uid-1', controller: true }] })
      const { mounts: [mount], mounter } = await mounts(pod, own, volume())
      expect(mount?.hostPath).toMatch(/volume-subpaths\/data\/web\/0$/)
      expect(mounter.mounts.has(mount?.hostPath ?? '')).toBe(true)
      expect((await stat(path.join(directory, 'pv/sub'))).isDirectory()).toBe(true)
    })
    // Upstream's "nonexistent volume subPath should have the correct mode and owner using FSGroup": dgtrwxrwxrwx.
    test('a subPath that is made has the bits of its volume', async () => {
      await mkdir(path.join(directory, 'pv'))
      await chmod(path.join(directory, 'pv'), 0o3777)
      await mounts(aPod({ ...using.spec, containers: [aContainer('web', { volumeMounts: [{ name: 'data', mountPath: '/data', subPath: 'sub' }] })] }), claim(), volume())
      expect((await stat(path.join(directory, 'pv/sub'))).mode & 0o7777).toBe(0o3777)
    })
    test('a pod that runs keeps a claim on its way out', async () => {
      const running = { ...using, status: { phase: 'Running' } }
      expect((await mounts(running, claim({}, { deletionTimestamp: '2026-01-01T00:00:00Z' }), volume())).mounts).toHaveLength(1)
    })
    test.runIf(process.getuid?.() === 0)('a local volume gets the pod\'s group', async () => {
      await mkdir(path.join(directory, 'local'))
      await mounts(aPod({ ...using.spec, securityContext: { fsGroup: 1234 } }), claim(), volume({ hostPath: undefined, local: { path: path.join(directory, 'local') } }))
      expect((await stat(path.join(directory, 'local'))).gid).toBe(1234)
    })
    // Upstream's "[Volume type: dir-link] Set fsGroup for local volume".
    test.runIf(process.getuid?.() === 0)('a local volume whose path is a link to it gets the pod\'s group, links in it too, and not what they lead to', async () => {
      for (const each of ['real', 'elsewhere']) await mkdir(path.join(directory, each))
      const { gid } = await stat(path.join(directory, 'elsewhere'))
      await symlink(path.join(directory, 'real'), path.join(directory, 'link'))
      await symlink(path.join(directory, 'elsewhere'), path.join(directory, 'real/out'))
      await mounts(aPod({ ...using.spec, securityContext: { fsGroup: 1234 } }), claim(), volume({ hostPath: undefined, local: { path: path.join(directory, 'link') } }))
      expect(await Promise.all(['real', 'elsewhere'].map(async (each) => (await stat(path.join(directory, each))).gid))).toEqual([1234, gid])
      expect((await lstat(path.join(directory, 'real/out'))).gid).toBe(1234)
    })
  })

  test('secrets are kept in memory only', async () => {
    const { of } = make()
    const pod = aPod({ volumes: [{ name: 's', secret: { secretName: 'x' } }] })
    await of.prepare(pod, { ...facts, secret: () => Promise.resolve({ metadata: pod.metadata, data: { word: Buffer.from('hush').toString('base64') } } as never) })
    expect(await readFile(path.join(directory, 'memory/pods/uid-1/volumes/kubernetes.io~secret/s/word'), 'utf8')).toBe('hush')
    expect(await readdir(path.join(directory, 'disk')).catch(() => [])).toEqual([])
  })

  test.each<[string, object, string]>([['absolute', { subPathExpr: '/tmp' }, 'must not be an absolute path'], ['of a variable that is not there', { subPathExpr: '$(NONE)' }, 'missing value for "NONE"'], ['with dots', { subPath: '..' }, "must not contain '..'"]])('a subPath %s', async (_, mount, message) => {
    const { of } = make()
    const pod = aPod({ volumes: [{ name: 'v', emptyDir: {} }], containers: [aContainer('web', { volumeMounts: [{ name: 'v', mountPath: '/v', ...mount }] })] })
    await of.prepare(pod, facts)
    await expect(of.mountsOf(pod, pod.spec.containers[0] ?? aContainer(), [])).rejects.toThrow(message)
  })

  test('an image\'s content is read-only, executes nothing, and nothing is made in it', async () => {
    const { of, mounter } = make()
    const root = path.join(directory, 'image')
    await mkdir(path.join(root, 'part'), { recursive: true })
    const mounted = async (...mounts: object[]) => {
      const pod = aPod({ volumes: [{ name: 'v', image: { reference: 'r.example/data:1' } }], containers: [aContainer('web', { volumeMounts: mounts.map((mount, index) => ({ name: 'v', mountPath: `/v${index}`, ...mount })) })] })
      await of.prepare(pod, facts)
      return of.mountsOf(pod, pod.spec.containers[0] ?? aContainer(), [], new Map([['v', { path: root, id: `sha256:${'a'.repeat(64)}` }]]))
    }
    const [whole, part] = await mounted({}, { subPath: 'part' })
    for (const mount of [whole, part]) expect(mount).toMatchObject({ readOnly: true, noExec: true, imageId: `sha256:${'a'.repeat(64)}` })
    expect(whole?.hostPath).toBe(root)
    expect(mounter.mounts.has(part?.hostPath ?? '')).toBe(true)
    await expect(mounted({ subPath: 'none' })).rejects.toThrow(/failed to prepare subPath for volumeMount "v" of container "web": ENOENT/)
    expect(await readdir(root)).toEqual(['part'])
  })

  test('removal takes everything of the pod, and nothing that a link of its leads to', async () => {
    const { of, mounter } = make()
    const pod = aPod({ volumes: [{ name: 'v', emptyDir: {} }, { name: 'm', emptyDir: { medium: 'Memory' } }] })
    await of.prepare(pod, facts)
    await mkdir(path.join(directory, 'victim'))
    await writeFile(path.join(directory, 'victim/file'), 'x')
    await symlink(path.join(directory, 'victim'), path.join(directory, 'disk/pods/uid-1/volumes/kubernetes.io~empty-dir/v/link'))
    await of.remove('uid-1')
    expect(mounter.mounts.size).toBe(0)
    await expect(lstat(path.join(directory, 'disk/pods/uid-1'))).rejects.toThrow(/ENOENT/)
    expect(await readFile(path.join(directory, 'victim/file'), 'utf8')).toBe('x')
  })

  test('nothing is deleted while something is mounted below', async () => {
    const { of, mounter } = make()
    const pod = aPod({ volumes: [{ name: 'm', emptyDir: { medium: 'Memory' } }] })
    await of.prepare(pod, facts)
    mounter.unmount = () => Promise.resolve()
    await expect(of.remove('uid-1')).rejects.toThrow(/still mounted/)
    expect((await stat(path.join(directory, 'disk/pods/uid-1'))).isDirectory()).toBe(true)
  })
})
