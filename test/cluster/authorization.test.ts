/** --authorization-config: webhooks that decide. Named after upstream's plugin/pkg/authorizer/webhook and apis/apiserver/validation. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseAuthorizationConfiguration, type WebhookSettings } from '../../src/apiserver/authorization/authorization-configuration.ts'
import type { AuthorizationAttributes, Authorizer } from '../../src/apiserver/authorization/authorizer.ts'
import { reviewSpec, webhookAuthorizer } from '../../src/apiserver/authorization/webhook-authorizer.ts'
import { authorizationFrom } from '../../src/cluster/components/authorization.ts'
import { parseFlags } from '../../src/cluster/flags.ts'
import { newCertificate, newCertificateAuthority, validFor } from '../../src/client/pki.ts'
import { fakeClock } from '../support/fake-clock.ts'
import { systemClock } from '../../src/api/clock.ts'

const log = { info: () => undefined, warn: () => undefined, error: () => undefined, debug: () => undefined }
const asked = (more: Partial<AuthorizationAttributes> = {}): AuthorizationAttributes =>
  ({ user: { name: 'jane', groups: ['dev'] }, verb: 'list', resourceRequest: true, apiGroup: 'apps', apiVersion: 'v1', resource: 'deployments', subresource: '', namespace: 'ns', name: '', path: '/x', ...more })

const hook = (more: object = {}): object => ({
  timeout: '3s', subjectAccessReviewVersion: 'v1', matchConditionSubjectAccessReviewVersion: 'v1', failurePolicy: 'NoOpinion', connectionInfo: { type: 'KubeConfigFile', kubeConfigFile: '/k' }, ...more,
})
const file = (...authorizers: object[]): string => JSON.stringify({ apiVersion: 'apiserver.config.k8s.io/v1', kind: 'AuthorizationConfiguration', authorizers }, null, 1)
const webhook = (more: object = {}): object => ({ type: 'Webhook', name: 'hook', webhook: hook(more) })

test('the review says what is asked', () => {
  expect(reviewSpec(asked({ fieldSelector: [{ field: 'a', operator: '!=', value: 'b' }], labelSelector: [{ key: 'c', operator: 'exists', values: [] }, { key: 'd', operator: 'gt', values: ['1'] }] }))).toEqual({
    user: 'jane', groups: ['dev'], resourceAttributes: { namespace: 'ns', verb: 'list', group: 'apps', version: 'v1', resource: 'deployments',
      fieldSelector: { requirements: [{ key: 'a', operator: 'NotIn', values: ['b'] }] }, labelSelector: { requirements: [{ key: 'c', operator: 'Exists' }] } },
  })
  expect(reviewSpec(asked({ resourceRequest: false, verb: 'get', user: { name: 'jane', groups: [], uid: 'u', extra: { e: ['1'] } } }))).toEqual({ user: 'jane', groups: [], uid: 'u', extra: { e: ['1'] }, nonResourceAttributes: { path: '/x', verb: 'get' } })
})

const settingsOf = (more: object): WebhookSettings => {
  const [first] = parseAuthorizationConfiguration(file(webhook(more)), 'z.yaml')
  if (first?.type !== 'Webhook') throw new Error('no webhook')
  return first.webhook
}

describe('what a webhook says', () => test.each<[string, object | Error, object, string]>([
  ['yes', { allowed: true }, {}, 'allow'], ['no', { denied: true }, {}, 'deny'], ['nothing', { allowed: false }, {}, 'no-opinion'],
  ['both', { allowed: true, denied: true }, {}, 'no-opinion'], ['both, and failures deny', { allowed: true, denied: true }, { failurePolicy: 'Deny' }, 'deny'],
  ['does not answer', new Error('gone'), {}, 'no-opinion'], ['does not answer, and failures deny', new Error('gone'), { failurePolicy: 'Deny' }, 'deny'],
  ['is not meant', { allowed: true }, { matchConditions: [{ expression: "request.user != 'jane'" }] }, 'no-opinion'],
  ['is meant', { allowed: true }, { matchConditions: [{ expression: "has(request.resourceAttributes) && request.resourceAttributes.namespace == 'ns'" }] }, 'allow'],
  ['whose condition fails', { allowed: true }, { failurePolicy: 'Deny', matchConditions: [{ expression: "request.nonResourceAttributes.path == '/'" }] }, 'deny'],
])('%s', async (_, status, more, expected) => {
  const authorizer = webhookAuthorizer(settingsOf(more), { clock: fakeClock(), log, ask: () => (status instanceof Error ? Promise.reject(status) : Promise.resolve({ status } as never)) })
  expect((await authorizer.authorize(asked())).verdict).toBe(expected)
}))

test('answers are kept for their time, a yes longer than a no', async () => {
  const clock = fakeClock()
  let count = 0
  let allowed = true
  const { authorize } = webhookAuthorizer(settingsOf({ authorizedTTL: '1m', unauthorizedTTL: '10s' }), { clock, log, ask: () => { count += 1; return Promise.resolve({ status: { allowed } }) } })
  for (const [after, expected] of [[0, 1], [59_000, 1], [2_000, 2]] as const) {
    await clock.advance(after)
    await authorize(asked())
    expect(count).toBe(expected)
  }
  allowed = false
  const other = asked({ name: 'other' })
  await authorize(other)
  await clock.advance(11_000)
  await authorize(other)
  expect(count).toBe(4)
})

describe('what a file may not say', () => test.each<[string, string, RegExp]>([
  ['nothing', file(), /^z\.yaml:\d+: authorizers: Required value: at least one authorization mode must be defined/],
  ['an unknown type', file({ type: 'ABAC', name: 'a' }), /authorizers\[0\]\.type: Unsupported value: "ABAC"/],
  ['one twice', file({ type: 'RBAC', name: 'a' }, { type: 'RBAC', name: 'b' }), /authorizers\[1\]\.type: Duplicate value: "RBAC"/],
  ['a name twice', file({ type: 'RBAC', name: 'a' }, { type: 'Node', name: 'a' }), /authorizers\[1\]\.name: Duplicate value: "a"/],
  ['no name', file({ type: 'RBAC' }), /authorizers\[0\]\.name: Required value/],
  ['a webhook without settings', file({ type: 'Webhook', name: 'a' }), /required when type=Webhook/],
  ['a long time', file(webhook({ timeout: '31s' })), /timeout: Invalid value: "31s": must be <= 30s/],
  ['no policy for failures', file(webhook({ failurePolicy: '' })), /failurePolicy: Required value/],
  ['an old review', file(webhook({ subjectAccessReviewVersion: 'v1beta1' })), /subjectAccessReviewVersion: Unsupported value: "v1beta1"/],
  ['the pod\'s own cluster', file(webhook({ connectionInfo: { type: 'InClusterConfig' } })), /type InClusterConfig is not supported in kube-apiserver/],
  ['a relative file', file(webhook({ connectionInfo: { type: 'KubeConfigFile', kubeConfigFile: 'k' } })), /must be an absolute path/],
  ['a condition that is no question', file(webhook({ matchConditions: [{ expression: 'request.user' }] })), /must evaluate to bool/],
  ['a condition over what there is not', file(webhook({ matchConditions: [{ expression: 'request.odd == 1' }] })), /compilation failed/],
])('%s', (_, text, message) => expect(() => parseAuthorizationConfiguration(text, 'z.yaml')).toThrow(message)))

describe('over the line', () => {
  let folder = ''
  let server: Server
  const seen: { path: string; authorization: string | undefined; body: { kind: string; spec: { user: string } } }[] = []
  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'wherry-authorization-'))
    const validity = validFor(1, new Date())
    const ca = await newCertificateAuthority({ commonName: 'hooks', validity })
    const { certificate, key } = await newCertificate(ca, { subject: { commonName: 'localhost', ipAddresses: ['127.0.0.1'] }, usages: ['server auth'], validity })
    server = createServer({ cert: certificate, key }, (request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => {
        const body = JSON.parse(Buffer.concat(chunks).toString()) as (typeof seen)[number]['body']
        seen.push({ path: request.url ?? '', authorization: request.headers.authorization, body })
        if (body.spec.user === 'moved') response.writeHead(302, { location: '/elsewhere' }).end()
        else response.end(JSON.stringify({ ...body, status: { allowed: body.spec.user === 'jane', reason: 'because' } }))
      })
    })
    await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
    const kubeconfig = { apiVersion: 'v1', kind: 'Config', 'current-context': 'c', contexts: [{ name: 'c', context: { cluster: 'k', user: 'u' } }], users: [{ name: 'u', user: { token: 'secret-token' } }],
      clusters: [{ name: 'k', cluster: { server: `https://127.0.0.1:${(server.address() as AddressInfo).port}/authorize`, 'certificate-authority-data': Buffer.from(ca.certificate).toString('base64') } }] }
    await writeFile(path.join(folder, 'k.yaml'), JSON.stringify(kubeconfig))
    await writeFile(path.join(folder, 'z.yaml'), file(webhook({ connectionInfo: { type: 'KubeConfigFile', kubeConfigFile: path.join(folder, 'k.yaml') } }), { type: 'RBAC', name: 'rbac' }))
  })
  afterAll(async () => {
    server.close()
    server.closeAllConnections()
    await rm(folder, { recursive: true, force: true })
  })
  const flags = (args: Record<string, string>) => parseFlags('apiserver', ['authorization-config', 'authorization-mode'], Object.entries(args).map(([name, text]) => `--${name}=${text}`))

  test('the configured server is asked, with the credentials of its kubeconfig; redirects are not followed', async () => {
    const { authorizers } = await authorizationFrom(flags({ 'authorization-config': path.join(folder, 'z.yaml') }), { clock: systemClock, log })
    const [first, second] = authorizers as [Authorizer, string]
    expect(second).toBe('RBAC')
    expect(await first.authorize(asked())).toEqual({ verdict: 'allow', reason: 'because' })
    expect(seen[0]).toMatchObject({ path: '/authorize', authorization: 'Bearer secret-token', body: { kind: 'SubjectAccessReview', spec: { user: 'jane' } } })
    expect(await first.authorize(asked({ user: { name: 'moved', groups: [] } }))).toEqual({ verdict: 'no-opinion', reason: '' })
    expect(seen.map((each) => each.path)).toEqual(['/authorize', '/authorize'])
  })

  test('flags', async () => {
    const parts = { clock: systemClock, log }
    expect((await authorizationFrom(flags({}), parts)).authorizers).toEqual(['Node', 'RBAC'])
    expect((await authorizationFrom(flags({ 'authorization-mode': 'RBAC' }), parts)).authorizers).toEqual(['RBAC'])
    await expect(authorizationFrom(flags({ 'authorization-mode': 'ABAC' }), parts)).rejects.toThrow('--authorization-mode: "ABAC" is not supported')
    await expect(authorizationFrom(flags({ 'authorization-mode': 'RBAC', 'authorization-config': '/z' }), parts)).rejects.toThrow('may not be used together')
  })
})
