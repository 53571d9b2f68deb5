/**
 * An operator as people write them: a definition, a controller with status and finalizer, a mutating and a validating webhook, on a public framework, built by that
 * framework's own command and applied as it comes: deployments with an image, a Service before the webhooks, RBAC. Expectations: the framework's documentation.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isRoot, startTestCluster, type TestCluster } from '../support/cluster.ts'
import { buildOperator, framework, makeRootFileSystem } from '../support/operator-framework.ts'
import { sayWhatIsSkipped } from '../support/skipped.ts'

const full = process.env['WHERRY_FULL'] === '1'
sayWhatIsSkipped('operator.test.ts')
if (isRoot && !full) console.log('SKIPPED operator.test.ts: a framework for operators is installed and built with by npm run test:full only')

const source = path.join(import.meta.dirname, 'operator')
const shelf = (name: string, books: string[]): string => JSON.stringify({ apiVersion: 'library.example.com/v1', kind: 'Shelf', metadata: { name }, spec: { books } })

describe.runIf(isRoot && full)(`an operator on ${framework.name} ${framework.version}`, () => {
  let cluster: TestCluster
  let root = ''
  const kubectl = (...args: string[]): Promise<string> => cluster.kubectl(['-n', 'library', ...args])
  const apply = (name: string, ...books: string[]): ReturnType<TestCluster['tryKubectl']> => cluster.tryKubectl(['-n', 'library', 'apply', '-f', '-'], { input: shelf(name, books) })
  const books = (): Promise<string> => kubectl('get', 'configmap', 'one-books', '-o', 'jsonpath={.data}')

  beforeAll(async () => {
    root = await mkdtemp(path.join(tmpdir(), 'wherry-operator-'))
    // Not that folder itself: nobody else may look into it.
    const image = path.join(root, 'image')
    const [{ manifest, versions }] = await Promise.all([buildOperator(source), makeRootFileSystem(image)])
    console.log('operator built with', versions)
    cluster = await startTestCluster({ single: true })
    await cluster.wherry('image', 'load', image, '--name', framework.image, '--entrypoint', '/usr/local/bin/node', '--workdir', '/app', '--user', `${framework.user}:${framework.user}`)
    await cluster.kubectl(['create', 'namespace', 'library'])
    await cluster.kubectl(['apply', '-f', path.join(source, 'definition.yaml')])
    await cluster.kubectl(['apply', '-f', manifest])
    await cluster.kubectl(['-n', 'pepr-system', 'rollout', 'status', 'deployment', '--timeout=90s'], { timeoutSeconds: 100 })
  }, 600_000)
  afterAll(async () => {
    await cluster?.[Symbol.asyncDispose]()
    await rm(root, { recursive: true, force: true })
  })

  test('what is created is mutated, warned of, reconciled and given a status', async () => {
    expect(await apply('one', 'Momo', 'Emma', 'Faust')).toEqual({ exitCode: 0, stdout: 'shelf.library.example.com/one created', stderr: 'Warning: the shelf bends' })
    expect(JSON.parse(await kubectl('get', 'shelf', 'one', '-o', 'json'))).toMatchObject({ metadata: { labels: { 'library.example.com/colour': 'oak' }, finalizers: ['pepr.dev/finalizer'], generation: 1 }, spec: { colour: 'oak' } })
    await kubectl('wait', '--for=jsonpath={.status.phase}=Filled', 'shelf/one', '--timeout=30s')
    expect(JSON.parse(await books())).toEqual({ 'book-0': 'Momo', 'book-1': 'Emma', 'book-2': 'Faust' })
    expect((await kubectl('get', 'shelves')).split('\n').map((line) => line.split(/ +/))).toEqual([['NAME', 'BOOKS', 'PHASE'], ['one', '3', 'Filled']])
  })
  test('what is wrong is refused', async () => {
    expect(await apply('two', '')).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('admission webhook "pepr-shelves.pepr.dev" denied the request: a book needs a title') as string })
    expect(await kubectl('get', 'shelves', '-o', 'name')).toBe('shelf.library.example.com/one')
  })
  test('a change is reconciled', async () => {
    expect(await apply('one', 'Emma')).toEqual({ exitCode: 0, stdout: 'shelf.library.example.com/one configured', stderr: '' })
    await kubectl('wait', '--for=jsonpath={.status.observedGeneration}=2', 'shelf/one', '--timeout=30s')
    expect(JSON.parse(await books())).toEqual({ 'book-0': 'Emma' })
  })
  test('its controller comes back and goes on where it was', async () => {
    await cluster.kubectl(['-n', 'pepr-system', 'delete', 'pod', '-l', 'pepr.dev/controller=watcher'])
    expect((await apply('one', 'Emma', 'Momo')).stdout).toBe('shelf.library.example.com/one configured')
    await kubectl('wait', '--for=jsonpath={.status.observedGeneration}=3', 'shelf/one', '--timeout=60s')
    expect(JSON.parse(await books())).toEqual({ 'book-0': 'Emma', 'book-1': 'Momo' })
  })
  test('deletion waits for the finalizer, which leaves its mark, and takes what is owned', async () => {
    expect(await kubectl('delete', 'shelf', 'one', '--timeout=30s')).toBe('shelf.library.example.com "one" deleted from library namespace')
    expect(await kubectl('get', 'configmap', 'donated', '-o', 'jsonpath={.data.one}')).toBe('Emma,Momo')
    await kubectl('wait', '--for=delete', 'configmap/one-books', '--timeout=30s')
    await cluster.until('the operator has seen it', async () => (await cluster.kubectl(['-n', 'pepr-system', 'logs', '-l', 'pepr.dev/controller=watcher', '--tail=-1'])).includes('books are gone'), 60)
  })
  test('without its servers nothing is admitted', async () => {
    await cluster.kubectl(['-n', 'pepr-system', 'scale', 'deployment', 'pepr-shelves', '--replicas=0'])
    await cluster.until('its webhooks are gone', async () => (await apply('three', 'Momo')).stderr.includes('failed calling webhook "pepr-shelves.pepr.dev": failed to call webhook: Post "https://pepr-shelves.pepr-system.svc:443/mutate/'), 60)
  })
})
