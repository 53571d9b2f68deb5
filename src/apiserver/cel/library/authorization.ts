/** `authorizer`: what the requester may do. Mirrors `k8s.io/apiserver/pkg/cel/library/authz.go`. */
import { selectorsOfText } from '../../authorization/selectors.ts'
import { isDns1123Label, isDns1123Subdomain } from '../../../api/names.ts'
import type { AuthorizationAttributes, Authorizer, Decision } from '../../authorization/authorizer.ts'
import type { UserInfo } from '../../registry/strategy.ts'
import { celError } from '../errors.ts'
import { type Overload, overload } from '../signature.ts'
import { type CelType, opaque } from '../types.ts'
import { CelOpaque, type CelValue } from '../values.ts'

const prefix = 'kubernetes.authorization.'
export const authorizerType: CelType = opaque(`${prefix}Authorizer`)
export const resourceCheckType: CelType = opaque(`${prefix}ResourceCheck`)
const decisionCost = 350_000

/** An authorizer has to be waited for: `settled` resolves when the expression may be evaluated anew. */
export class PendingDecision extends Error {
  readonly settled: Promise<unknown>
  constructor(settled: Promise<unknown>) {
    super('an authorization decision is pending')
    this.settled = settled
  }
}

/** Asks once for each question, and remembers the answers for as long as one request is judged. */
export class DecisionCache {
  private readonly answers = new Map<string, Decision | Error>()
  private readonly authorizer: Authorizer
  constructor(authorizer: Authorizer) { this.authorizer = authorizer }

  /** Throws a PendingDecision where the authorizer answers later. */
  decide(attributes: AuthorizationAttributes): Decision | Error {
    const key = JSON.stringify(attributes)
    const known = this.answers.get(key)
    if (known) return known
    const remember = (answer: Decision | Error): Decision | Error => { this.answers.set(key, answer); return answer }
    const asked = this.authorizer.authorize(attributes)
    if (!(asked instanceof Promise)) return remember(asked)
    throw new PendingDecision(asked.then(remember, (error: unknown) => remember(error instanceof Error ? error : new Error(String(error)))))
  }
}

type Attributes = Omit<AuthorizationAttributes, 'verb'>

class Check extends CelOpaque {
  readonly typeName: string
  readonly cache: DecisionCache
  readonly attributes: Attributes
  constructor(typeName: string, cache: DecisionCache, attributes: Attributes) {
    super()
    this.typeName = `${prefix}${typeName}`
    this.cache = cache
    this.attributes = attributes
  }
  equals(other: CelValue): boolean { return this === other }
  with(typeName: string, changes: Partial<Attributes>): Check { return new Check(typeName, this.cache, { ...this.attributes, ...changes }) }
}

class DecisionValue extends CelOpaque {
  readonly typeName = `${prefix}Decision`
  readonly decision: Decision | Error
  constructor(decision: Decision | Error) {
    super()
    this.decision = decision
  }
  equals(other: CelValue): boolean { return this === other }
}

const nothing = { apiGroup: '', apiVersion: '', resource: '', subresource: '', namespace: '', name: '', path: '' }

/** The value of `authorizer`. */
export const authorizerValue = (cache: DecisionCache, user: UserInfo): CelValue => new Check('Authorizer', cache, { ...nothing, user, resourceRequest: true })
/** The value of `authorizer.requestResource`. */
export const resourceCheckValue = (cache: DecisionCache, attributes: Attributes): CelValue => new Check('ResourceCheck', cache, attributes)

const checkOf = (value: CelValue | undefined): Check => {
  if (value instanceof Check) return value
  throw celError('no such overload')
}
const notEmpty = (text: CelValue | undefined, what: string): string => {
  if (String(text).trim() === '') throw celError(`${what} must not be empty`)
  return String(text)
}

const serviceAccount = (check: Check, namespace: string, name: string): Check => {
  const errors = isDns1123Subdomain(name)
  if (errors.length > 0) throw celError(`Invalid service account name`)
  if (isDns1123Label(namespace).length > 0) throw celError(`Invalid service account namespace`)
  return check.with('Authorizer', { user: { name: `system:serviceaccount:${namespace}:${name}`, groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'] } })
}

const refine = (type: string, method: string, change: (text: string) => Partial<Attributes>): Overload =>
  overload(`(${prefix}${type}).${method}(string): ${prefix}ResourceCheck`, ([check, text]) => checkOf(check).with('ResourceCheck', change(String(text))))

const decisionOf = (value: CelValue | undefined): Decision | Error => (value instanceof DecisionValue ? value.decision : new Error('no decision'))

export const authorizationFunctions: readonly Overload[] = [
  overload(`(${prefix}Authorizer).path(string): ${prefix}PathCheck`, ([check, path]) => checkOf(check).with('PathCheck', { ...nothing, resourceRequest: false, path: notEmpty(path, 'path') })),
  overload(`(${prefix}Authorizer).group(string): ${prefix}GroupCheck`, ([check, group]) => checkOf(check).with('GroupCheck', { ...nothing, resourceRequest: true, apiGroup: String(group) })),
  overload(`(${prefix}Authorizer).serviceAccount(string, string): ${prefix}Authorizer`, ([check, namespace, name]) => serviceAccount(checkOf(check), String(namespace), String(name))),
  overload(`(${prefix}GroupCheck).resource(string): ${prefix}ResourceCheck`, ([check, resource]) => checkOf(check).with('ResourceCheck', { resource: notEmpty(resource, 'resource'), apiVersion: '*' })),
  refine('ResourceCheck', 'subresource', (subresource) => ({ subresource })),
  refine('ResourceCheck', 'namespace', (namespace) => ({ namespace })),
  refine('ResourceCheck', 'name', (name) => ({ name })),
  // What cannot be read asks for everything, as upstream.
  refine('ResourceCheck', 'fieldSelector', (text) => ({ fieldSelector: selectorsOfText(text, '').fieldSelector ?? [] })),
  refine('ResourceCheck', 'labelSelector', (text) => ({ labelSelector: selectorsOfText('', text).labelSelector ?? [] })),
  ...['PathCheck', 'ResourceCheck'].map((type) => overload(`(${prefix}${type}).check(string): ${prefix}Decision`, ([value, verb], { charge }) => {
    charge(decisionCost)
    const check = checkOf(value)
    return new DecisionValue(check.cache.decide({ ...check.attributes, verb: String(verb) }))
  })),
  overload(`(${prefix}Decision).allowed(): bool`, ([value]) => { const decision = decisionOf(value); return !(decision instanceof Error) && decision.verdict === 'allow' }),
  overload(`(${prefix}Decision).reason(): string`, ([value]) => { const decision = decisionOf(value); return decision instanceof Error ? '' : decision.reason }),
  overload(`(${prefix}Decision).errored(): bool`, ([value]) => decisionOf(value) instanceof Error),
  overload(`(${prefix}Decision).error(): string`, ([value]) => { const decision = decisionOf(value); return decision instanceof Error ? decision.message : '' }),
]
