/** A pod's /etc/hosts. Mirrors pkg/kubelet/kubelet_pods.go: nodeHostsFileContent and managedHostsFileContent. Pure. */
import type { Pod } from '../../src/api/types.ts'

const aliases = (pod: Pod): string => {
  const entries = pod.spec.hostAliases ?? []
  return entries.length === 0 ? '' : ['', '# Entries added by HostAliases.', ...entries.map(({ ip, hostnames = [] }) => `${ip}\t${hostnames.join('\t')}`), ''].join('\n')
}

export const hostsFile = (pod: Pod, { podIPs, hostname, domainName }: { podIPs: readonly string[]; hostname: string; domainName: string }): string => [
  '# Kubernetes-managed hosts file.',
  '127.0.0.1\tlocalhost',
  '::1\tlocalhost ip6-localhost ip6-loopback',
  'fe00::0\tip6-localnet',
  'fe00::0\tip6-mcastprefix',
  'fe00::1\tip6-allnodes',
  'fe00::2\tip6-allrouters',
  ...podIPs.map((ip) => (domainName ? `${ip}\t${hostname}.${domainName}\t${hostname}` : `${ip}\t${hostname}`)),
  '',
].join('\n') + aliases(pod)

/** On the host's network: the machine's own file, with the pod's aliases. */
export const hostNetworkHostsFile = (pod: Pod, machineHosts: string): string => `# Kubernetes-managed hosts file (host network).\n${machineHosts}${aliases(pod)}`
