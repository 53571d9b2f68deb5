/** Modes, batches, truncation and the webhook. Expectations: upstream's `plugin/pkg/audit/{buffered,truncate,webhook}`, `pkg/server/options/audit.go` and the documentation page "Auditing". */
import { describe, expect, test } from 'vitest'
import { type AuditBackend, blockingSink, unionSink } from '../../../src/apiserver/audit/backend.ts'
import { batchSink, type BatchOptions } from '../../../src/apiserver/audit/batch.ts'
import { truncatingBackend } from '../../../src/apiserver/audit/truncate.ts'
import { webhookBackend } from '../../../src/apiserver/audit/webhook.ts'
import { parsePolicy } from '../../../src/apiserver/audit/policy-file.ts'
import { fakeClock, settle } from '../../support/fake-clock.ts'
import { logs } from '../../support/logs.ts'
import { configMap, configMaps, startTestServer } from '../support.ts'

/** A backend that remembers, and answers as it is told. */
const remembering = (answer: () => Promise<boolean> | boolean = () => true): AuditBackend & { batches: string[][] } => {
  const batches: string[][] = []
  return { batches, deliver: async (lines) => { batches.push([...lines]); return answer() }, close: () => Promise.resolve() }
}
const line = (more: object = {}): string => JSON.stringify({ kind: 'Event', apiVersion: 'audit.k8s.io/v1', level: 'RequestResponse', auditID: 'x', ...more })

describe('batches', () => {
  const options: BatchOptions = { bufferSize: 5, maxBatchSize: 3, maxBatchWaitMs: 30_000, concurrent: false }
  const begun = (more: Partial<BatchOptions> = {}, backend = remembering()) => {
    const [clock, log] = [fakeClock(), logs()]
    return { clock, log, backend, sink: batchSink(backend, { ...options, ...more }, { clock, log }) }
  }
  test('go when they are full', async () => {
    const { sink, backend } = begun()
    for (const each of ['a', 'b', 'c', 'd']) void sink.write(each)
    await settle()
    expect(backend.batches).toEqual([['a', 'b', 'c']])
    await sink.close()
    expect(backend.batches).toEqual([['a', 'b', 'c'], ['d']])
  })
  test('or when the first of them has waited long enough', async () => {
    const { sink, backend, clock } = begun()
    void sink.write('a')
    await clock.advance(29_000)
    expect(backend.batches).toEqual([])
    await clock.advance(1_500)
    expect(backend.batches).toEqual([['a']])
    await sink.close()
  })
  test('what the buffer cannot hold is lost, and said to be', async () => {
    let release: () => void = () => undefined
    const backend = remembering(() => new Promise((resolve) => { release = () => resolve(true) }))
    const { sink, log } = begun({ maxBatchSize: 1, maxBatchWaitMs: 0 }, backend)
    void sink.write('0')
    await settle()
    for (const each of ['1', '2', '3', '4', '5', '6']) void sink.write(each)
    expect(log.lines.join()).toContain('audit events are lost: the buffer is full')
    const closing = sink.close()
    for (let count = 0; count < 8; count += 1) { release(); await settle() }
    await closing
    expect(backend.batches.flat()).toEqual(['0', '1', '2', '3', '4', '5'])
  })
  test('no more of them than the throttle lets through', async () => {
    const { sink, backend, clock } = begun({ bufferSize: 100, maxBatchSize: 1, maxBatchWaitMs: 0, throttle: { qps: 10, burst: 2 } })
    for (let count = 0; count < 5; count += 1) void sink.write(String(count))
    await settle()
    expect(backend.batches).toHaveLength(2)
    await clock.advance(100)
    expect(backend.batches).toHaveLength(3)
    await clock.advance(200)
    expect(backend.batches).toHaveLength(5)
    await sink.close()
  })
  test('nobody waits', () => expect(begun().sink.write('a')).toBeUndefined())
})

describe('truncation', () => {
  const limited = (limits = { maxEventBytes: 200, maxBatchBytes: 400 }) => { const backend = remembering(); const log = logs(); return { backend, log, truncating: truncatingBackend(backend, limits, log) } }
  test('what fits stays as it is', async () => {
    const { backend, truncating } = limited()
    expect(await truncating.deliver([line()])).toBe(true)
    expect(backend.batches).toEqual([[line()]])
  })
  test('bodies go first, and the event says so', async () => {
    const { backend, truncating } = limited()
    await truncating.deliver([line({ requestObject: { a: 'x'.repeat(300) }, responseObject: {}, annotations: { b: 'c' } })])
    expect(JSON.parse(backend.batches[0]?.[0] ?? '')).toEqual({ ...JSON.parse(line()) as object, annotations: { b: 'c', 'audit.k8s.io/truncated': 'true' } })
  })
  test('what is too large even then is lost, the others are not', async () => {
    const { backend, log, truncating } = limited()
    expect(await truncating.deliver([line({ level: 'Metadata', requestURI: 'x'.repeat(300) }), line({ user: 'y'.repeat(300), requestObject: {} }), line()])).toBe(false)
    expect(backend.batches).toEqual([[line()]])
    expect(log.lines).toHaveLength(2)
  })
  test('batches are parted', async () => {
    const { backend, truncating } = limited({ maxEventBytes: 200, maxBatchBytes: 2 * line().length })
    await truncating.deliver([line(), line(), line()])
    expect(backend.batches.map(({ length }) => length)).toEqual([2, 1])
  })
})

describe('who waits', () => {
  const policy = parsePolicy('apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- level: Metadata\n', 'p.yaml')
  test('blocking: nothing is done before the event is stored, a failure changes nothing', async () => {
    let store: (stored: boolean) => void = () => undefined
    const backend = remembering(() => new Promise((resolve) => { store = resolve }))
    await using api = await startTestServer({ audit: { policy, sink: blockingSink(backend, { strict: false }) } })
    const asked = api.ask('POST', configMaps, { body: configMap('a') })
    for (const deadline = Date.now() + 30_000; backend.batches.length === 0 && Date.now() < deadline;) await settle()
    expect(backend.batches).toHaveLength(1)
    expect(api.server.lookup.list({ group: '', version: 'v1', plural: 'configmaps' } as never)).toEqual([])
    store(false)
    expect((await asked).status).toBe(201)
    for (const deadline = Date.now() + 30_000; backend.batches.length < 2 && Date.now() < deadline;) await settle()
    store(true)
  })
  test('blocking-strict: the request fails', async () => {
    await using api = await startTestServer({ audit: { policy, sink: blockingSink(remembering(() => false), { strict: true }) } })
    const { status, body } = await api.ask('POST', configMaps, { body: configMap('a') })
    expect([status, body.message]).toEqual([500, 'Internal error occurred: failed to store audit event'])
  })
  test('several: all must agree', async () => {
    const sink = unionSink([blockingSink(remembering(() => true), { strict: true }), blockingSink(remembering(() => false), { strict: true }), { write: () => undefined, close: () => Promise.resolve() }])
    expect(await sink.write('a')).toBe(false)
  })
})

describe('the webhook', () => {
  const posting = (fails: number) => {
    const bodies: string[] = []
    const [clock, log] = [fakeClock(), logs()]
    const post = (body: Buffer): Promise<void> => { bodies.push(body.toString()); return bodies.length <= fails ? Promise.reject(new Error('503')) : Promise.resolve() }
    return { bodies, clock, log, backend: webhookBackend({ post, initialBackoffMs: 10_000, clock, random: { next: () => 0, uuid: () => '' }, log }) }
  }
  test('gets a list, whose items do not say what they are', async () => {
    const { bodies, backend } = posting(0)
    expect(await backend.deliver([line(), line({ stage: 'Panic' })])).toBe(true)
    expect(JSON.parse(bodies[0] ?? '')).toEqual({ kind: 'EventList', apiVersion: 'audit.k8s.io/v1', metadata: {}, items: [{ level: 'RequestResponse', auditID: 'x' }, { level: 'RequestResponse', auditID: 'x', stage: 'Panic' }] })
  })
  test('is asked again, each time later', async () => {
    const { bodies, clock, backend } = posting(2)
    const delivered = backend.deliver([line()])
    await settle()
    for (const [pause, count] of [[9_999, 1], [1, 2], [14_999, 2], [1, 3]] as const) {
      await clock.advance(pause)
      expect(bodies).toHaveLength(count)
    }
    expect(await delivered).toBe(true)
  })
  test('five times, then the events are lost', async () => {
    const { bodies, clock, log, backend } = posting(9)
    const delivered = backend.deliver([line()])
    for (let count = 0; count < 6; count += 1) await clock.advance(60_000)
    expect([await delivered, bodies.length]).toEqual([false, 5])
    expect(log.lines.join()).toContain('the webhook does not take them')
  })
})
