/** Clients in Python: the official one, and Ansible's modules on top of it, as Debian packages them. Expectations: the scripts' own, in the clients' documentation. */
import { existsSync } from 'node:fs'
import path from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isRoot, startTestCluster, type TestCluster } from '../support/cluster.ts'
import { sayWhatIsSkipped } from '../support/skipped.ts'

const full = process.env['WHERRY_FULL'] === '1'
sayWhatIsSkipped('python.test.ts')
if (isRoot && !full) console.log('SKIPPED python.test.ts: the Python client and Ansible are installed from Debian by npm run test:full only')

const folder = path.join(import.meta.dirname, 'python')
const needed = { 'python3-kubernetes': '/usr/lib/python3/dist-packages/kubernetes/client/__init__.py', 'python3-openshift': '/usr/lib/python3/dist-packages/openshift/__init__.py', ansible: '/usr/lib/python3/dist-packages/ansible_collections/kubernetes/core/MANIFEST.json', 'ansible-core': '/usr/bin/ansible-playbook' }

/** Libraries and programs only: nothing among them that starts by itself. */
const installPackages = async (): Promise<void> => {
  const missing = Object.entries(needed).filter(([, file]) => !existsSync(file)).map(([name]) => name)
  if (missing.length === 0) return
  const env = { DEBIAN_FRONTEND: 'noninteractive' }
  await execa('apt-get', ['update'], { env, reject: false, timeout: 120_000 })
  await execa('apt-get', ['install', '-y', '--no-install-recommends', ...missing], { env, timeout: 400_000 })
}

describe.runIf(isRoot && full)('clients in Python', () => {
  let cluster: TestCluster
  beforeAll(async () => {
    await installPackages()
    cluster = await startTestCluster({ single: true })
  }, 600_000)
  afterAll(() => cluster?.[Symbol.asyncDispose]())

  test('the official client', async () => {
    const { stdout } = await execa('/usr/bin/python3', [path.join(folder, 'checks.py'), cluster.kubeconfig], { timeout: 150_000 })
    expect(stdout.split('\n').map((line) => JSON.parse(line) as unknown)).toEqual([
      [{ x: 'y' }, 2, [409, 'AlreadyExists']], 'hello\n', 'out\nerr\n', [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], 'pong', 1, [['red'], 422], true,
    ])
  })

  test("Ansible's modules", async () => {
    const { all, exitCode } = await execa('ansible-playbook', ['-i', 'localhost,', path.join(folder, 'play.yml')], { all: true, reject: false, timeout: 175_000, env: { K8S_AUTH_KUBECONFIG: cluster.kubeconfig, ANSIBLE_NOCOLOR: '1' } })
    expect(exitCode, all).toBe(0)
    expect(all).toMatch(/ok=14 +changed=\d+ +unreachable=0 +failed=0 /)
  })
})
