import { describe, expect, test } from 'vitest'
import { Leases } from '../../src/api/kinds.ts'
import { createClient } from '../../src/client/client.ts'
import { whenLeading } from '../../src/client/leader-election.ts'
import { ConnectionError } from '../../src/client/transport.ts'
import { fakeApi } from '../support/fake-api.ts'
import { fakeClock, settle } from '../support/fake-clock.ts'
import { fakeRandom } from '../support/fake-random.ts'
import { logs } from '../support/logs.ts'

const open = () => {
  const api = fakeApi()
  const clock = fakeClock()
  const candidate = (identity: string) => {
    const stop = new AbortController()
    const state = { leads: false, ended: undefined as unknown }
    const done = whenLeading({ client: createClient(api), clock, random: fakeRandom(), log: logs(), identity, lease: { namespace: 'kube-system', name: 'kube-scheduler' } }, stop.signal, async (signal) => {
      state.leads = true
      await new Promise((resolve) => { signal.addEventListener('abort', resolve) })
      state.leads = false
    }).then(() => { state.ended = 'done' }, (error: unknown) => { state.ended = error })
    return { stop, state, done }
  }
  const holder = () => api.read(Leases, 'kube-system/kube-scheduler')?.spec
  return { api, clock, candidate, holder }
}

describe('leader election', () => {
  test('the first one leads and renews; nobody else does', async () => {
    const { clock, candidate, holder } = open()
    const one = candidate('one')
    await settle()
    const two = candidate('two')
    await clock.advance(60_000)
    expect([one.state.leads, two.state.leads]).toEqual([true, false])
    expect(holder()).toEqual({ holderIdentity: 'one', leaseDurationSeconds: 15, acquireTime: '2026-01-01T00:00:00.000000Z', renewTime: '2026-01-01T00:01:00.000000Z', leaseTransitions: 0 })
  })
  test('gives the lease back when it ends, so that the next leads at its next try', async () => {
    const { clock, candidate, holder } = open()
    const one = candidate('one')
    await settle()
    const two = candidate('two')
    await clock.advance(10_000)
    one.stop.abort()
    await one.done
    expect(holder()).toMatchObject({ holderIdentity: '', leaseDurationSeconds: 1 })
    await clock.advance(5_000)
    expect(two.state.leads).toBe(true)
    expect(holder()).toMatchObject({ holderIdentity: 'two', leaseTransitions: 1 })
    expect(one.state.ended).toBe('done')
  })
  test('a leader that vanishes is followed after 15 s', async () => {
    const { api, clock, candidate } = open()
    api.put(Leases, { metadata: { name: 'kube-scheduler', namespace: 'kube-system' }, spec: { holderIdentity: 'gone', leaseDurationSeconds: 15, renewTime: '2030-01-01T00:00:00.000000Z' } } as { metadata: { name: string } })
    const two = candidate('two')
    await clock.advance(14_000)
    expect(two.state.leads).toBe(false)
    await clock.advance(6_000)
    expect(two.state.leads).toBe(true)
  })
  test('a leader who cannot renew for 10 s stops, before anybody else starts', async () => {
    const { api, clock, candidate } = open()
    const one = candidate('one')
    await settle()
    await clock.advance(4_000)
    api.refuse = () => { throw new ConnectionError('connection refused') }
    await clock.advance(8_000)
    expect(one.state.leads).toBe(true)
    await clock.advance(4_000)
    expect(one.state.leads).toBe(false)
    expect(one.state.ended).toMatchObject({ name: 'LeadershipLost' })
  })
})
