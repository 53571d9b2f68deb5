/** A definition as client-go's typed client sends it: protobuf, with Go's zero values. Encoded from upstream's own message definitions. */
import { expect, test } from 'vitest'
import { hasOracle } from '../../support/oracle.ts'
import { ProtobufEncoder } from '../../support/protobuf-encode.ts'
import { definitions, startCrdServer, until } from './support.ts'

test.runIf(hasOracle)('a definition in protobuf is the one in JSON', async () => {
  await using server = await startCrdServer()
  const schema = {
    type: 'object', title: '', format: '', nullable: false, exclusiveMaximum: false, uniqueItems: false, 'x-kubernetes-embedded-resource': false, 'x-kubernetes-int-or-string': false,
    properties: { spec: { type: 'object', properties: {
      list: { type: 'array', 'x-kubernetes-list-type': 'set', items: { type: 'string', enum: ['a', 'b'] } }, map: { type: 'object', additionalProperties: { type: 'integer', minimum: 0 } },
      count: { type: 'integer', default: 3 }, text: { type: 'string', default: 'x', maxLength: 5 }, port: { 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }] },
      object: { type: 'object', default: { a: true }, properties: { a: { type: 'boolean' } } },
    }, 'x-kubernetes-validations': [{ rule: 'self.count < 9', message: 'too many' }] } },
  }
  const body = new ProtobufEncoder().body('k8s.io.apiextensions_apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition', {
    apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: 'protos.stable.example.com' },
    spec: { group: 'stable.example.com', scope: 'Namespaced', names: { plural: 'protos', singular: '', kind: 'Proto', listKind: '' }, preserveUnknownFields: false,
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema }, subresources: { status: {} } }] },
    status: { conditions: [], acceptedNames: { plural: '', singular: '', kind: '', listKind: '' }, storedVersions: [] },
  })
  const answer = await server.ask('POST', definitions, { body, headers: { 'content-type': 'application/vnd.kubernetes.protobuf' } })
  expect(answer.status, answer.text).toBe(201)
  await until(server, `${definitions}/protos.stable.example.com`, (found) => JSON.stringify(found['status']).includes('InitialNamesAccepted'))
  const path = '/apis/stable.example.com/v1/namespaces/default/protos'
  const object = (spec: object): object => ({ apiVersion: 'stable.example.com/v1', kind: 'Proto', metadata: { name: 'x' }, spec })
  expect((await server.ask('POST', path, { body: object({ list: ['a'], map: { z: 1 }, port: 'http' }) })).body['spec']).toEqual({ list: ['a'], map: { z: 1 }, port: 'http', count: 3, text: 'x', object: { a: true } })
  const wrong = await server.ask('POST', path, { body: object({ list: ['c'], map: { z: -1 } }) })
  for (const message of ['spec.list[0]: Unsupported value: "c": supported values: "a", "b"', 'spec.map.z: Invalid value: -1']) expect(wrong.body.message).toContain(message)
  expect((await server.ask('POST', path, { body: object({ count: 10 }) })).body.message).toContain('spec: Invalid value: "object": too many')
  expect((await server.ask('GET', '/apis/stable.example.com/v1')).text).toContain('protos/status')
})
