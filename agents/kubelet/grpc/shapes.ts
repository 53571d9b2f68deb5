/** Protobuf messages and services in the form that protobufjs reads, written down briefly: no .proto file has to travel with the bundle. Pure. */
import type { fromJSON } from '@grpc/proto-loader'

export type Namespace = Parameters<typeof fromJSON>[0]
type Shape = { type: string; id: number; rule?: string; keyType?: string }

/** [name, type, number]; `...` before a type means repeated, `<>` a map of texts. */
export type Field = readonly [name: string, type: string, number: number]

const field = ([name, type, id]: Field): [string, Shape] =>
  [name, type === '<>' ? { keyType: 'string', type: 'string', id } : type.startsWith('...') ? { type: type.slice(3), id, rule: 'repeated' } : { type, id }]

export const message = (...fields: Field[]) => ({ fields: Object.fromEntries(fields.map(field)) })
export const choice = (name: string, ...fields: Field[]) => ({ oneofs: { [name]: { oneof: fields.map(([each]) => each) } }, ...message(...fields) })
export const values = (...names: string[]) => ({ values: Object.fromEntries(names.map((name, number) => [name, number])) })
/** A method of a request and an answer that are called as it is. */
export const call = (name: string, answer = name) => ({ requestType: `${name}Request`, responseType: `${answer}Response`, comment: '' })
export const calls = (...names: string[]) => ({ methods: Object.fromEntries(names.map((name) => [name, call(name)])) })
