/** PodSecurityConfiguration: the policy of namespaces without labels, and whom no policy concerns. Mirrors `pod-security-admission/admission/api`. */
import type { JsonObject } from '../../../api/meta.ts'
import { isDns1123Label, isDns1123Subdomain } from '../../../api/names.ts'
import { type FieldError, fieldError } from '../../../api/status.ts'
import { type FileKind, shapeErrors } from '../../configuration-file.ts'
import { levelOf, levels, minorOf, modes, type Policy, privilegedPolicy } from '../pod-security/policy.ts'

export interface PodSecurityConfiguration {
  defaults: Policy
  exemptions: { usernames: readonly string[]; namespaces: readonly string[]; runtimeClasses: readonly string[] }
}

/** Nothing said: what a server without such a file does. */
export const usualPodSecurity: PodSecurityConfiguration = { defaults: privilegedPolicy, exemptions: { usernames: [], namespaces: [], runtimeClasses: [] } }

const defaultsShape = Object.fromEntries(modes.flatMap((mode) => [[mode, 'string' as const], [`${mode}-version`, 'string' as const]]))
const exemptionsShape = { usernames: 'strings', namespaces: 'strings', runtimeClasses: 'strings' } as const

const defaultsErrors = (defaults: JsonObject): FieldError[] => modes.flatMap((mode) => [
  ...(defaults[mode] && !levelOf(String(defaults[mode])) ? [fieldError.invalid(`defaults.${mode}`, defaults[mode], `must be one of ${levels.join(', ')}`)] : []),
  ...(defaults[`${mode}-version`] && minorOf(String(defaults[`${mode}-version`])) === undefined ? [fieldError.invalid(`defaults.${mode}-version`, defaults[`${mode}-version`], 'must be "latest" or "v1.x"')] : []),
])

const listErrors = (values: readonly string[], at: string, problem: (value: string) => string | undefined): FieldError[] => values.flatMap((value, index) => {
  const why = problem(value)
  return why !== undefined ? [fieldError.invalid(`${at}[${index}]`, value, why)] : values.indexOf(value) < index ? [fieldError.duplicate(`${at}[${index}]`, value)] : []
})

const strings = (value: unknown): string[] => (Array.isArray(value) ? value as string[] : [])

export const podSecurityFile: FileKind = {
  apiVersions: ['pod-security.admission.config.k8s.io/v1', 'pod-security.admission.config.k8s.io/v1beta1', 'pod-security.admission.config.k8s.io/v1alpha1'], kind: 'PodSecurityConfiguration',
  errors: (value) => {
    const { defaults, exemptions } = value as { defaults?: JsonObject | null; exemptions?: JsonObject | null }
    const shape = shapeErrors(value, { apiVersion: 'string', kind: 'string', defaults: 'object', exemptions: 'object' }, '')
    if (shape.length > 0) return shape
    const inside = [...shapeErrors(defaults ?? {}, defaultsShape, 'defaults.'), ...shapeErrors(exemptions ?? {}, exemptionsShape, 'exemptions.')]
    if (inside.length > 0) return inside
    const of = (name: string): string[] => strings(exemptions?.[name])
    return [
      ...defaultsErrors(defaults ?? {}),
      ...listErrors(of('namespaces'), 'exemptions.namespaces', (name) => isDns1123Label(name)[0]), ...listErrors(of('runtimeClasses'), 'exemptions.runtimeClasses', (name) => isDns1123Subdomain(name)[0]),
      ...listErrors(of('usernames'), 'exemptions.usernames', (name) => (name === '' ? 'username must not be empty' : undefined)),
    ]
  },
}

/** Of a checked file: what it leaves out is privileged, and the latest version. */
export const podSecurityConfiguration = (value: JsonObject): PodSecurityConfiguration => {
  const defaults = (value['defaults'] ?? {}) as JsonObject
  const exemptions = (value['exemptions'] ?? {}) as JsonObject
  const of = (mode: (typeof modes)[number]): Policy['enforce'] => ({ level: levelOf(String(defaults[mode] || 'privileged')) ?? 'privileged', minor: minorOf(String(defaults[`${mode}-version`] || 'latest')) ?? Infinity })
  return {
    defaults: { enforce: of('enforce'), audit: of('audit'), warn: of('warn') },
    exemptions: { usernames: strings(exemptions['usernames']), namespaces: strings(exemptions['namespaces']), runtimeClasses: strings(exemptions['runtimeClasses']) },
  }
}
