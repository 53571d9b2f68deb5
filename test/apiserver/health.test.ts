/** /healthz, /livez and /readyz: upstream's names and texts. Expectations: `pkg/server/healthz/healthz_test.go` the documentation page "Kubernetes API health endpoints", and `test/e2e/apimachinery/health_handlers.go`. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../src/api/clock.ts'
import { builtInAdmission } from '../../src/apiserver/admission/built-in.ts'
import { alwaysAllow } from '../../src/apiserver/authorization/authorizer.ts'
import { openMemoryStore } from '../../src/store/embedded/open.ts'
import { systemRandom } from '../../src/api/random.ts'
import { startTestServer, type Answer, type TestServer } from './support.ts'

let api: TestServer
const broken = { why: undefined as string | undefined, blocked: false, store: false }
const log = { info: () => undefined, warn: () => undefined, error: () => undefined, debug: () => undefined, blocked: () => broken.blocked }
beforeAll(async () => {
  const store = await openMemoryStore({ clock: systemClock })
  const revision = store.revision.bind(store)
  store.revision = () => (broken.store ? Promise.reject(new Error('the disk is gone')) : revision())
  api = await startTestServer({
    store, log, healthChecks: [{ name: 'poststarthook/rbac/bootstrap-roles', check: () => broken.why }], aggregation: {}, flowControl: { seats: 100 },
    admission: (parts) => builtInAdmission({ ...parts, random: systemRandom, authorizer: alwaysAllow, organizationsOf: () => Promise.resolve([]) }),
    bootstrap: { advertise: { addresses: ['192.0.2.1'], port: 6443 }, serviceIP: '10.96.0.1', serviceCIDR: '10.96.0.0/16' },
  })
  for (const deadline = Date.now() + 20_000; (await ask('/readyz')).status !== 200 && Date.now() < deadline;) await new Promise((resolve) => { setTimeout(resolve, 20) })
})
afterAll(() => api[Symbol.asyncDispose]())
const ask = (path: string): Promise<Answer> => api.ask('GET', path)
const linesOf = async (path: string): Promise<string[]> => (await ask(path)).text.split('\n')

const everywhere = ['ping', 'log', 'etcd', 'autoregister-completion', ...['generic-apiserver-start-informers', 'priority-and-fairness-config-consumer', 'priority-and-fairness-filter', 'start-apiextensions-informers', 'start-apiextensions-controllers',
  'crd-informer-synced', 'start-system-namespaces-controller', 'start-cluster-authentication-info-controller', 'start-service-ip-repair-controllers', 'rbac/bootstrap-roles', 'scheduling/bootstrap-system-priority-classes',
  'priority-and-fairness-config-producer', 'bootstrap-controller', 'start-kubernetes-service-cidr-controller', 'start-kube-aggregator-informers', 'apiservice-registration-controller', 'start-apiserver-admission-initializer',
  'apiservice-status-local-available-controller', 'apiservice-status-remote-available-controller', 'apiservice-discovery-controller', 'apiservice-openapi-controller', 'apiservice-openapiv3-controller', 'kube-apiserver-autoregistration'].map((name) => `poststarthook/${name}`)]
const readyOnly = ['etcd-readiness', 'informer-sync', 'shutdown']

describe('all is well', () => {
  for (const [endpoint, names] of [['healthz', everywhere], ['livez', everywhere], ['readyz', [...everywhere, ...readyOnly]]] as const) {
    test(`/${endpoint}: ok`, async () => expect((await ask(`/${endpoint}`)).text).toBe('ok'))
    test(`/${endpoint}?verbose: upstream's names, a line each`, async () => {
      const lines = await linesOf(`/${endpoint}?verbose`)
      expect(lines.slice(-2)).toEqual([`${endpoint} check passed`, ''])
      expect(lines.slice(0, -2).toSorted()).toEqual(names.map((name) => `[+]${name} ok`).toSorted())
      expect(lines.slice(0, 3)).toEqual(['[+]ping ok', '[+]log ok', '[+]etcd ok'])
    })
    test(`/${endpoint}: a path for each`, async () => {
      for (const name of names) expect([name, (await ask(`/${endpoint}/${name}`)).text]).toEqual([name, 'ok'])
      expect((await ask(`/${endpoint}/nothing`)).status).toBe(404)
    })
  }
  test('being ready is not asked of who only has to live', async () => expect((await ask('/livez/shutdown')).status).toBe(404))
  test('text is text', async () => expect((await ask('/readyz')).headers).toMatchObject({ 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' }))
  test('excluded checks are named, unknown ones warned about', async () => {
    const lines = await linesOf('/livez?verbose&exclude=etcd&exclude=zzz&exclude=aaa')
    expect(lines).toEqual(expect.arrayContaining(['[+]etcd excluded: ok', 'warn: some health checks cannot be excluded: no matches for "aaa", "zzz"', 'livez check passed']))
  })
})

describe('something is not', () => {
  const during = async (set: Partial<typeof broken>, work: () => Promise<void>): Promise<void> => {
    Object.assign(broken, set)
    try { await work() } finally { Object.assign(broken, { why: undefined, blocked: false, store: false }) }
  }
  test('a hook: everybody sees that, nobody why', () => during({ why: 'not finished' }, async () => {
    const { status, text } = await ask('/readyz')
    expect([status, text.split('\n').slice(-2)]).toEqual([500, ['readyz check failed', '']])
    expect(text).toContain('[-]poststarthook/rbac/bootstrap-roles failed: reason withheld\n')
    expect((await ask('/readyz?exclude=poststarthook/rbac/bootstrap-roles')).status).toBe(200)
  }))
  test('asked by its name, it says why', () => during({ why: 'not finished' }, async () => {
    const { status, text } = await ask('/livez/poststarthook/rbac/bootstrap-roles')
    expect([status, text]).toEqual([500, 'internal server error: not finished\n'])
  }))
  test('the store: both of its checks', () => during({ store: true }, async () => {
    expect((await linesOf('/readyz')).filter((line) => line.startsWith('[-]'))).toEqual(['[-]etcd failed: reason withheld', '[-]etcd-readiness failed: reason withheld'])
    expect((await ask('/livez')).status).toBe(500)
  }))
  test('the log', () => during({ blocked: true }, async () => expect((await ask('/livez/log')).text).toBe('internal server error: logging blocked\n')))
})
