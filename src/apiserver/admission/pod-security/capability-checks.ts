/** Mirrors `policy/check_capabilities_{baseline,restricted}.go`. */
import type { Container } from '../../../api/types.ts'
import { containersOf, isWindows, namesWhere, quoted, sortedSet, theContainers, type Check } from './check.ts'

const allowed = ['AUDIT_WRITE', 'CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'FSETID', 'KILL', 'MKNOD', 'NET_BIND_SERVICE', 'SETFCAP', 'SETGID', 'SETPCAP', 'SETUID', 'SYS_CHROOT']

const addedBeyond = (capabilities: readonly string[]) => ({ securityContext }: Container): string[] => (securityContext?.capabilities?.add ?? []).filter((name) => !capabilities.includes(name))

export const capabilitiesBaseline: Check = ({ spec }) => {
  const added = addedBeyond(allowed)
  const names = namesWhere(spec, (container) => added(container).length > 0)
  if (names.length === 0) return undefined
  return { reason: 'non-default capabilities', detail: `${theContainers(names)} must not include ${quoted(sortedSet(containersOf(spec).flatMap(added)))} in securityContext.capabilities.add` }
}

const dropAll: Check = ({ spec }) => {
  const added = addedBeyond(['NET_BIND_SERVICE'])
  const keeping = namesWhere(spec, ({ securityContext }) => securityContext?.capabilities?.drop?.includes('ALL') !== true)
  const adding = namesWhere(spec, (container) => added(container).length > 0)
  const details = [
    ...(keeping.length > 0 ? [`${theContainers(keeping)} must set securityContext.capabilities.drop=["ALL"]`] : []),
    ...(adding.length > 0 ? [`${theContainers(adding)} must not include ${quoted(sortedSet(containersOf(spec).flatMap(added)))} in securityContext.capabilities.add`] : []),
  ]
  return details.length > 0 ? { reason: 'unrestricted capabilities', detail: details.join('; ') } : undefined
}

export const capabilitiesRestricted = { v1_22: dropAll, v1_25: ((pod) => (isWindows(pod.spec) ? undefined : dropAll(pod))) satisfies Check }
