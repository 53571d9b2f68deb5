/** `wherry controller-manager`: flags as kube-controller-manager's. */
import { readFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { controllerManager, type ControllerManagerOptions } from '../../controller-manager/controller-manager.ts'
import { defaultGracePeriods } from '../../controller-manager/node-lifecycle/health.ts'
import { parseFlags, type Flags } from '../flags.ts'
import { accessByFile, clientParts } from './client-parts.ts'

const known = ['kubeconfig', 'cluster-cidr', 'service-cluster-ip-range', 'node-cidr-mask-size', 'cluster-signing-cert-file', 'cluster-signing-key-file', 'root-ca-file', 'node-monitor-grace-period', 'secure-port', 'tls-cert-file', 'tls-private-key-file', 'client-ca-file', 'leader-elect', 'volume-dir']

const optionsOf = async (flags: Flags): Promise<ControllerManagerOptions> => {
  const text = async (name: string): Promise<string | undefined> => { const file = flags.get(name); return file === undefined ? undefined : readFile(file, 'utf8') }
  const [certificate, key, caBundle, serving, servingKey, clientCertificateAuthority] = await Promise.all(['cluster-signing-cert-file', 'cluster-signing-key-file', 'root-ca-file', 'tls-cert-file', 'tls-private-key-file', 'client-ca-file'].map(text))
  const clusterCIDR = flags.get('cluster-cidr')
  const services = flags.get('service-cluster-ip-range')
  return {
    ...(clusterCIDR && { podRanges: { clusterCIDR, maskSize: flags.number('node-cidr-mask-size', 24), ...(services && { reserved: [services] }) } }),
    ...(flags.get('volume-dir') && { volumeDirectory: flags.need('volume-dir') }),
    ...(caBundle && { caBundle }), ...(certificate && key && { signing: { ca: { certificate, key } } }),
    grace: { ...defaultGracePeriods, monitorMilliseconds: flags.number('node-monitor-grace-period', defaultGracePeriods.monitorMilliseconds / 1000) * 1000 },
    health: { host: '127.0.0.1', port: flags.number('secure-port', 10_257), ...(serving && servingKey && clientCertificateAuthority && { tls: { certificate: serving, key: servingKey, clientCertificateAuthority } }) },
  }
}

export const runControllerManager = async (args: readonly string[], signal: AbortSignal): Promise<void> => {
  const flags = parseFlags('controller-manager', known, args)
  const { client, clock, random, log } = clientParts('kube-controller-manager', accessByFile(flags.need('kubeconfig')), signal)
  const election = flags.get('leader-elect') === 'true' ? { leaderElection: { identity: `${hostname()}_${random.uuid()}` } } : {}
  await controllerManager({ client, clock, random, log, options: { ...await optionsOf(flags), ...election } }).run(signal)
}
