/** Our tables and codec against the .proto file, read by an implementation that is not ours. */
import { readFileSync } from 'node:fs'
import { loadSync, type MethodDefinition } from '@grpc/proto-loader'
import { describe, expect, test } from 'vitest'
import { FrameError, FrameReader } from '../../src/api/grpc-frames.ts'
import { grpcFailure, statusInDetails } from '../../src/api/grpc-status.ts'
import { frameHeadBytes } from '../../src/api/protobuf-message.ts'
import { decodeAnswer, decodeCall, decodeCallAnswer, decodeEvent, decodeRequest, encodeAnswer, encodeAnswerHead, encodeCall, encodeCallAnswer, encodeCancel, encodeEvent, encodeRequest } from '../../src/api/resource-message.ts'
import { eventTypes, fieldsOf, patchContentTypes, requestFields, type ResourceCall, type ResourceMethod, resourceMethods, servicePath } from '../../src/api/resource-service.ts'
import { protoFile } from '../support/grpc-client.ts'

type Method = MethodDefinition<Record<string, unknown>, Record<string, unknown>>
const service = loadSync(protoFile, { longs: String, enums: Number })['wherry.v1.ResourceService'] as unknown as Record<string, Method>
const proto = readFileSync(protoFile, 'utf8')
const methods = Object.keys(resourceMethods) as ResourceMethod[]

/** The fields of a message as the file tells them: `camelCase number type optional?`. */
const fieldsInFile = (message: string): string[] => {
  const [, body = ''] = new RegExp(`message ${message} \\{([^}]*)\\}`).exec(proto) ?? []
  return [...body.matchAll(/^\s*(optional )?(\w+) (\w+) = (\d+);/gm)].map(([, optional = '', type = '', name = '', number = '']) =>
    `${name.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase())} ${number} ${type === 'PatchType' ? 'enum' : type} ${optional.trim()}`.trim())
}
const withoutFrame = (framed: Buffer): Buffer => {
  expect([framed[0], framed.readUInt32BE(1)]).toEqual([0, framed.length - frameHeadBytes])
  return framed.subarray(frameHeadBytes)
}

describe('the tables say what the file says', () => {
  for (const method of methods) test(method, () => {
    expect(service[method]?.path).toBe(`${servicePath}${method}`)
    expect(fieldsInFile(`${method}Request`).toSorted()).toEqual(fieldsOf(resourceMethods[method]).map((name) => `${name} ${requestFields[name].number} ${requestFields[name].type} ${requestFields[name].optional ? 'optional' : ''}`.trim()).toSorted())
    expect(service[method]?.responseStream).toBe(resourceMethods[method].answer !== 'object')
  })
  test('and no method more', () => expect(Object.keys(service).toSorted()).toEqual([...methods, 'Calls'].toSorted()))
  test('enums', () => {
    const values = (name: string): string[] => [...(new RegExp(`enum ${name} \\{([^}]*)\\}`).exec(proto)?.[1] ?? '').matchAll(/^\s*(\w+) = (\d+);/gm)].map(([, value = '', number = '']) => `${value} ${number}`)
    expect(values('EventType').slice(1)).toEqual(eventTypes.slice(1).map((type, index) => `${type} ${index + 1}`))
    expect(values('PatchType').slice(1).map((value) => value.split(' ')[0]?.toLowerCase())).toEqual(patchContentTypes.slice(1).map((type) => /application\/(json|merge|strategic|apply)/.exec(type)?.[1]))
  })
})

const whole: ResourceCall = {
  group: 'apps', version: 'v1', resource: 'deployments', namespace: 'shop', name: 'wäb', subresource: 'status', labelSelector: 'a=b', fieldSelector: 'x=y', resourceVersion: '9007199254740993', resourceVersionMatch: 'Exact',
  limit: '500', continue: 'token', timeoutSeconds: '9007199254740991', allowWatchBookmarks: true, sendInitialEvents: false, fieldManager: 'me', fieldValidation: 'Strict', dryRun: true, force: false, patchType: 4, body: Buffer.from('{"x":"'.padEnd(300, 'y')),
}

describe('the codec', () => {
  for (const method of methods) test(`${method}: what we write others read, and the other way round`, () => {
    const names = fieldsOf(resourceMethods[method])
    const call = Object.fromEntries(names.map((name) => [name, whole[name]])) as ResourceCall
    const bytes = withoutFrame(encodeRequest(call))
    const read = service[method]?.requestDeserialize(bytes) ?? {}
    expect(Object.fromEntries(names.map((name) => [name, read[name]]))).toEqual({ ...call, ...(call.body && { body: Buffer.from(call.body) }) })
    expect(decodeRequest(service[method]?.requestSerialize(read) ?? Buffer.alloc(0), new Set(names))).toEqual(call)
  })
  test('answers, and their heads', () => {
    const object = Buffer.from('{"metadata":{}}')
    expect(service['Get']?.responseDeserialize(withoutFrame(encodeAnswer(object, 201)))).toEqual({ object, code: 201 })
    expect(Buffer.concat([encodeAnswerHead(object.length, 201), object])).toEqual(encodeAnswer(object, 201))
    expect(Buffer.concat([encodeAnswerHead(object.length, 0), object])).toEqual(encodeAnswer(object, 0))
    expect(decodeAnswer(withoutFrame(encodeAnswer(object, 201)))).toEqual({ object, code: 201 })
  })
  test('events', () => {
    const object = Buffer.alloc(70_000, 'x')
    expect(service['Watch']?.responseDeserialize(withoutFrame(encodeEvent('BOOKMARK', object)))).toEqual({ type: 4, object })
    expect(decodeEvent(withoutFrame(encodeEvent('DELETED', object)))).toEqual({ type: 'DELETED', object })
  })
  test('calls on one stream', () => {
    const message = withoutFrame(encodeCall(300, 'Get', { version: 'v1', resource: 'pods', name: 'a' }))
    expect(service['Calls']?.requestDeserialize(message)).toMatchObject({ id: '300', method: 'Get' })
    expect(decodeCall(message)).toMatchObject({ id: 300, method: 'Get' })
    expect(decodeCall(withoutFrame(encodeCancel(7)))).toEqual({ id: 7, cancel: true })
    const answer = { id: 300, code: 409, object: Buffer.from('{}'), metadata: ['warning', '299 - "x"'] }
    expect(service['Calls']?.responseDeserialize(withoutFrame(encodeCallAnswer(answer)))).toEqual({ ...answer, id: '300' })
    expect(decodeCallAnswer(withoutFrame(encodeCallAnswer(answer)))).toEqual(answer)
  })
  for (const [name, bytes, why] of [
    ['an unknown field', [99 << 3 & 0x7f | 0x80, 99 >> 4, 1], 'the request has no field 99'], ['a field of another request', [11 << 3, 5], 'the request has no field 11 (limit)'], ['a wrong wire type', [5 << 3, 1], 'wrong wire type 0 for field name'],
    ['a length beyond the end', [(5 << 3) | 2, 50, 1], 'unexpected EOF'], ['a number without an end', [(5 << 3) | 2, 0xff, 0xff], 'unexpected EOF'], ['text that is no UTF-8', [(5 << 3) | 2, 1, 0xff], 'invalid UTF-8'], ['fixed numbers', [(5 << 3) | 1, 1, 1, 1, 1, 1, 1, 1, 1], 'illegal tag'],
    ['field zero', [0, 0], 'illegal tag'], ['a number beyond 2^53', [(5 << 3) | 2, ...Array.from({ length: 9 }, () => 0xff), 1], 'out of range'],
  ] as const) test(`refuses ${name}`, () => expect(() => decodeRequest(Uint8Array.from(bytes), new Set(fieldsOf(resourceMethods.Get)))).toThrow(why))
})

describe('frames', () => {
  test('cut anywhere', () => {
    const stream = Buffer.concat([encodeEvent('ADDED', Buffer.from('{"a":1}')), encodeEvent('DELETED', Buffer.alloc(0)), encodeEvent('ADDED', Buffer.alloc(3000, 'x'))])
    for (const step of [1, 2, 3, 7, 11, 1000, stream.length]) {
      const frames = new FrameReader(10_000)
      const messages: Buffer[] = []
      for (let at = 0; at < stream.length; at += step) messages.push(...frames.push(stream.subarray(at, at + step)))
      expect(messages.map((message) => decodeEvent(message).object.length)).toEqual([7, 0, 3000])
      expect(frames.pending).toBe(0)
    }
  })
  for (const [why, bytes] of [['compressed', [1, 0, 0, 0, 1, 0]], ['no frame', [0x7b, 0, 0, 0, 1, 0]], ['too long', [0, 0xff, 0, 0, 0]]] as const) {
    test(why, () => expect(() => new FrameReader(10_000).push(Uint8Array.from(bytes))).toThrow(new FrameError(why)))
  }
})

describe('failures', () => {
  const status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', reason: 'Conflict', message: 'ü % "x"\n', code: 409 } as const
  test('tell the Status among their details', () => {
    const { trailers, message } = grpcFailure(status)
    expect([trailers['grpc-status'], trailers['grpc-message'], message]).toEqual(['10', '%C3%BC %25 "x"%0A', undefined])
    expect(JSON.parse(Buffer.from(statusInDetails(trailers['grpc-status-details-bin'] ?? '') ?? []).toString())).toEqual(status)
  })
  test('one that is too long for trailers is a message', () => {
    const { trailers, message } = grpcFailure({ ...status, message: 'x'.repeat(50_000) })
    expect([trailers['grpc-status-details-bin'], trailers['grpc-message']?.length]).toEqual([undefined, 1024])
    expect(decodeAnswer(withoutFrame(message ?? Buffer.alloc(0))).code).toBe(409)
  })
})
