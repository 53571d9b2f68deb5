/** Takes everything of kube-proxy's out of the tables (`wherry down`); what others put there stays. Mirrors CleanupLeftovers. */
import { execa } from 'execa'
import { canary, fixedChains, jumps, sharedChains, tables } from './base-rules.ts'
import { renderRule } from './iptables/render.ts'
import { missingJumps, parseSave, serviceChains } from './iptables/iptables.ts'

/** The restore text that removes every chain and jump of ours that `save` shows. Pure. */
export const renderCleanup = (save: string, marker: string): string => {
  const saved = parseSave(save)
  const missing = new Set(missingJumps(saved))
  return tables.map((table) => {
    const present = saved.chains.get(table) ?? new Set<string>()
    const owned = [...fixedChains, ...sharedChains].filter((each) => each.table === table).map(({ name }) => name)
    const chains = [...owned, canary, ...(table === 'nat' ? [marker, ...serviceChains(saved)] : [])].filter((chain) => present.has(chain))
    const from = jumps.filter((each) => each.table === table && !missing.has(each))
    if (chains.length === 0 && from.length === 0) return ''
    return [`*${table}`, ...chains.map((chain) => `:${chain} - [0:0]`), ...from.map((jump) => `-D ${jump.from} ${renderRule(jump.rule)}`), ...chains.map((chain) => `-X ${chain}`), 'COMMIT', ''].join('\n')
  }).join('')
}

/** In the network namespace of the caller, or of `namespace` (a path). */
export const cleanUpRules = async (marker: string, namespace?: string): Promise<void> => {
  const run = (program: string, args: string[], input?: string): Promise<{ stdout: string }> => {
    const [command = '', ...rest] = namespace ? ['nsenter', `--net=${namespace}`, program, ...args] : [program, ...args]
    return execa(command, rest, input === undefined ? {} : { input })
  }
  const text = renderCleanup((await run('iptables-save', [])).stdout, marker)
  if (text !== '') await run('iptables-restore', ['--noflush', '-w', '5'], text)
}
