/** The file of --authentication-config. Mirrors `k8s.io/apiserver/pkg/apis/apiserver/validation/validation.go`. */
import { X509Certificate } from 'node:crypto'
import type { JsonObject } from '../../../api/meta.ts'
import { type FieldError, fieldError } from '../../../api/status.ts'
import { isObject, parseConfigurationFile, type Shape, shapeErrors } from '../../configuration-file.ts'
import { claimProgram, userProgram } from './claim-expressions.ts'

export interface PrefixedClaim { claim?: string; prefix?: string; expression?: string }
export interface JwtIssuer {
  issuer: { url: string; discoveryURL?: string; certificateAuthority?: string; audiences: readonly string[]; audienceMatchPolicy?: string }
  claimValidationRules?: readonly { claim?: string; requiredValue?: string; expression?: string; message?: string }[]
  claimMappings: {
    username: PrefixedClaim
    groups?: PrefixedClaim
    uid?: { claim?: string; expression?: string }
    extra?: readonly { key: string; valueExpression: string }[]
  }
  userValidationRules?: readonly { expression: string; message?: string }[]
  /** Of --oidc-signing-algs; absent: all that are asymmetric. */
  algorithms?: readonly string[]
}

export interface AnonymousAccess { enabled: boolean; /** Absent: everywhere. */ conditions?: readonly { path: string }[] }
export interface AuthenticationConfiguration { jwt?: readonly JwtIssuer[]; anonymous?: AnonymousAccess }

const fileShape: Shape = { apiVersion: 'string', kind: 'string', jwt: 'objects', anonymous: 'object' }
const jwtShape: Shape = { issuer: 'object', claimValidationRules: 'objects', claimMappings: 'object', userValidationRules: 'objects' }
const issuerShape: Shape = { url: 'string', discoveryURL: 'string', certificateAuthority: 'string', audiences: 'strings', audienceMatchPolicy: 'string' }
const ruleShape: Shape = { claim: 'string', requiredValue: 'string', expression: 'string', message: 'string' }
const mappingsShape: Shape = { username: 'object', groups: 'object', uid: 'object', extra: 'objects' }
const prefixedShape: Shape = { claim: 'string', prefix: 'string', expression: 'string' }
const claimShape: Shape = { claim: 'string', expression: 'string' }
const extraShape: Shape = { key: 'string', valueExpression: 'string' }
const userRuleShape: Shape = { expression: 'string', message: 'string' }
const anonymousShape: Shape = { enabled: 'boolean', conditions: 'objects' }

/** Checks the fields first: what else is wrong is only looked for where they are of their types. */
const shaped = (value: unknown, shape: Shape, at: string, more: (object: JsonObject) => FieldError[]): FieldError[] => {
  if (!isObject(value)) return [fieldError.required(at)]
  const errors = shapeErrors(value, shape, `${at}.`)
  return errors.length > 0 ? errors : more(value)
}

const urlErrors = (text: string, at: string): FieldError[] => {
  if (text === '') return [fieldError.required(at, 'URL is required')]
  if (!URL.canParse(text)) return [fieldError.invalid(at, text, 'must be a URL')]
  const url = new URL(text)
  return [
    ...(url.protocol === 'https:' ? [] : [fieldError.invalid(at, text, 'URL scheme must be https')]),
    ...(url.username === '' && url.password === '' ? [] : [fieldError.invalid(at, 'REDACTED', 'URL must not contain a username or password')]),
    ...(url.search === '' && !text.includes('?') ? [] : [fieldError.invalid(at, text, 'URL must not contain a query')]),
    ...(url.hash === '' && !text.includes('#') ? [] : [fieldError.invalid(at, text, 'URL must not contain a fragment')]),
  ]
}

const certificateErrors = (pem: string, at: string): FieldError[] => {
  try {
    void new X509Certificate(pem)
    return []
  } catch {
    return [fieldError.invalid(at, '<omitted>', 'data does not contain any valid RSA or ECDSA certificates')]
  }
}

const issuerErrors = (issuer: JsonObject, at: string): FieldError[] => {
  const { url = '', discoveryURL = '', certificateAuthority = '', audiences = [], audienceMatchPolicy = '' } = issuer as Partial<JwtIssuer['issuer']>
  return [
    ...urlErrors(url, `${at}.url`),
    ...(discoveryURL === '' ? [] : [...urlErrors(discoveryURL, `${at}.discoveryURL`), ...(discoveryURL.replace(/\/$/, '') === url.replace(/\/$/, '') ? [fieldError.invalid(`${at}.discoveryURL`, discoveryURL, 'discoveryURL must be different from URL')] : [])]),
    ...(certificateAuthority === '' ? [] : certificateErrors(certificateAuthority, `${at}.certificateAuthority`)),
    ...(audiences.length === 0 ? [fieldError.required(`${at}.audiences`, 'at least one jwt[0].issuer.audiences is required')] : []),
    ...audiences.flatMap((audience, index) => (audience === '' ? [fieldError.required(`${at}.audiences[${index}]`, 'audience can\'t be empty')] : audiences.indexOf(audience) < index ? [fieldError.duplicate(`${at}.audiences[${index}]`, audience)] : [])),
    ...(audiences.length > 1 && audienceMatchPolicy !== 'MatchAny' ? [fieldError.invalid(`${at}.audienceMatchPolicy`, audienceMatchPolicy, 'audienceMatchPolicy must be MatchAny for multiple audiences')] : []),
    ...(audiences.length < 2 && audienceMatchPolicy !== '' && audienceMatchPolicy !== 'MatchAny' ? [fieldError.invalid(`${at}.audienceMatchPolicy`, audienceMatchPolicy, 'audienceMatchPolicy must be empty or MatchAny for single audience')] : []),
  ]
}

const programErrors = (problem: string | undefined, expression: string, at: string): FieldError[] => (problem === undefined ? [] : [fieldError.invalid(at, expression, problem)])

const ruleErrors = (rule: JsonObject, at: string): FieldError[] => {
  const { claim = '', expression = '', requiredValue, message } = rule as { claim?: string; expression?: string; requiredValue?: string; message?: string }
  if (claim !== '' && expression !== '') return [fieldError.invalid(at, '', "claim and expression can't both be set")]
  if (claim === '' && expression === '') return [fieldError.required(at, 'claim or expression is required')]
  if (claim !== '') return message ? [fieldError.invalid(`${at}.message`, message, "message can't be set when claim is set")] : []
  return [
    ...(requiredValue ? [fieldError.invalid(`${at}.requiredValue`, requiredValue, "requiredValue can't be set when expression is set")] : []),
    ...programErrors(claimProgram(expression, 'rule').problem, expression, `${at}.expression`),
  ]
}

const mappingErrors = (mapping: JsonObject, at: string, { required, prefixed }: { required: boolean; prefixed: boolean }): FieldError[] => {
  const { claim = '', expression = '', prefix } = mapping as PrefixedClaim
  if (claim !== '' && expression !== '') return [fieldError.invalid(at, '', "claim and expression can't both be set")]
  if (expression !== '') return prefix === undefined ? programErrors(claimProgram(expression, 'value').problem, expression, `${at}.expression`) : [fieldError.invalid(`${at}.prefix`, prefix, "prefix can't be set when expression is set")]
  if (claim === '') return required ? [fieldError.required(at, 'claim or expression is required')] : prefix === undefined ? [] : [fieldError.invalid(`${at}.prefix`, prefix, 'prefix cannot be set when claim is not set')]
  return prefixed && prefix === undefined ? [fieldError.required(`${at}.prefix`, 'prefix is required when claim is set. It can be set to an empty string to disable prefixing')] : []
}

const keyErrors = (key: string, at: string): FieldError[] => {
  if (key === '') return [fieldError.required(at)]
  if (key !== key.toLowerCase()) return [fieldError.invalid(at, key, 'key must be lowercase')]
  const [domain = '', rest] = [key.split('/')[0], key.includes('/') ? key.slice(key.indexOf('/') + 1) : undefined]
  if (rest === undefined || rest === '' || !/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(domain)) return [fieldError.invalid(at, key, 'must be a domain-prefixed path (such as "acme.io/foo")')]
  return /(^|\.)(kubernetes|k8s)\.io$/.test(domain) ? [fieldError.invalid(at, key, 'k8s.io, kubernetes.io and their subdomains are reserved for Kubernetes use')] : []
}

const emailErrors = (jwt: JsonObject, at: string): FieldError[] => {
  const { claimMappings, claimValidationRules = [] } = jwt as unknown as JwtIssuer
  const { expression = '' } = claimMappings.username
  const judged = [expression, ...(claimMappings.extra ?? []).map(({ valueExpression }) => valueExpression), ...claimValidationRules.map((rule) => rule.expression ?? '')]
  return !/\bclaims\.email\b/.test(expression) || judged.some((each) => /\bclaims\.\??email_verified\b/.test(each)) ? [] : [fieldError.invalid(`${at}.claimMappings.username.expression`, expression,
    'claims.email_verified must be used in claimMappings.username.expression or claimMappings.extra[*].valueExpression or claimValidationRules[*].expression when claims.email is used in claimMappings.username.expression')]
}

const mappingsErrors = (mappings: JsonObject, at: string): FieldError[] => {
  const extra = (mappings['extra'] ?? []) as JsonObject[]
  return [
    ...shaped(mappings['username'] ?? {}, prefixedShape, `${at}.username`, (username) => mappingErrors(username, `${at}.username`, { required: true, prefixed: true })),
    ...shaped(mappings['groups'] ?? {}, prefixedShape, `${at}.groups`, (groups) => mappingErrors(groups, `${at}.groups`, { required: false, prefixed: true })),
    ...shaped(mappings['uid'] ?? {}, claimShape, `${at}.uid`, (uid) => mappingErrors(uid, `${at}.uid`, { required: false, prefixed: false })),
    ...extra.flatMap((each, index) => shaped(each, extraShape, `${at}.extra[${index}]`, ({ key = '', valueExpression = '' }) => [
      ...keyErrors(key as string, `${at}.extra[${index}].key`), ...(extra.findIndex((other) => other['key'] === key) < index ? [fieldError.duplicate(`${at}.extra[${index}].key`, key)] : []),
      ...(valueExpression === '' ? [fieldError.required(`${at}.extra[${index}].valueExpression`)] : programErrors(claimProgram(valueExpression as string, 'value').problem, valueExpression as string, `${at}.extra[${index}].valueExpression`)),
    ])),
  ]
}

const jwtErrors = (jwt: JsonObject, at: string): FieldError[] => {
  const rules = (jwt['claimValidationRules'] ?? []) as JsonObject[]
  const userRules = (jwt['userValidationRules'] ?? []) as JsonObject[]
  const errors = [
    ...shaped(jwt['issuer'], issuerShape, `${at}.issuer`, (issuer) => issuerErrors(issuer, `${at}.issuer`)),
    ...rules.flatMap((rule, index) => shaped(rule, ruleShape, `${at}.claimValidationRules[${index}]`, () => ruleErrors(rule, `${at}.claimValidationRules[${index}]`))),
    ...shaped(jwt['claimMappings'], mappingsShape, `${at}.claimMappings`, (mappings) => mappingsErrors(mappings, `${at}.claimMappings`)),
    ...userRules.flatMap((rule, index) => shaped(rule, userRuleShape, `${at}.userValidationRules[${index}]`, ({ expression = '' }) => (expression === '' ? [fieldError.required(`${at}.userValidationRules[${index}].expression`, 'expression is required')]
      : programErrors(userProgram(expression as string).problem, expression as string, `${at}.userValidationRules[${index}].expression`)))),
  ]
  return errors.length > 0 ? errors : emailErrors(jwt, at)
}

const anonymousErrors = (value: unknown): FieldError[] => (value === undefined || value === null ? [] : shaped(value, anonymousShape, 'anonymous', ({ enabled, conditions }) => {
  const list = (conditions ?? []) as JsonObject[]
  return [
    ...(enabled !== true && list.length > 0 ? [fieldError.invalid('anonymous.conditions', list, 'enabled should be set to true when conditions are defined')] : []),
    ...list.flatMap((condition, index) => shaped(condition, { path: 'string' }, `anonymous.conditions[${index}]`, ({ path }) => (typeof path === 'string' && path.startsWith('/') ? [] : [fieldError.invalid(`anonymous.conditions[${index}].path`, path ?? '', 'must be a path')]))),
  ]
}))

const mostIssuers = 64

/** `own`: issuers that are the server's (service accounts). Throws ConfigurationFileError. */
export const parseAuthenticationConfiguration = (text: string, file: string, own: readonly string[] = []): AuthenticationConfiguration => parseConfigurationFile(text, file, {
  apiVersions: ['apiserver.config.k8s.io/v1', 'apiserver.config.k8s.io/v1beta1'], kind: 'AuthenticationConfiguration',
  errors: (value) => {
    const shape = shapeErrors(value, fileShape, '')
    if (shape.length > 0) return shape
    const jwt = (value['jwt'] ?? []) as JsonObject[]
    const urls = jwt.map(({ issuer }) => (isObject(issuer) ? issuer['url'] : undefined))
    return [
      ...(jwt.length > mostIssuers ? [{ ...fieldError.invalid('jwt', jwt.length, `must have at most ${mostIssuers} items`) }] : []),
      ...jwt.flatMap((each, index) => shaped(each, jwtShape, `jwt[${index}]`, () => jwtErrors(each, `jwt[${index}]`))),
      ...urls.flatMap((url, index) => (url !== undefined && urls.indexOf(url) < index ? [fieldError.duplicate(`jwt[${index}].issuer.url`, url)] : [])),
      ...urls.flatMap((url, index) => (own.includes(String(url)) ? [fieldError.invalid(`jwt[${index}].issuer.url`, url, 'URL must not overlap with disallowed issuers')] : [])),
      ...anonymousErrors(value['anonymous']),
    ]
  },
}) as unknown as AuthenticationConfiguration
