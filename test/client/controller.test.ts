import { describe, expect, test } from 'vitest'
import { ConfigMaps, Pods, Secrets } from '../../src/api/kinds.ts'
import { internalError, isAlreadyExists, staleWrite } from '../../src/api/status.ts'
import type { ConfigMap } from '../../src/api/types.ts'
import { type Action, create, event, remove, update } from '../../src/client/action.ts'
import { createClient } from '../../src/client/client.ts'
import { type Cluster, type Reconciler, runController, watching } from '../../src/client/controller.ts'
import { eventSink } from '../../src/client/events.ts'
import { sharedInformers } from '../../src/client/informers.ts'
import { Events } from '../../src/api/kinds.ts'
import { fakeApi } from '../support/fake-api.ts'
import { fakeClock, settle } from '../support/fake-clock.ts'
import { fakeRandom } from '../support/fake-random.ts'
import { logs } from '../support/logs.ts'

const open = () => {
  const api = fakeApi()
  const clock = fakeClock()
  const stop = new AbortController()
  const log = logs()
  const context = { client: createClient(api), clock, random: fakeRandom(), log }
  const cluster: Cluster = { ...context, informers: sharedInformers(context, stop.signal), events: eventSink(context, stop.signal) }
  const run = <Own extends { do: string } = never>(reconciler: Reconciler<Own>) => runController(reconciler, cluster, stop.signal)
  const put = (name: string, data: Record<string, string> = {}) => api.put(ConfigMaps, { metadata: { name, namespace: 'default' }, data } as { metadata: { name: string } })
  return { api, clock, stop, log, cluster, run, put }
}
const own = (object: { metadata: { name: string; namespace?: string | undefined } }) => [`${object.metadata.namespace}/${object.metadata.name}`]

/** Keeps a Secret beside each ConfigMap. */
const mirror = (plans: string[]): Reconciler => ({
  name: 'mirror-controller',
  watches: [watching(ConfigMaps, own), watching(Secrets, own)],
  plan: (key, world) => {
    plans.push(key)
    const wanted = world.get(ConfigMaps, key)
    const there = world.get(Secrets, key)
    if (!wanted) return there ? [remove(Secrets, there)] : []
    const content = Buffer.from(wanted.data?.['value'] ?? '').toString('base64')
    if (!there) return [create(Secrets, { metadata: { name: wanted.metadata.name, namespace: 'default' }, data: { value: content } }, {
      then: (made) => [event(ConfigMaps, wanted, { type: 'Normal', reason: 'Mirrored', message: `Created secret ${made.metadata.name}` })],
    })]
    return there.data?.['value'] === content ? [] : [update(Secrets, { ...there, data: { value: content } })]
  },
})

describe('runController', () => {
  test('makes what is wanted, follows changes, removes what is not wanted', async () => {
    const { api, run, put, cluster } = open()
    put('a', { value: '1' })
    void run(mirror([]))
    await settle()
    expect(api.read(Secrets, 'default/a')?.data).toEqual({ value: 'MQ==' })
    put('a', { value: '2' })
    await settle()
    expect(api.read(Secrets, 'default/a')?.data).toEqual({ value: 'Mg==' })
    api.remove(ConfigMaps, 'default/a')
    await settle()
    expect(api.all(Secrets)).toEqual([])
    await cluster.events.flush()
    expect(api.all(Events).map(({ reason, message, source, count }) => ({ reason, message, source, count })))
      .toEqual([{ reason: 'Mirrored', message: 'Created secret a', source: { component: 'mirror-controller' }, count: 1 }])
  })

  test('a key is not planned again before the informers have seen what was written for it', async () => {
    const { api, run, put, cluster } = open()
    let creates = 0
    api.refuse = ({ method, path }) => { if (method === 'POST' && path.includes('secrets')) creates++ }
    put('a', { value: '1' })
    void run({
      name: 'test', watches: [watching(ConfigMaps, own)], reads: [Secrets],
      plan: (_, world) => (world.list(Secrets).length > 0 ? [] : [create(Secrets, { metadata: { generateName: 'made-', namespace: 'default' } }), { do: 'requeueAfter', milliseconds: 0 }]),
    })
    for (let change = 0; change < 20; change++) { put('a', { value: String(change) }); await settle(2) }
    await settle()
    expect(creates).toBe(1)
    expect(cluster.informers.of(Secrets).lister.size).toBe(1)
  })

  test('a conflict is retried quietly, another refusal with a line in the log; both with back-off', async () => {
    const { api, run, put, clock, log } = open()
    const refusals = [staleWrite(Secrets, 'a'), internalError(new Error('disk full'))]
    api.refuse = ({ method }) => { const refusal = method === 'POST' ? refusals.shift() : undefined; if (refusal) throw refusal }
    put('a', { value: '1' })
    void run(mirror([]))
    await settle()
    expect(clock.untilNext).toBe(5)
    await clock.advance(5)
    expect(clock.untilNext).toBe(10)
    expect(api.all(Secrets)).toEqual([])
    await clock.advance(10)
    expect(api.all(Secrets)).toHaveLength(1)
    expect(log.lines).toEqual([expect.stringContaining('debug: mirror-controller: default/a: Operation cannot be fulfilled'), 'warn: mirror-controller: default/a: Internal error occurred: disk full'])
  })

  test('an object that moves between owners wakes both', async () => {
    const { run, put } = open()
    const plans: string[] = []
    put('a', { owner: 'red' })
    void run({ name: 'test', watches: [watching(ConfigMaps, ({ data }) => [data?.['owner'] ?? ''])], plan: (key) => { plans.push(key); return [] } })
    await settle()
    put('a', { owner: 'blue' })
    await settle()
    expect(plans.toSorted()).toEqual(['blue', 'red', 'red'])
  })

  test('changes that do not matter wake nobody', async () => {
    const { run, put } = open()
    const plans: string[] = []
    put('a', { wanted: '1', noise: '1' })
    void run({
      name: 'test', plan: (key) => { plans.push(key); return [] },
      watches: [watching(ConfigMaps, own, { matters: (now, before) => now?.data?.['wanted'] !== before?.data?.['wanted'] })],
    })
    await settle()
    put('a', { wanted: '1', noise: '2' })
    await settle()
    expect(plans).toEqual(['default/a'])
  })

  test('initial keys and requeueAfter', async () => {
    const { run, clock } = open()
    const plans: string[] = []
    void run({ name: 'test', watches: [], initialKeys: ['once'], plan: (key) => { plans.push(key); return [{ do: 'requeueAfter', milliseconds: 60_000 }] } })
    await settle()
    expect(plans).toHaveLength(1)
    await clock.advance(59_999)
    expect(plans).toHaveLength(1)
    await clock.advance(1)
    expect(plans).toHaveLength(2)
  })

  test('slow start doubles and stops after the first batch with a failure', async () => {
    const { api, run, put } = open()
    let sent = 0
    api.refuse = ({ method, path }) => { if (method === 'POST' && path.includes('/pods') && ++sent > 3) throw internalError(new Error('quota')) }
    put('a')
    const pods = Array.from({ length: 50 }, () => create(Pods, { metadata: { generateName: 'p-', namespace: 'default' }, spec: { containers: [] } }))
    let planned = false
    void run({ name: 'test', watches: [watching(ConfigMaps, own)], plan: (): Action[] => { if (planned) return []; planned = true; return [{ do: 'slowStart', actions: pods }] } })
    await settle()
    expect([sent, api.all(Pods).length]).toEqual([1 + 2 + 4, 3])
  })

  test('otherwise follows a refusal; tolerate makes it none', async () => {
    const { api, run, put, cluster, log } = open()
    api.put(Secrets, { metadata: { name: 'there', namespace: 'default' } })
    put('a')
    const object: ConfigMap = put('a')
    const draft = { metadata: { name: 'there', namespace: 'default' } }
    void run({ name: 'test', watches: [watching(ConfigMaps, own)], plan: () => [
      create(Secrets, draft, { tolerate: isAlreadyExists }),
      create(Secrets, draft, { otherwise: ({ message }) => [event(ConfigMaps, object, { type: 'Warning', reason: 'FailedCreate', message })] }),
    ] })
    await settle()
    await cluster.events.flush()
    expect(api.all(Events).map(({ reason, message }) => [reason, message])).toEqual([['FailedCreate', 'secrets "there" already exists']])
    expect(log.lines).toEqual(['warn: test: default/a: secrets "there" already exists'])
  })

  test("a reconciler's own actions have own executors", async () => {
    const { run, put } = open()
    const routes: string[] = []
    put('a')
    void run<{ do: 'route'; to: string }>({ name: 'route-controller', watches: [watching(ConfigMaps, own)], plan: (key) => [{ do: 'route', to: key }], executors: { route: async ({ to }) => { routes.push(to) } } })
    await settle()
    expect(routes).toEqual(['default/a'])
  })

  test('reading a kind that is not declared is a programming error that names it', async () => {
    const { run, put, log } = open()
    put('a')
    void run({ name: 'test', watches: [watching(ConfigMaps, own)], plan: (_, world) => (world.list(Pods), []) })
    await settle()
    expect(log.lines).toEqual(['warn: test: default/a: test neither watches nor reads pods: list the kind in its `watches` or `reads`'])
  })

  const withoutSecrets = ({ path }: { path: string }): void => { if (path.includes('/secrets')) throw internalError('no secrets today') }
  test('ends when its signal aborts while a kind has no list, as one that is gone again never has', async () => {
    const { api, cluster } = open()
    api.refuse = withoutSecrets
    const until = new AbortController()
    const running = runController(mirror([]), cluster, until.signal)
    await settle()
    until.abort()
    await running
  })
  test('with patience, begins without the kinds that cannot be listed, says so, and hears of them later', async () => {
    const { api, put, run, clock, log } = open()
    api.refuse = withoutSecrets
    put('a')
    const known: boolean[] = []
    void run({ name: 'patient', watches: [watching(ConfigMaps, own), watching(Secrets, own)], patienceMilliseconds: 1000, plan: (_, world) => { known.push(world.knows(Secrets)); return [] } })
    await settle()
    expect(known).toEqual([])
    await clock.advance(1000)
    await settle()
    expect(known).toEqual([false])
    expect(log.lines).toContain('warn: patient: begins without what cannot be listed: secrets')
    api.refuse = undefined
    api.put(Secrets, { metadata: { name: 'b', namespace: 'default' } })
    await clock.advance(10_000)
    await settle()
    expect(known).toEqual([false, true])
  })
  test('ends when its signal aborts', async () => {
    const { run, stop } = open()
    const running = run(mirror([]))
    await settle()
    stop.abort()
    await running
  })
})
