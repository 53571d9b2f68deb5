/** Cases of the official client library for JavaScript, for a cluster that a test has already. */
import { randomUUID } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import net from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { PassThrough, Readable, type Writable } from 'node:stream'
import { ApiException, Attach, CoordinationV1Api, CoreV1Api, Cp, Exec, KubeConfig, Log, makeInformer, PatchStrategy, PortForward, setHeaderOptions, type V1ConfigMap, type V1Lease, V1MicroTime, type V1Status, Watch } from '@kubernetes/client-node'
import { expect, test } from 'vitest'
import { type TestCluster, until } from '../support/cluster.ts'

const collector = (): { stream: Writable; text(): string } => {
  const stream = new PassThrough()
  let text = ''
  stream.on('data', (chunk: Buffer) => { text += chunk.toString() })
  return { stream, text: () => text }
}

/** As client-go's leaderelection: whoever writes the Lease first holds it; a write onto what another has written meanwhile is a conflict. */
const tryToLead = async (leases: CoordinationV1Api, name: string, identity: string): Promise<boolean> => {
  const now = new V1MicroTime()
  const fresh = { holderIdentity: identity, leaseDurationSeconds: 1, acquireTime: now, renewTime: now }
  const lost = (error: unknown): false => { if (error instanceof ApiException && error.code === 409) return false; throw error as Error }
  let lease: V1Lease
  try {
    lease = await leases.readNamespacedLease({ namespace: 'default', name })
  } catch (error) {
    if (!(error instanceof ApiException) || error.code !== 404) throw error
    return leases.createNamespacedLease({ namespace: 'default', body: { metadata: { name }, spec: fresh } }).then(() => true, lost)
  }
  const isOver = now.getTime() - new Date(String(lease.spec?.renewTime)).getTime() > 1000
  if (lease.spec?.holderIdentity !== identity && !isOver) return false
  return leases.replaceNamespacedLease({ namespace: 'default', name, body: { ...lease, spec: fresh } }).then(() => true, lost)
}

export const clientNodeCases = (cluster: () => TestCluster): void => {
  const configured = (): KubeConfig => { const config = new KubeConfig(); config.loadFromFile(cluster().kubeconfig); return config }

  test('exec: both streams, what is typed, the outcome', async () => {
    const [out, err] = [collector(), collector()]
    let status: V1Status | undefined
    await new Exec(configured()).exec('default', 'two', 'counter', ['sh', '-c', 'read -r line; echo "heard $line"; echo oops >&2; exit 4'], out.stream, err.stream, Readable.from(['hello\n']), false, (told) => { status = told })
    await until('the outcome', () => Promise.resolve(status), 60)
    expect([out.text(), err.text()]).toEqual(['heard hello\n', 'oops\n'])
    expect(status).toMatchObject({ status: 'Failure', reason: 'NonZeroExitCode', details: { causes: [{ reason: 'ExitCode', message: '4' }] } })
  })
  test('attach', async () => {
    const [out, typed] = [collector(), new PassThrough()]
    const socket = await new Attach(configured()).attach('default', 'two', 'reader', out.stream, collector().stream, typed, false)
    await until('the reader answers', () => { if (!out.text().includes('got me')) typed.write('me\n'); return Promise.resolve(out.text().includes('got me')) }, 60)
    socket.close()
  })
  test('cp', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'wherry-client-node-'))
    try {
      await mkdir(path.join(folder, 'up'))
      await writeFile(path.join(folder, 'up', 'carried.bin'), 'x'.repeat(50_000))
      const copy = new Cp(configured())
      // Neither waits until it is done.
      await copy.cpToPod('default', 'two', 'counter', path.join(folder, 'up'), '/tmp')
      await cluster().until('it has arrived', async () => (await cluster().kubectl(['exec', 'two', '-c', 'counter', '--', 'sh', '-c', 'cat /tmp/carried.bin | wc -c'])) === '50000')
      await copy.cpFromPod('default', 'two', 'counter', 'carried.bin', path.join(folder, 'down'), '/tmp')
      await until('it is back', async () => (await readFile(path.join(folder, 'down', 'carried.bin'))).length === 50_000, 60)
    } finally { await rm(folder, { recursive: true, force: true }) }
  })
  test('log: the tail, and as it goes on', async () => {
    const [tail, following] = [collector(), collector()]
    await new Log(configured()).log('default', 'two', 'counter', tail.stream, { tailLines: 1 })
    await until('the last line', () => Promise.resolve(/^line \d+\n$/.test(tail.text())), 60)
    // Ended by the server: the library takes its own abort for an error that nobody handles.
    await new Log(configured()).log('default', 'two', 'counter', following.stream, { follow: true, tailLines: 1, limitBytes: 18 })
    await until('more lines', () => Promise.resolve(following.text().length === 18), 60)
    expect(following.text()).toMatch(/^(starting|line \d+)\nline/)
  })
  test('port-forward: two connections, one after the other, through a local server', async () => {
    const forward = new PortForward(configured())
    const name = await cluster().kubectl(['get', 'pods', '-l', 'app=pages', '-o', 'jsonpath={.items[0].metadata.name}'])
    const local = net.createServer((socket) => { void forward.portForward('default', name, [8000], socket, null, socket) }).listen(0, '127.0.0.1')
    try {
      await until('it listens', () => Promise.resolve(local.listening), 60)
      const { port } = local.address() as net.AddressInfo
      for (let round = 0; round < 2; round += 1) expect(await (await fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(10_000) })).text()).toBe('page')
    } finally { local.close() }
  })

  const named = (name: string, data: Record<string, string>): V1ConfigMap => ({ metadata: { name, labels: { from: 'client-node' } }, data })
  test('watch and informer see what is made, changed and deleted, in order', async () => {
    const config = configured()
    const core = config.makeApiClient(CoreV1Api)
    const [watched, informed]: [string[], string[]] = [[], []]
    const list = () => core.listNamespacedConfigMap({ namespace: 'default', labelSelector: 'from=client-node' })
    const informer = makeInformer(config, '/api/v1/namespaces/default/configmaps', list, 'from=client-node')
    for (const event of ['add', 'update', 'delete'] as const) informer.on(event, (object: V1ConfigMap) => { informed.push(`${event} ${object.metadata?.name ?? ''} ${object.data?.['v'] ?? ''}`) })
    await informer.start()
    const from = (await list()).metadata?.resourceVersion
    const watch = await new Watch(config).watch('/api/v1/namespaces/default/configmaps', { labelSelector: 'from=client-node', resourceVersion: from, allowWatchBookmarks: true }, (type: string, object: V1ConfigMap) => { if (type !== 'BOOKMARK') watched.push(`${type} ${object.metadata?.name ?? ''} ${object.data?.['v'] ?? ''}`) }, () => undefined)
    await core.createNamespacedConfigMap({ namespace: 'default', body: named('seen', { v: '1' }) })
    await core.replaceNamespacedConfigMap({ namespace: 'default', name: 'seen', body: named('seen', { v: '2' }) })
    await core.deleteNamespacedConfigMap({ namespace: 'default', name: 'seen' })
    await until('three events each', () => Promise.resolve(watched.length >= 3 && informed.length >= 3), 60)
    watch.abort()
    await informer.stop()
    expect(watched).toEqual(['ADDED seen 1', 'MODIFIED seen 2', 'DELETED seen 2'])
    expect(informed).toEqual(['add seen 1', 'update seen 2', 'delete seen 2'])
  })
  test('apply: fields have owners, and who takes another\'s is told', async () => {
    const core = configured().makeApiClient(CoreV1Api)
    const apply = (fieldManager: string, v: string, force = false) => core.patchNamespacedConfigMap(
      { namespace: 'default', name: 'applied', body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'applied' }, data: { v } }, fieldManager, force }, setHeaderOptions('Content-Type', PatchStrategy.ServerSideApply))
    await apply('one', '1')
    await expect(apply('two', '2')).rejects.toMatchObject({ code: 409 })
    expect((await apply('two', '2', true)).data).toEqual({ v: '2' })
  })
  test('leader election: of many who want to, one leads; when it stops, another does', async () => {
    const leases = configured().makeApiClient(CoordinationV1Api)
    const name = `leader-${randomUUID().slice(0, 8)}`
    const candidates = Array.from({ length: 6 }, (_, index) => `candidate-${index}`)
    const won = await Promise.all(candidates.map((identity) => tryToLead(leases, name, identity)))
    expect(won.filter(Boolean)).toHaveLength(1)
    const leader = candidates[won.indexOf(true)] ?? ''
    expect(await tryToLead(leases, name, leader)).toBe(true)
    const others = candidates.filter((each) => each !== leader)
    expect(await Promise.all(others.map((identity) => tryToLead(leases, name, identity)))).not.toContain(true)
    await until('another leads', async () => (await Promise.all(others.map((identity) => tryToLead(leases, name, identity)))).filter(Boolean).length === 1, 60)
    expect((await leases.readNamespacedLease({ namespace: 'default', name })).spec?.holderIdentity).not.toBe(leader)
  })
}
