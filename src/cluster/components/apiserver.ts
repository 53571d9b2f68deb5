/** `wherry apiserver`: flags as kube-apiserver's. */
import { readFile } from 'node:fs/promises'
import { systemClock } from '../../api/clock.ts'
import { runTogether } from '../../client/run-together.ts'
import { openEmbeddedStore } from '../../store/embedded/open.ts'
import type { Store } from '../../store/store.ts'
import { parseFlags, type Flags } from '../flags.ts'
import { processLog } from '../log.ts'
import { UserError } from '../user-error.ts'
import type { RequestHeaderOptions } from '../../apiserver/authentication/request-header.ts'
import { controlPlane } from './control-plane.ts'
import { serverOptionFlags, serverOptionsFrom } from './server-options.ts'

const known = ['secure-port', 'bind-address', 'advertise-address', 'store-dir', 'client-ca-file', 'tls-cert-file', 'tls-private-key-file', 'service-account-key-file', 'service-cluster-ip-range',
  'kubelet-client-certificate', 'kubelet-client-key', 'cluster-domain', 'requestheader-client-ca-file', 'requestheader-allowed-names', 'requestheader-username-headers', 'requestheader-uid-headers', 'requestheader-group-headers', 'requestheader-extra-headers-prefix',
  'proxy-client-cert-file', 'proxy-client-key-file', 'etcd-servers', 'etcd-cafile', 'etcd-certfile', 'etcd-keyfile', 'etcd-prefix', ...serverOptionFlags]

const openStore = async (flags: Flags): Promise<Store> => {
  const servers = flags.get('etcd-servers')
  if (!servers) return openEmbeddedStore({ directory: flags.need('store-dir'), clock: systemClock })
  const { openEtcdStore } = await import('../../store/etcd/etcd-store.ts')
  const file = async (name: string): Promise<Buffer | undefined> => { const value = flags.get(name); return value === undefined ? undefined : readFile(value) }
  const [ca, cert, key] = await Promise.all([file('etcd-cafile'), file('etcd-certfile'), file('etcd-keyfile')])
  return openEtcdStore({ endpoints: servers.split(','), clock: systemClock, ...(flags.get('etcd-prefix') && { prefix: flags.need('etcd-prefix') }), tls: { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) } })
}

const listOf = (flags: Flags, name: string): string[] | undefined => flags.get(name)?.split(',').map((each) => each.trim()).filter((each) => each !== '')

/** Upstream's --requestheader flags; without authorities for front proxies there are none. */
const requestHeaderOf = (flags: Flags, certificateAuthority: string | undefined): RequestHeaderOptions | undefined => (certificateAuthority === undefined ? undefined : {
  certificateAuthority, allowedNames: listOf(flags, 'requestheader-allowed-names') ?? [], usernameHeaders: listOf(flags, 'requestheader-username-headers') ?? ['X-Remote-User'],
  uidHeaders: listOf(flags, 'requestheader-uid-headers') ?? ['X-Remote-Uid'], groupHeaders: listOf(flags, 'requestheader-group-headers') ?? ['X-Remote-Group'],
  extraPrefixes: listOf(flags, 'requestheader-extra-headers-prefix') ?? ['X-Remote-Extra-'],
})

export const runApiServer = async (args: readonly string[], signal: AbortSignal): Promise<void> => {
  const flags = parseFlags('apiserver', known, args)
  const log = processLog('kube-apiserver')
  const text = (name: string): Promise<string> => readFile(flags.need(name), 'utf8').catch((error: Error) => { throw new UserError(`wherry apiserver: --${name}: ${error.message}`) })
  const [clientCa, cert, key, serviceAccountKey, kubeletCertificate, kubeletKey] = await Promise.all(
    ['client-ca-file', 'tls-cert-file', 'tls-private-key-file', 'service-account-key-file', 'kubelet-client-certificate', 'kubelet-client-key'].map(text))
  const [requestHeaderCa, proxyCertificate, proxyKey] = await Promise.all(['requestheader-client-ca-file', 'proxy-client-cert-file', 'proxy-client-key-file'].map((name) => (flags.get(name) ? text(name) : undefined)))
  const port = flags.number('secure-port', 6443)
  const clusterDomain = flags.get('cluster-domain') ?? 'cluster.local'
  const { options, audit, runs } = await serverOptionsFrom(flags, { log, clusterDomain, open: () => openStore(flags) })
  try {
    const plane = controlPlane({
      ...options, log, address: flags.need('advertise-address'), port, serviceCIDR: flags.get('service-cluster-ip-range') ?? '10.96.0.0/16', clusterDomain,
      serviceAccountKey: serviceAccountKey ?? '', kubeletCertificate: { certificate: kubeletCertificate ?? '', key: kubeletKey ?? '' }, certificateAuthority: clientCa ?? '',
      requestHeader: requestHeaderOf(flags, requestHeaderCa), frontProxy: proxyCertificate !== undefined && proxyKey !== undefined ? { certificate: proxyCertificate, key: proxyKey } : undefined,
    })
    const listener = plane.server.listen({
      host: flags.get('bind-address') ?? '0.0.0.0', port, tls: { key: key ?? '', cert: cert ?? '', clientCa: clientCa ?? '', ...(requestHeaderCa !== undefined && { requestHeaderCa }) },
      listening: (address) => log.info('serving', { ...address }),
    })
    const listening = { run: (until: AbortSignal) => listener.run(until).catch((error: NodeJS.ErrnoException) => {
      throw error.code === 'EADDRINUSE' ? new UserError(`wherry apiserver: port ${port} is in use; end the program that listens there, or choose another with --secure-port`) : error
    }) }
    await runTogether([plane, listening, ...runs], signal)
  } finally {
    await audit?.sink.close()
    await options.store[Symbol.asyncDispose]()
  }
}
