/** Servers in pods that the API server calls out to: admission webhooks and an aggregated API server, behind one Service, with real kubectl. */
import { realpathSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newCertificate, newCertificateAuthority, validFor } from '../../src/client/pki.ts'
import { isRoot, startTestCluster, type TestCluster } from '../support/cluster.ts'
import { sayWhatIsSkipped } from '../support/skipped.ts'

sayWhatIsSkipped('extension-servers.test.ts')

/** Runs inside of the pod. */
const program = `
const https = require('node:https'), fs = require('node:fs')
const list = { kind: 'APIResourceList', apiVersion: 'v1', groupVersion: 'test.example.com/v1', resources: [{ name: 'echoes', singularName: 'echo', namespaced: true, kind: 'Echo', verbs: ['get', 'list'] }] }
const echo = (request) => ({ kind: 'Echo', apiVersion: 'test.example.com/v1', metadata: { name: 'me', namespace: 'default' }, user: request.headers['x-remote-user'], certificate: request.socket.authorized && request.socket.getPeerCertificate().subject.CN })
const answers = {
  '/mutate': () => ({ allowed: true, patchType: 'JSONPatch', patch: Buffer.from(JSON.stringify([{ op: 'add', path: '/data/mutated', value: 'yes' }])).toString('base64') }),
  '/validate': ({ object }) => (object.data.bad ? { allowed: false, status: { message: 'no bad data' } } : { allowed: true, warnings: ['looked at'] }),
}
const tls = '/tls/'
https.createServer({ key: fs.readFileSync(tls + 'tls.key'), cert: fs.readFileSync(tls + 'tls.crt'), ca: fs.readFileSync(tls + 'front-proxy-ca.crt'), requestCert: true, rejectUnauthorized: false }, async (request, response) => {
  let text = ''
  for await (const chunk of request) text += chunk
  const path = request.url.split('?')[0]
  response.setHeader('content-type', 'application/json')
  if (answers[path]) {
    const review = JSON.parse(text)
    response.end(JSON.stringify({ apiVersion: review.apiVersion, kind: review.kind, response: { uid: review.request.uid, ...answers[path](review.request) } }))
  } else response.end(JSON.stringify(path.endsWith('/echoes/me') ? echo(request) : list))
}).listen(8443)
`

const webhook = (name: string, path: string, caBundle: string): object => ({
  name: `${name}.example.com`, clientConfig: { service: { namespace: 'default', name: 'extension', path }, caBundle }, sideEffects: 'None', admissionReviewVersions: ['v1'],
  rules: [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'] }], objectSelector: { matchLabels: { hooked: 'yes' } },
})
const admission = { apiVersion: 'admissionregistration.k8s.io/v1' }

const objects = async (frontProxyCa: string): Promise<object[]> => {
  const validity = validFor(1, new Date())
  const ca = await newCertificateAuthority({ commonName: 'extension-ca', validity })
  const { certificate, key } = await newCertificate(ca, { subject: { commonName: 'extension', dnsNames: ['extension.default.svc'] }, usages: ['server auth'], validity })
  const caBundle = Buffer.from(ca.certificate).toString('base64')
  const labels = { app: 'extension' }
  return [
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'extension' }, data: { 'server.js': program } },
    { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'extension' }, stringData: { 'tls.crt': certificate, 'tls.key': key, 'front-proxy-ca.crt': frontProxyCa } },
    { apiVersion: 'v1', kind: 'Service', metadata: { name: 'extension' }, spec: { selector: labels, ports: [{ port: 443, targetPort: 8443 }] } },
    { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'extension', labels }, spec: {
      terminationGracePeriodSeconds: 0,
      containers: [{ name: 'server', image: 'host', command: ['/opt/node', '/program/server.js'], readinessProbe: { tcpSocket: { port: 8443 }, periodSeconds: 1 },
        volumeMounts: [{ name: 'node', mountPath: '/opt/node', readOnly: true }, { name: 'program', mountPath: '/program' }, { name: 'tls', mountPath: '/tls' }] }],
      volumes: [{ name: 'node', hostPath: { path: realpathSync(process.execPath), type: 'File' } }, { name: 'program', configMap: { name: 'extension' } }, { name: 'tls', secret: { secretName: 'extension' } }],
    } },
    { ...admission, kind: 'MutatingWebhookConfiguration', metadata: { name: 'extension' }, webhooks: [webhook('mutate', '/mutate', caBundle)] },
    { ...admission, kind: 'ValidatingWebhookConfiguration', metadata: { name: 'extension' }, webhooks: [webhook('validate', '/validate', caBundle)] },
    { apiVersion: 'apiregistration.k8s.io/v1', kind: 'APIService', metadata: { name: 'v1.test.example.com' },
      spec: { group: 'test.example.com', version: 'v1', groupPriorityMinimum: 1000, versionPriority: 15, service: { namespace: 'default', name: 'extension' }, caBundle } },
  ]
}

const configMap = (name: string, data: object): string => JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, labels: { hooked: 'yes' } }, data })

describe.runIf(isRoot)('servers in pods', () => {
  let cluster: TestCluster
  beforeAll(async () => {
    cluster = await startTestCluster({ single: true })
    const frontProxyCa = await cluster.kubectl(['-n', 'kube-system', 'get', 'configmap', 'extension-apiserver-authentication', '-o', 'jsonpath={.data.requestheader-client-ca-file}'])
    await cluster.kubectl(['apply', '-f', '-'], { input: JSON.stringify({ apiVersion: 'v1', kind: 'List', items: await objects(frontProxyCa) }) })
  })
  afterAll(() => cluster?.[Symbol.asyncDispose]())

  test('a webhook fails closed until its pod is ready, then changes and refuses', async () => {
    const early = await cluster.tryKubectl(['create', '-f', '-'], { input: configMap('early', { a: 'b' }) })
    if (early.exitCode !== 0) expect(early.stderr).toContain('Internal error occurred: failed calling webhook "mutate.example.com": failed to call webhook: Post "https://extension.default.svc:443/mutate?timeout=10s": no endpoints available for service "extension"')
    await cluster.kubectl(['wait', '--for=condition=Ready', 'pod/extension', '--timeout=30s'])
    const good = await cluster.until('the webhook answers', async () => {
      const answer = await cluster.tryKubectl(['create', '-f', '-'], { input: configMap('good', { a: 'b' }) })
      return answer.exitCode === 0 && answer
    })
    expect(good.stderr).toContain('Warning: looked at')
    expect(await cluster.kubectl(['get', 'configmap', 'good', '-o', 'jsonpath={.data.mutated}'])).toBe('yes')
    const bad = await cluster.tryKubectl(['create', '-f', '-'], { input: configMap('bad', { bad: 'yes' }) })
    expect([bad.exitCode, bad.stderr]).toEqual([1, expect.stringContaining('admission webhook "validate.example.com" denied the request: no bad data')])
  })

  test('an aggregated server is available, discovered and asked as the user', async () => {
    await cluster.kubectl(['wait', '--for=condition=Available', 'apiservice/v1.test.example.com', '--timeout=30s'])
    expect(await cluster.kubectl(['get', 'apiservice', 'v1.test.example.com'])).toMatch(/v1\.test\.example\.com +default\/extension +True /)
    expect(await cluster.kubectl(['api-resources', '--api-group=test.example.com', '--no-headers'])).toMatch(/echoes +test\.example\.com\/v1 +true +Echo/)
    expect(JSON.parse(await cluster.kubectl(['get', '--raw', '/apis/test.example.com/v1/namespaces/default/echoes/me']))).toMatchObject({ user: 'kubernetes-admin', certificate: 'front-proxy-client' })
    expect(JSON.parse(await cluster.kubectl(['get', 'echoes', 'me', '-o', 'json', '--as', 'jane', '--as-group', 'system:masters']))).toMatchObject({ kind: 'Echo', user: 'jane' })
  })
})
