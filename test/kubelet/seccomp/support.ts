/** Filters for tests, made of a profile as the runtime makes them. */
import type { Instruction } from '../../../agents/kubelet/seccomp/bpf.ts'
import { compileFilter } from '../../../agents/kubelet/seccomp/compile.ts'
import type { Profile } from '../../../agents/kubelet/seccomp/profile.ts'
import { selectRules } from '../../../agents/kubelet/seccomp/select.ts'
import { type Machine, machineOf } from '../../../agents/kubelet/seccomp/syscalls/tables.ts'
import { checkFilter, runFilter } from '../../support/filter-machine.ts'

export const machine = (architecture: string): Machine => {
  const found = machineOf(architecture)
  if (!found) throw new Error(`no machine ${architecture}`)
  return found
}

export interface Given { architecture?: string; capabilities?: readonly string[] | undefined; kernelRelease?: string }

export const filterFor = (profile: Profile, { architecture = 'x64', kernelRelease = '6.1.0-18-amd64', ...rest }: Given = {}): Instruction[] => {
  const program = compileFilter(selectRules(profile, { machine: machine(architecture), kernelRelease, capabilities: 'capabilities' in rest ? rest.capabilities : [] }))
  checkFilter(program)
  return program
}

const words: Readonly<Record<number, string>> = { 0x7fff_0000: 'allow', 0x8000_0000: 'kill process', 0: 'kill thread', 0x7ffc_0000: 'log', 0x3_0000: 'trap' }
export const wordOf = (action: number): string => words[action] ?? (action >>> 16 === 5 ? `errno ${action & 0xffff}` : action >>> 16 === 0x7ff0 ? `trace ${action & 0xffff}` : `0x${action.toString(16)}`)

/** `abi`: which of the machine's; `call`: by name, or its number. */
export const answer = (program: readonly Instruction[], call: string | number, { args = [], abi = 0, architecture = 'x64' }: { args?: readonly (bigint | number)[]; abi?: number; architecture?: string } = {}): string => {
  const { audit, numbers } = machine(architecture).abis[abi] ?? { audit: 0, numbers: new Map<string, number>() }
  const number = typeof call === 'number' ? call : numbers.get(call)
  if (number === undefined) throw new Error(`no system call ${call}`)
  return wordOf(runFilter(program, { architecture: audit, number, args: args.map(BigInt) }).action)
}
