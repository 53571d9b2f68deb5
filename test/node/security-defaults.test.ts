/** The defaults of a cluster as the README's table states them: who may ask what, where is listened, with which TLS, who may read which file, how long a token lives. S23 of the security checks. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isRoot, startTestCluster, type TestCluster } from '../support/cluster.ts'
import { readConfig } from '../../src/cluster/config.ts'
import { sayWhatIsSkipped } from '../support/skipped.ts'

sayWhatIsSkipped('security-defaults.test.ts')

/** Asks without any credential, from inside the node's network namespace; prints the status, or what went wrong. */
const ask = `
const [url, maxVersion] = process.argv.slice(1)
require('node:https').get(url, { rejectUnauthorized: false, ...(maxVersion && { maxVersion, minVersion: 'TLSv1' }) }, (response) => { response.resume(); console.log(response.statusCode) })
  .on('error', (error) => console.log(error.code ?? error.message))
`

describe.runIf(isRoot)('a cluster as it is made', () => {
  let cluster: TestCluster
  let address: string
  // The controller manager's port is for the machine itself, as kubeadm has it.
  const answerOf = async (port: number, url: string, ...more: string[]): Promise<string> =>
    (await cluster.onNode('node-1', [process.execPath, '--tls-min-v1.0', '-e', ask, '--', `https://${port === 10_257 ? '127.0.0.1' : address}:${port}${url}`, ...more])).stdout.trim()
  const modeOf = (file: string): string => (statSync(file).mode & 0o777).toString(8)

  beforeAll(async () => {
    cluster = await startTestCluster()
    address = (await readConfig(cluster.home))?.nodes[0]?.address ?? ''
  })
  afterAll(async () => { await cluster?.[Symbol.asyncDispose]() })

  test.each([
    ['/livez', '200'], ['/readyz', '200'], ['/healthz', '200'], ['/version', '200'],
    ['/', '403'], ['/api', '403'], ['/apis', '403'], ['/api/v1/namespaces', '403'], ['/api/v1/secrets', '403'], ['/metrics', '403'], ['/openapi/v2', '403'], ['/debug/pprof/', '403'], ['/logs/', '403'], ['/openid/v1/jwks', '403'],
  ])('the API server answers strangers on %s with %s', async (url, status) => expect(await answerOf(6443, url)).toBe(status))
  test.each(['/pods', '/stats/summary', '/metrics', '/containerLogs/kube-system/kube-apiserver-node-1/kube-apiserver', '/wherry/processes', '/configz', '/debug/pprof/'])('the kubelet knows no strangers: %s', async (url) => {
    expect(await answerOf(10_250, url)).toBe('401')
  })
  test.each([10_257, 10_259])('port %i tells strangers whether it is healthy, and nothing else', async (port) => {
    expect(await answerOf(port, '/healthz')).toBe('200')
    expect(await answerOf(port, '/metrics')).toMatch(/^40[13]$/)
  })

  test('nothing else is listened on; no read-only port', async () => {
    const { stdout } = await cluster.onNode('node-1', ['ss', '-Hltn'])
    const ports = [...new Set(stdout.trim().split('\n').map((line) => Number(line.trim().split(/\s+/)[3]?.split(':').at(-1))))].toSorted((one, other) => one - other)
    expect(ports).toEqual([6443, 10_250, 10_256, 10_257, 10_259])
  })

  test.each([6443, 10_250, 10_257, 10_259])('port %i speaks TLS 1.2 and newer only', async (port) => {
    expect(await answerOf(port, '/healthz', 'TLSv1.1')).toMatch(/ERR_SSL|ECONNRESET|EPROTO/)
    expect(await answerOf(port, '/healthz', 'TLSv1.2')).toMatch(/^\d+$/)
  })

  test('keys, kubeconfigs and the store are root\'s alone', () => {
    const { home } = cluster
    expect([home.kubeconfig, ...readdirSync(home.kubeconfigs).map((name) => path.join(home.kubeconfigs, name)), ...readdirSync(home.pki).filter((name) => name.endsWith('.key')).map((name) => path.join(home.pki, name))].filter((file) => modeOf(file) !== '600')).toEqual([])
    expect([home.data, home.store, home.logs].filter((directory) => statSync(directory).mode & 0o077)).toEqual([])
    expect(readdirSync(home.store, { recursive: true, withFileTypes: true }).filter((each) => each.isFile()).map((each) => path.join(each.parentPath, each.name)).filter((file) => statSync(file).mode & 0o077)).toEqual([])
  })

  test('tokens live for an hour, are bound, and end with what they are bound to', async () => {
    const claims = (token: string): { iat: number; exp: number; 'kubernetes.io': { pod?: { name: string } } } => JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as never
    const own = claims((await cluster.kubectl(['create', 'token', 'default'])).trim())
    expect(own.exp - own.iat).toBe(3600)
    const pod = (await cluster.kubectl(['-n', 'kube-system', 'get', 'pods', '-l', 'k8s-app=kube-dns', '-o', 'name'])).trim()
    const token = (await cluster.kubectl(['-n', 'kube-system', 'exec', pod, '--', 'cat', '/var/run/secrets/kubernetes.io/serviceaccount/token'])).trim()
    const mounted = claims(token)
    // What upstream's kubelet asks for: an hour and seven seconds, which the API server takes for "extend, while clients learn to read it anew", where that is on.
    expect(mounted.exp - mounted.iat).toBe(3607)
    expect(mounted['kubernetes.io'].pod?.name).toBe(pod.replace('pod/', ''))
  })

  test('no secret is an argument or in the environment of a process of ours', async () => {
    const key = readFileSync(path.join(cluster.home.pki, 'sa.key'), 'utf8').split('\n')[1] ?? ''
    expect(key.length).toBeGreaterThan(40)
    // One that has it, so that a search which finds nothing is known to be able to find something.
    const careless = execa('sleep', ['60'], { env: { KEY: key }, reject: false })
    const seen = readdirSync('/proc').filter((name) => /^\d+$/.test(name)).flatMap((pid) => ['cmdline', 'environ'].map((file) => path.join('/proc', pid, file)))
    const { stdout } = await execa('grep', ['-laF', '-e', key, ...seen], { reject: false })
    careless.kill()
    await careless
    expect(stdout).toBe(`/proc/${careless.pid}/environ`)
  })
})
