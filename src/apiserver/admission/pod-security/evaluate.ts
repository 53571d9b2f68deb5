/** All checks of a level, as of a policy version. Mirrors `pod-security-admission/policy/registry.go` and the checks' own tables of versions. */
import type { Check, Finding, Inspected } from './check.ts'
import { capabilitiesBaseline, capabilitiesRestricted } from './capability-checks.ts'
import { hostNamespaces, hostPathVolumes, hostPorts, hostProbesAndHostLifecycle, privileged, windowsHostProcess } from './host-checks.ts'
import { appArmorProfile, procMount, seLinuxOptions, sysctls } from './kernel-checks.ts'
import type { LevelVersion } from './policy.ts'
import { seccompBaseline, seccompRestricted } from './seccomp-checks.ts'
import { allowPrivilegeEscalation, runAsNonRoot, runAsUser } from './user-checks.ts'
import { restrictedVolumes } from './volume-checks.ts'

interface VersionedCheck {
  /** By the minor of the policy version since which each is valid, ascending. */
  since: readonly (readonly [minor: number, check: Check])[]
  /** The baseline check that says less than this one of the restricted level. */
  replaces?: VersionedCheck
}

const capabilities: VersionedCheck = { since: [[0, capabilitiesBaseline]] }
const hostPaths: VersionedCheck = { since: [[0, hostPathVolumes]] }
const procMounts: VersionedCheck = { since: [[0, procMount.strict], [35, procMount.unlessOwnUsers]] }
const seccomp: VersionedCheck = { since: [[0, seccompBaseline.v1_0], [19, seccompBaseline.v1_19]] }

/** In the order of upstream's names for them, so that messages list them as upstream's do. */
const baseline: readonly VersionedCheck[] = [
  { since: [[0, appArmorProfile]] },
  capabilities,
  { since: [[0, hostNamespaces]] },
  hostPaths,
  { since: [[0, hostPorts]] },
  { since: [[34, hostProbesAndHostLifecycle]] },
  { since: [[0, privileged]] },
  procMounts,
  { since: [[0, seLinuxOptions.v1_0], [31, seLinuxOptions.v1_31]] },
  seccomp,
  { since: [[0, sysctls.v1_0], [27, sysctls.v1_27], [29, sysctls.v1_29], [32, sysctls.v1_32]] },
  { since: [[0, windowsHostProcess]] },
]

const restricted: readonly VersionedCheck[] = [
  { since: [[8, allowPrivilegeEscalation.v1_8], [25, allowPrivilegeEscalation.v1_25]] },
  { since: [[22, capabilitiesRestricted.v1_22], [25, capabilitiesRestricted.v1_25]], replaces: capabilities },
  { since: [[35, procMount.strict]], replaces: procMounts },
  { since: [[0, restrictedVolumes]], replaces: hostPaths },
  { since: [[0, runAsNonRoot.v1_0], [35, runAsNonRoot.v1_35]] },
  { since: [[23, runAsUser.v1_23], [35, runAsUser.v1_35]] },
  { since: [[19, seccompRestricted.v1_19], [25, seccompRestricted.v1_25]], replaces: seccomp },
]

const at = ({ since }: VersionedCheck, minor: number): Check | undefined => since.findLast(([first]) => first <= minor)?.[1]

const checksOf = ({ level, minor }: LevelVersion): Check[] => {
  if (level === 'privileged') return []
  const more = level === 'restricted' ? restricted.filter((check) => at(check, minor)) : []
  const replaced = new Set(more.map(({ replaces }) => replaces))
  return [...baseline.filter((check) => !replaced.has(check)), ...more].flatMap((check) => at(check, minor) ?? [])
}

/** What of the pod the level forbids; nothing: it is allowed. */
export const evaluate = (pod: Inspected, policy: LevelVersion): Finding[] => checksOf(policy).flatMap((check) => check(pod) ?? [])

/** `privileged (container "a" must not set securityContext.privileged=true), host namespaces (hostPID=true)`. */
export const detailsText = (findings: readonly Finding[]): string => findings.map(({ reason, detail }) => (detail ? `${reason} (${detail})` : reason)).join(', ')
export const reasonsText = (findings: readonly Finding[]): string => findings.map(({ reason }) => reason).join(', ')
