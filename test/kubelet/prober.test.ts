/** When probes run, and what their answers mean. Named cases after pkg/kubelet/prober/worker_test.go. */
import http from 'node:http'
import net from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ProbeOutcome, runProbe } from '../../agents/kubelet/prober/probe.ts'
import { prober, type ProbeNews } from '../../agents/kubelet/prober/prober.ts'
import { freshStreak, nextStreak } from '../../agents/kubelet/prober/thresholds.ts'
import type { Container, Probe } from '../../src/api/types.ts'
import { fakeClock } from '../support/fake-clock.ts'
import { fakeRuntime } from '../support/fake-runtime.ts'
import { aContainer, aPod, aState } from './builders.ts'

/** A prober of one container whose probes answer as told; `ran` has the seconds at which they ran. */
const lab = (container: Partial<Container>) => {
  const clock = fakeClock()
  const ran: string[] = []
  const news: ProbeNews[] = []
  let healthy: boolean | 'hangs' | 'unknown' | 'refused' = true
  const probes = prober({
    clock, tell: (each) => { news.push(each) },
    run: (probe, { container: of }, signal): Promise<ProbeOutcome> => {
      const kind = probe === of.startupProbe ? 'startup' : probe === of.livenessProbe ? 'liveness' : 'readiness'
      ran.push(`${kind} ${clock.monotonic() / 1000}`)
      if (healthy === 'hangs') return new Promise((resolve) => { signal.addEventListener('abort', () => resolve({ result: 'failure', output: 'timeout' })) })
      if (healthy === 'unknown') return Promise.resolve({ result: 'unknown', output: 'no such port' })
      if (healthy === 'refused') return Promise.resolve({ result: 'failure', output: 'Get "http://10.0.0.1:80/": dial tcp 10.0.0.1:80: connect: connection refused' })
      return Promise.resolve({ result: healthy ? 'success' : 'failure', output: '' })
    },
  })
  const pod = aPod({ containers: [aContainer('web', container)] })
  const state = aState('web', 'running')
  const sync = (more = {}): void => probes.sync(pod, [state], { podIP: '10.0.0.1', known: () => undefined, stopping: false, ...more })
  return { clock, ran, news, probes, pod, state, sync, answer: (with_: typeof healthy) => { healthy = with_ } }
}

test('how often it ended how, in upstream\'s labels, until the pod is gone', async () => {
  const { clock, sync, answer, probes, pod } = lab({ livenessProbe: { periodSeconds: 1, failureThreshold: 9 } })
  sync()
  await clock.advance(1_500)
  answer(false)
  await clock.advance(1_000)
  const labels = { container: 'web', namespace: pod.metadata.namespace, pod: pod.metadata.name, pod_uid: pod.metadata.uid, probe_type: 'Liveness' }
  expect(probes.counts()).toEqual([{ labels: { ...labels, result: 'successful' }, count: 2 }, { labels: { ...labels, result: 'failed' }, count: 1 }])
  probes.forget(pod.metadata.uid)
  expect(probes.counts()).toEqual([])
})

describe('schedule', () => {
  test('at the start, then each period', async () => {
    const { clock, ran, sync } = lab({ readinessProbe: { periodSeconds: 5 } })
    sync()
    await clock.advance(11_000)
    expect(ran).toEqual(['readiness 0', 'readiness 5', 'readiness 10'])
  })

  test('again soon, and without a word, while a program that has just begun does not listen yet', async () => {
    const { clock, ran, news, sync, answer, probes, state, pod } = lab({ readinessProbe: { periodSeconds: 10 } })
    answer('refused')
    sync()
    await clock.advance(300)
    answer(true)
    await clock.advance(20_000)
    expect(ran).toEqual([0, 0.05, 0.15, 0.35, 10, 20].map((second) => `readiness ${second}`))
    expect(probes.health(pod, state).ready).toBe(true)
    expect(news.map(({ what }) => what)).toEqual(['run', 'verdict'])
  })

  test('what does not listen after a period fails as any other, and only what is refused is asked again', async () => {
    const { clock, ran, news, sync, answer } = lab({ livenessProbe: { periodSeconds: 1, failureThreshold: 2 } })
    answer('refused')
    sync()
    await clock.advance(2_500)
    expect(ran).toEqual([0, 0.05, 0.15, 0.35, 0.75, 1, 2].map((second) => `liveness ${second}`))
    expect(news.map(({ what }) => what)).toEqual(['run', 'failed', 'failed', 'verdict'])
    const other = lab({ livenessProbe: { periodSeconds: 1 } })
    other.answer(false)
    other.sync()
    await other.clock.advance(900)
    expect(other.ran).toEqual(['liveness 0'])
    const late = lab({ livenessProbe: { initialDelaySeconds: 5, periodSeconds: 1 } })
    late.answer('refused')
    late.sync()
    await late.clock.advance(5_900)
    expect(late.ran).toEqual(['liveness 5'])
    expect(late.news.map(({ what }) => what)).toEqual(['run', 'failed'])
  })

  test('not before the initial delay', async () => {
    const { clock, ran, sync } = lab({ livenessProbe: { initialDelaySeconds: 15, periodSeconds: 10 } })
    sync()
    await clock.advance(14_999)
    expect(ran).toEqual([])
    await clock.advance(1)
    expect(ran).toEqual(['liveness 15'])
  })

  test('nothing else until the startup probe has succeeded', async () => {
    const { clock, ran, sync, answer, probes, state, pod } = lab({ startupProbe: { periodSeconds: 1, failureThreshold: 30 }, livenessProbe: { periodSeconds: 1 }, readinessProbe: { periodSeconds: 1 } })
    answer(false)
    sync()
    await clock.advance(2_500)
    expect(ran).toEqual(['startup 0', 'startup 1', 'startup 2'])
    expect(probes.health(pod, state)).toEqual({ started: false, ready: false })
    answer(true)
    await clock.advance(1_000)
    sync()
    await clock.advance(1_000)
    expect(probes.health(pod, state)).toEqual({ started: true, ready: true })
    expect(ran.filter((line) => line.startsWith('startup'))).toHaveLength(4)
    expect(ran.filter((line) => line.startsWith('liveness')).length).toBeGreaterThan(0)
  })

  test('after its timeout a run has failed', async () => {
    const { clock, sync, answer, news } = lab({ readinessProbe: { periodSeconds: 10, timeoutSeconds: 2 } })
    answer('hangs')
    sync()
    await clock.advance(1_999)
    expect(news.some(({ what }) => what === 'failed')).toBe(false)
    await clock.advance(1)
    expect(news.find(({ what }) => what === 'failed')?.outcome).toEqual({ result: 'failure', output: 'timeout' })
  })

  test('what cannot be asked is told, tried three times, and says nothing of the container', async () => {
    const { clock, ran, news, sync, answer, probes, state } = lab({ livenessProbe: { periodSeconds: 10, failureThreshold: 1 } })
    answer('unknown')
    sync()
    await clock.advance(10_000)
    expect(ran).toEqual(['liveness 0', 'liveness 0', 'liveness 0', 'liveness 10', 'liveness 10', 'liveness 10'])
    expect(news.filter(({ what }) => what === 'failed').map(({ outcome }) => outcome?.result)).toEqual(['unknown', 'unknown'])
    expect(probes.verdict('liveness', state)).toBe('success')
  })

  test('what liveness has failed is not probed again; another attempt is', async () => {
    const { clock, ran, sync, answer, probes, pod, state } = lab({ livenessProbe: { periodSeconds: 1, failureThreshold: 2 } })
    answer(false)
    sync()
    await clock.advance(5_000)
    expect(ran).toEqual(['liveness 0', 'liveness 1'])
    expect(probes.verdict('liveness', state)).toBe('failure')
    const second = { ...state, attempt: 1, startedAt: clock.now() }
    probes.sync(pod, [second], { podIP: '', known: () => undefined, stopping: false })
    await clock.advance(0)
    expect(ran).toHaveLength(3)
    expect(probes.verdict('liveness', second)).toBe('success')
  })

  test('while the pod stops only readiness is probed', async () => {
    const { clock, ran, sync } = lab({ livenessProbe: { periodSeconds: 1 }, readinessProbe: { periodSeconds: 1 } })
    sync({ stopping: true })
    await clock.advance(1_000)
    expect([...new Set(ran.map((line) => line.split(' ')[0]))]).toEqual(['readiness'])
  })

  test('a health that was reported before holds until the first verdict against it', async () => {
    const { clock, sync, answer, probes, pod, state } = lab({ readinessProbe: { periodSeconds: 10, failureThreshold: 2 } })
    await clock.advance(12_000)
    answer(false)
    sync({ known: () => ({ started: true, ready: true }) })
    expect(probes.health(pod, state).ready).toBe(true)
    await clock.advance(8_000)
    expect(probes.health(pod, state).ready).toBe(true)
    await clock.advance(10_000)
    expect(probes.health(pod, state).ready).toBe(false)
  })
})

test.each<[string, Probe, boolean[], string]>([
  ['a first success is enough', {}, [true], 'success'], ['three failures in a row', { failureThreshold: 3 }, [true, false, false, false], 'failure'], ['two are not enough', { failureThreshold: 3 }, [true, false, false], 'success'],
  ['a success between begins anew', { failureThreshold: 3 }, [true, false, false, true, false, false], 'success'], ['a success threshold of two', { successThreshold: 2 }, [true], 'failure'], ['met', { successThreshold: 2 }, [true, true], 'success'],
])('%s', (_, probe, answers, verdict) => {
  expect(answers.reduce((streak, healthy) => nextStreak(streak, healthy, probe), freshStreak('readiness')).verdict).toBe(verdict)
})

describe('one run', () => {
  const seen: http.IncomingMessage[] = []
  const server = http.createServer((request, response) => {
    seen.push(request)
    const status = Number(/\d+/.exec(request.url ?? '')?.[0] ?? 200)
    if (request.url === '/slow') return
    response.writeHead(status, request.url === '/302' ? { location: '/500' } : request.url === '/307' ? { location: 'http://192.0.2.9/' } : {}).end('body')
  })
  let port = 0
  let closed = 0
  beforeAll(async () => {
    await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
    port = (server.address() as net.AddressInfo).port
    const other = net.createServer()
    await new Promise<void>((resolve) => { other.listen(0, '127.0.0.1', resolve) })
    closed = (other.address() as net.AddressInfo).port
    await new Promise<void>((resolve) => { other.close(() => resolve()) })
  })
  afterAll(() => { server.closeAllConnections(); server.close() })
  const runtime = fakeRuntime(fakeClock())
  const go = (probe: Probe, signal = AbortSignal.timeout(5_000)) =>
    runProbe(runtime)(probe, { container: aContainer('web', { ports: [{ name: 'http', containerPort: port }] }), state: aState('web', 'running'), podIP: '127.0.0.1' }, signal)

  test.each<[string, () => Probe, string, RegExp]>([
    ['http 200', () => ({ httpGet: { path: '/200', port } }), 'success', /^body$/], ['http 399', () => ({ httpGet: { path: '/399', port } }), 'warning', /redirects/], ['http 400', () => ({ httpGet: { path: '/400', port } }), 'failure', /^HTTP probe failed with statuscode: 400$/],
    ['http by the port\'s name', () => ({ httpGet: { path: '/200', port: 'http' } }), 'success', /body/], ['http, a redirect here', () => ({ httpGet: { path: '/302', port } }), 'failure', /statuscode: 500/],
    ['http, a redirect elsewhere', () => ({ httpGet: { path: '/307', port } }), 'warning', /redirects/],
    ['http, nobody listens', () => ({ httpGet: { path: '/x', port: closed } }), 'failure', /^Get "http:\/\/127\.0\.0\.1:\d+\/x": dial tcp 127\.0\.0\.1:\d+: connect: connection refused$/],
    // Addresses of loopback that nobody else has.
    ['http, nobody listens at the usual port', () => ({ httpGet: { host: '127.45.67.89', path: '/x', port: 80 } }), 'failure', /^Get "http:\/\/127\.45\.67\.89:80\/x": dial tcp 127\.45\.67\.89:80: connect: connection refused$/],
    ['https, nobody listens at the usual port', () => ({ httpGet: { host: '127.45.67.89', scheme: 'HTTPS', path: '/x', port: 443 } }), 'failure', /^Get "https:\/\/127\.45\.67\.89:443\/x": dial tcp 127\.45\.67\.89:443: connect: connection refused$/],
    ['http, no such port', () => ({ httpGet: { path: '/', port: 'none' } }), 'unknown', /couldn't find port/],
    ['tcp', () => ({ tcpSocket: { port } }), 'success', /^$/], ['tcp, nobody listens', () => ({ tcpSocket: { port: closed } }), 'failure', /^dial tcp 127\.0\.0\.1:\d+: connect: connection refused$/],
    ['no handler', () => ({}), 'unknown', /missing probe handler/],
  ])('%s', async (_, probe, result, output) => {
    const outcome = await go(probe())
    expect(outcome.result).toBe(result)
    expect(outcome.output).toMatch(output)
  })

  test('http, too late', async () => {
    expect((await go({ httpGet: { path: '/slow', port } }, AbortSignal.timeout(50))).output).toMatch(/context deadline exceeded/)
  })

  test.each([['a name', { name: 'X Probe', value: 'yes' }, /invalid header field name "x probe"/], ['a value', { name: 'X-Probe', value: 'yes\r\nX-Other: no' }, /invalid header field value for "x-probe"/]])('http, %s that no header can have', async (_, header, message) => {
    expect(await go({ httpGet: { path: '/200', port, httpHeaders: [header] } })).toEqual({ result: 'unknown', output: expect.stringMatching(message) as string })
  })

  test('http headers, among them Host', async () => {
    await go({ httpGet: { path: '/200', port, httpHeaders: [{ name: 'Host', value: 'shop.example' }, { name: 'X-Probe', value: 'yes' }] } })
    expect(seen.at(-1)?.headers).toMatchObject({ host: 'shop.example', 'x-probe': 'yes', 'user-agent': 'kube-probe/1.36' })
  })
})
