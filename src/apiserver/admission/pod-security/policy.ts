/** Which level of the Pod Security Standards a namespace's labels ask for. Mirrors `pod-security-admission/api/helpers.go`. */
import { fieldError, type FieldError } from '../../../api/status.ts'

export const levels = ['privileged', 'baseline', 'restricted'] as const
export type Level = (typeof levels)[number]

/** `minor` of a policy version v1.N; Infinity is the latest. */
export interface LevelVersion { level: Level; minor: number }
export const modes = ['enforce', 'audit', 'warn'] as const
export type Policy = Record<(typeof modes)[number], LevelVersion>

export const labelPrefix = 'pod-security.kubernetes.io/'
const privileged: LevelVersion = { level: 'privileged', minor: Infinity }
/** Upstream's, where no configuration says otherwise. */
export const privilegedPolicy: Policy = { enforce: privileged, audit: privileged, warn: privileged }

/** `restricted:latest`, `baseline:v1.24`. */
export const policyText = ({ level, minor }: LevelVersion): string => `${level}:${minor === Infinity ? 'latest' : `v1.${minor}`}`
export const samePolicy = (one: LevelVersion, other: LevelVersion): boolean => one.level === other.level && one.minor === other.minor
export const isStricter = (one: Level, other: Level): boolean => levels.indexOf(one) > levels.indexOf(other)

export const levelOf = (value: string): Level | undefined => levels.find((level) => level === value)
export const minorOf = (value: string): number | undefined => {
  const minor = /^v1\.(0|[1-9][0-9]*)$/.exec(value)?.[1]
  // More digits than upstream's integers have are no version.
  if (minor !== undefined && BigInt(minor) < 2n ** 63n) return Number(minor)
  return value === 'latest' ? Infinity : undefined
}

/** There is always a policy, what no label says is the default's: a level that cannot be read is restricted where it is enforced, and privileged where it only warns; an unreadable version is the latest. */
export const policyOf = (labels: Readonly<Record<string, string>> = {}, defaults: Policy = privilegedPolicy): { policy: Policy; errors: FieldError[] } => {
  const errors: FieldError[] = []
  const read = <T>(label: string, { parse, fallback, problem }: { parse(value: string): T | undefined; fallback: T; problem: string }): T | undefined => {
    const value = Object.hasOwn(labels, label) ? labels[label] : undefined
    if (value === undefined) return undefined
    const parsed = parse(value)
    if (parsed === undefined) errors.push(fieldError.invalid(`metadata.labels[${label}]`, value, problem))
    return parsed ?? fallback
  }
  const of = (mode: (typeof modes)[number]): LevelVersion => ({
    level: read(`${labelPrefix}${mode}`, { parse: levelOf, fallback: mode === 'enforce' ? 'restricted' as const : 'privileged' as const, problem: `must be one of ${levels.join(', ')}` }) ?? defaults[mode].level,
    minor: read(`${labelPrefix}${mode}-version`, { parse: minorOf, fallback: Infinity, problem: 'must be "latest" or "v1.x"' }) ?? defaults[mode].minor,
  })
  return { policy: { enforce: of('enforce'), audit: of('audit'), warn: of('warn') }, errors }
}

/** What is said where the labels of an exempt namespace ask for something: undefined where they do not. */
export const exemptText = (namespace: string, labels: Readonly<Record<string, string>> = {}, defaults: Policy = privilegedPolicy): string | undefined => {
  const { policy } = policyOf(labels, defaults)
  if (modes.every((mode) => policy[mode].level === 'privileged') || modes.every((mode) => samePolicy(policy[mode], defaults[mode]))) return undefined
  const asked = modes.filter((mode) => policy[mode].level !== 'privileged' && (Object.hasOwn(labels, `${labelPrefix}${mode}`) || Object.hasOwn(labels, `${labelPrefix}${mode}-version`)))
  return `namespace ${JSON.stringify(namespace)} is exempt from Pod Security, and the policy (${asked.map((mode) => `${mode}=${policyText(policy[mode])}`).join(', ')}) will be ignored`
}
