/** `wherry up --single`: control plane, kubelet, kube-proxy and DNS of one node in one process, over an in-memory transport. The same code as the separate processes, another composition. */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { systemClock } from '../../api/clock.ts'
import { usualRequestHeaders } from '../../apiserver/authentication/request-header.ts'
import { dns } from '../../../agents/dns/dns.ts'
import { readUpstreams } from '../../../agents/dns/forward.ts'
import { systemIptables } from '../../../agents/kube-proxy/iptables/iptables.ts'
import { kubeProxy } from '../../../agents/kube-proxy/kube-proxy.ts'
import { createClient } from '../../client/client.ts'
import { runTogether } from '../../client/run-together.ts'
import type { Component } from '../../client/component.ts'
import { controllerManager } from '../../controller-manager/controller-manager.ts'
import { scheduler } from '../../scheduler/scheduler.ts'
import { schedulerServer } from '../../scheduler/server.ts'
import { openEmbeddedStore } from '../../store/embedded/open.ts'
import { parseFlags, type Flags } from '../flags.ts'
import { type Home, homeAt } from '../home.ts'
import { processLog } from '../log.ts'
import { singleDnsPort } from '../static-pods.ts'
import { partsWith } from './client-parts.ts'
import { controlPlane, type ControlPlane } from './control-plane.ts'
import { serverOptionFlags, serverOptionsFrom } from './server-options.ts'
import { kubeletFlags, kubeletOf, runtimeSettingsOf, nodeParts } from './kubelet.ts'

const known = [...kubeletFlags, 'service-cluster-ip-range', 'secure-port', ...serverOptionFlags]

const users = {
  scheduler: { name: 'system:kube-scheduler', groups: ['system:authenticated'] },
  controllerManager: { name: 'system:kube-controller-manager', groups: ['system:authenticated'] },
  kubeProxy: { name: 'system:kube-proxy', groups: ['system:authenticated'] },
  dns: { name: 'system:serviceaccount:kube-system:coredns', groups: ['system:serviceaccounts', 'system:serviceaccounts:kube-system', 'system:authenticated'] },
}

interface Single { flags: Flags; home: Home; plane: ControlPlane; pki(name: string): Promise<string>; signal: AbortSignal }

const clientsOf = async ({ flags, home, plane, pki, signal }: Single): Promise<Component[]> => {
  const lineOf = (user: { name: string; groups: readonly string[] }, component: string): ReturnType<typeof partsWith> =>
    partsWith(createClient(plane.server.inMemoryTransport(user), { userAgent: component }), processLog(component), signal)
  const clusterCIDR = flags.need('cluster-cidr')
  const [certificate, key, serverCertificate, serverKey] = await Promise.all(['ca.crt', 'ca.key', 'scheduler-server.crt', 'scheduler-server.key'].map(pki))
  const schedules = lineOf(users.scheduler, 'kube-scheduler')
  const scheduling = scheduler(schedules)
  const manages = lineOf(users.controllerManager, 'kube-controller-manager')
  const proxies = lineOf(users.kubeProxy, 'kube-proxy')
  const names = lineOf(users.dns, 'dns')
  const log = processLog('kubelet')
  const node = lineOf({ name: `system:node:${flags.need('node-name')}`, groups: ['system:nodes'] }, 'kubelet')
  const parts = await nodeParts(flags, log, await runtimeSettingsOf(flags))
  const agent = await kubeletOf(flags, { client: node.client, log, parts })
  return [
    scheduling,
    schedulerServer(scheduling, { log: schedules.log, address: '0.0.0.0', tls: { certificate: serverCertificate ?? '', key: serverKey ?? '' }, clientCertificateAuthority: certificate ?? '' }),
    controllerManager({ ...manages, options: { volumeDirectory: path.join(home.data, 'volumes'), podRanges: { clusterCIDR, maskSize: 24 }, caBundle: certificate ?? '', signing: { ca: { certificate: certificate ?? '', key: key ?? '' } } } }),
    kubeProxy({ ...proxies, iptables: systemIptables(), podCIDR: clusterCIDR, clusterId: flags.need('cluster-id'), nodeName: flags.need('node-name'), healthPort: 10_256 }),
    dns({ ...names, domain: flags.get('cluster-domain') ?? 'cluster.local', address: flags.need('node-ip'), port: singleDnsPort, upstreams: readUpstreams('/etc/resolv.conf', [flags.get('cluster-dns') ?? '']), healthPort: 0, readyPort: 0, metricsPort: 0 }),
    { name: agent.name, run: async (until) => { try { await agent.run(until) } finally { parts.runtime.close() } } },
  ]
}

export const runSingle = async (args: readonly string[], signal: AbortSignal): Promise<void> => {
  const flags = parseFlags('single', known, args)
  const home = homeAt(flags.need('cluster-dir'))
  const pki = (name: string): Promise<string> => readFile(path.join(home.pki, name), 'utf8')
  const [clientCa, cert, key, serviceAccountKey, kubeletCertificate, kubeletKey] = await Promise.all(['ca.crt', 'apiserver.crt', 'apiserver.key', 'sa.key', 'apiserver-kubelet-client.crt', 'apiserver-kubelet-client.key'].map(pki))
  const [requestHeaderCa = '', proxyCertificate = '', proxyKey = ''] = await Promise.all(['front-proxy-ca.crt', 'front-proxy-client.crt', 'front-proxy-client.key'].map(pki))
  const log = processLog('kube-apiserver')
  const port = flags.number('secure-port', 6443)
  const clusterDomain = flags.get('cluster-domain') ?? 'cluster.local'
  const { options, audit, runs } = await serverOptionsFrom(flags, { log, clusterDomain, open: () => openEmbeddedStore({ directory: home.store, clock: systemClock }) })
  try {
    const plane = controlPlane({
      ...options, log, address: flags.need('node-ip'), port, serviceCIDR: flags.need('service-cluster-ip-range'), clusterDomain,
      serviceAccountKey: serviceAccountKey ?? '', kubeletCertificate: { certificate: kubeletCertificate ?? '', key: kubeletKey ?? '' }, certificateAuthority: clientCa ?? '', oneProcess: true,
      requestHeader: usualRequestHeaders(requestHeaderCa), frontProxy: { certificate: proxyCertificate, key: proxyKey },
    })
    const listener = plane.server.listen({ host: '0.0.0.0', port, tls: { key: key ?? '', cert: cert ?? '', clientCa: clientCa ?? '', requestHeaderCa }, listening: (address) => log.info('serving', { ...address }) })
    const everybodyElse = { run: async (until: AbortSignal): Promise<void> => {
      await Promise.race([plane.server.ready, new Promise((resolve) => { until.addEventListener('abort', resolve, { once: true }) })])
      if (!until.aborted) await runTogether(await clientsOf({ flags, home, plane, pki, signal: until }), until)
    } }
    await runTogether([plane, listener, everybodyElse, ...runs], signal)
  } finally {
    await audit?.sink.close()
    await options.store[Symbol.asyncDispose]()
  }
}
