/** The one server that all cases ask: everything that a cluster's API server has (RBAC, admission, tokens, OpenAPI), over a store in memory, reached in memory. */
import { systemClock } from '../../../src/api/clock.ts'
import { type Log, silent } from '../../../src/apiserver/log.ts'
import { ExchangeOverLine } from '../../../src/apiserver/listener/exchange-over-line.ts'
import { InMemoryLine, type InMemoryRequest, type InMemoryResponse } from '../../../src/apiserver/listener/in-memory-line.ts'
import type { ApiServer } from '../../../src/apiserver/api-server.ts'
import type { UserInfo } from '../../../src/apiserver/registry/strategy.ts'
import { newCertificate, newCertificateAuthority, newKey, validFor } from '../../../src/client/pki.ts'
import { controlPlane } from '../../../src/cluster/components/control-plane.ts'
import { openMemoryStore } from '../../../src/store/embedded/open.ts'

export interface CorpusServer extends AsyncDisposable {
  server: ApiServer
  /** `user` undefined: somebody who has not been authenticated yet. */
  send(request: InMemoryRequest, user: UserInfo | undefined, signal: AbortSignal): Promise<InMemoryResponse>
  /** Forgets the history up to now, as the server does every five minutes. */
  compact(): Promise<void>
}

/** Revisions that are gone before the server starts, so that versions as old as 1 are too old for everybody. */
const forgottenRevisions = 10

export const startCorpusServer = async (log: Log = silent): Promise<CorpusServer> => {
  const store = await openMemoryStore({ clock: systemClock })
  for (let count = 0; count < forgottenRevisions; count += 1) await store.put('/registry/forgotten', Buffer.from('{}'), {})
  await store.delete('/registry/forgotten', {})
  await store.compact(await store.revision())
  const authority = await newCertificateAuthority({ commonName: 'kubernetes', validity: validFor(1, new Date()) })
  const kubelet = await newCertificate(authority, { subject: { commonName: 'kube-apiserver-kubelet-client', organizations: ['system:masters'] }, usages: ['client auth'], validity: validFor(1, new Date()) })
  const { server, run } = controlPlane({
    store, log, address: '192.0.2.1', port: 6443, serviceCIDR: '10.96.0.0/16', clusterDomain: 'cluster.local', serviceAccountKey: await newKey(),
    kubeletCertificate: kubelet, certificateAuthority: authority.certificate,
  })
  const stop = new AbortController()
  const running = run(stop.signal)
  await Promise.race([server.ready, running])
  const send: CorpusServer['send'] = (request, user, signal) => {
    if (user) return server.inMemoryTransport(user).request(request, signal)
    return new Promise((resolve) => {
      void server.handle(new ExchangeOverLine(new InMemoryLine(request, { peer: { address: '192.0.2.7' }, caller: signal, resolve })))
    })
  }
  const readyz = { method: 'GET', path: '/readyz', headers: {} }
  while ((await send(readyz, { name: 'corpus', groups: ['system:masters'] }, stop.signal)).status !== 200) await systemClock.sleep(10, stop.signal)
  return {
    server, send,
    compact: async () => store.compact(await store.revision()),
    async [Symbol.asyncDispose]() {
      stop.abort()
      await running
      await store[Symbol.asyncDispose]()
    },
  }
}
