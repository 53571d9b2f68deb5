/** The few messages of the gRPC service, to bytes and back. Bytes of objects are copied once, where they are put into a message. */
import { encodeFramed, encodeFramedHead, encodeMessage, type MessageField, MessageReader } from './protobuf-message.ts'
import { ProtobufError } from './protobuf-reader.ts'
import { eventTypes, type EventType, type FieldName, type FieldType, requestFields, type ResourceCall, type ResourceMethod, resourceMethods } from './resource-service.ts'

const rows = (Object.keys(requestFields) as FieldName[]).map((name) => ({ name, ...requestFields[name] }))
const wireTypes: Readonly<Record<FieldType, 0 | 2>> = { string: 2, bytes: 2, int64: 0, bool: 0, enum: 0 }

const requestParts = (call: ResourceCall): MessageField[] => {
  const fields: MessageField[] = []
  for (const { name, number, type, optional } of rows) {
    const value = call[name]
    if (value === undefined || (!optional && (value === '' || value === false || value === 0))) continue
    fields.push([number, wireTypes[type] === 0 ? Number(value) : (value as string | Uint8Array)])
  }
  return fields
}

/** A request as it goes on the wire, with its frame. */
export const encodeRequest = (call: ResourceCall): Buffer => encodeFramed(requestParts(call))

const readers: Readonly<Record<FieldType, (reader: MessageReader) => string | number | boolean | Uint8Array>> = {
  string: (reader) => reader.text(),
  bytes: (reader) => reader.block(),
  int64: (reader) => String(reader.varint()),
  bool: (reader) => reader.varint() !== 0,
  enum: (reader) => reader.varint(),
}

/** A request's message; of fields that come twice the last counts. Throws a ProtobufError for what is no message, and for fields that are not among `known`. */
export const decodeRequest = (message: Uint8Array, known: ReadonlySet<FieldName>): ResourceCall => {
  const call: Record<string, string | number | boolean | Uint8Array> = {}
  const reader = new MessageReader(message)
  while (reader.next()) {
    const row = rows[reader.number - 1]
    if (!row || !known.has(row.name)) throw new ProtobufError(`the request has no field ${reader.number}${row ? ` (${row.name})` : ''}`)
    if (reader.wireType !== wireTypes[row.type]) throw new ProtobufError(`wrong wire type ${reader.wireType} for field ${row.name}`)
    const value = readers[row.type](reader)
    if (value === '') delete call[row.name]
    else call[row.name] = value
  }
  return call
}

/** An ObjectResponse, or a piece of a list, with its frame. */
export const encodeAnswer = (object: Uint8Array, code: number): Buffer => encodeFramed(code === 0 ? [[1, object]] : [[2, code], [1, object]])

/** The same without the object's bytes, which are to follow. */
export const encodeAnswerHead = (length: number, code: number): Buffer => encodeFramedHead(code === 0 ? [] : [[2, code]], 1, length)

/** A WatchEvent, with its frame. */
export const encodeEvent = (type: EventType, object: Uint8Array): Buffer => encodeFramed([[1, eventTypes.indexOf(type)], [2, object]])

const nothing: Uint8Array = new Uint8Array()

/** Two fields of a message: bytes and a number; others do not matter. */
const read = (message: Uint8Array, numbers: { object: number; code: number }): { object: Uint8Array; code: number } => {
  let object = nothing
  let code = 0
  const reader = new MessageReader(message)
  while (reader.next()) {
    if (reader.number === numbers.object && reader.wireType === 2) object = reader.block()
    else if (reader.number === numbers.code && reader.wireType === 0) code = reader.varint()
    else reader.skip()
  }
  return { object, code }
}

export const decodeAnswer = (message: Uint8Array): { object: Uint8Array; code: number } => read(message, { object: 1, code: 2 })

export const decodeEvent = (message: Uint8Array): { type: EventType; object: Uint8Array } => {
  const { object, code } = read(message, { object: 2, code: 1 })
  const type = eventTypes[code]
  if (!type) throw new ProtobufError(`an event of unknown type ${code}`)
  return { type, object }
}

/** A call among others on one stream, or the word that nobody waits for it any more. */
export type CallMessage = { id: number; method: ResourceMethod; request: Uint8Array } | { id: number; cancel: true }

export const encodeCall = (id: number, method: ResourceMethod, call: ResourceCall): Buffer => encodeFramed([[1, id], [2, method], [3, encodeMessage(requestParts(call))]])
export const encodeCancel = (id: number): Buffer => encodeFramed([[1, id], [4, 1]])

/** Throws a ProtobufError for what is no call of one object. */
export const decodeCall = (message: Uint8Array): CallMessage => {
  let [id, method, cancel] = [0, '', false]
  let request = nothing
  const reader = new MessageReader(message)
  while (reader.next()) {
    if (reader.number === 1 && reader.wireType === 0) id = reader.varint()
    else if (reader.number === 2 && reader.wireType === 2) method = reader.text()
    else if (reader.number === 3 && reader.wireType === 2) request = reader.block()
    else if (reader.number === 4 && reader.wireType === 0) cancel = reader.varint() !== 0
    else throw new ProtobufError(`a call has no field ${reader.number} of wire type ${reader.wireType}`)
  }
  if (cancel) return { id, cancel }
  if (!Object.hasOwn(resourceMethods, method) || resourceMethods[method as ResourceMethod].answer !== 'object') throw new ProtobufError(`${JSON.stringify(method)} is no method that answers with one object`)
  return { id, method: method as ResourceMethod, request }
}

export interface CallAnswer {
  id: number
  /** As HTTP's; from 400 on the object is a Status. */
  code: number
  object: Uint8Array
  /** Names and values in turns. */
  metadata: readonly string[]
}

export const encodeCallAnswer = ({ id, code, object, metadata }: CallAnswer): Buffer =>
  encodeFramed([[1, id], [2, code], [3, object], ...metadata.map((each): MessageField => [4, each])])

export const decodeCallAnswer = (message: Uint8Array): CallAnswer => {
  const answer = { id: 0, code: 0, object: nothing, metadata: [] as string[] }
  const reader = new MessageReader(message)
  while (reader.next()) {
    if (reader.number === 1 && reader.wireType === 0) answer.id = reader.varint()
    else if (reader.number === 2 && reader.wireType === 0) answer.code = reader.varint()
    else if (reader.number === 3 && reader.wireType === 2) answer.object = reader.block()
    else if (reader.number === 4 && reader.wireType === 2) answer.metadata.push(reader.text())
    else reader.skip()
  }
  return answer
}
