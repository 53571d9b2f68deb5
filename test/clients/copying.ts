/** Cases of `kubectl cp` with somebody hostile at one of its ends (S11), for a cluster that a test has already: a container whose `tar` writes what it likes, and paths in a container that lead elsewhere. */
import { randomBytes } from 'node:crypto'
import { mkdirSync, rmSync } from 'node:fs'
import { lstat, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { TestCluster } from '../support/cluster.ts'
import { archive, type ArchiveEntry } from '../support/oci-image.ts'

/** `/evil/archive` is what its tar answers when it is asked for files; asked to unpack, it is the machine's own. */
const hostile = ({ shared }: { shared: string }): string => `apiVersion: v1
kind: Pod
metadata: {name: hostile}
spec:
  terminationGracePeriodSeconds: 0
  volumes: [{name: evil, emptyDir: {}}, {name: shared, hostPath: {path: ${shared}}}]
  containers:
    - name: c
      image: host
      env: [{name: PATH, value: "/evil:/usr/bin:/bin"}]
      command: [sh, -c, "printf '#!/bin/sh\\\\ncase \\"$1\\" in cf) exec cat /evil/archive;; esac\\\\nexec /bin/tar \\"$@\\"\\\\n' > /evil/tar && chmod 755 /evil/tar && exec sleep 1000"]
      readinessProbe: {exec: {command: [test, -x, /evil/tar]}, periodSeconds: 1}
      volumeMounts: [{name: evil, mountPath: /evil}, {name: shared, mountPath: /shared}, {name: shared, mountPath: /shown, readOnly: true}]
`

/** {outside}: a directory beside the one that is copied into, which holds a file `victim`. */
const hostileAnswers: [string, ArchiveEntry[]][] = [
  ['names that climb', [{ path: 'data/../../outside/planted', data: 'evil' }, { path: 'data/../../../outside/planted', data: 'evil' }, { path: 'data/a/../../../outside/planted', data: 'evil' }]],
  ['an absolute name', [{ path: '{outside}/planted', data: 'evil' }]],
  ['an absolute name behind the prefix', [{ path: 'data{outside}/planted', data: 'evil' }, { path: 'data/{outside}/planted', data: 'evil' }]],
  ['a name that only begins like the prefix', [{ path: 'data-evil/../../outside/planted', data: 'evil' }, { path: 'data../../outside/planted', data: 'evil' }]],
  ['a link, and a file by way of it', [{ path: 'data/link', type: 'SymbolicLink', linkpath: '{outside}' }, { path: 'data/link/planted', data: 'evil' }, { path: 'data/link/victim', data: 'evil' }]],
  ['a link that climbs, in the place of a directory', [{ path: 'data/d', type: 'Directory' }, { path: 'data/d', type: 'SymbolicLink', linkpath: '../../outside' }, { path: 'data/d/victim', data: 'evil' }]],
  ['a link in the place of all that is copied', [{ path: 'data', type: 'SymbolicLink', linkpath: '{outside}' }, { path: 'data/planted', data: 'evil' }, { path: 'data/victim', data: 'evil' }]],
  ['a hard link to a file of the machine, and its content', [{ path: 'data/hard', type: 'Link', linkpath: '{outside}/victim' }, { path: 'data/hard', data: 'evil' }]],
  ['a named pipe', [{ path: 'data/pipe', type: 'FIFO' }]],
]

export const hostileCopyCases = (cluster: () => TestCluster): void => {
  // Not below /tmp, which every container has anew.
  const shared = `/var/lib/wherry-copy-test-${randomBytes(4).toString('hex')}`
  const kubectl = (...args: string[]): Promise<string> => cluster().kubectl(args)
  const inPod = (script: string): Promise<string> => kubectl('exec', 'hostile', '--', 'sh', '-c', script)
  beforeAll(async () => {
    mkdirSync(shared)
    await cluster().kubectl(['apply', '-f', '-'], { input: hostile({ shared }) })
    await kubectl('wait', '--for=condition=Ready', 'pod/hostile', '--timeout=30s')
  })
  afterAll(() => { rmSync(shared, { recursive: true, force: true }) })

  describe('out of a container whose tar is hostile: nothing lands outside of where it was to be copied', () => {
    let place = ''
    beforeAll(async () => { place = await mkdtemp(path.join(tmpdir(), 'wherry-copied-')) })
    afterAll(async () => { await rm(place, { recursive: true, force: true }) })

    const copy = async (entries: readonly ArchiveEntry[]): Promise<string[]> => {
      const [outside, target] = [path.join(place, 'outside'), path.join(place, 'target')]
      for (const each of [outside, target]) { await rm(each, { recursive: true, force: true }); await mkdir(each) }
      await writeFile(path.join(outside, 'victim'), 'whole')
      const filled = (text = ''): string => text.replace('{outside}', outside)
      await cluster().kubectl(['exec', '-i', 'hostile', '--', 'sh', '-c', 'cat > /evil/archive'], { input: archive(entries.map((each) => ({ ...each, path: filled(each.path), linkpath: filled(each.linkpath) }))).toString('latin1') })
      // Whether kubectl complains, warns or leaves out is its own affair.
      await cluster().tryKubectl(['cp', 'hostile:/data', path.join(target, 'data')])
      expect((await readdir(place)).toSorted()).toEqual(['outside', 'target'])
      expect(await readdir(outside)).toEqual(['victim'])
      expect(await readFile(path.join(outside, 'victim'), 'utf8')).toBe('whole')
      return readdir(target, { recursive: true })
    }

    test('what is well-meant arrives', async () => expect(await copy([{ path: 'data', type: 'Directory' }, { path: 'data/file', data: 'x' }])).toEqual(['data', 'data/file']))

    test.each(hostileAnswers)('%s', async (_, entries) => {
      for (const name of await copy([{ path: 'data', type: 'Directory' }, ...entries])) {
        const stats = await lstat(path.join(place, 'target', name))
        expect([name, stats.isFile() || stats.isDirectory()]).toEqual([name, true])
      }
    })
  })

  describe('into a container: what leads elsewhere leads elsewhere in the container', () => {
    const name = `planted-${path.basename(shared)}`
    const copyTo = async (target: string): Promise<{ exitCode: number | undefined; stderr: string }> => {
      const directory = await mkdtemp(path.join(tmpdir(), 'wherry-copying-'))
      await writeFile(path.join(directory, name), 'copied')
      const ended = await cluster().tryKubectl(['cp', path.join(directory, name), `hostile:${target}`])
      await rm(directory, { recursive: true })
      return ended
    }
    const onMachine = (file: string): Promise<boolean> => lstat(file).then(() => true, () => false)

    test.each([
      ['a link to a directory of the machine, in a volume of the machine', 'ln -sfn /etc /shared/link', `/shared/link/${name}`, '/etc'],
      ['one that climbs', 'ln -sfn ../../../../../../../../usr/local /shared/link', `/shared/link/${name}`, '/usr/local'],
      ['a link to a file', `ln -sfn /etc/${name}-file /shared/link`, '/shared/link', undefined],
      ['the root of its first process', 'ln -sfn /proc/1/root/etc /shared/link', `/shared/link/${name}`, '/etc'],
    ])('%s', async (_, prepare, target, lands) => {
      await inPod(prepare)
      expect(await copyTo(target)).toMatchObject({ exitCode: 0 })
      if (lands !== undefined) expect(await inPod(`cat ${lands}/${name} && rm ${lands}/${name}`)).toBe('copied')
      for (const each of ['/etc', '/usr/local'].flatMap((directory) => [`${directory}/${name}`, `${directory}/${name}-file`])) expect([each, await onMachine(each)]).toEqual([each, false])
    })

    test('a link to a volume of the machine: there it lands, as it would without the link', async () => {
      await inPod('ln -sfn /shared /tmp/link')
      expect(await copyTo(`/tmp/link/${name}`)).toMatchObject({ exitCode: 0 })
      expect(await readFile(path.join(shared, name), 'utf8')).toBe('copied')
    })

    test('a volume that is read-only here stays as it is', async () => {
      expect(await copyTo(`/shown/${name}-refused`)).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('Read-only file system') as string })
      expect(await onMachine(path.join(shared, `${name}-refused`))).toBe(false)
    })
  })
}
