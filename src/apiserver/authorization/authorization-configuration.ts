/** The file of --authorization-config. Mirrors `k8s.io/apiserver/pkg/apis/apiserver/validation/validation.go`. */
import { parseDuration } from '../../api/duration.ts'
import type { JsonObject } from '../../api/meta.ts'
import { isDns1123Subdomain } from '../../api/names.ts'
import { type FieldError, fieldError } from '../../api/status.ts'
import { type Compiled, compileExpression } from '../cel/admission-environment.ts'
import { kubernetesEnvironment } from '../cel/kubernetes-environment.ts'
import { bool, listOf, mapOf, objectType, string } from '../cel/types.ts'
import { isObject, parseConfigurationFile, type Shape, shapeErrors } from '../configuration-file.ts'

export interface WebhookSettings {
  name: string
  timeoutMs: number
  authorizedMs: number
  unauthorizedMs: number
  /** What a webhook that cannot be asked means. */
  onFailure: 'NoOpinion' | 'Deny'
  /** Absolute. */
  kubeConfigFile: string
  conditions: readonly Compiled[]
}

export type AuthorizerSettings = { type: 'Node' | 'RBAC' | 'AlwaysAllow' | 'AlwaysDeny' } | { type: 'Webhook'; webhook: WebhookSettings }

const types = ['AlwaysAllow', 'AlwaysDeny', 'Node', 'RBAC', 'Webhook']
const fileShape: Shape = { apiVersion: 'string', kind: 'string', authorizers: 'objects' }
const authorizerShape: Shape = { type: 'string', name: 'string', webhook: 'object' }
const webhookShape: Shape = {
  authorizedTTL: 'string', cacheAuthorizedRequests: 'boolean', unauthorizedTTL: 'string', cacheUnauthorizedRequests: 'boolean', timeout: 'string', subjectAccessReviewVersion: 'string',
  matchConditionSubjectAccessReviewVersion: 'string', failurePolicy: 'string', connectionInfo: 'object', matchConditions: 'objects',
}
const longestTimeoutMs = 30_000

const selectorType = objectType('kubernetes.SelectorAttributes', { rawSelector: string, requirements: listOf(objectType('kubernetes.SelectorRequirement', { key: string, operator: string, values: listOf(string) })) })
const environment = kubernetesEnvironment({ request: objectType('kubernetes.SubjectAccessReviewSpec', {
  resourceAttributes: objectType('kubernetes.ResourceAttributes', {
    namespace: string, verb: string, group: string, version: string, resource: string, subresource: string, name: string, fieldSelector: selectorType, labelSelector: selectorType,
  }),
  nonResourceAttributes: objectType('kubernetes.NonResourceAttributes', { path: string, verb: string }), user: string, groups: listOf(string), extra: mapOf(string, listOf(string)), uid: string,
}) })

/** One condition, over the review that the webhook would be sent. */
export const compileAuthorizationCondition = (expression: string): Compiled => compileExpression(expression, environment, [bool])

const oneOf = (value: unknown, allowed: readonly string[], at: string): FieldError[] =>
  (value === undefined || value === null || value === '' ? [fieldError.required(at)] : allowed.includes(value as string) ? [] : [fieldError.notSupported(at, value, allowed)])

const durationErrors = (value: unknown, at: string, { required, most = Infinity }: { required: boolean; most?: number }): FieldError[] => {
  if (value === undefined || value === null) return required ? [fieldError.required(at)] : []
  const milliseconds = parseDuration(value as string)
  if (milliseconds === undefined || milliseconds <= 0) return [fieldError.invalid(at, value, 'must be > 0s')]
  return milliseconds > most ? [fieldError.invalid(at, value, `must be <= ${most / 1000}s`)] : []
}

const connectionErrors = (value: unknown, at: string): FieldError[] => {
  if (!isObject(value)) return [fieldError.required(at)]
  const shape = shapeErrors(value, { type: 'string', kubeConfigFile: 'string' }, `${at}.`)
  if (shape.length > 0) return shape
  const { type, kubeConfigFile } = value
  if (type === 'InClusterConfig') return [fieldError.invalid(`${at}.type`, type, 'type InClusterConfig is not supported in kube-apiserver')]
  const errors = oneOf(type, ['KubeConfigFile'], `${at}.type`)
  if (errors.length > 0) return errors
  if (!kubeConfigFile) return [fieldError.required(`${at}.kubeConfigFile`)]
  return String(kubeConfigFile).startsWith('/') ? [] : [fieldError.invalid(`${at}.kubeConfigFile`, kubeConfigFile, 'must be an absolute path')]
}

const webhookErrors = (webhook: JsonObject, at: string): FieldError[] => {
  const shape = shapeErrors(webhook, webhookShape, `${at}.`)
  if (shape.length > 0) return shape
  const conditions = (webhook['matchConditions'] ?? []) as JsonObject[]
  return [
    ...durationErrors(webhook['timeout'], `${at}.timeout`, { required: true, most: longestTimeoutMs }),
    ...durationErrors(webhook['authorizedTTL'], `${at}.authorizedTTL`, { required: false }), ...durationErrors(webhook['unauthorizedTTL'], `${at}.unauthorizedTTL`, { required: false }),
    ...oneOf(webhook['subjectAccessReviewVersion'], ['v1'], `${at}.subjectAccessReviewVersion`), ...oneOf(webhook['failurePolicy'], ['NoOpinion', 'Deny'], `${at}.failurePolicy`),
    ...(conditions.length > 0 || webhook['matchConditionSubjectAccessReviewVersion'] ? oneOf(webhook['matchConditionSubjectAccessReviewVersion'], ['v1'], `${at}.matchConditionSubjectAccessReviewVersion`) : []),
    ...connectionErrors(webhook['connectionInfo'], `${at}.connectionInfo`),
    ...conditions.flatMap((condition, index) => {
      const path = `${at}.matchConditions[${index}]`
      const wrong = shapeErrors(condition, { expression: 'string' }, `${path}.`)
      if (wrong.length > 0) return wrong
      const expression = (condition['expression'] ?? '') as string
      if (expression === '') return [fieldError.required(`${path}.expression`)]
      const { problem } = compileAuthorizationCondition(expression)
      return problem === undefined ? [] : [fieldError.invalid(`${path}.expression`, expression, problem)]
    }),
  ]
}

const authorizerErrors = (authorizer: JsonObject, at: string): FieldError[] => {
  const shape = shapeErrors(authorizer, authorizerShape, `${at}.`)
  if (shape.length > 0) return shape
  const { type, name, webhook } = authorizer
  return [
    ...oneOf(type, types, `${at}.type`),
    ...(!name ? [fieldError.required(`${at}.name`)] : isDns1123Subdomain(name as string).map((why) => fieldError.invalid(`${at}.name`, name, `authorizer name is invalid: ${why}`))),
    ...(type === 'Webhook' ? (isObject(webhook) ? webhookErrors(webhook, `${at}.webhook`) : [fieldError.required(`${at}.webhook`, 'required when type=Webhook')]) : webhook ? [fieldError.invalid(`${at}.webhook`, 'non-null', 'may only be specified when type=Webhook')] : []),
  ]
}

const errorsOf = (value: JsonObject): FieldError[] => {
  const shape = shapeErrors(value, fileShape, '')
  if (shape.length > 0) return shape
  const authorizers = (value['authorizers'] ?? []) as JsonObject[]
  if (authorizers.length === 0) return [fieldError.required('authorizers', 'at least one authorization mode must be defined')]
  const before = (index: number, field: string): boolean => authorizers.findIndex((other) => other[field] === authorizers[index]?.[field]) < index
  return authorizers.flatMap((authorizer, index) => [
    ...authorizerErrors(authorizer, `authorizers[${index}]`),
    ...(authorizer['type'] !== 'Webhook' && before(index, 'type') ? [fieldError.duplicate(`authorizers[${index}].type`, authorizer['type'])] : []),
    ...(authorizer['name'] && before(index, 'name') ? [fieldError.duplicate(`authorizers[${index}].name`, authorizer['name'])] : []),
  ])
}

interface Written { type: 'Node' | 'Webhook'; name: string; webhook: { timeout: string; authorizedTTL?: string; unauthorizedTTL?: string; cacheAuthorizedRequests?: boolean; cacheUnauthorizedRequests?: boolean; failurePolicy: 'Deny'; connectionInfo: { kubeConfigFile: string }; matchConditions?: { expression: string }[] } }

/** In the order in which they are asked. Throws ConfigurationFileError. */
export const parseAuthorizationConfiguration = (text: string, file: string): readonly AuthorizerSettings[] => {
  const value = parseConfigurationFile(text, file, { apiVersions: ['apiserver.config.k8s.io/v1'], kind: 'AuthorizationConfiguration', errors: errorsOf })
  return (value['authorizers'] as unknown as Written[]).map(({ type, name, webhook }) => (type !== 'Webhook' ? { type } : { type, webhook: {
    name, timeoutMs: parseDuration(webhook.timeout) ?? 0, kubeConfigFile: webhook.connectionInfo.kubeConfigFile, onFailure: webhook.failurePolicy,
    authorizedMs: webhook.cacheAuthorizedRequests === false ? 0 : parseDuration(webhook.authorizedTTL ?? '5m') ?? 0,
    unauthorizedMs: webhook.cacheUnauthorizedRequests === false ? 0 : parseDuration(webhook.unauthorizedTTL ?? '30s') ?? 0,
    conditions: (webhook.matchConditions ?? []).map(({ expression }) => compileAuthorizationCondition(expression)),
  } }))
}
