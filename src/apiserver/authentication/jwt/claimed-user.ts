/** Who a token says that its bearer is, by the rules of its issuer. Mirrors `plugin/pkg/authenticator/token/oidc/oidc.go`. Pure. */
import type { JsonObject, JsonValue } from '../../../api/meta.ts'
import type { Compiled } from '../../cel/admission-environment.ts'
import type { UserInfo } from '../../registry/strategy.ts'
import { authenticated } from '../users.ts'
import type { JwtIssuer, PrefixedClaim } from './authentication-configuration.ts'
import { claimProgram, evaluateOver, userProgram } from './claim-expressions.ts'

interface Mapping { claim?: string; prefix: string; program?: Compiled }

const claimOf = (claims: JsonObject, name: string): JsonValue | undefined => (Object.hasOwn(claims, name) ? claims[name] : undefined)

const stringsOf = (value: JsonValue | undefined, what: string): string[] => {
  if (value === undefined || value === null || value === '') return []
  if (typeof value === 'string') return [value]
  if (Array.isArray(value) && value.every((each) => typeof each === 'string')) return value as string[]
  throw new Error(`oidc: ${what} is neither a string nor a list of strings`)
}

const mappingOf = ({ claim, prefix = '', expression }: PrefixedClaim): Mapping => ({ prefix, ...(claim && { claim }), ...(expression && { program: claimProgram(expression, 'value') }) })

const mapped = (claims: JsonObject, { claim, program }: Mapping, what: string): JsonValue | undefined => {
  if (!program) return claim === undefined ? undefined : claimOf(claims, claim)
  try {
    return evaluateOver(program, 'claims', claims)
  } catch (error) {
    throw new Error(`oidc: error evaluating ${what} claim expression: ${(error as Error).message}`)
  }
}

const usernameOf = (claims: JsonObject, mapping: Mapping): string => {
  const name = mapped(claims, mapping, 'username')
  if (typeof name !== 'string' || name === '') throw new Error(mapping.program ? 'oidc: the username expression gave no name' : `oidc: parse username claims ${JSON.stringify(mapping.claim)}: claim not present or no string`)
  // Whoever claims an address must have it, where the issuer says whether.
  if (mapping.claim === 'email' && Object.hasOwn(claims, 'email_verified') && claims['email_verified'] !== true) throw new Error('oidc: email not verified')
  return `${mapping.prefix}${name}`
}

/** From verified claims; throws what is wrong with them. */
export const claimedUser = ({ claimMappings: { username, groups = {}, uid = {}, extra = [] }, claimValidationRules = [], userValidationRules = [] }: JwtIssuer): ((claims: JsonObject) => UserInfo) => {
  const [name, belongs, id] = [mappingOf(username), mappingOf(groups), mappingOf(uid)]
  const extras = extra.map(({ key, valueExpression }) => ({ key, mapping: mappingOf({ expression: valueExpression }) }))
  const rules = claimValidationRules.map((rule) => ({ ...rule, program: rule.expression ? claimProgram(rule.expression, 'rule') : undefined }))
  const userRules = userValidationRules.map(({ expression, message }) => ({ expression, message, program: userProgram(expression) }))

  const judge = (claims: JsonObject): void => {
    for (const { claim = '', requiredValue = '', expression = '', message, program } of rules) {
      if (program) {
        if (evaluateOver(program, 'claims', claims) !== true) throw new Error(`oidc: validation expression '${expression}' failed: ${message || 'no message'}`)
      } else if (claimOf(claims, claim) === undefined) throw new Error(`oidc: required claim ${claim} not present in ID token`)
      else if (claimOf(claims, claim) !== requiredValue) throw new Error(`oidc: required claim ${claim} value does not match`)
    }
  }
  return (claims) => {
    const username_ = usernameOf(claims, name)
    const groups_ = stringsOf(mapped(claims, belongs, 'groups'), 'the groups claim').map((group) => `${belongs.prefix}${group}`)
    const uid_ = mapped(claims, id, 'uid')
    if (uid_ !== undefined && typeof uid_ !== 'string') throw new Error('oidc: the uid claim is no string')
    const extra_ = extras.map(({ key, mapping }) => [key, stringsOf(mapped(claims, mapping, 'extra'), `the extra ${key}`)] as const).filter(([, values]) => values.length > 0)
    judge(claims)
    const jti = claims['jti']
    const credential: readonly (readonly [string, readonly string[]])[] = typeof jti === 'string' && jti !== '' ? [['authentication.kubernetes.io/credential-id', [`JTI=${jti}`]]] : []
    const info = { username: username_, uid: uid_ ?? '', groups: groups_, extra: Object.fromEntries(extra_) }
    for (const { expression, message, program } of userRules) if (evaluateOver(program, 'user', info) !== true) throw new Error(`oidc: user validation expression '${expression}' failed: ${message || 'no message'}`)
    return authenticated({ name: username_, groups: groups_, ...(uid_ ? { uid: uid_ } : {}), ...(extra_.length + credential.length > 0 && { extra: Object.fromEntries([...extra_, ...credential]) }) })
  }
}
