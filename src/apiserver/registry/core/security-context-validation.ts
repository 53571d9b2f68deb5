/** Security contexts of pods and containers. Mirrors validatePodSpecSecurityContext and ValidateSecurityContext of upstream's core validation; profiles and Windows options are refused by unsupported.ts. */
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { AppArmorProfile, PodSpec, SeccompProfile, SecurityContext, Sysctl } from '../../../api/types.ts'
import { checkEach, checkOptionalOneOf, maxInt32 } from '../field-checks.ts'
import { checkDescendingPath } from './volume-paths.ts'

/** User and group ids are 0 to 2^31 - 1. */
const checkId = (path: string, id: number | undefined): FieldError[] => (id !== undefined && (id < 0 || id > maxInt32) ? [fieldError.invalid(path, id, `must be between 0 and ${maxInt32}, inclusive`)] : [])

const profileTypes = ['Localhost', 'RuntimeDefault', 'Unconfined']

const checkProfile = (path: string, profile: SeccompProfile | AppArmorProfile | undefined, kind: 'seccomp' | 'AppArmor'): FieldError[] => {
  if (!profile) return []
  const { type, localhostProfile } = profile
  if (!type) return [fieldError.required(`${path}.type`, `type is required when ${kind === 'seccomp' ? 'seccompProfile' : 'appArmorProfile'} is set`)]
  if (!profileTypes.includes(type)) return [fieldError.notSupported(`${path}.type`, type, profileTypes)]
  if (type !== 'Localhost') return localhostProfile === undefined ? [] : [fieldError.invalid(`${path}.localhostProfile`, localhostProfile, `can only be set when ${kind} type is Localhost`)]
  if (!localhostProfile) return [fieldError.required(`${path}.localhostProfile`, `must be set when ${kind} type is Localhost`)]
  return kind === 'seccomp' ? checkDescendingPath(`${path}.localhostProfile`, localhostProfile) : []
}

const sysctlPattern = '^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$'
const sysctlName = new RegExp(sysctlPattern)
const ipcSysctl = /^(?:kernel\.(?:shm|msg|sem)|fs\.mqueue\.)/

/** `net/ipv4/ip_forward` is another spelling of `net.ipv4.ip_forward`. */
const dotted = (name: string): string => (name.indexOf('/') >= 0 && (name.indexOf('.') < 0 || name.indexOf('/') < name.indexOf('.')) ? name.replaceAll('/', '.') : name)

const checkSysctls = (path: string, spec: PodSpec, sysctls: readonly Sysctl[] | undefined): FieldError[] => {
  const seen = new Set<string>()
  return checkEach(path, sysctls, ({ name }, at) => {
    const errors: FieldError[] = []
    if (!name) errors.push(fieldError.required(`${at}.name`))
    else if (name.length > 253 || !sysctlName.test(name)) errors.push(fieldError.invalid(`${at}.name`, name, `must have at most 253 characters and match regex ${sysctlPattern}`))
    else if (seen.has(name)) errors.push(fieldError.duplicate(`${at}.name`, name))
    if (spec.hostNetwork && dotted(name).startsWith('net.')) errors.push(fieldError.invalid(`${at}.name`, name, "may not be specified when 'hostNetwork' is true"))
    if (spec.hostIPC && ipcSysctl.test(dotted(name))) errors.push(fieldError.invalid(`${at}.name`, name, "may not be specified when 'hostIPC' is true"))
    seen.add(name)
    return errors
  })
}

/** `path`: of the pod's spec. */
export const checkPodSecurityContext = (path: string, spec: PodSpec): FieldError[] => {
  const context = spec.securityContext
  if (!context) return []
  const at = `${path}.securityContext`
  return [
    ...checkId(`${at}.fsGroup`, context.fsGroup),
    ...checkId(`${at}.runAsUser`, context.runAsUser),
    ...checkId(`${at}.runAsGroup`, context.runAsGroup),
    ...checkEach(`${at}.supplementalGroups`, context.supplementalGroups, (id, idPath) => checkId(idPath, id)),
    // Upstream reports this one below securityContext, where its internal type keeps the field.
    ...(spec.shareProcessNamespace && spec.hostPID ? [fieldError.invalid(`${at}.shareProcessNamespace`, true, 'ShareProcessNamespace and HostPID cannot both be enabled')] : []),
    ...checkSysctls(`${at}.sysctls`, spec, context.sysctls),
    ...checkOptionalOneOf(`${at}.fsGroupChangePolicy`, context.fsGroupChangePolicy, ['Always', 'OnRootMismatch']),
    ...checkProfile(`${at}.seccompProfile`, context.seccompProfile, 'seccomp'),
    ...checkProfile(`${at}.appArmorProfile`, context.appArmorProfile, 'AppArmor'),
    ...checkOptionalOneOf(`${at}.supplementalGroupsPolicy`, context.supplementalGroupsPolicy, ['Merge', 'Strict']),
    ...checkOptionalOneOf(`${at}.seLinuxChangePolicy`, context.seLinuxChangePolicy, ['MountOption', 'Recursive']),
  ]
}

/** A pod with users of its own shares no other namespace with the machine; only such a one may see all of /proc. `path`: of the pod's spec. Mirrors validateHostUsers. */
export const checkHostUsers = (path: string, spec: PodSpec): FieldError[] => {
  if (spec.hostUsers === false) {
    return (['hostNetwork', 'hostPID', 'hostIPC'] as const).filter((field) => spec[field]).map((field) => fieldError.forbidden(`${path}.${field}`, 'when `hostUsers` is false'))
  }
  return (['containers', 'initContainers', 'ephemeralContainers'] as const).flatMap((list) => (spec[list] ?? []).flatMap(({ securityContext }, index) =>
    (securityContext?.procMount === 'Unmasked' ? [fieldError.invalid(`${path}.${list}[${index}].securityContext.procMount`, 'Unmasked', '`hostUsers` must be false to use `Unmasked`')] : [])))
}

const checkEscalation = (path: string, context: SecurityContext): FieldError[] => {
  if (context.allowPrivilegeEscalation !== false) return []
  return [
    ...(context.privileged ? [fieldError.invalid(path, context, 'cannot set `allowPrivilegeEscalation` to false and `privileged` to true')] : []),
    ...(context.capabilities?.add?.includes('CAP_SYS_ADMIN') ? [fieldError.invalid(path, context, 'cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN')] : []),
  ]
}

export const checkContainerSecurityContext = (path: string, context: SecurityContext | undefined): FieldError[] => (context ? [
  ...checkId(`${path}.runAsUser`, context.runAsUser),
  ...checkId(`${path}.runAsGroup`, context.runAsGroup),
  ...checkOptionalOneOf(`${path}.procMount`, context.procMount, ['Default', 'Unmasked']),
  ...checkProfile(`${path}.seccompProfile`, context.seccompProfile, 'seccomp'),
  ...checkEscalation(path, context),
  ...checkProfile(`${path}.appArmorProfile`, context.appArmorProfile, 'AppArmor'),
] : [])
