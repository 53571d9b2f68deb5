/** Which rules of a profile stand for a container on a machine, with the kernel's own numbers for what is to happen. Mirrors libcontainer's specconv.SetupSeccomp and Docker's setupSeccomp. Pure. */
import type { Condition, Profile, Selector } from './profile.ts'
import type { Abi, Machine } from './syscalls/tables.ts'

export interface SelectedRule { names: readonly string[]; action: number; conditions: readonly Condition[] }

export interface Selected {
  abis: readonly Abi[]
  defaultAction: number
  /** What the kernel did not have when the profile was written does not exist for the container either. */
  unknownIsMissing: boolean
  /** SECCOMP_FILTER_FLAG_…, as bits. */
  flags: number
  rules: readonly SelectedRule[]
}

export interface Circumstances {
  machine: Machine
  /** `6.1.0-18-amd64` */
  kernelRelease: string
  /** Without `CAP_`; undefined: all there are. */
  capabilities: readonly string[] | undefined
}

export const retAllow = 0x7fff_0000
export const retKillProcess = 0x8000_0000
export const retErrno = 0x0005_0000
const actions: Readonly<Record<string, number>> = {
  SCMP_ACT_KILL: 0, SCMP_ACT_KILL_THREAD: 0, SCMP_ACT_KILL_PROCESS: retKillProcess, SCMP_ACT_TRAP: 0x0003_0000, SCMP_ACT_ERRNO: retErrno, SCMP_ACT_TRACE: 0x7ff0_0000, SCMP_ACT_LOG: 0x7ffc_0000, SCMP_ACT_ALLOW: retAllow,
}
/** A tracer, too, answers for calls that it does not know. */
const permissive = ['SCMP_ACT_ALLOW', 'SCMP_ACT_LOG', 'SCMP_ACT_TRACE']
const flagBits: Readonly<Record<string, number>> = { SECCOMP_FILTER_FLAG_TSYNC: 0, SECCOMP_FILTER_FLAG_LOG: 2, SECCOMP_FILTER_FLAG_SPEC_ALLOW: 4 }
const architectures = ['X86', 'X86_64', 'X32', 'ARM', 'AARCH64', 'LOONGARCH64', 'M68K', 'MIPS', 'MIPS64', 'MIPS64N32', 'MIPSEL', 'MIPSEL64', 'MIPSEL64N32', 'PPC', 'PPC64', 'PPC64LE', 'PARISC', 'PARISC64', 'RISCV64', 'S390', 'S390X', 'SH', 'SHEB'].map((name) => `SCMP_ARCH_${name}`)

const eperm = 1
export const enosys = 38

/** Throws an Error naming what this runtime does not know. */
export const selectRules = (profile: Profile, circumstances: Circumstances): Selected => {
  const flags = (profile.flags ?? []).map((flag) => known(flagBits, flag, 'flags')).reduce((sum, bit) => sum | bit, 0)
  return {
    abis: abisOf(profile, circumstances.machine), flags, defaultAction: actionOf(profile.defaultAction, profile.defaultErrnoRet, 'defaultAction'),
    unknownIsMissing: !permissive.includes(profile.defaultAction) && profile.defaultErrnoRet !== enosys,
    rules: profile.syscalls.map((rule, index) => ({ rule, action: actionOf(rule.action, rule.errnoRet, `syscalls[${index}].action`) }))
      .filter(({ rule }) => (!rule.includes || includes(rule.includes, circumstances)) && !(rule.excludes && excludes(rule.excludes, circumstances)))
      .flatMap(({ rule: { names, args = [] }, action }): SelectedRule[] => {
        // Two conditions on one argument have always meant either of them, each a rule of its own.
        const either = new Set(args.map(({ index }) => index)).size < args.length
        return either ? args.map((condition) => ({ names, action, conditions: [condition] })) : [{ names, action, conditions: args }]
      }),
  }
}

const known = (values: Readonly<Record<string, number>>, name: string, at: string): number => {
  const value = Object.hasOwn(values, name) ? values[name] : undefined
  if (value === undefined) throw new Error(`${at}: ${JSON.stringify(name)} is not supported, only ${Object.keys(values).join(', ')}`)
  return value
}

const actionOf = (name: string, errnoRet: number | undefined, at: string): number => {
  const action = known(actions, name, at)
  if (name === 'SCMP_ACT_ERRNO' || name === 'SCMP_ACT_TRACE') return action | (errnoRet ?? eperm)
  if (errnoRet !== undefined) throw new Error(`${at}: ${name} returns no error number`)
  return action
}

const abisOf = ({ architectures: named, archMap }: Profile, { abis }: Machine): Abi[] => {
  const [native] = abis
  if (!native) throw new Error('a machine has an architecture of its own')
  const all = [...(named ?? []), ...(archMap ?? []).flatMap(({ architecture, subArchitectures }) => [architecture, ...(subArchitectures ?? [])])]
  const strange = all.find((name) => !architectures.includes(name))
  if (strange !== undefined) throw new Error(`architecture ${JSON.stringify(strange)} is not known`)
  const wanted = named ?? archMap?.find(({ architecture }) => architecture === native.name)?.subArchitectures ?? []
  return abis.filter((abi) => abi === native || wanted.includes(abi.name))
}

const hasCapability = (name: string, { capabilities }: Circumstances): boolean => !capabilities || capabilities.includes(name.toUpperCase().replace(/^CAP_/, ''))

const isAtLeast = (release: string, version: string): boolean => {
  const [major = 0, minor = 0] = release.split(/[.-]/).map(Number)
  const [wantedMajor = 0, wantedMinor = 0] = version.split('.').map(Number)
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor)
}

const includes = ({ caps = [], arches = [], minKernel }: Selector, circumstances: Circumstances): boolean =>
  (arches.length === 0 || arches.includes(circumstances.machine.architecture)) && caps.every((each) => hasCapability(each, circumstances))
  && (minKernel === undefined || isAtLeast(circumstances.kernelRelease, minKernel))

const excludes = ({ caps = [], arches = [], minKernel }: Selector, circumstances: Circumstances): boolean =>
  arches.includes(circumstances.machine.architecture) || caps.some((each) => hasCapability(each, circumstances))
  || (minKernel !== undefined && isAtLeast(circumstances.kernelRelease, minKernel))
