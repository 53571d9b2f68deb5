/** Which sysctls a pod may set: safe ones, and those that whoever runs the node has allowed. Mirrors pkg/kubelet/sysctl's allowlist.go, safe_sysctls.go and namespaces.go. Pure. */
import type { Pod } from '../../src/api/types.ts'

const safe = ['kernel.shm_rmid_forced', 'net.ipv4.ip_local_port_range', 'net.ipv4.tcp_syncookies', 'net.ipv4.ping_group_range', 'net.ipv4.ip_unprivileged_port_start', 'net.ipv4.ip_local_reserved_ports',
  'net.ipv4.tcp_keepalive_time', 'net.ipv4.tcp_fin_timeout', 'net.ipv4.tcp_keepalive_intvl', 'net.ipv4.tcp_keepalive_probes', 'net.ipv4.tcp_rmem', 'net.ipv4.tcp_wmem']
const ipcPrefixes = ['kernel.shm', 'kernel.msg', 'fs.mqueue.']

/** With dots between its parts: where the first separator is a slash, slashes separate and dots belong to names. */
export const dotted = (name: string): string => {
  const first = /[./]/.exec(name)?.[0]
  return first === '/' ? name.replace(/[./]/g, (each) => (each === '/' ? '.' : '/')) : name
}

const namespaceOf = (name: string): 'ipc' | 'net' | undefined => {
  if (name === 'kernel.sem' || ipcPrefixes.some((prefix) => name.startsWith(prefix))) return 'ipc'
  return name.startsWith('net.') ? 'net' : undefined
}

const pattern = /^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[./])*([a-z0-9]([-_a-z0-9]*[a-z0-9])?|([a-z0-9][-_a-z0-9]*)?\*)$/

/** What is wrong with a pattern of `--allowed-unsafe-sysctls` (a name, or the beginning of names with an asterisk behind it). */
export const allowedSysctlProblem = (text: string): string | undefined => {
  if (text.length > 253 || !pattern.test(text)) return `sysctl "${text}" must have at most 253 characters and be a name, or a beginning of names with * at its end`
  return namespaceOf(dotted(text.replace(/\*$/, ''))) ? undefined : `the sysctls ${JSON.stringify(text)} are not known to be namespaced`
}

/** Why the node refuses the pod with reason SysctlForbidden. */
export const sysctlProblem = ({ spec }: Pod, allowedUnsafe: readonly string[]): string | undefined => {
  const isAllowed = (name: string): boolean => safe.includes(name) || allowedUnsafe.map(dotted).some((each) => (each.endsWith('*') ? name.startsWith(each.slice(0, -1)) : name === each))
  for (const { name } of spec.securityContext?.sysctls ?? []) {
    const plain = dotted(name)
    if (!isAllowed(plain)) return `forbidden sysctl: ${JSON.stringify(plain)} not allowlisted`
    const namespace = namespaceOf(plain)
    if ((namespace === 'ipc' && spec.hostIPC) || (namespace === 'net' && spec.hostNetwork)) return `forbidden sysctl: ${JSON.stringify(plain)} not allowed with host ${namespace} enabled`
  }
  return undefined
}
