/** What the API server asks of servers in pods: webhooks that admit, webhooks that convert. Upstream: test/e2e/apimachinery/{webhook,crd_selectable_fields}.go. */
import { realpathSync } from 'node:fs'
import { expect } from 'vitest'
import { ConfigMaps, CustomResourceDefinitions, kind, MutatingWebhookConfigurations, Namespaces, Pods, Secrets, Services } from '../../src/api/kinds.ts'
import type { KubeObject } from '../../src/api/meta.ts'
import { newCertificate, newCertificateAuthority, validFor } from '../../src/client/pki.ts'
import { until } from '../support/cluster.ts'
import type { Behaviour, Watched, World } from '../support/conformance.ts'
import { isReady } from '../support/live-client.ts'
import { programPod } from './network-programs.ts'

/** Stands for agnhost's `webhook` and `crd-conversion-webhook`: runs inside of the pod. */
const program = `
const https = require('node:https'), fs = require('node:fs')
const convert = (object, desiredAPIVersion) => {
  const { hostPort, host, port, ...rest } = object
  const [first, second] = (hostPort ?? '').split(':')
  const fields = desiredAPIVersion.endsWith('/v2') ? { ...(first && { host: first }), ...(second && { port: second }) } : { hostPort: (host ?? '') + ':' + (port ?? '') }
  return object.apiVersion === desiredAPIVersion ? object : { ...rest, apiVersion: desiredAPIVersion, ...fields }
}
const answers = {
  '/mutating-configmaps': ({ uid, object }) => ({ uid, allowed: true, ...(object.data?.['mutation-start'] === 'yes' && { patchType: 'JSONPatch', patch: Buffer.from('[{"op":"add","path":"/data/mutation-stage-1","value":"yes"}]').toString('base64') }) }),
  '/crdconvert': ({ uid, objects, desiredAPIVersion }) => ({ uid, result: { status: 'Success' }, convertedObjects: objects.map((each) => convert(each, desiredAPIVersion)) }),
}
https.createServer({ key: fs.readFileSync('/tls/tls.key'), cert: fs.readFileSync('/tls/tls.crt') }, async (request, response) => {
  let text = ''
  for await (const chunk of request) text += chunk
  const { apiVersion, kind, request: asked } = JSON.parse(text)
  response.setHeader('content-type', 'application/json').end(JSON.stringify({ apiVersion, kind, response: answers[request.url.split('?')[0]](asked) }))
}).listen(8443)
`

/** The server behind a Service; resolves with the bundle that trusts it. */
const serve = async ({ client }: World, namespace: string): Promise<string> => {
  const validity = validFor(1, new Date())
  const ca = await newCertificateAuthority({ commonName: 'e2e-server-cert-ca', validity })
  const { certificate, key } = await newCertificate(ca, { subject: { commonName: 'webhook', dnsNames: [`e2e-test-webhook.${namespace}.svc`] }, usages: ['server auth'], validity })
  await client.create(Secrets, { metadata: { name: 'sample-webhook-secret', namespace }, stringData: { 'tls.crt': certificate, 'tls.key': key } } as never)
  await client.create(ConfigMaps, { metadata: { name: 'program', namespace }, data: { 'server.js': program } })
  await client.create(Services, { metadata: { name: 'e2e-test-webhook', namespace }, spec: { selector: { app: 'webhook' }, ports: [{ protocol: 'TCP', port: 8443, targetPort: 8443 }] } } as never)
  await client.create(Pods, programPod('webhook', namespace, ['/opt/node', '/program/server.js'], {
    container: { readinessProbe: { tcpSocket: { port: 8443 }, periodSeconds: 1 }, volumeMounts: [{ name: 'node', mountPath: '/opt/node', readOnly: true }, { name: 'program', mountPath: '/program' }, { name: 'tls', mountPath: '/tls' }] },
    spec: { volumes: [{ name: 'node', hostPath: { path: realpathSync(process.execPath), type: 'File' } }, { name: 'program', configMap: { name: 'program' } }, { name: 'tls', secret: { secretName: 'sample-webhook-secret' } }] },
  }))
  await until('the server is ready', async () => isReady(await client.get(Pods, { name: 'webhook', namespace })))
  return Buffer.from(ca.certificate).toString('base64')
}

const properties = (...names: string[]) => ({ openAPIV3Schema: { type: 'object', properties: Object.fromEntries(names.map((name) => [name, { type: 'string' }])) } })
interface Resource extends KubeObject { host?: string; port?: string; hostPort?: string }
const versions = (group: string) => (['v1', 'v2'] as const).map((version) => kind<Resource>({ group, version, kind: 'Selectable', plural: 'selectables' }))

const definition = (group: string, namespace: string, caBundle: string) => ({ metadata: { name: `selectables.${group}` }, spec: {
  group, scope: 'Namespaced', preserveUnknownFields: false, names: { plural: 'selectables', singular: 'selectable', kind: 'Selectable', listKind: 'SelectableList' },
  conversion: { strategy: 'Webhook', webhook: { conversionReviewVersions: ['v1', 'v1beta1'], clientConfig: { caBundle, service: { namespace, name: 'e2e-test-webhook', path: '/crdconvert', port: 8443 } } } },
  versions: [
    { name: 'v1', served: true, storage: true, schema: properties('hostPort'), selectableFields: [{ jsonPath: '.hostPort' }] },
    { name: 'v2', served: true, storage: false, schema: properties('host', 'port'), selectableFields: [{ jsonPath: '.host' }, { jsonPath: '.port' }] },
  ] } }) as never

const namesOf = (type: string, { events }: Watched<KubeObject>): string[] => [...new Set(events.filter((event) => event.type === type).map(({ object }) => object.metadata.name))].sort()
const accumulate = (what: string, watched: Watched<KubeObject>, added: string[], deleted: string[]): Promise<unknown> => until(what, async () => {
  const found = [namesOf('ADDED', watched), namesOf('DELETED', watched)]
  if (JSON.stringify(found) === JSON.stringify([added, deleted])) return true
  throw new Error(JSON.stringify(watched.events))
}, 60)

const selectableFields = async (world: World, namespace: string): Promise<void> => {
  const { client, watch } = world
  const group = `${namespace}.stable.example.com`
  await client.create(CustomResourceDefinitions, definition(group, namespace, await serve(world, namespace)))
  const [v1, v2] = versions(group)
  if (!v1 || !v2) throw new Error('no versions')
  const create = (name: string, fields: object) => client.create(v2, { metadata: { name, namespace }, ...fields } as never)
  await until('conversion works', () => create('marker', { host: 'none' }).catch(() => undefined))
  await client.delete(v2, { name: 'marker', namespace })
  using byHost = watch(v2, { namespace, fieldSelector: 'host=host1' })
  using byBoth = watch(v2, { namespace, fieldSelector: 'host=host1,port=80' })
  using inV1 = watch(v1, { namespace, fieldSelector: 'hostPort=host1:80' })
  for (const each of [byHost, byBoth, inV1]) await each.synced()
  for (const [name, fields] of [['a', { host: 'host1', port: '80' }], ['b', { host: 'host1', port: '8080' }], ['c', { host: 'host2' }]] as const) await create(name, fields)
  const listed = async (version: typeof v1, fieldSelector: string): Promise<string[]> => (await client.list(version, { namespace, fieldSelector })).items.map(({ metadata }) => metadata.name)
  expect(await listed(v2, 'host=host1')).toEqual(['a', 'b'])
  expect(await listed(v2, 'host=host1,port=80')).toEqual(['a'])
  expect(await listed(v1, 'hostPort=host1:80')).toEqual(['a'])
  expect(await listed(v1, 'hostPort=host1:8080')).toEqual(['b'])
  await accumulate('added by host', byHost, ['a', 'b'], [])
  await accumulate('added by host and port', byBoth, ['a'], [])
  await accumulate('added in v1', inV1, ['a'], [])
  await client.deleteCollection(v2, { namespace, fieldSelector: 'host=host1,port=80' }, { gracePeriodSeconds: 0 })
  await client.update(v2, { ...await client.get(v2, { name: 'b', namespace }), host: 'host2' })
  expect(await listed(v2, 'host=host1')).toEqual([])
  expect(await listed(v2, 'host=host1,port=80')).toEqual([])
  await accumulate('deleted by host', byHost, ['a', 'b'], ['a', 'b'])
  await accumulate('deleted by host and port', byBoth, ['a'], ['a'])
  await accumulate('deleted in v1', inV1, ['a'], ['a'])
  await client.delete(CustomResourceDefinitions, { name: `selectables.${group}` })
}

export const callouts = (behaviour: Behaviour): void => {
  behaviour('[sig-api-machinery] CustomResourceFieldSelectors [Privileged:ClusterAdmin] CustomResourceFieldSelectors MUST list and watch custom resources matching the field selector [Conformance]', selectableFields)
  behaviour("[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should mutate everything except 'skip-me' configmaps [Conformance]", async (world, namespace) => {
    const { client, updated } = world
    const caBundle = await serve(world, namespace)
    await updated(Namespaces, { name: namespace }, ({ metadata }) => { metadata.labels = { ...metadata.labels, [namespace]: 'true' } })
    await client.create(MutatingWebhookConfigurations, { metadata: { name: namespace }, webhooks: [{
      name: 'adding-configmap-data-stage-1.k8s.io', sideEffects: 'None', admissionReviewVersions: ['v1', 'v1beta1'], namespaceSelector: { matchLabels: { [namespace]: 'true' } },
      rules: [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'] }], matchConditions: [{ name: 'skip-me', expression: 'object.metadata.name != \'skip-me\'' }],
      clientConfig: { service: { namespace, name: 'e2e-test-webhook', path: '/mutating-configmaps', port: 8443 }, caBundle } }] } as never)
    let tries = 0
    const create = async (name: string) => (await client.create(ConfigMaps, { metadata: { name, namespace }, data: { 'mutation-start': 'yes' } })).data
    await until('the webhook acts', async () => { const data = await create(`marker-${++tries}`).catch(() => undefined); return data?.['mutation-stage-1'] === 'yes' })
    expect(await create('skip-me')).toEqual({ 'mutation-start': 'yes' })
    expect(await create('mutate-me')).toEqual({ 'mutation-start': 'yes', 'mutation-stage-1': 'yes' })
    await client.delete(MutatingWebhookConfigurations, { name: namespace })
  })
}
