/** A container's filter of system calls, made of its profile before it is armed. */
import { existsSync } from 'node:fs'
import os from 'node:os'
import { compileFilter } from '../seccomp/compile.ts'
import { filterFile, loaderProgram } from '../seccomp/loader.ts'
import { parseProfile } from '../seccomp/profile.ts'
import { runtimeDefault } from '../seccomp/runtime-default.ts'
import { selectRules } from '../seccomp/select.ts'
import { machineOf } from '../seccomp/syscalls/tables.ts'
import type { SeccompProfile } from './runtime.ts'

/** Beside the other files of an attempt; what is in it was decided when the attempt was armed. */
export const filterFileName = 'filter'

const cache = new Map<string, Buffer>()
const cached = 64

/** `capabilities`: those that the container can have; undefined: all. Throws, saying why, when there can be no such filter here: then the container must not run. */
export const filterOf = (profile: SeccompProfile, capabilities: readonly string[] | undefined): Buffer => {
  const key = JSON.stringify([profile, capabilities])
  const known = cache.get(key)
  if (known) return known
  const filter = make(profile, capabilities)
  if (cache.size >= cached) cache.clear()
  cache.set(key, filter)
  return filter
}

const make = (profile: SeccompProfile, capabilities: readonly string[] | undefined): Buffer => {
  const machine = machineOf(os.arch())
  if (!machine || !loaderProgram(os.arch())) throw new Error(`seccomp is not supported on this machine: Wherry knows no system calls of the architecture ${os.arch()}; set seccompProfile.type to Unconfined`)
  if (!existsSync('/proc/sys/kernel/seccomp/actions_avail')) throw new Error('seccomp is not supported by the kernel of this machine (CONFIG_SECCOMP_FILTER); set seccompProfile.type to Unconfined')
  const circumstances = { machine, kernelRelease: os.release(), capabilities }
  if (profile.kind === 'default') {
    const selected = selectRules(runtimeDefault, circumstances)
    return filterFile(selected.flags, compileFilter(selected))
  }
  try {
    const selected = selectRules(parseProfile(profile.text), circumstances)
    return filterFile(selected.flags, compileFilter(selected))
  } catch (error) {
    throw new Error(`cannot load seccomp profile ${JSON.stringify(profile.path)}: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  }
}
