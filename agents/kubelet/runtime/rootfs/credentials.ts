/** Who a container's process is: numbers, groups, capabilities, and the arguments of setpriv(1) that make it so. Pure. */
import type { OwnUsers } from '../proc/own-users.ts'
import type { ContainerSpec } from '../runtime.ts'

export interface Credentials {
  uid: number
  gid: number
  groups: readonly number[]
  /** Capabilities that the process, or a program that it runs, can ever have; undefined: all of the machine's. */
  capabilities: readonly string[] | undefined
  noNewPrivileges: boolean
  home: string
}

export const allCapabilities = ['CHOWN', 'DAC_OVERRIDE', 'DAC_READ_SEARCH', 'FOWNER', 'FSETID', 'KILL', 'SETGID', 'SETUID', 'SETPCAP', 'LINUX_IMMUTABLE', 'NET_BIND_SERVICE',
  'NET_BROADCAST', 'NET_ADMIN', 'NET_RAW', 'IPC_LOCK', 'IPC_OWNER', 'SYS_MODULE', 'SYS_RAWIO', 'SYS_CHROOT', 'SYS_PTRACE', 'SYS_PACCT', 'SYS_ADMIN', 'SYS_BOOT', 'SYS_NICE',
  'SYS_RESOURCE', 'SYS_TIME', 'SYS_TTY_CONFIG', 'MKNOD', 'LEASE', 'AUDIT_WRITE', 'AUDIT_CONTROL', 'SETFCAP', 'MAC_OVERRIDE', 'MAC_ADMIN', 'SYSLOG', 'WAKE_ALARM',
  'BLOCK_SUSPEND', 'AUDIT_READ', 'PERFMON', 'BPF', 'CHECKPOINT_RESTORE'] as const

const defaults = ['CHOWN', 'DAC_OVERRIDE', 'FSETID', 'FOWNER', 'MKNOD', 'NET_RAW', 'SETGID', 'SETUID', 'SETFCAP', 'SETPCAP', 'NET_BIND_SERVICE', 'SYS_CHROOT', 'KILL', 'AUDIT_WRITE']

const bare = (name: string): string => name.toUpperCase().replace(/^CAP_/, '')

/** As containerd's CRI: defaults, ALL added or dropped first, then what is named. Throws for a name that no kernel knows. */
export const capabilitiesOf = ({ add, drop }: ContainerSpec['capabilities']): string[] => {
  const added = add.map(bare)
  const dropped = drop.map(bare)
  const unknown = [...added, ...dropped].find((each) => each !== 'ALL' && !(allCapabilities as readonly string[]).includes(each))
  if (unknown !== undefined) throw new Error(`unknown capability "CAP_${unknown}"`)
  const base = added.includes('ALL') ? allCapabilities : dropped.includes('ALL') ? [] : defaults
  return [...new Set([...base, ...added])].filter((each) => each !== 'ALL' && !dropped.includes(each))
}

/** `passwd` and `group`: the container's own /etc/passwd and /etc/group, '' if it has none. */
export const credentialsOf = (spec: Pick<ContainerSpec, 'runAsUser' | 'runAsGroup' | 'supplementalGroups' | 'strictGroups' | 'capabilities' | 'privileged' | 'allowPrivilegeEscalation'>,
  { passwd, group }: { passwd: string; group: string }): Credentials => {
  const uid = spec.runAsUser ?? 0
  const entry = records(passwd).find((fields) => fields[2] === String(uid))
  const gid = spec.runAsGroup ?? Number(entry?.[3] ?? 0)
  const memberOf = entry && !spec.strictGroups ? records(group).filter((fields) => fields[3]?.split(',').includes(entry[0] ?? '')).map((fields) => Number(fields[2])) : []
  return {
    // The primary group is among them, so that a file which excludes a group excludes it always (CVE-2023-25173).
    uid, gid, groups: [...new Set([gid, ...spec.supplementalGroups, ...memberOf])].filter((each) => Number.isInteger(each)),
    capabilities: spec.privileged ? undefined : capabilitiesOf(spec.capabilities),
    noNewPrivileges: !spec.allowPrivilegeEscalation, home: entry?.[5] || '/',
  }
}

const records = (text: string): string[][] => text.split('\n').filter((line) => line && !line.startsWith('#')).map((line) => line.split(':'))

/** Whom a container wants to be and cannot, in the user namespace of an unprivileged cluster; undefined: nobody. */
export const missingUsers = ({ uid, gid, groups }: Pick<Credentials, 'uid' | 'gid' | 'groups'>, own: Pick<OwnUsers, 'hasUser' | 'hasGroup'>): string | undefined => {
  const missing = [...(own.hasUser(uid) ? [] : [`user ${uid}`]), ...[...new Set([gid, ...groups])].filter((each) => !own.hasGroup(each)).map((each) => `group ${each}`)]
  return missing.length > 0 ? `${missing.join(', ')}: not among the numbers of this cluster, which runs without root; give its owner a range in /etc/subuid and /etc/subgid and install newuidmap (package uidmap), then start it again` : undefined
}

/** Arguments without any blank. `available`: the bounding set of this machine (bits), beyond which nothing can be given; `setGroups`: whether groups can be taken off and given. */
export const setprivArguments = (credentials: Credentials, available: bigint, setGroups = true): string[] => {
  const { uid, gid, groups, capabilities, noNewPrivileges } = credentials
  const given = capabilities?.filter((each) => (available >> BigInt((allCapabilities as readonly string[]).indexOf(each))) & 1n)
  return [
    `--reuid=${uid}`, `--regid=${gid}`, !setGroups ? '--keep-groups' : groups.length > 0 ? `--groups=${groups.join(',')}` : '--clear-groups', '--inh-caps=-all',
    ...(given ? [`--bounding-set=${['-all', ...given.map((each) => `+${each.toLowerCase()}`)].join(',')}`] : []),
    ...(noNewPrivileges ? ['--no-new-privs'] : []),
  ]
}
