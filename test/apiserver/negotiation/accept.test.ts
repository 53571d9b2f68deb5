import { expect, test } from 'vitest'
import { listShapes, negotiate, objectShapes, plainShape, textObjectShapes, textShape } from '../../../src/apiserver/negotiation/accept.ts'

const table = 'application/json;as=Table;v=v1;g=meta.k8s.io'

for (const [name, header, shapes, expected] of [
  ['nothing said', undefined, objectShapes, { format: 'json', shape: 'object' }],
  ['anything', '*/*', objectShapes, { format: 'json', shape: 'object' }],
  ['kubectl get', `${table},application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json`, listShapes, { format: 'json', shape: 'Table' }],
  ['a table where none can be made, with a way out', `${table},application/json`, plainShape, { format: 'json', shape: 'object' }],
  ['protobuf first, then JSON', 'application/vnd.kubernetes.protobuf,application/json', objectShapes, { format: 'json', shape: 'object' }],
  ['protobuf first, then anything', 'application/vnd.kubernetes.protobuf, */*', objectShapes, { format: 'json', shape: 'object' }],
  ['protobuf alone', 'application/vnd.kubernetes.protobuf', objectShapes, { format: 'protobuf', shape: 'object' }],
  ['metadata in protobuf alone', 'application/vnd.kubernetes.protobuf;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1', listShapes, { format: 'protobuf', shape: 'PartialObjectMetadataList' }],
  ['YAML', 'application/yaml', objectShapes, { format: 'yaml', shape: 'object' }],
  ['metadata of one', 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1', objectShapes, { format: 'json', shape: 'PartialObjectMetadata' }],
  ['metadata of many', 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1', listShapes, { format: 'json', shape: 'PartialObjectMetadataList' }],
  ['a table of the old version', 'application/json;as=Table;v=v1beta1;g=meta.k8s.io', listShapes, { format: 'json', shape: 'Table', metaVersion: 'v1beta1' }],
  ['metadata of the old version', 'application/json;as=PartialObjectMetadataList;v=v1beta1;g=meta.k8s.io', listShapes, { format: 'json', shape: 'PartialObjectMetadataList', metaVersion: 'v1beta1' }],
  ['quality counts before order', 'application/json;q=0.5,application/yaml', objectShapes, { format: 'yaml', shape: 'object' }],
  ['protobuf alone, of what has one shape', 'application/vnd.kubernetes.protobuf', plainShape, { format: 'protobuf', shape: 'object' }],
  ['metadata of a custom resource in protobuf alone', 'application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;g=meta.k8s.io;v=v1', textObjectShapes, { format: 'protobuf', shape: 'PartialObjectMetadata' }],
  ['types before wildcards', '*/*, application/*, application/yaml', objectShapes, { format: 'yaml', shape: 'object' }],
  ['a stream of a schema that is not served, with a way out', 'application/json;stream=other,application/yaml', objectShapes, { format: 'yaml', shape: 'object' }],
  ['pretty by the type', 'application/json;pretty=1', objectShapes, { format: 'json', shape: 'object', pretty: true }],
] as const) test(`${name}: ${expected.format} ${expected.shape}`, () => expect(negotiate(header, shapes)).toEqual(expected))

for (const [name, header] of [['protobuf alone, of what has no message', 'application/vnd.kubernetes.protobuf'], ['CBOR', 'application/cbor'], ['a table alone, where none can be made', table], ['HTML', 'text/html'], ['a table of no version', 'application/json;as=Table;v=v2;g=meta.k8s.io']] as const) {
  test(`${name}: 406`, () => expect(() => negotiate(header, textShape)).toThrow(expect.objectContaining({ code: 406, message: 'only the following media types are accepted: application/json, application/yaml' })))
}

test('a custom resource has no message of its own: 406 names what others have', () => expect(() => negotiate('application/vnd.kubernetes.protobuf', textObjectShapes))
  .toThrow(expect.objectContaining({ code: 406, message: 'only the following media types are accepted: application/json, application/yaml, application/vnd.kubernetes.protobuf' })))
