/**
 * Thousands of requests that nobody should send: each is answered, by what upstream would say or by a refusal; nothing crashes, nothing is rejected without a handler,
 * and no answer is an internal error. A million of them with WHERRY_FULL=1 (some ten minutes); WHERRY_SEED repeats a run. (trust.md S27)
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parse } from 'yaml'
import type { JsonObject } from '../../../src/api/meta.ts'
import { readEnvelope, readProtobuf } from '../../../src/api/protobuf.ts'
import type { InMemoryRequest } from '../../../src/apiserver/listener/in-memory-line.ts'
import { type CorpusServer, startCorpusServer } from '../corpus/server.ts'
import { crontabs, hostileRequest } from './requests.ts'
import { Seeded } from './seeded.ts'

const total = process.env['WHERRY_FULL'] ? 1_000_000 : 3_000
const seed = Number(process.env['WHERRY_SEED'] ?? 20_260_101)
const atOnce = 16
const admin = { name: 'fuzzer', groups: ['system:masters', 'system:authenticated'] }

/** Errors that upstream, too, answers with 500 and its own words, though the client is to blame. */
const upstreamsOwn = [
  /^requested impersonation of /, /^Internal error occurred: requested .* impersonat/i, /merge key/, /setElementOrder/, /patch type/, /list element types/, /expected a .*, but received a/, /failed to create typed patch object/, /failed to convert new typed object/, /resourceVersion should not be set/,
  /cannot merge lists/, /unable to find api field/, /invalid patch format/, /failed to update managed|failed to merge|metadata\.managedFields/,
  // A node that has not told its addresses cannot be reached.
  /no preferred addresses found/,
]

let at: CorpusServer
const logged: string[] = []
const unhandled: unknown[] = []
const onUnhandled = (reason: unknown): void => { unhandled.push(reason) }
beforeAll(async () => {
  process.on('unhandledRejection', onUnhandled)
  at = await startCorpusServer({ info: () => {}, warn: () => {}, debug: () => {}, error: (message, fields) => { if (!/impersonat|no preferred addresses found/.test(String(fields?.['error']))) logged.push(`${message} ${JSON.stringify(fields)}`) } })
})
afterAll(async () => {
  await at[Symbol.asyncDispose]()
  process.off('unhandledRejection', onUnhandled)
})

interface Seen { status: number; text: string; bytes: Buffer }

const patienceMs = 20_000

/** Answers are read to their end; of what may be a watch, only the head. A request that nobody answers has the status 0. */
const answerTo = async (request: InMemoryRequest): Promise<Seen> => {
  // Everything is in memory: without a turn of the loop no timer of the server would ever come.
  await new Promise((resolve) => { setImmediate(resolve) })
  const stop = new AbortController()
  const late = setTimeout(() => stop.abort(new Error('nobody answered')), patienceMs)
  const chunks: Uint8Array[] = []
  try {
    const response = await at.send(request, admin, stop.signal)
    if (/watch/.test(request.path) && response.status === 200) stop.abort()
    for await (const chunk of response.body) chunks.push(chunk)
    return { status: response.status, text: Buffer.concat(chunks).toString(), bytes: Buffer.concat(chunks) }
  } catch (error) {
    return { status: 0, text: String(error), bytes: Buffer.alloc(0) }
  } finally {
    clearTimeout(late)
  }
}

/** Of a Status, in the form that was asked for; YAML's parser reads JSON, too. */
const messageOf = (bytes: Buffer): string => {
  const text = bytes.toString()
  const status = text.startsWith('k8s\0') ? readProtobuf(readEnvelope(bytes).raw, 'Status') : (parse(text) as JsonObject)
  return String(status['message'] ?? '')
}

const wrongWith = ({ status, bytes, text }: Seen): string | undefined => {
  if (!Number.isInteger(status) || status < 200 || status > 599) return 'no such status'
  if (status < 500 || status === 501 || status === 503 || status === 504) return undefined
  return status === 500 && !text.includes('TypeError') && upstreamsOwn.some((pattern) => pattern.test(messageOf(bytes))) ? undefined : 'an internal error'
}

test(`${total.toLocaleString('en')} hostile requests`, async () => {
  expect((await answerTo({ method: 'POST', path: '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', headers: { 'content-type': 'application/json' }, body: Buffer.from(JSON.stringify(crontabs)) })).status).toBe(201)
  const random = new Seeded(seed)
  const problems: string[] = []
  const statuses = new Map<number, number>()
  let sent = 0
  await Promise.all(Array.from({ length: atOnce }, async () => {
    while (sent < total && problems.length < 20) {
      sent += 1
      const request = hostileRequest(random)
      const seen = await answerTo(request)
      statuses.set(seen.status, (statuses.get(seen.status) ?? 0) + 1)
      const wrong = wrongWith(seen)
      if (wrong !== undefined) problems.push(`${wrong}: ${request.method} ${request.path} ${JSON.stringify(request.headers)} ${Buffer.from(request.body ?? []).toString().slice(0, 600)} → ${seen.status} ${seen.text.slice(0, 300)}`)
    }
  }))
  expect(problems).toEqual([])
  expect(unhandled).toEqual([])
  expect(logged).toEqual([])
  // Not everything was refused at the door: the deeper parts were reached, too.
  for (const status of [200, 201, 400, 404, 405, 406, 409, 415, 422]) expect(statuses.get(status) ?? 0, `answers with ${status}`).toBeGreaterThan(0)
  expect(Object.keys(Object.prototype)).toEqual([])
  expect((await answerTo({ method: 'GET', path: '/readyz', headers: {} })).text).toBe('ok')
}, process.env['WHERRY_FULL'] ? 5 * 3_600_000 : 120_000)
