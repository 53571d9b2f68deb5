/** Pods with root file systems of their own: a busybox image made here from nothing, loaded by the command, run by the kubelet. */
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Nodes, Pods } from '../../src/api/kinds.ts'
import type { Container } from '../../src/api/types.ts'
import { isRoot, startTestCluster, type TestCluster } from '../support/cluster.ts'
import { isReady, type LiveClient, liveClient } from '../support/live-client.ts'
import { archive, type ArchiveEntry, ociFiles } from '../support/oci-image.ts'
import { sayWhatIsSkipped } from '../support/skipped.ts'

const busybox = [path.resolve(import.meta.dirname, '../../.cache/debian/root/bin/busybox'), '/bin/busybox'].find((file) => existsSync(file))
sayWhatIsSkipped('images.test.ts')
if (!busybox) console.log('SKIPPED images.test.ts: no static busybox; set-up for tests fetches one')

const layer = (): ArchiveEntry[] => [
  { path: 'bin/busybox', data: readFileSync(busybox ?? ''), mode: 0o755 },
  ...['sh', 'id', 'cat', 'sleep', 'touch', 'pwd', 'ls'].map((name): ArchiveEntry => ({ path: `bin/${name}`, type: 'Link', linkpath: 'bin/busybox' })),
  { path: 'etc/passwd', data: 'root:x:0:0::/root:/bin/sh\napp:x:1234:1235::/home/app:/bin/sh\n' }, { path: 'etc/group', data: 'root:x:0:\napp:x:1235:\n' },
  { path: 'etc/os-release', data: 'NAME=tiny\n' }, { path: 'home/app', type: 'Directory', uid: 1234, gid: 1235, mode: 0o750 },
]

describe.runIf(isRoot && busybox !== undefined)('images', () => {
  let cluster: TestCluster
  let live: LiveClient
  let folder: string
  const run = async (name: string, container: Partial<Container>) => {
    await live.client.create(Pods, { metadata: { name, namespace: 'default' }, spec: { terminationGracePeriodSeconds: 0, containers: [{ name: 'main', image: 'tiny:1', ...container }] } } as never)
    return live.untilPod(name, 'is ready', isReady)
  }
  const exec = async (pod: string, ...command: string[]): Promise<string> => (await cluster.kubectl(['exec', pod, '--', ...command])).trim()

  beforeAll(async () => {
    cluster = await startTestCluster({ single: true })
    live = liveClient(cluster)
    folder = await mkdtemp(path.join(tmpdir(), 'wherry-image-'))
    const config = { Entrypoint: ['/bin/sh', '-c'], Cmd: ['echo "$GREETING from $(id -u):$(id -g) in $(pwd)"; exec sleep 1000'], Env: ['PATH=/bin', 'GREETING=hello'], User: 'app', WorkingDir: '/home/app' }
    await writeFile(path.join(folder, 'tiny.tar'), archive(ociFiles({ name: 'docker.io/library/tiny:1', layers: [layer()], config })))
    await cluster.wherry('image', 'load', path.join(folder, 'tiny.tar'))
  })
  afterAll(async () => {
    live?.[Symbol.dispose]()
    await cluster?.[Symbol.asyncDispose]()
    if (folder) await rm(folder, { recursive: true, force: true })
  })

  test('its entrypoint, command, environment, user and directory are the container\'s; its files are the only ones', async () => {
    const pod = await run('own', {})
    await cluster.until('the log has come', async () => (await cluster.kubectl(['logs', 'own'])).trim() === 'hello from 1234:1235 in /home/app')
    expect(await exec('own', 'cat', '/etc/os-release')).toBe('NAME=tiny')
    expect((await exec('own', 'ls', '/')).split('\n')).not.toContain('usr')
    expect(pod.status.containerStatuses?.[0]).toMatchObject({ image: 'docker.io/library/tiny:1', imageID: expect.stringMatching(/^docker\.io\/library\/tiny@sha256:[0-9a-f]{64}$/) as unknown })
  })
  test('arguments take the place of its command; its root can be read-only', async () => {
    await run('read-only', { args: ['touch /here 2>&1; exec sleep 1000'], securityContext: { readOnlyRootFilesystem: true, runAsUser: 0 } })
    await cluster.until('the log has come', async () => (await cluster.kubectl(['logs', 'read-only'])).trim() === 'touch: /here: Read-only file system')
  })
  test('what one container writes, another does not see', async () => {
    await run('writer', { securityContext: { runAsUser: 0 } })
    await exec('writer', 'touch', '/mark')
    await run('reader', { securityContext: { runAsUser: 0 } })
    await expect(exec('reader', 'ls', '/mark')).rejects.toThrow(/No such file/)
  })
  test('a name can mean a program of the machine', async () => {
    await cluster.wherry('image', 'map', 'web:*', '--', '/bin/sh', '-c', 'echo mapped; exec sleep 1000')
    await run('mapped', { image: 'web:3' })
    await cluster.until('the log has come', async () => (await cluster.kubectl(['logs', 'mapped'])).trim() === 'mapped')
  })
  test('the node tells which it has; one in use is not removed', async () => {
    const names = async (): Promise<string[]> => ((await live.client.get(Nodes, { name: 'node-1' })).status.images ?? []).flatMap((image) => image.names ?? [])
    await cluster.until('the node names the image', async () => (await names()).includes('docker.io/library/tiny:1'))
    await expect(cluster.wherry('image', 'rm', 'tiny:1')).rejects.toThrow('containers run with tiny:1: delete their pods first')
    expect(await cluster.wherry('image', 'list')).toMatch(/^IMAGE +ID +SIZE +LOADED +PROGRAM\ndocker\.io\/library\/tiny:1 +[0-9a-f]{12} +[0-9.]+MiB +\d+s *\n/)
  })
})
