/** Loading images, hostile ones among them. Owners are kept, so it needs root. */
import { existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { readIndex, rootOf } from '../../../agents/kubelet/images/image-index.ts'
import { loadImages, removeImage } from '../../../agents/kubelet/images/load.ts'
import { archive, type ArchiveEntry, ociFiles, savedFiles } from '../../support/oci-image.ts'

let place: string
beforeEach(() => { place = mkdtempSync(path.join(tmpdir(), 'wherry-images-')) })
afterEach(() => rmSync(place, { recursive: true, force: true }))

const isRoot = process.getuid?.() === 0
if (!isRoot) console.log('SKIPPED load.test.ts: images are kept with their owners, which needs root')

const load = (bytes: Buffer, name?: string) => {
  writeFileSync(path.join(place, 'image.tar'), bytes)
  return loadImages({ directory: path.join(place, 'images'), source: path.join(place, 'image.tar'), name, config: {}, now: new Date('2026-01-01T00:00:00Z') })
}
const rootAfter = async (layers: readonly (readonly ArchiveEntry[])[], compression: 'gzip' | 'zstd' | 'none' = 'gzip'): Promise<string> => {
  const [loaded] = await load(archive(ociFiles({ name: 'tiny:1', layers, config: {}, compression })))
  return rootOf(path.join(place, 'images'), loaded?.image.id ?? '')
}
const text = (root: string, file: string): string => readFileSync(path.join(root, file), 'utf8')

describe.runIf(isRoot)('layers', () => {
  test.each(['gzip', 'zstd', 'none'] as const)('%s', async (compression) => {
    expect(text(await rootAfter([[{ path: 'etc/name', data: 'x'.repeat(100_000) }]], compression), 'etc/name')).toHaveLength(100_000)
  })
  test('a later one covers an earlier one; owners, modes and links are kept', async () => {
    const root = await rootAfter([
      [{ path: 'a', data: 'one' }, { path: 'bin/su', data: '#!', mode: 0o4755 }, { path: 'd', type: 'Directory', mode: 0o700, uid: 1, gid: 2 }, { path: 'l', type: 'SymbolicLink', linkpath: '/nowhere' }, { path: 'h', type: 'Link', linkpath: 'a' }],
      [{ path: './a', data: 'two', uid: 7, gid: 8 }],
    ])
    expect([text(root, 'a'), text(root, 'h')]).toEqual(['two', 'one'])
    expect(statSync(path.join(root, 'bin/su')).mode & 0o7777).toBe(0o4755)
    const { uid, gid, mode } = statSync(path.join(root, 'd'))
    expect([uid, gid, mode & 0o7777]).toEqual([1, 2, 0o700])
    expect(statSync(path.join(root, 'a')).uid).toBe(7)
    expect(lstatSync(path.join(root, 'l')).isSymbolicLink()).toBe(true)
  })
  test('whiteouts take away a file, a directory, and with an opaque one all that was below', async () => {
    const root = await rootAfter([
      [{ path: 'file', data: '1' }, { path: 'dir/x', data: '1' }, { path: 'old/a', data: '1' }, { path: 'old/sub/b', data: '1' }],
      [{ path: '.wh.file' }, { path: '.wh.dir' }, { path: 'old/new', data: '2' }, { path: 'old/.wh..wh..opq' }],
    ])
    expect(readdirSync(root).sort()).toEqual(['old'])
    expect(readdirSync(path.join(root, 'old'))).toEqual(['new'])
  })
})

describe.runIf(isRoot)('S11: nothing leads out of an image', () => {
  test.each<[string, ArchiveEntry[][]]>([
    ['a link to a directory of the machine, used by a later layer', [[{ path: 'x', type: 'SymbolicLink', linkpath: '{outside}' }], [{ path: 'x/planted', data: 'evil' }]]],
    ['the same within one layer', [[{ path: 'x', type: 'SymbolicLink', linkpath: '{outside}' }, { path: 'x/planted', data: 'evil' }]]],
    ['a link that climbs', [[{ path: 'x', type: 'SymbolicLink', linkpath: '../../../../../../../..{outside}' }], [{ path: 'x/planted', data: 'evil' }]]],
    ['a whiteout by way of a link', [[{ path: 'x', type: 'SymbolicLink', linkpath: '{outside}' }], [{ path: 'x/.wh.victim' }]]],
    ['an opaque directory that is a link', [[{ path: 'x', type: 'SymbolicLink', linkpath: '{outside}' }], [{ path: 'x/.wh..wh..opq' }]]],
    ['a file in the place of a link to a file', [[{ path: 'x', type: 'SymbolicLink', linkpath: '{outside}/victim' }], [{ path: 'x', data: 'evil' }]]],
  ])('%s', async (_, layers) => {
    const outside = path.join(place, 'outside')
    mkdirSync(outside)
    writeFileSync(path.join(outside, 'victim'), 'whole')
    await rootAfter(layers.map((layer) => layer.map((entry) => ({ ...entry, ...(entry.linkpath && { linkpath: entry.linkpath.replace('{outside}', outside) }) }))))
    expect(readdirSync(outside)).toEqual(['victim'])
    expect(readFileSync(path.join(outside, 'victim'), 'utf8')).toBe('whole')
  })
  test('a hard link to a file of the machine', async () => {
    writeFileSync(path.join(place, 'victim'), 'whole')
    await expect(rootAfter([[{ path: 'x', type: 'Link', linkpath: path.join(place, 'victim') }]])).rejects.toThrow(/ENOENT/)
  })
  test.each([['.wh...'], ['dir/.wh...'], ['.wh..'], ['dir/.wh.']])('the whiteout %s', async (name) => {
    const kept = await rootAfter([[{ path: 'kept', data: 'whole' }]])
    await expect(load(archive(ociFiles({ name: 'hostile:1', layers: [[{ path: 'dir/file', data: 'x' }, { path: name }]], config: { User: 'hostile' } })))).rejects.toThrow(`the whiteout ${JSON.stringify(path.posix.basename(name))}, which leads out of its directory`)
    expect(text(kept, 'kept')).toBe('whole')
    expect(readdirSync(path.dirname(kept))).toEqual([path.basename(kept)])
  })
  test.each([['../evil'], ['a/../../evil'], ['/../evil']])('the name %s', async (name) => {
    await expect(rootAfter([[{ path: name, data: 'evil' }]])).rejects.toThrow(/leads out of the image/)
    expect(existsSync(path.join(place, 'evil'))).toBe(false)
  })
})

describe.runIf(isRoot)('archives', () => {
  const parts = { name: 'registry.example/app:2', layers: [[{ path: 'run', data: 'x' }]], config: { Entrypoint: ['/run'], Cmd: ['-v'], Env: ['A=1', 'B=x=y'], User: 'app', WorkingDir: '/srv', StopSignal: 'SIGINT' } }
  const expected = { entrypoint: ['/run'], command: ['-v'], env: [{ name: 'A', value: '1' }, { name: 'B', value: 'x=y' }], user: 'app', workingDir: '/srv', stopSignal: 'SIGINT' }

  test.each([['of OCI', ociFiles], ['of docker save', savedFiles]])('%s', async (_, files) => {
    const [loaded] = await load(archive(files(parts)))
    expect(loaded?.image).toMatchObject({ config: expected })
    expect(loaded?.image.names[0]).toBe('registry.example/app:2')
    expect(readIndex(path.join(place, 'images')).images).toEqual([loaded?.image])
  })
  test('an OCI layout as a directory', async () => {
    for (const { path: name, data = '' } of ociFiles(parts)) { mkdirSync(path.dirname(path.join(place, 'layout', name)), { recursive: true }); writeFileSync(path.join(place, 'layout', name), data) }
    const [loaded] = await loadImages({ directory: path.join(place, 'images'), source: path.join(place, 'layout'), name: 'mine', config: {}, now: new Date(0) })
    expect(loaded?.image.names).toContain('docker.io/library/mine:latest')
  })
  test('a plain directory, with what is said of it', async () => {
    mkdirSync(path.join(place, 'rootfs/bin'), { recursive: true })
    writeFileSync(path.join(place, 'rootfs/bin/run'), 'x', { mode: 0o755 })
    const [loaded] = await loadImages({ directory: path.join(place, 'images'), source: path.join(place, 'rootfs'), name: 'plain:1', config: { entrypoint: ['/bin/run'] }, now: new Date(0) })
    expect(loaded?.image.config.entrypoint).toEqual(['/bin/run'])
    expect(text(rootOf(path.join(place, 'images'), loaded?.image.id ?? ''), 'bin/run')).toBe('x')
  })

  test.each<[string, () => Buffer, string | undefined, RegExp]>([
    ['without a name', () => archive(ociFiles({ ...parts, name: undefined as never })), undefined, /does not say how its image is called: give it a name with --name/],
    ['for another machine', () => archive(ociFiles({ ...parts, architecture: 's390x' })), undefined, /has nothing for linux\//],
    ['with a damaged layer', () => archive(ociFiles(parts).map((entry, index) => (index === 0 ? { ...entry, data: 'damaged' } : entry))), undefined, /is damaged: its content has the digest/],
    ['with a layer missing', () => archive(ociFiles(parts).slice(1)), undefined, /is not whole: blob sha256:\w+ is missing/],
    ['that names a file outside', () => archive([{ path: 'manifest.json', data: JSON.stringify([{ Config: '../../etc/passwd', RepoTags: null, Layers: [] }]) }]), 'x', /leads out of it/],
    ['with other layers than its configuration names', () => archive(savedFiles(parts).map((entry) => (entry.path === 'layer0/layer.tar' ? { ...entry, data: archive([{ path: 'run', data: 'evil' }]) } : entry))), undefined, /wrong diff id calculated on extraction/],
    ['whose configuration names no layers', () => archive([{ path: 'manifest.json', data: JSON.stringify([{ Config: 'config.json', RepoTags: ['x:1'], Layers: ['layer.tar'] }]) }, { path: 'config.json', data: '{}' }, { path: 'layer.tar', data: archive([]) }]), undefined, /mismatched image rootfs and manifest layers/],
    ['cut off', () => archive(ociFiles({ ...parts, compression: 'none' })).subarray(0, 700), undefined, /is no whole tar archive|is not whole|neither an OCI/],
    ['that is none', () => Buffer.from('hello'), undefined, /no whole tar archive|neither an OCI image archive/],
    ['of something else', () => archive([{ path: 'readme', data: 'hello' }]), undefined, /neither an OCI image archive nor one of docker save/],
    ['under no name at all', () => archive(ociFiles(parts)), 'Not A Name', /is no image name/],
  ])('one %s is refused, and leaves nothing', async (_, bytes, name, why) => {
    await expect(load(bytes(), name)).rejects.toThrow(why)
    expect(readIndex(path.join(place, 'images')).images).toEqual([])
    expect(existsSync(path.join(place, 'images/roots')) ? readdirSync(path.join(place, 'images/roots')) : []).toEqual([])
    expect((existsSync(path.join(place, 'images')) ? readdirSync(path.join(place, 'images')) : []).filter((each) => each.startsWith('load-'))).toEqual([])
  })

  test('what runs in it is said by an image itself: being told otherwise is refused, not passed over', async () => {
    writeFileSync(path.join(place, 'image.tar'), archive(ociFiles(parts)))
    await expect(loadImages({ directory: path.join(place, 'images'), source: path.join(place, 'image.tar'), name: undefined, config: { entrypoint: ['/other'], user: 'root' }, now: new Date(0) })).rejects.toThrow(/leave out entrypoint, user, which is for plain directories/)
  })
  test('removal: a name, then the image; not while containers have it', async () => {
    const directory = path.join(place, 'images')
    const [loaded] = await load(archive(ociFiles(parts)), 'other:1')
    const id = loaded?.image.id ?? ''
    expect(await removeImage(directory, 'other:1', () => true)).toEqual({ untagged: 'docker.io/library/other:1', deleted: undefined })
    await expect(removeImage(directory, 'registry.example/app:2', () => true)).rejects.toThrow('containers run with registry.example/app:2: delete their pods first')
    expect(await removeImage(directory, 'registry.example/app:2', () => false)).toEqual({ untagged: 'registry.example/app:2', deleted: id })
    expect(existsSync(rootOf(directory, id))).toBe(false)
    await expect(removeImage(directory, 'registry.example/app:2', () => false)).rejects.toThrow('there is no image registry.example/app:2')
  })
})
