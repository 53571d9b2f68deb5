/**
 * Wherry as a library: an API server with every controller and the scheduler in this process, for tests of operators and charts. No root, no node: pods are scheduled to
 * whatever Node objects there are, and run only where a kubelet is.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { systemClock } from './api/clock.ts'
import type { UserInfo } from './apiserver/registry/strategy.ts'
import { createClient, type Client } from './client/client.ts'
import type { Log } from './client/component.ts'
import { renderKubeconfig } from './client/kubeconfig.ts'
import { newCertificate, newCertificateAuthority, newKey, validFor } from './client/pki.ts'
import { runTogether } from './client/run-together.ts'
import { partsWith } from './cluster/components/client-parts.ts'
import { controlPlane } from './cluster/components/control-plane.ts'
import { controllerManager } from './controller-manager/controller-manager.ts'
import { scheduler } from './scheduler/scheduler.ts'
import { openEmbeddedStore, openMemoryStore } from './store/embedded/open.ts'

export interface StartOptions {
  /** Keeps the cluster's objects there; in memory if absent. */
  directory?: string
  /** On loopback; any free one if absent or 0. */
  port?: number
  /** Where the components' logs go; nowhere if absent. */
  log?: Log
}

export interface RunningCluster extends AsyncDisposable {
  /** `https://127.0.0.1:port`. */
  server: string
  /** The path of an administrator's kubeconfig, removed at the end. */
  kubeconfig: string
  /** The administrator's line inside this process, without a socket. */
  client: Client
}

const silent: Log = { info: () => {}, warn: () => {}, error: () => {}, debug: () => {} }
const administrator: UserInfo = { name: 'kubernetes-admin', groups: ['system:masters'] }

/** Resolves when the API server is ready. `await using` ends it. Rejects when the directory is another process's or the port is taken. */
export const startCluster = async ({ directory, port = 0, log = silent }: StartOptions = {}): Promise<RunningCluster> => {
  const validity = validFor(30, systemClock.now())
  const ca = await newCertificateAuthority({ commonName: 'kubernetes', validity })
  const [serving, admin, kubelet, serviceAccountKey] = await Promise.all([
    newCertificate(ca, { subject: { commonName: 'kube-apiserver', dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'] }, usages: ['server auth'], validity }),
    newCertificate(ca, { subject: { commonName: administrator.name, organizations: ['system:masters'] }, usages: ['client auth'], validity }),
    newCertificate(ca, { subject: { commonName: 'kube-apiserver-kubelet-client', organizations: ['system:masters'] }, usages: ['client auth'], validity }),
    newKey(),
  ])
  const store = directory === undefined ? await openMemoryStore({ clock: systemClock }) : await openEmbeddedStore({ directory, clock: systemClock })
  const stop = new AbortController()
  const plane = controlPlane({
    store, log, address: '192.0.2.1', port: 6443, serviceCIDR: '10.96.0.0/16', clusterDomain: 'cluster.local',
    serviceAccountKey, kubeletCertificate: kubelet, certificateAuthority: ca.certificate, oneProcess: true,
  })
  const partsOf = (name: string): ReturnType<typeof partsWith> => partsWith(createClient(plane.server.inMemoryTransport({ name, groups: ['system:authenticated'] }), { userAgent: name }), log, stop.signal)
  const listening = Promise.withResolvers<number>()
  const listener = plane.server.listen({ host: '127.0.0.1', port, tls: { key: serving.key, cert: serving.certificate, clientCa: ca.certificate }, listening: (at) => listening.resolve(at.port) })
  const clients = { run: async (signal: AbortSignal): Promise<void> => {
    await plane.server.ready
    await runTogether([scheduler(partsOf('system:kube-scheduler')), controllerManager({ ...partsOf('system:kube-controller-manager'), options: { caBundle: ca.certificate, signing: { ca }, podRanges: { clusterCIDR: '10.244.0.0/16', maskSize: 24 } } })], signal)
  } }
  const running = runTogether([plane, listener, clients], stop.signal).finally(() => store[Symbol.asyncDispose]())
  running.catch(listening.reject)
  const server = `https://127.0.0.1:${await listening.promise}`
  const folder = await mkdtemp(path.join(tmpdir(), 'wherry-'))
  const kubeconfig = path.join(folder, 'kubeconfig')
  await writeFile(kubeconfig, renderKubeconfig({ cluster: 'wherry', user: 'admin', server, certificateAuthority: ca.certificate, credentials: admin }), { mode: 0o600 })
  return {
    server, kubeconfig, client: createClient(plane.server.inMemoryTransport(administrator)),
    [Symbol.asyncDispose]: async () => {
      stop.abort()
      await running
      await rm(folder, { recursive: true, force: true })
    },
  }
}
