/** Pods that show one thing each: runtime classes, environments, accounts, logs. Upstream: test/e2e/{common/node,auth,kubectl}. */
import { realpathSync } from 'node:fs'
import { expect } from 'vitest'
import { ClusterRoleBindings, ConfigMaps, Pods, PodTemplates, RuntimeClasses, Secrets } from '../../src/api/kinds.ts'
import type { Pod } from '../../src/api/types.ts'
import { until } from '../support/cluster.ts'
import { type Behaviour, refused, type World } from '../support/conformance.ts'
import { programPod } from './network-programs.ts'

const ended = async ({ client, cluster }: World, pod: Pod): Promise<string> => {
  const at = { name: pod.metadata.name, namespace: pod.metadata.namespace ?? '' }
  await client.create(Pods, pod)
  const { status } = await until(`pod ${at.name} has ended`, async () => {
    const found = await client.get(Pods, at)
    if (found.status.phase === 'Succeeded' || found.status.phase === 'Failed') return found
    throw new Error(JSON.stringify(found.status))
  })
  const log = await cluster.kubectl(['-n', at.namespace, 'logs', at.name])
  expect(status.phase, log).toBe('Succeeded')
  return log
}

const runtimeClass = (name: string, namespace: string): Pod => programPod(name, namespace, ['true'], { spec: { runtimeClassName: name, restartPolicy: 'Never', automountServiceAccountToken: false } })
const scheduled = async ({ client }: World, namespace: string, overhead: Record<string, string> | undefined): Promise<void> => {
  const name = `${namespace}-preconfigured`
  await client.create(RuntimeClasses, { metadata: { name }, handler: 'test-handler', ...(overhead && { overhead: { podFixed: overhead } }) })
  const created = await client.create(Pods, runtimeClass(name, namespace))
  expect(created.spec.overhead).toEqual(overhead)
  await until('it is scheduled', async () => (await client.get(Pods, { name, namespace })).status.conditions?.some(({ type, status }) => type === 'PodScheduled' && status === 'True'))
  await client.delete(Pods, { name, namespace }, { gracePeriodSeconds: 0 })
  await client.delete(RuntimeClasses, { name })
}
const forbidden = { code: 403, reason: 'Forbidden' }

/** Any printable character but «=» may stand in the name of a variable. */
const prefixes = ['p-', '1-', '-', '.', '$_', '#!', '@%', ':;', '()', '[]', '{}', '<>', '?/', '\\|', '~^', '&*', ',+', '"\'', '` ']
const prefixed = async (world: World, namespace: string, kind: 'configMapRef' | 'secretRef'): Promise<void> => {
  const { client } = world
  const data = { 'data-1': 'value-1', data_2: 'value-2' }
  if (kind === 'configMapRef') await client.create(ConfigMaps, { metadata: { name: 'source', namespace }, data })
  else await client.create(Secrets, { metadata: { name: 'source', namespace }, stringData: data } as never)
  const envFrom = ['', ...prefixes].map((prefix) => ({ ...(prefix && { prefix }), [kind]: { name: 'source' } }))
  const log = await ended(world, programPod('env-test', namespace, ['env'], { container: { envFrom }, spec: { restartPolicy: 'Never' } }))
  const lines = log.split('\n')
  for (const prefix of ['', ...prefixes]) for (const [name, value] of Object.entries(data)) expect(lines).toContain(`${prefix}${name}=${value}`)
  const wrong = programPod('wrong', namespace, ['env'], { container: { envFrom: [{ prefix: 'a=b', [kind]: { name: 'source' } }] } })
  expect(await refused(client.create(Pods, wrong))).toMatchObject({ code: 422, reason: 'Invalid' })
}

/** Discovers the issuer of its own token, fetches the keys, checks the signature: what agnhost test-service-account-issuer-discovery does. */
const discovery = `
const https = require('node:https'), fs = require('node:fs'), crypto = require('node:crypto')
const ca = fs.readFileSync('/var/run/secrets/kubernetes.io/serviceaccount/ca.crt')
const bearer = fs.readFileSync('/var/run/secrets/kubernetes.io/serviceaccount/token', 'utf8')
const token = fs.readFileSync('/var/run/secrets/tokens/sa-token', 'utf8')
const get = (url) => new Promise((resolve, reject) => https.get(url, { ca, headers: { authorization: 'Bearer ' + bearer } }, (answer) => {
  let text = ''; answer.on('data', (data) => { text += data }); answer.on('end', () => (answer.statusCode === 200 ? resolve(JSON.parse(text)) : reject(new Error(url + ': ' + answer.statusCode + ' ' + text))))
}).on('error', reject))
const part = (text) => JSON.parse(Buffer.from(text, 'base64url').toString())
const [head, body, signature] = token.split('.')
const claims = part(body), { kid, alg } = part(head)
;(async () => {
  const found = await get(claims.iss + '/.well-known/openid-configuration')
  if (found.issuer !== claims.iss) throw new Error('issuer ' + found.issuer)
  if (!found.id_token_signing_alg_values_supported.includes(alg)) throw new Error('algorithm ' + alg)
  const { keys } = await get(found.jwks_uri)
  const key = crypto.createPublicKey({ key: keys.find((each) => each.kid === kid), format: 'jwk' })
  const right = crypto.verify('sha256', Buffer.from(head + '.' + body), { key, ...(alg.startsWith('ES') && { dsaEncoding: 'ieee-p1363' }) }, Buffer.from(signature, 'base64url'))
  if (!right) throw new Error('the signature is wrong')
  if (!claims.aud.includes('oidc-discovery-test')) throw new Error('audience ' + claims.aud)
  console.log('completed successfully')
})()
`
const node = { name: 'node', hostPath: { path: realpathSync(process.execPath), type: 'File' } }

export const smallPods = (behaviour: Behaviour): void => {
  behaviour('[sig-auth] ServiceAccounts ServiceAccountIssuerDiscovery should support OIDC discovery of service account issuer [Conformance]', async (world, namespace) => {
    const { client } = world
    const role = 'system:service-account-issuer-discovery'
    await client.create(ClusterRoleBindings, { metadata: { name: `${namespace}-discovery` }, roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role }, subjects: [{ kind: 'ServiceAccount', name: 'default', namespace }] })
    const log = await ended(world, programPod('oidc-discovery-validator', namespace, ['/opt/node', '-e', discovery], {
      container: { volumeMounts: [{ name: 'node', mountPath: '/opt/node', readOnly: true }, { name: 'sa-token', mountPath: '/var/run/secrets/tokens', readOnly: true }] },
      spec: { restartPolicy: 'Never', volumes: [node, { name: 'sa-token', projected: { sources: [{ serviceAccountToken: { path: 'sa-token', expirationSeconds: 7200, audience: 'oidc-discovery-test' } }] } }] },
    }))
    expect(log).toContain('completed successfully')
    await client.delete(ClusterRoleBindings, { name: `${namespace}-discovery` })
  })
  behaviour('[sig-cli] Kubectl logs logs should be able to retrieve and filter logs [Conformance]', async ({ client, cluster }, namespace) => {
    const logs = (...options: string[]): Promise<string> => cluster.kubectl(['-n', namespace, 'logs', 'logs-generator', 'main', ...options])
    const say = '$| = 1; for (1 .. 100) { printf "I0102 03:04:05.%06d 1 logs_generator.go:76] %d GET /api/v1/namespaces/kube-system/pods/abc %d\\n", $_, $_, 200 + $_; select undef, undef, undef, 0.2 }'
    await client.create(Pods, programPod('logs-generator', namespace, ['perl', '-e', say], { spec: { restartPolicy: 'Never' } }))
    await until('it writes', async () => (await logs().catch(() => '')).includes('/api/v1/namespaces/kube-system'))
    expect((await logs('--tail=1')).trimEnd().split('\n')).toHaveLength(1)
    expect(await logs('--limit-bytes=1')).toHaveLength(1)
    const [stamped, ...more] = (await logs('--tail=1', '--timestamps')).trimEnd().split('\n')
    expect([stamped, more]).toEqual([expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d) I0102 /), []])
    // Two seconds, since one is the unit: until there are lines that are older than that.
    await until('some lines are older', async () => (await logs('--since=1s')).split('\n').length < (await logs('--since=24h')).split('\n').length)
  })

  behaviour('[sig-node] RuntimeClass should reject a Pod requesting a non-existent RuntimeClass [NodeConformance] [Conformance]', async ({ client }, namespace) => {
    expect(await refused(client.create(Pods, runtimeClass(`${namespace}-nonexistent`, namespace)))).toMatchObject(forbidden)
  })
  behaviour('[sig-node] RuntimeClass should reject a Pod requesting a deleted RuntimeClass [NodeConformance] [Conformance]', async ({ client, gone }, namespace) => {
    const name = `${namespace}-delete-me`
    await client.create(RuntimeClasses, { metadata: { name }, handler: 'runc' })
    await client.delete(RuntimeClasses, { name })
    await gone(RuntimeClasses, { name })
    expect(await refused(client.create(Pods, runtimeClass(name, namespace)))).toMatchObject(forbidden)
  })
  behaviour('[sig-node] RuntimeClass should schedule a Pod requesting a RuntimeClass without PodOverhead [NodeConformance] [Conformance]', (world, namespace) => scheduled(world, namespace, undefined))
  behaviour('[sig-node] RuntimeClass should schedule a Pod requesting a RuntimeClass and initialize its Overhead [NodeConformance] [Conformance]', (world, namespace) => scheduled(world, namespace, { cpu: '10m', memory: '1Mi' }))

  behaviour('[sig-node] ConfigMap should be consumable as environment variable names with various prefixes [Conformance]', (world, namespace) => prefixed(world, namespace, 'configMapRef'))
  behaviour('[sig-node] Secrets should be consumable as environment variable names variable names with various prefixes [Conformance]', (world, namespace) => prefixed(world, namespace, 'secretRef'))
  behaviour('[sig-node] PodTemplates should replace a pod template [Conformance]', async ({ client, updated }, namespace) => {
    await client.create(PodTemplates, { metadata: { name: 'pt', namespace, labels: { podtemplate: namespace } }, template: { spec: { containers: [{ name: 'e2e-test', image: 'host' }] } } } as never)
    const replaced = await updated(PodTemplates, { name: 'pt', namespace }, ({ metadata }) => { metadata.annotations = { ...metadata.annotations, updated: 'true' } })
    expect(replaced).toMatchObject({ metadata: { annotations: { updated: 'true' }, labels: { podtemplate: namespace } } })
  })
}
