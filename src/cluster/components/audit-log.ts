/** Upstream's --audit-… flags: a policy, and a log, a webhook or both, or nothing. */
import { readFile } from 'node:fs/promises'
import type { Clock } from '../../api/clock.ts'
import { parseDuration } from '../../api/duration.ts'
import { systemRandom } from '../../api/random.ts'
import type { AuditOptions } from '../../apiserver/audit/audit.ts'
import { type AuditBackend, type AuditSink, blockingSink, unionSink } from '../../apiserver/audit/backend.ts'
import { batchSink } from '../../apiserver/audit/batch.ts'
import { openLogFile, standardOutput } from '../../apiserver/audit/log-file.ts'
import { parsePolicy, PolicyFileError } from '../../apiserver/audit/policy-file.ts'
import { truncatingBackend } from '../../apiserver/audit/truncate.ts'
import { webhookBackend } from '../../apiserver/audit/webhook.ts'
import type { Log } from '../../client/component.ts'
import type { Flags } from '../flags.ts'
import { UserError } from '../user-error.ts'
import { postTo } from './audit-webhook.ts'

type Plugin = 'log' | 'webhook'
const sharedFlags = ['mode', 'batch-buffer-size', 'batch-max-size', 'batch-max-wait', 'batch-throttle-enable', 'batch-throttle-qps', 'batch-throttle-burst', 'truncate-enabled', 'truncate-max-batch-size', 'truncate-max-event-size', 'version']
export const auditFlags: readonly string[] = ['audit-policy-file', 'audit-log-path', 'audit-log-maxsize', 'audit-log-maxage', 'audit-log-maxbackup', 'audit-log-compress', 'audit-log-format', 'audit-webhook-config-file', 'audit-webhook-initial-backoff',
  ...(['log', 'webhook'] as const).flatMap((plugin) => sharedFlags.map((name) => `audit-${plugin}-${name}`))]

const refused = (flag: string, why: string): UserError => new UserError(`wherry apiserver: --${flag}: ${why}`)

const policyFrom = async (file: string): Promise<AuditOptions['policy']> => {
  const text = await readFile(file, 'utf8').catch((error: Error) => { throw refused('audit-policy-file', error.message) })
  try {
    return parsePolicy(text, file)
  } catch (error) {
    throw error instanceof PolicyFileError ? refused('audit-policy-file', error.message) : error
  }
}

/** The policy, where one is named. Throws UserError. */
export const auditPolicyFrom = async (flags: Flags): Promise<AuditOptions['policy'] | undefined> => {
  const file = flags.get('audit-policy-file')
  return file === undefined ? undefined : policyFrom(file)
}

const durationOf = (flags: Flags, flag: string, fallback: number): number => {
  const text = flags.get(flag)
  const milliseconds = text === undefined ? fallback : parseDuration(text)
  if (milliseconds === undefined || milliseconds < 0) throw refused(flag, `must be a duration like 30s, not ${JSON.stringify(text)}`)
  return milliseconds
}

const booleanOf = (flags: Flags, flag: string, fallback: boolean): boolean => {
  const text = flags.get(flag)
  if (text !== undefined && text !== 'true' && text !== 'false') throw refused(flag, `must be true or false, not ${JSON.stringify(text)}`)
  return text === undefined ? fallback : text === 'true'
}

const positive = (flags: Flags, flag: string, fallback: number): number => {
  const value = flags.number(flag, fallback)
  if (value <= 0) throw refused(flag, `${value}: must be a positive number`)
  return value
}

const modes = ['batch', 'blocking', 'blocking-strict']

/** Who waits for a backend, and how it is spared: made of its flags before there is one. Throws UserError. */
const deliveryOf = (flags: Flags, plugin: Plugin, { clock, log }: { clock: Clock; log: Log }): ((backend: AuditBackend) => AuditSink) => {
  const name = (flag: string): string => `audit-${plugin}-${flag}`
  const mode = flags.get(name('mode')) ?? (plugin === 'log' ? 'blocking' : 'batch')
  if (!modes.includes(mode)) throw refused(name('mode'), `invalid audit ${plugin} mode ${mode}, allowed modes are ${JSON.stringify(modes.join(','))}`)
  const version = flags.get(name('version')) ?? 'audit.k8s.io/v1'
  if (version !== 'audit.k8s.io/v1') throw refused(name('version'), `invalid group version ${JSON.stringify(version)}, allowed is audit.k8s.io/v1`)
  const toLog = plugin === 'log'
  const batch = mode !== 'batch' ? undefined : {
    bufferSize: positive(flags, name('batch-buffer-size'), 10_000), maxBatchSize: positive(flags, name('batch-max-size'), toLog ? 1 : 400), maxBatchWaitMs: durationOf(flags, name('batch-max-wait'), toLog ? 0 : 30_000), concurrent: !toLog,
    throttle: booleanOf(flags, name('batch-throttle-enable'), !toLog) ? { qps: positive(flags, name('batch-throttle-qps'), 10), burst: positive(flags, name('batch-throttle-burst'), 15) } : undefined,
  }
  const truncate = booleanOf(flags, name('truncate-enabled'), false) ? { maxBatchBytes: positive(flags, name('truncate-max-batch-size'), 10 << 20), maxEventBytes: positive(flags, name('truncate-max-event-size'), 100 << 10) } : undefined
  if (truncate && truncate.maxBatchBytes < truncate.maxEventBytes) throw refused(name('truncate-max-event-size'), `invalid audit truncate ${plugin} max event size (${truncate.maxEventBytes}), must be less than or equal to max batch size (${truncate.maxBatchBytes})`)
  return (backend) => {
    const limited = truncate ? truncatingBackend(backend, truncate, log) : backend
    return batch ? batchSink(limited, batch, { clock, log }) : blockingSink(limited, { strict: mode === 'blocking-strict' })
  }
}

const logSizes = (flags: Flags): { maxSizeMb: number; maxAgeDays: number; maxBackups: number; compress: boolean } => {
  const format = flags.get('audit-log-format') ?? 'json'
  if (format !== 'json') throw refused('audit-log-format', `${JSON.stringify(format)} is not supported: lines are JSON`)
  return { maxSizeMb: flags.number('audit-log-maxsize', 0), maxAgeDays: flags.number('audit-log-maxage', 0), maxBackups: flags.number('audit-log-maxbackup', 0), compress: booleanOf(flags, 'audit-log-compress', false) }
}

/** What the flags say of every backend, opened or not. Throws UserError. */
export const checkAuditFlags = async (flags: Flags, parts: { clock: Clock; log: Log }): Promise<void> => {
  await auditPolicyFrom(flags)
  logSizes(flags)
  deliveryOf(flags, 'log', parts)
  deliveryOf(flags, 'webhook', parts)
  durationOf(flags, 'audit-webhook-initial-backoff', 0)
  const config = flags.get('audit-webhook-config-file')
  if (config !== undefined) postTo(config)
}

/** Undefined where nothing is to be audited: as upstream, both a policy and a backend are needed. Whoever gets the sink closes it. */
export const auditFrom = async (flags: Flags, parts: { clock: Clock; log: Log }): Promise<AuditOptions | undefined> => {
  const { log, clock } = parts
  const [file, config] = [flags.get('audit-log-path'), flags.get('audit-webhook-config-file')]
  const policy = await auditPolicyFrom(flags)
  await checkAuditFlags(flags, parts)
  if (policy === undefined && (file ?? config) !== undefined) log.warn('no audit policy file provided, no events will be recorded; give --audit-policy-file', { file: file ?? config })
  if (policy !== undefined && (file ?? config) === undefined) log.warn('no audit backend provided, no events will be recorded; give --audit-log-path or --audit-webhook-config-file', { policy: flags.get('audit-policy-file') })
  if (policy === undefined || (file ?? config) === undefined) return undefined
  const sinks: AuditSink[] = []
  if (file !== undefined) {
    const backend = file === '-' ? standardOutput() : await openLogFile({ file, clock, log, ...logSizes(flags) }).catch((error: Error) => { throw refused('audit-log-path', error.message) })
    sinks.push(deliveryOf(flags, 'log', parts)(backend))
  }
  if (config !== undefined) sinks.push(deliveryOf(flags, 'webhook', parts)(webhookBackend({ post: postTo(config), initialBackoffMs: durationOf(flags, 'audit-webhook-initial-backoff', 10_000), clock, random: systemRandom, log })))
  return { policy, sink: unionSink(sinks) }
}
