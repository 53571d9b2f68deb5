/** Progress marks of members that can be asked for them (Debian's etcd is too old): a server that speaks as much of etcd's protocol as a quiet watch needs. */
import { Server, ServerCredentials, type ServerDuplexStream, type ServiceDefinition, type sendUnaryData } from '@grpc/grpc-js'
import { fromJSON } from '@grpc/proto-loader'
import { describe, expect, test } from 'vitest'
import { systemClock } from '../../src/api/clock.ts'
import { openEtcdStore } from '../../src/store/etcd/etcd-store.ts'
import { etcdSchema } from '../../src/store/etcd/schema.ts'
import type { WatchBatch } from '../../src/store/store.ts'
import { fakeClock, settle } from '../support/fake-clock.ts'
import { deadline } from './suite/fixture.ts'

interface FakeMember extends AsyncDisposable {
  endpoint: string
  revision: number
  /** While it still sends older events, it does not answer requests for progress. */
  synced: boolean
  asked: number
  watches: number
}

type WatchRequest = { create_request?: object; progress_request?: object }

const startMember = async (version: string): Promise<FakeMember> => {
  const definitions = fromJSON(etcdSchema, { keepCase: true, longs: String, enums: String, defaults: true, oneofs: true })
  const server = new Server()
  const member: FakeMember = { endpoint: '', revision: 5, synced: true, asked: 0, watches: 0, async [Symbol.asyncDispose]() { server.forceShutdown() } }
  const header = (): object => ({ header: { revision: String(member.revision) } })
  const service = (name: string): ServiceDefinition => definitions[`etcdserverpb.${name}`] as ServiceDefinition
  server.addService(service('Maintenance'), { Status: (_: unknown, answer: sendUnaryData<object>) => answer(null, { version }) })
  server.addService(service('KV'), { Range: (_: unknown, answer: sendUnaryData<object>) => answer(null, header()) })
  server.addService(service('Watch'), {
    Watch: (stream: ServerDuplexStream<WatchRequest, object>) => {
      stream.on('data', ({ create_request: create, progress_request: progress }: WatchRequest) => {
        if (create) {
          member.watches += 1
          stream.write({ ...header(), created: true })
        }
        if (progress) member.asked += 1
        if (progress && member.synced) stream.write({ ...header(), watch_id: '-1' })
      })
    },
  })
  const port = await new Promise<number>((resolve, reject) => { server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => (error ? reject(error) : resolve(bound))) })
  member.endpoint = `127.0.0.1:${port}`
  return member
}

/** Until the condition holds; a network lies in between, so turns of the event loop are not enough to count. */
const until = async (condition: () => boolean): Promise<void> => {
  for (const end = deadline(10_000); !condition();) {
    end.throwIfAborted()
    await settle(1)
  }
}

describe('progress of a quiet watch on etcd', () => {
  test('who asks for the revision makes it learn it; while the member has older events to send, the question is repeated', async () => {
    await using member = await startMember('3.5.8')
    const clock = fakeClock()
    await using store = await openEtcdStore({ endpoints: [member.endpoint], clock: { ...clock, now: systemClock.now } })
    const marks: WatchBatch[] = []
    const watching = (async () => { for await (const batch of store.watch('/', '0', { fromRevision: 6, signal: deadline() })) if (marks.push(batch) === 2) return })()
    await until(() => member.watches === 1)
    await store.revision()
    await clock.advance(1000)
    expect([member.asked, marks]).toEqual([0, []]) // it has seen all up to 5 already

    member.revision = 9
    await store.revision()
    await until(() => marks.length === 1)
    expect(marks).toEqual([{ revision: 9, events: [] }])

    member.revision = 12
    member.synced = false
    const before = member.asked
    await store.revision()
    for (let repeated = 1; repeated <= 3; repeated += 1) {
      await until(() => member.asked >= before + repeated)
      expect(marks).toHaveLength(1)
      await clock.advance(100)
    }
    member.synced = true
    await until(() => { void clock.advance(100); return marks.length === 2 })
    expect(marks[1]).toEqual({ revision: 12, events: [] })
    await watching
  })

  test('a member whose progress may overtake events is not asked', async () => {
    await using member = await startMember('3.4.23')
    const clock = fakeClock()
    await using store = await openEtcdStore({ endpoints: [member.endpoint], clock: { ...clock, now: systemClock.now } })
    const stop = new AbortController()
    const watching = (async () => { for await (const _ of store.watch('/', '0', { fromRevision: 6, signal: stop.signal })) throw new Error('a mark came') })()
    await until(() => member.watches === 1)
    member.revision = 9
    await store.revision()
    await clock.advance(1000)
    expect(member.asked).toBe(0)
    stop.abort()
    await watching
  })
})
