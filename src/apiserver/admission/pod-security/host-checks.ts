/** Baseline: nothing of the host's own. Mirrors `policy/check_{hostNamespaces,hostPathVolumes,hostPorts,hostProbesAndhostLifecycle,privileged,windowsHostProcess}.go`. */
import type { Container } from '../../../api/types.ts'
import { containersOf, namesWhere, plural, quoted, setters, sortedSet, theContainers, type Check } from './check.ts'

export const hostNamespaces: Check = ({ spec }) => {
  const used = (['hostIPC', 'hostNetwork', 'hostPID'] as const).filter((field) => spec[field])
  return used.length > 0 ? { reason: 'host namespaces', detail: used.map((field) => `${field}=true`).join(', ') } : undefined
}

export const hostPathVolumes: Check = ({ spec }) => {
  const names = (spec.volumes ?? []).filter(({ hostPath }) => hostPath).map(({ name }) => name)
  return names.length > 0 ? { reason: 'hostPath volumes', detail: `${plural(names.length, 'volume')} ${quoted(names)}` } : undefined
}

const hostPortsOf = ({ ports = [] }: Container): string[] => ports.flatMap(({ hostPort }) => (hostPort ? [String(hostPort)] : []))

export const hostPorts: Check = ({ spec }) => {
  const names = namesWhere(spec, (container) => hostPortsOf(container).length > 0)
  const ports = sortedSet(containersOf(spec).flatMap(hostPortsOf))
  return names.length > 0 ? { reason: 'hostPort', detail: `${theContainers(names)} ${plural(names.length, 'uses', 'use')} ${plural(ports.length, 'hostPort')} ${ports.join(', ')}` } : undefined
}

const probedHosts = ({ livenessProbe, readinessProbe, startupProbe, lifecycle }: Container): string[] =>
  [livenessProbe, readinessProbe, startupProbe, lifecycle?.postStart, lifecycle?.preStop].flatMap((handler) => [handler?.httpGet?.host, handler?.tcpSocket?.host]).filter((host) => host !== undefined && host !== '') as string[]

export const hostProbesAndHostLifecycle: Check = ({ spec }) => {
  const names = sortedSet(namesWhere(spec, (container) => probedHosts(container).length > 0))
  const hosts = sortedSet(containersOf(spec).flatMap(probedHosts))
  if (names.length === 0) return undefined
  return { reason: 'probe or lifecycle host', detail: `${theContainers(names)} ${plural(names.length, 'uses', 'use')} ${plural(hosts.length, 'probe or lifecycle host')} ${quoted(hosts)}` }
}

export const privileged: Check = ({ spec }) => {
  const names = namesWhere(spec, ({ securityContext }) => securityContext?.privileged === true)
  return names.length > 0 ? { reason: 'privileged', detail: `${theContainers(names)} must not set securityContext.privileged=true` } : undefined
}

export const windowsHostProcess: Check = ({ spec }) => {
  const who = setters(spec.securityContext?.windowsOptions?.hostProcess === true, namesWhere(spec, ({ securityContext }) => securityContext?.windowsOptions?.hostProcess === true))
  return who ? { reason: 'hostProcess', detail: `${who} must not set securityContext.windowsOptions.hostProcess=true` } : undefined
}
