/** Some controllers, on a clock that the test moves, against the real API server in memory: what the server defaults, refuses and prunes is so here. */
import type { Kind } from '../../src/api/kinds.ts'
import type { KubeObject } from '../../src/api/meta.ts'
import { createClient, type Client } from '../../src/client/client.ts'
import { type Cluster, type Reconciler, runController } from '../../src/client/controller.ts'
import { eventSink } from '../../src/client/events.ts'
import { sharedInformers } from '../../src/client/informers.ts'
import { systemClock } from '../../src/api/clock.ts'
import { admin, startTestServer, type TestServer, type TestServerOptions } from '../apiserver/support.ts'
import { type FakeClock, fakeClock } from '../support/fake-clock.ts'
import { fakeRandom } from '../support/fake-random.ts'
import { type Logs, logs } from '../support/logs.ts'

export interface RealServer extends AsyncDisposable {
  client: Client
  clock: FakeClock
  log: Logs
  server: TestServer
  /** Resolves once the objects are as wanted, letting no time pass on the controllers' clock. Rejects after ten seconds, showing what they are instead. */
  until<T extends KubeObject>(kind: Kind<T>, wanted: (objects: readonly T[]) => boolean, namespace?: string): Promise<readonly T[]>
}

const deadlineMilliseconds = 30_000

export const startRealServer = async (reconcilers: (client: Client) => readonly Reconciler[], start: Date, options: TestServerOptions = {}): Promise<RealServer> => {
  const clock = fakeClock(start)
  const server = await startTestServer({ bootstrap: { advertise: { addresses: ['192.0.2.1'], port: 6443 }, serviceIP: '10.96.0.1' }, ...options, clock: { ...systemClock, now: clock.now } })
  const client = createClient(server.server.inMemoryTransport(admin))
  const stop = new AbortController()
  const log = logs()
  const context = { client, clock, random: fakeRandom(1), log }
  const cluster: Cluster = { ...context, informers: sharedInformers(context, stop.signal), events: eventSink(context, stop.signal) }
  const running = Promise.all(reconcilers(client).map((reconciler) => runController(reconciler, cluster, stop.signal)))
  return {
    client, clock, log, server,
    async until<T extends KubeObject>(kind: Kind<T>, wanted: (objects: readonly T[]) => boolean, namespace?: string) {
      const deadline = systemClock.monotonic() + deadlineMilliseconds
      for (;;) {
        const { items } = await client.list(kind, { ...(namespace !== undefined && { namespace }) })
        if (wanted(items)) return items
        if (systemClock.monotonic() > deadline) throw new Error(`not so within ${deadlineMilliseconds} ms: ${JSON.stringify(items, undefined, 1)}\n${log.lines.slice(-30).join('\n')}`)
        await clock.advance(0)
      }
    },
    async [Symbol.asyncDispose]() {
      stop.abort()
      await running
      await server[Symbol.asyncDispose]()
    },
  }
}
