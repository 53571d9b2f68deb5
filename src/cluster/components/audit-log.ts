/** Upstream's --audit-… flags: a policy and a log, or neither. */
import { readFile } from 'node:fs/promises'
import type { Clock } from '../../api/clock.ts'
import type { AuditOptions } from '../../apiserver/audit/audit.ts'
import { openLogFile, standardOutput } from '../../apiserver/audit/log-file.ts'
import { parsePolicy, PolicyFileError } from '../../apiserver/audit/policy-file.ts'
import type { Log } from '../../client/component.ts'
import type { Flags } from '../flags.ts'
import { UserError } from '../user-error.ts'

export const auditFlags = ['audit-policy-file', 'audit-log-path', 'audit-log-maxsize', 'audit-log-maxage', 'audit-log-maxbackup'] as const

const policyFrom = async (file: string): Promise<AuditOptions['policy']> => {
  const text = await readFile(file, 'utf8').catch((error: Error) => { throw new UserError(`wherry apiserver: --audit-policy-file: ${error.message}`) })
  try {
    return parsePolicy(text, file)
  } catch (error) {
    throw error instanceof PolicyFileError ? new UserError(`wherry apiserver: --audit-policy-file: ${error.message}`) : error
  }
}

/** The policy, where one is named. Throws UserError. */
export const auditPolicyFrom = async (flags: Flags): Promise<AuditOptions['policy'] | undefined> => {
  const file = flags.get('audit-policy-file')
  return file === undefined ? undefined : policyFrom(file)
}

/** Undefined where nothing is to be audited: as upstream, both a policy and a place for the log are needed. Whoever gets the sink closes it. */
export const auditFrom = async (flags: Flags, { clock, log }: { clock: Clock; log: Log }): Promise<AuditOptions | undefined> => {
  const policyFile = flags.get('audit-policy-file')
  const file = flags.get('audit-log-path')
  const [maxSizeMb, maxAgeDays, maxBackups] = [flags.number('audit-log-maxsize', 0), flags.number('audit-log-maxage', 0), flags.number('audit-log-maxbackup', 0)]
  const policy = await auditPolicyFrom(flags)
  if (policy === undefined && file !== undefined) log.warn('no audit policy file provided, no events will be recorded; give --audit-policy-file', { file })
  if (policy !== undefined && file === undefined) log.warn('no audit log provided, no events will be recorded; give --audit-log-path', { policy: policyFile })
  if (policy === undefined || file === undefined) return undefined
  if (file === '-') return { policy, sink: standardOutput() }
  const sink = await openLogFile({ file, clock, log, maxSizeMb, maxAgeDays, maxBackups }).catch((error: Error) => { throw new UserError(`wherry apiserver: --audit-log-path: ${error.message}`) })
  return { policy, sink }
}
