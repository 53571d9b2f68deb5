import { describe, expect, test } from 'vitest'
import { Events, Nodes, Pods } from '../../src/api/kinds.ts'
import { forbidden } from '../../src/api/status.ts'
import { createClient } from '../../src/client/client.ts'
import { eventSink } from '../../src/client/events.ts'
import { ConnectionError } from '../../src/client/transport.ts'
import { fakeApi } from '../support/fake-api.ts'
import { fakeClock } from '../support/fake-clock.ts'
import { fakeRandom } from '../support/fake-random.ts'
import { logs } from '../support/logs.ts'

const open = ({ pauseMilliseconds }: { pauseMilliseconds?: number } = {}) => {
  const api = fakeApi()
  const clock = fakeClock()
  const log = logs()
  const { signal } = new AbortController()
  const events = eventSink({ client: createClient(api), clock, random: fakeRandom(), log, pauseMilliseconds }, signal)
  const pod = api.put(Pods, { metadata: { name: 'web', namespace: 'shop' } })
  const stored = () => api.all(Events).map(({ reason, message, count }) => ({ reason, message, count }))
  return { api, clock, log, events, pod, stored, recorder: events.from('kubelet', 'node-1') }
}

describe('events', () => {
  test("an event is what client-go's recorder writes", async () => {
    const { api, events, pod, recorder } = open()
    recorder.record(Pods, pod, { type: 'Normal', reason: 'Started', message: 'Started container', fieldPath: 'spec.containers{web}' })
    await events.flush()
    const [{ metadata, ...event } = { metadata: { name: '' } }] = api.all(Events)
    expect(metadata).toMatchObject({ namespace: 'shop', name: expect.stringMatching(/^web\.1886[0-9a-f]{12}$/) as string })
    expect(event).toEqual({
      apiVersion: 'v1', kind: 'Event', type: 'Normal', reason: 'Started', message: 'Started container', count: 1,
      involvedObject: { kind: 'Pod', apiVersion: 'v1', namespace: 'shop', name: 'web', uid: 'uid-1', resourceVersion: '2', fieldPath: 'spec.containers{web}' },
      source: { component: 'kubelet', host: 'node-1' }, reportingComponent: 'kubelet', reportingInstance: 'node-1',
      firstTimestamp: '2026-01-01T00:00:00Z', lastTimestamp: '2026-01-01T00:00:00Z',
    })
  })
  test('about an object without a namespace it is in default', async () => {
    const { api, events, recorder } = open()
    recorder.record(Nodes, api.put(Nodes, { metadata: { name: 'node-1' } }), { type: 'Normal', reason: 'Starting', message: 'Starting kubelet.' })
    await events.flush()
    expect(api.all(Events)[0]?.metadata.namespace).toBe('default')
  })
  test('the same again counts up', async () => {
    const { api, clock, events, pod, recorder } = open()
    for (let time = 0; time < 3; time++) {
      recorder.record(Pods, pod, { type: 'Warning', reason: 'BackOff', message: 'Back-off restarting failed container' })
      await clock.advance(60_000)
    }
    await events.flush()
    expect(api.all(Events)).toHaveLength(1)
    expect(api.all(Events)[0]).toMatchObject({ count: 3, firstTimestamp: '2026-01-01T00:00:00Z', lastTimestamp: '2026-01-01T00:02:00Z' })
  })
  test('those of a burst are written together, so long after the first', async () => {
    const { clock, pod, recorder, stored } = open({ pauseMilliseconds: 300 })
    recorder.record(Pods, pod, { type: 'Normal', reason: 'Created', message: 'Container created' })
    await clock.advance(200)
    recorder.record(Pods, pod, { type: 'Normal', reason: 'Started', message: 'Container started' })
    await clock.advance(99)
    expect(stored()).toEqual([])
    await clock.advance(1)
    expect(stored().map(({ reason }) => reason)).toEqual(['Created', 'Started'])
    recorder.record(Pods, pod, { type: 'Normal', reason: 'Killing', message: 'Stopping container' })
    await clock.advance(300)
    expect(stored()).toHaveLength(3)
  })
  test('whoever wants them written waits for no pause', async () => {
    const { events, pod, recorder, stored } = open({ pauseMilliseconds: 300 })
    recorder.record(Pods, pod, { type: 'Normal', reason: 'Created', message: 'Container created' })
    await events.flush()
    expect(stored()).toHaveLength(1)
  })
  test('one that expired meanwhile is made anew with its count', async () => {
    const { api, events, pod, recorder, stored } = open()
    const record = () => recorder.record(Pods, pod, { type: 'Warning', reason: 'BackOff', message: 'again' })
    record()
    await events.flush()
    api.remove(Events, `shop/${api.all(Events)[0]?.metadata.name}`)
    record()
    await events.flush()
    expect(stored()).toEqual([{ reason: 'BackOff', message: 'again', count: 2 }])
  })
  test('the tenth message for one reason, and those after it, are combined', async () => {
    const { events, pod, recorder, stored } = open()
    for (let index = 1; index <= 12; index++) recorder.record(Pods, pod, { type: 'Warning', reason: 'Unhealthy', message: `try ${index}` })
    await events.flush()
    expect(stored()).toHaveLength(10)
    expect(stored().at(-1)).toEqual({ reason: 'Unhealthy', message: '(combined from similar events): try 12', count: 3 })
  })
  test('25 at once about one object, then one in five minutes', async () => {
    const { clock, events, pod, recorder, stored } = open()
    const record = () => recorder.record(Pods, pod, { type: 'Normal', reason: 'Pulled', message: 'same' })
    for (let index = 0; index < 40; index++) record()
    await events.flush()
    expect(stored()).toEqual([{ reason: 'Pulled', message: 'same', count: 25 }])
    await clock.advance(300_000)
    record(); record()
    await events.flush()
    expect(stored()).toEqual([{ reason: 'Pulled', message: 'same', count: 41 }])
  })
  test('the server is away: written when it is back', async () => {
    const { api, clock, pod, recorder, stored } = open()
    api.refuse = () => { throw new ConnectionError('connection refused') }
    recorder.record(Pods, pod, { type: 'Normal', reason: 'Started', message: 'a' })
    await clock.advance(30_000)
    api.refuse = undefined
    await clock.advance(10_000)
    expect(stored()).toHaveLength(1)
  })
  test('the server refuses: a line in the log', async () => {
    const { api, log, events, pod, recorder } = open()
    api.refuse = () => { throw forbidden(Events, '', 'namespace is being terminated') }
    recorder.record(Pods, pod, { type: 'Normal', reason: 'Started', message: 'a' })
    await events.flush()
    expect(log.lines).toEqual(['warn: event dropped: events is forbidden: namespace is being terminated'])
  })
})
