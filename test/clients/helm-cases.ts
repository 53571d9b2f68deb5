/** Cases of real Helm with the charts of charts/, for a cluster that a test has already. Expectations: Helm's documentation of hooks, `helm install --help` and its kin. */
import { execa } from 'execa'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ClientVersion, helmPath } from '../support/clients.ts'
import type { Ended, TestCluster } from '../support/cluster.ts'
import { httpClient, httpServer } from '../support/perl-http.ts'
import { sayWhatIsSkipped } from '../support/skipped.ts'

/** Helm and the charts in a folder of their own, which hooks write a diary in. */
interface Helm extends AsyncDisposable {
  (...args: string[]): Promise<Ended>
  said(...args: string[]): Promise<string>
  chart(name: string): string
  folder: string
  diary(release: string): Promise<string[]>
}

const startHelm = async (cluster: TestCluster, version: ClientVersion, namespace: string): Promise<Helm> => {
  const folder = await mkdtemp(path.join(tmpdir(), 'wherry-helm-'))
  await cp(path.join(import.meta.dirname, 'charts'), folder, { recursive: true })
  await writeFile(path.join(folder, 'programs.json'), JSON.stringify({ server: httpServer, client: httpClient([]) }))
  await cluster.kubectl(['create', 'namespace', namespace])
  const program = await helmPath(version)
  const env = { KUBECONFIG: cluster.kubeconfig, HELM_CACHE_HOME: folder, HELM_CONFIG_HOME: folder, HELM_DATA_HOME: folder, HELM_NAMESPACE: namespace }
  const helm = async (...args: string[]): Promise<Ended> => {
    const { exitCode, stdout, stderr } = await execa(program, args, { env, reject: false, timeout: 90_000 })
    return { exitCode, stdout, stderr }
  }
  return Object.assign(helm, {
    folder, chart: (name: string) => path.join(folder, name),
    said: async (...args: string[]) => {
      const { exitCode, stdout, stderr } = await helm(...args)
      if (exitCode !== 0) throw new Error(`helm ${args.join(' ')} ended with ${String(exitCode)}:\n${stdout}\n${stderr}`)
      return stdout
    },
    diary: async (release: string) => (await readFile(path.join(folder, release), 'utf8')).trim().split('\n'),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  })
}

/** What `helm history` tells of each revision: its status and its description. */
const history = async (helm: Helm, release: string): Promise<string[]> =>
  (JSON.parse(await helm.said('history', release, '-o', 'json')) as { status: string; description: string }[]).map(({ status, description }) => `${status}: ${description}`)

/** The production chart takes half a minute, and only in full: nothing in it is Helm's own that the other has not. */
const full = process.env['WHERRY_FULL'] === '1'
sayWhatIsSkipped('helm-cases.ts, a chart as for production', !full, 'it is for npm run test:full')

export const helmCases = (cluster: () => TestCluster, version: ClientVersion): void => {
  const isFour = version === '1.36'
  const namespace = `helm-${version.replace('.', '-')}`
  const kubectl = (...args: string[]): Promise<string> => cluster().kubectl(['-n', namespace, ...args])
  let helm: Helm
  beforeAll(async () => { helm = await startHelm(cluster(), version, namespace) })
  afterAll(() => helm?.[Symbol.asyncDispose]())

  test('a chart with a definition, an instance, a dependency and hooks of every kind: its whole life', async () => {
    const release = `garden${version.replace('.', '')}`
    const garden = helm.chart('garden')
    const facts = async (): Promise<Record<string, string>> => JSON.parse(await kubectl('get', 'configmap', `${release}-facts`, '-o', 'jsonpath={.data}')) as Record<string, string>
    const key = (): Promise<string> => kubectl('get', 'secret', `${release}-key`, '-o', 'jsonpath={.data.key}')
    await helm.said('dependency', 'build', garden)
    expect(await helm.said('package', garden, '--destination', helm.folder)).toContain('garden-1.2.3.tgz')

    expect(await helm.said('install', release, path.join(helm.folder, 'garden-1.2.3.tgz'), '--set', `diary=${helm.folder}`, '--wait', '--timeout', '60s')).toMatch(
      new RegExp(`STATUS: deployed\nREVISION: 1\n(DESCRIPTION: Install complete\n)?(TEST SUITE: .*\n)?NOTES:\n${release} grows in ${namespace}, revision 1, with 1 of water\\.`))
    // By weight, then post-install; what has succeeded is gone where its policy says so.
    expect(await helm.diary(release)).toEqual(['first 1', 'second 1', 'post-install 1'])
    expect(await kubectl('get', 'jobs', '-o', 'name')).toBe(`job.batch/${release}-post-install`)
    expect(await facts()).toEqual({ version: expect.stringMatching(/^v1\.36\.0/) as string, minor: '36', cronJobs: 'true', oldCronJobs: 'false', gardens: 'true', namespaces: 'true', upgrade: 'false', revision: '1' })
    expect(await kubectl('get', 'garden', release, '-o', 'jsonpath={.spec}')).toBe('{"beds":4,"water":1}')
    expect(await kubectl('get', 'configmap', `${release}-seed`, '-o', 'jsonpath={.data.sort} {.data.garden}')).toBe('rose eden')
    const secret = await key()

    // Two aliases of one dependency; a secret that is looked up.
    await helm.said('upgrade', '--install', release, garden, '--reuse-values', '--set', 'water=3,seed.enabled=false,weed.enabled=true', '--wait', '--timeout', '60s')
    expect(await kubectl('get', 'garden', release, '-o', 'jsonpath={.spec.water}')).toBe('3')
    expect(await kubectl('get', 'configmap', '-o', 'name')).toMatch(new RegExp(`configmap/${release}-weed`))
    expect(await kubectl('get', 'configmap', '-o', 'name')).not.toMatch(new RegExp(`configmap/${release}-seed`))
    expect([await key(), (await facts())['upgrade']]).toEqual([secret, 'true'])
    expect(await helm('upgrade', release, garden, '--reuse-values', '--set', 'water=lots')).toMatchObject({ exitCode: 1, stderr: expect.stringContaining("values don't meet the specifications of the schema(s)") as string })
    expect(await helm('upgrade', release, garden, '--reuse-values', '--set', 'water=-1', '--skip-schema-validation')).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(/spec\.water: Invalid value: -1: spec\.water in body should be greater than or equal to 0/) as string })

    // A hook that fails: all is as it was.
    expect(await helm('upgrade', release, garden, '--reuse-values', '--set', 'water=5,fail=post-upgrade', isFour ? '--rollback-on-failure' : '--atomic', '--timeout', '30s')).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(/release \S+ failed, and has been rolled back due to (atomic|rollback-on-failure) being set: post-upgrade hooks failed/) as string })
    expect(await kubectl('get', 'garden', release, '-o', 'jsonpath={.spec.water}')).toBe('3')
    expect(await helm.said('upgrade', release, garden, '--reuse-values', '--set', 'water=6', '--dry-run=server')).toContain('spec: {water: 6}')
    expect(await kubectl('get', 'garden', release, '-o', 'jsonpath={.spec.water}')).toBe('3')
    expect(await helm.said('rollback', release, '1', '--wait', '--timeout', '60s')).toContain('Rollback was a success! Happy Helming!')
    expect(await kubectl('get', 'garden', release, '-o', 'jsonpath={.spec.water}')).toBe('1')
    expect(await history(helm, release)).toEqual(['superseded: Install complete', 'superseded: Upgrade complete', expect.stringMatching(/^failed: Upgrade ".*" failed: /) as string, expect.stringMatching(/^failed: Upgrade ".*" failed: /) as string, 'superseded: Rollback to 2', 'deployed: Rollback to 1'])

    expect(await helm.said('get', 'values', release)).toBe(`USER-SUPPLIED VALUES:\ndiary: ${helm.folder}`)
    expect((await helm.said('get', 'hooks', release)).match(/^# Source: .*/gm)).toHaveLength(9)
    expect((await helm.said('get', 'manifest', release)).match(/^kind: .*/gm)?.toSorted()).toEqual(['kind: ConfigMap', 'kind: ConfigMap', 'kind: Garden', 'kind: Secret'])
    expect(await helm.said('test', release, '--logs')).toMatch(/Phase: +Succeeded\n[^]*POD LOGS: \S+-test\nthe garden has 1\n/)
    expect(JSON.parse(await helm.said('list', '-o', 'json'))).toEqual(expect.arrayContaining([expect.objectContaining({ name: release, revision: '6', status: 'deployed', chart: 'garden-1.2.3', app_version: '7.0' })]))
    expect(await helm('install', release, garden, '--set', `diary=${helm.folder}`)).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(/cannot re-?use a name that is still in use/) as string })

    expect(await helm.said('uninstall', release, '--wait', '--timeout', '60s')).toMatch(new RegExp(`kept due to the resource policy:\n\\[Secret\\] ${release}-key\n[^]*release "${release}" uninstalled`))
    expect(await helm.diary(release)).toEqual([
      'first 1', 'second 1', 'post-install 1', 'second 2', 'post-upgrade 2', 'second 3', 'second 4', 'post-upgrade 4', 'pre-rollback 2', 'post-rollback 2', 'pre-rollback 1', 'post-rollback 1', 'pre-delete 1', 'post-delete 1',
    ])
    expect(await kubectl('get', 'gardens,configmaps,jobs,secrets', '-l', 'owner=helm', '-o', 'name')).toBe('')
    expect(await kubectl('get', 'gardens', '-o', 'name')).toBe('')
    expect(await key()).toBe(secret)
  })

  test.runIf(full)('a chart as for production: install, test, upgrade, an upgrade that cannot be, rollback, uninstall', async () => {
    const shop = helm.chart('shop')
    const values = path.join(helm.folder, 'programs.json')
    const answers = async (): Promise<string> => /POD LOGS: shop-test\n(.*)/.exec(await helm.said('test', 'shop', '--logs'))?.[1] ?? ''
    expect((await helm.said('template', 'shop', shop, '-f', values, '--validate')).match(/^kind: .*/gm)).toContain('kind: StatefulSet')
    expect(await helm.said('install', 'shop', shop, '-f', values, '--wait', '--timeout', '80s')).toContain('The shop is open at https://shop.example.com/')
    expect(await kubectl('get', 'deployment,statefulset', '-o', 'jsonpath={range .items[*]}{.metadata.name} {.status.readyReplicas}{"\\n"}{end}')).toBe('shop 2\nshop-db 1')
    expect(await kubectl('get', 'pvc', 'data-shop-db-0', '-o', 'jsonpath={.status.phase}')).toBe('Bound')
    expect(await kubectl('get', 'ingress,hpa,pdb,cronjob,networkpolicy,serviceaccount,role,rolebinding', '-o', 'name')).toMatch(/ingress\.networking\.k8s\.io\/shop\n.*hpa|ingress\.networking\.k8s\.io\/shop\n/)
    expect(await answers()).toBe('["hello","database"]')
    await helm.said('upgrade', 'shop', shop, '-f', values, '--set', 'greeting=bye', '--wait', '--timeout', '80s')
    expect(await answers()).toBe('["bye","database"]')
    expect(await helm('upgrade', 'shop', shop, '--reuse-values', '--set', 'image=example.com/none:1', '--wait', '--timeout', '2s')).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('context deadline exceeded') as string })
    expect(await kubectl('get', 'deployment', 'shop', '-o', 'jsonpath={.status.availableReplicas}')).toBe('2')
    await helm.said('rollback', 'shop', '1', '--wait', '--timeout', '80s')
    expect(await answers()).toBe('["hello","database"]')
    expect(await history(helm, 'shop')).toEqual(['superseded: Install complete', 'superseded: Upgrade complete', expect.stringMatching(/^failed: /) as string, 'deployed: Rollback to 1'])
    await helm.said('uninstall', 'shop', '--wait', '--timeout', '80s')
    // The other chart's hooks without a policy for success stay in this namespace, too.
    await cluster().until('nothing is left but what Helm leaves', async () => expect((await kubectl('get', 'all,ingress,hpa,pdb,pvc,networkpolicy', '-o', 'name')).split('\n').filter((name) => name.includes('shop')).toSorted().join(' ')).toBe('persistentvolumeclaim/data-shop-db-0 pod/shop-test') ?? true, 60)
  })
}
