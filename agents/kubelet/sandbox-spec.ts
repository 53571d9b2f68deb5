/** What the runtime is told to make a pod's sandbox. Mirrors generatePodSandboxConfig and GeneratePodHostNameAndDomain. Pure. */
import type { Pod } from '../../src/api/types.ts'
import { type ClusterDns, type ResolvConf, resolvConfOf } from './dns-config.ts'
import { hostNetworkHostsFile, hostsFile } from './hosts-file.ts'
import { qosClassOf } from './pod.ts'
import { sandboxLimits } from './resources.ts'
import type { ResourceLimits, SandboxSpec } from './runtime/runtime.ts'

export interface SandboxFacts extends ClusterDns {
  /** What the machine calls itself, which is what pods in its network see. */
  hostname: string
  /** The machine's own resolver and hosts file. */
  hostResolvConf: ResolvConf
  hostHosts: string
  /** How many processes the pod may have. */
  podPidsLimit?: number | undefined
}

const maxHostname = 63
const maxFqdn = 64

/** Throws when the FQDN that the pod wants as its host name does not fit into the kernel's. */
export const hostnameOf = (pod: Pod, { hostname: machine, clusterDomain }: Pick<SandboxFacts, 'hostname' | 'clusterDomain'>): { hostname: string; domainName: string } => {
  if (pod.spec.hostnameOverride) return { hostname: pod.spec.hostnameOverride, domainName: '' }
  // Its UTS namespace is the machine's: whatever it asks for, that is what it is called.
  if (pod.spec.hostNetwork) return { hostname: machine, domainName: '' }
  const hostname = (pod.spec.hostname || pod.metadata.name).slice(0, maxHostname).replace(/[-.]+$/, '')
  const domainName = pod.spec.subdomain ? `${pod.spec.subdomain}.${pod.metadata.namespace ?? ''}.svc.${clusterDomain}` : ''
  if (!pod.spec.setHostnameAsFQDN || !domainName) return { hostname, domainName }
  const fqdn = `${hostname}.${domainName}`
  if (fqdn.length > maxFqdn) throw new Error(`Failed to construct FQDN from pod hostname and cluster domain, FQDN ${fqdn} is too long (${maxFqdn} characters is the max, ${fqdn.length} characters requested).`)
  return { hostname: fqdn, domainName }
}

const withPids = (resources: ResourceLimits, pidsLimit: number | undefined): ResourceLimits => ({ ...resources, ...(pidsLimit !== undefined && { pidsLimit }) })

export const sandboxSpec = (pod: Pod, attempt: number, facts: SandboxFacts): SandboxSpec => {
  const { hostname, domainName } = hostnameOf(pod, facts)
  const short = domainName && hostname.endsWith(`.${domainName}`) ? hostname.slice(0, -domainName.length - 1) : hostname
  return {
    podUid: pod.metadata.uid, podName: pod.metadata.name, podNamespace: pod.metadata.namespace ?? '', attempt, hostname, domainName,
    hostNetwork: pod.spec.hostNetwork ?? false, hostPid: pod.spec.hostPID ?? false, hostIpc: pod.spec.hostIPC ?? false,
    sharedProcessNamespace: pod.spec.shareProcessNamespace ?? false,
    ...(pod.spec.hostUsers === false && { ownUsers: true }),
    sysctls: Object.fromEntries((pod.spec.securityContext?.sysctls ?? []).map(({ name, value }) => [name, value])),
    resources: withPids(sandboxLimits(pod), facts.podPidsLimit), qosClass: qosClassOf(pod),
    resolvConf: resolvConfOf(pod, facts.hostResolvConf, facts),
    hostsFor: (podIP) => (pod.spec.hostNetwork ? hostNetworkHostsFile(pod, facts.hostHosts) : hostsFile(pod, { podIPs: [podIP], hostname: short, domainName })),
    portMappings: [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].flatMap(({ ports = [] }) => ports)
      .filter(({ hostPort, protocol }) => hostPort && !pod.spec.hostNetwork && protocol !== 'SCTP') // a pod with one of SCTP is not admitted
      .map(({ hostPort, containerPort, protocol, hostIP }) => ({ hostPort: hostPort ?? 0, containerPort, protocol: protocol === 'UDP' ? 'UDP' : 'TCP', hostIP: hostIP ?? '' })),
  }
}
