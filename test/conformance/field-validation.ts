/** Unknown and repeated fields. Upstream: test/e2e/apimachinery/field_validation.go. */
import { expect } from 'vitest'
import { CustomResourceDefinitions } from '../../src/api/kinds.ts'
import { until } from '../support/cluster.ts'
import type { Answer, Behaviour, World } from '../support/conformance.ts'

const ports = {
  type: 'array', 'x-kubernetes-list-map-keys': ['containerPort', 'protocol'], 'x-kubernetes-list-type': 'map',
  items: { type: 'object', required: ['containerPort', 'protocol'], properties: {
    containerPort: { format: 'int32', type: 'integer' }, hostIP: { type: 'string' }, hostPort: { format: 'int32', type: 'integer' }, name: { type: 'string' }, protocol: { type: 'string' } } },
}
const fields = { foo: { type: 'string' }, cronSpec: { type: 'string', pattern: String.raw`^(\d+|\*)(/\d+)?(\s+(\d+|\*)(/\d+)?){4}$` }, ports }
const closed = { type: 'object', properties: { spec: { type: 'object', properties: fields } } }
const keeping = { type: 'object', properties: { spec: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true, properties: fields } } }
const embedding = { type: 'object', properties: { spec: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true, properties: { ...fields, template: {
  type: 'object', 'x-kubernetes-embedded-resource': true, properties: { metadata: { type: 'object', properties: { name: { type: 'string' } } }, spec: { type: 'object' } } } } } } }

const rest = `  cronSpec: "* * * * */5"
  ports:
  - name: x
    containerPort: 80
    protocol: TCP`

/** Applies `mytest` of a fresh custom resource with two versions, strictly, and hands back what the server said. */
const applied = async ({ client, ask }: World, namespace: string, schema: object, { top = '', metadata = '', spec }: { top?: string; metadata?: string; spec: string }): Promise<Answer> => {
  const plural = `noxus${namespace.replaceAll(/[^a-z0-9]/g, '')}`
  const kind = `Noxu${plural}`
  const version = (name: string, storage: boolean) => ({ name, served: true, storage, schema: { openAPIV3Schema: schema }, subresources: { status: {}, scale: { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas' } } })
  await client.create(CustomResourceDefinitions, { metadata: { name: `${plural}.mygroup.example.com` }, spec: {
    group: 'mygroup.example.com', scope: 'Cluster', names: { plural, singular: `${plural}x`, kind, listKind: `${kind}List` }, versions: [version('v1beta1', true), version('v1beta2', false)] } } as never)
  await until('the custom resource is served', async () => (await ask('GET', `/apis/mygroup.example.com/v1beta1/${plural}`)).status === 200)
  const path = `/apis/mygroup.example.com/v1beta1/${plural}/mytest`
  const yaml = `\napiVersion: mygroup.example.com/v1beta1\nkind: ${kind}\nmetadata:\n  name: mytest\n${metadata}  finalizers:\n  - test-finalizer\n${top}spec:\n${spec}${rest}`
  const answer = await ask('PATCH', `${path}?fieldManager=field_validation_mgr&fieldValidation=Strict`, { body: yaml, headers: { 'content-type': 'application/apply-patch+yaml' } })
  await ask('PATCH', path, { body: { metadata: { finalizers: null } }, headers: { 'content-type': 'application/merge-patch+json' } })
  await client.delete(CustomResourceDefinitions, { name: `${plural}.mygroup.example.com` })
  return answer
}

const deployment = ({ metadata = '', spec = '' }): string => `{
  "apiVersion": "apps/v1", "kind": "Deployment",
  "metadata": {"name": "my-dep", ${metadata}"labels": {"app": "nginx"}},
  "spec": {${spec}"selector": {"matchLabels": {"app": "nginx"}}, "template": {"metadata": {"labels": {"app": "nginx"}}, "spec": {"containers": [{"name": "nginx", "image": "nginx:latest"}]}}}
}`
const strictly = (world: World, namespace: string, body: string): Promise<Answer> => world.ask('POST', `/apis/apps/v1/namespaces/${namespace}/deployments?fieldManager=field_validation_mgr&fieldValidation=Strict`, { body })

export const fieldValidation = (behaviour: Behaviour): void => {
  behaviour('[sig-api-machinery] FieldValidation should detect unknown and duplicate fields of a typed object [Conformance]', async (world, namespace) => {
    const answer = await strictly(world, namespace, deployment({ spec: '"unknownField": "foo", "replicas": 2, "replicas": 3, ' }))
    expect([answer.status, answer.body['message']]).toEqual([400, expect.stringContaining('strict decoding error: unknown field "spec.unknownField", duplicate field "spec.replicas"')])
  })
  behaviour('[sig-api-machinery] FieldValidation should detect unknown metadata fields of a typed object [Conformance]', async (world, namespace) => {
    const answer = await strictly(world, namespace, deployment({ metadata: '"unknownMeta": "foo", ' }))
    expect([answer.status, answer.body['message']]).toEqual([400, expect.stringContaining('strict decoding error: unknown field "metadata.unknownMeta"')])
  })
  behaviour('[sig-api-machinery] FieldValidation should create/apply a valid CR for CRD with validation schema [Conformance]', async (world, namespace) => {
    const answer = await applied(world, namespace, closed, { spec: '  foo: foo1\n' })
    expect(answer.status, answer.text).toBe(201)
  })
  behaviour('[sig-api-machinery] FieldValidation should create/apply a CR with unknown fields for CRD with no validation schema [Conformance]', async (world, namespace) => {
    const answer = await applied(world, namespace, { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }, { spec: '  unknown: uk1\n' })
    expect(answer.status, answer.text).toBe(201)
  })
  behaviour('[sig-api-machinery] FieldValidation should create/apply an invalid CR with extra properties for CRD with validation schema [Conformance]', async (world, namespace) => {
    const answer = await applied(world, namespace, closed, { top: 'unknownField: unknown\n', spec: '  foo: foo1\n' })
    expect(answer.text).toContain('.unknownField: field not declared in schema')
  })
  behaviour('[sig-api-machinery] FieldValidation should detect unknown metadata fields in both the root and embedded object of a CR [Conformance]', async (world, namespace) => {
    const spec = `  template:\n    apiversion: foo/v1\n    kind: Sub\n    metadata:\n        unknownSubMeta: unknown\n        name: subobject\n        namespace: ${namespace}\n  foo: foo1\n`
    const answer = await applied(world, namespace, embedding, { metadata: '  unknownMeta: unknown\n', spec })
    expect(answer.text).toMatch(/\.spec\.template\.metadata\.unknownSubMeta: field not declared in schema|\.metadata\.unknownMeta: field not declared in schema/)
  })
  behaviour('[sig-api-machinery] FieldValidation should detect duplicates in a CR when preserving unknown fields [Conformance]', async (world, namespace) => {
    const answer = await applied(world, namespace, keeping, { spec: '  unknown: uk1\n  foo: foo1\n  foo: foo2\n' })
    expect(answer.text).toContain(String.raw`line 11: key \"foo\" already set in map`)
  })
}
