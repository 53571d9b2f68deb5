/** Baseline: what keeps a process and the kernel apart stays. Mirrors `policy/check_{appArmorProfile,seLinuxOptions,procMount_baseline,procMount_restricted,sysctls}.go`. */
import type { Container } from '../../../api/types.ts'
import { containersOf, hasOwnUsers, namesWhere, plural, quoted, setters, sortedSet, theContainers, type Check } from './check.ts'

const appArmorPrefix = 'container.apparmor.security.beta.kubernetes.io/'
const isAllowedAnnotation = (profile: string): boolean => profile === '' || profile === 'runtime/default' || profile.startsWith('localhost/')
const isForbiddenAppArmor = (profile: { type: string } | undefined): boolean => profile !== undefined && profile.type !== 'RuntimeDefault' && profile.type !== 'Localhost'

export const appArmorProfile: Check = ({ annotations = {}, spec }) => {
  const contexts = [spec.securityContext, ...containersOf(spec).map(({ securityContext }) => securityContext)]
  const types = sortedSet(contexts.flatMap((context) => (context?.appArmorProfile && isForbiddenAppArmor(context.appArmorProfile) ? [context.appArmorProfile.type] : [])))
  const annotated = Object.entries(annotations).filter(([key, value]) => key.startsWith(appArmorPrefix) && !isAllowedAnnotation(value)).map(([key, value]) => `${key}=${JSON.stringify(value)}`).sort()
  const fields = setters(isForbiddenAppArmor(spec.securityContext?.appArmorProfile), namesWhere(spec, ({ securityContext }) => isForbiddenAppArmor(securityContext?.appArmorProfile)))
  const who = [...(fields ? [fields] : []), ...(annotated.length > 0 ? [plural(annotated.length, 'annotation')] : [])].join(' and ')
  const values = [...types, ...annotated]
  return who ? { reason: plural(values.length, 'forbidden AppArmor profile'), detail: `${who} must not set AppArmor profile type to ${quoted(values)}` } : undefined
}

interface SELinux { type?: string | undefined; user?: string | undefined; role?: string | undefined }

const seLinux = (allowed: readonly string[]): Check => ({ spec }) => {
  const isBadType = ({ type = '' }: SELinux): boolean => type !== '' && !allowed.includes(type)
  const isBad = (options: SELinux | undefined): boolean => options !== undefined && (isBadType(options) || Boolean(options.user) || Boolean(options.role))
  const who = setters(isBad(spec.securityContext?.seLinuxOptions), namesWhere(spec, ({ securityContext }) => isBad(securityContext?.seLinuxOptions)))
  if (!who) return undefined
  const all: SELinux[] = [spec.securityContext, ...containersOf(spec).map(({ securityContext }) => securityContext)].flatMap((context) => context?.seLinuxOptions ?? [])
  const types = sortedSet(all.filter(isBadType).map(({ type = '' }) => type))
  const what = [
    ...(types.length > 0 ? [`${plural(types.length, 'type')} ${quoted(types)}`] : []),
    ...(all.some(({ user }) => user) ? ['user may not be set'] : []),
    ...(all.some(({ role }) => role) ? ['role may not be set'] : []),
  ]
  return { reason: 'seLinuxOptions', detail: `${who} set forbidden securityContext.seLinuxOptions: ${what.join('; ')}` }
}

const seLinuxTypes = ['container_t', 'container_init_t', 'container_kvm_t']
export const seLinuxOptions = { v1_0: seLinux(seLinuxTypes), v1_31: seLinux([...seLinuxTypes, 'container_engine_t']) }

const strictProcMount: Check = ({ spec }) => {
  const mountOf = ({ securityContext }: Container): string => securityContext?.procMount ?? 'Default'
  const names = namesWhere(spec, (container) => mountOf(container) !== 'Default')
  const types = sortedSet(containersOf(spec).map(mountOf).filter((type) => type !== 'Default'))
  return names.length > 0 ? { reason: 'procMount', detail: `${theContainers(names)} must not set securityContext.procMount to ${quoted(types)}` } : undefined
}
export const procMount = { strict: strictProcMount, unlessOwnUsers: ((pod) => (hasOwnUsers(pod.spec) ? undefined : strictProcMount(pod))) satisfies Check }

const onlySysctls = (allowed: readonly string[]): Check => ({ spec }) => {
  const names = (spec.securityContext?.sysctls ?? []).map(({ name }) => name).filter((name) => !allowed.includes(name))
  return names.length > 0 ? { reason: 'forbidden sysctls', detail: names.join(', ') } : undefined
}

const safe = ['kernel.shm_rmid_forced', 'net.ipv4.ip_local_port_range', 'net.ipv4.tcp_syncookies', 'net.ipv4.ping_group_range', 'net.ipv4.ip_unprivileged_port_start']
const safe27 = [...safe, 'net.ipv4.ip_local_reserved_ports']
const safe29 = [...safe27, 'net.ipv4.tcp_keepalive_time', 'net.ipv4.tcp_fin_timeout', 'net.ipv4.tcp_keepalive_intvl', 'net.ipv4.tcp_keepalive_probes']
export const sysctls = { v1_0: onlySysctls(safe), v1_27: onlySysctls(safe27), v1_29: onlySysctls(safe29), v1_32: onlySysctls([...safe29, 'net.ipv4.tcp_rmem', 'net.ipv4.tcp_wmem']) }
