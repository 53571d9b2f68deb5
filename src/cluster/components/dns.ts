/** `wherry dns`: CoreDNS' place. Inside a pod it proves itself by its service account, and finds the API server by `--server`: names are needed before Services work. */
import { systemClock } from '../../api/clock.ts'
import { dns } from '../../../agents/dns/dns.ts'
import { readUpstreams } from '../../../agents/dns/forward.ts'
import { findAccess } from '../../client/kubeconfig.ts'
import { parseFlags } from '../flags.ts'
import { clientParts, podAccess } from './client-parts.ts'

const known = ['kubeconfig', 'server', 'cluster-domain', 'address', 'port', 'health-port', 'ready-port', 'metrics-port', 'resolv-conf', 'cluster-dns']

export const runDns = async (args: readonly string[], signal: AbortSignal): Promise<void> => {
  const flags = parseFlags('dns', known, args)
  const server = flags.get('server')
  const { informers, log } = clientParts('dns', server ? podAccess(server) : findAccess({ kubeconfig: flags.get('kubeconfig') }, process.env), signal)
  await dns({
    informers, clock: systemClock, log, domain: flags.get('cluster-domain') ?? 'cluster.local', address: flags.get('address') ?? '0.0.0.0', port: flags.number('port', 53),
    upstreams: readUpstreams(flags.get('resolv-conf') ?? '/etc/resolv.conf', [flags.get('cluster-dns') ?? '10.96.0.10']),
    healthPort: flags.number('health-port', 8080), readyPort: flags.number('ready-port', 8181), metricsPort: flags.number('metrics-port', 9153),
  }).run(signal)
}
