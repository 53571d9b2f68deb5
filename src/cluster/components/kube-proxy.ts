/** `wherry kube-proxy`: by its service account, at the API server's own address (the Service's works only once this runs). */
import { hostname } from 'node:os'
import { systemClock } from '../../api/clock.ts'
import { systemIptables } from '../../../agents/kube-proxy/iptables/iptables.ts'
import { kubeProxy } from '../../../agents/kube-proxy/kube-proxy.ts'
import { parseFlags } from '../flags.ts'
import { accessByFile, clientParts, podAccess } from './client-parts.ts'

const known = ['kubeconfig', 'server', 'cluster-cidr', 'cluster-id', 'node-name', 'healthz-port', 'proxy-mode']

export const runKubeProxy = async (args: readonly string[], signal: AbortSignal): Promise<void> => {
  const flags = parseFlags('kube-proxy', known, args)
  const mode = flags.get('proxy-mode') ?? 'iptables'
  if (mode !== 'iptables') {
    const { UserError } = await import('../user-error.ts')
    throw new UserError(`wherry kube-proxy: proxy mode ${JSON.stringify(mode)} is not supported (ipvs, nftables and kernelspace among them); only "iptables" is`, 2)
  }
  const file = flags.get('kubeconfig')
  const access = file ? accessByFile(file) : podAccess(flags.need('server'))
  const { informers, log } = clientParts('kube-proxy', access, signal)
  await kubeProxy({
    informers, log, clock: systemClock, iptables: systemIptables(), podCIDR: flags.need('cluster-cidr'), clusterId: flags.need('cluster-id'),
    nodeName: flags.get('node-name') ?? process.env['NODE_NAME'] ?? hostname(), healthPort: flags.number('healthz-port', 10_256),
  }).run(signal)
}
