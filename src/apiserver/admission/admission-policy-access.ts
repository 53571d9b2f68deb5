/** Whoever makes policies read parameters has to be able to read them. Mirrors authz.go of upstream's `pkg/registry/admissionregistration/{validating,mutating}admissionpolicy{,binding}`. */
import { deepEqual } from '../../api/equal.ts'
import { MutatingAdmissionPolicies, MutatingAdmissionPolicyBindings, ValidatingAdmissionPolicies, ValidatingAdmissionPolicyBindings } from '../../api/kinds.ts'
import type { KubeObject } from '../../api/meta.ts'
import { fieldError, invalid } from '../../api/status.ts'
import type { MutatingAdmissionPolicy, MutatingAdmissionPolicyBinding, ParamKind, ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding } from '../../api/types.ts'
import type { AuthorizationAttributes, Authorizer } from '../authorization/authorizer.ts'
import type { UserInfo } from '../registry/strategy.ts'
import { ConfigurationError, paramResource } from './admission-policy-params.ts'
import type { AdmissionAttributes, AdmissionContext, AdmissionPlugin } from './plugin.ts'

type Policy = ValidatingAdmissionPolicy | MutatingAdmissionPolicy
type Binding = ValidatingAdmissionPolicyBinding | MutatingAdmissionPolicyBinding

/** As Go prints the struct. */
const userText = ({ name, uid = '', groups, extra = {} }: UserInfo): string =>
  `&{${name} ${uid} [${groups.join(' ')}] map[${Object.keys(extra).sort().map((key) => `${key}:[${(extra[key] ?? []).join(' ')}]`).join(' ')}]}`

/** What has to be read for the kind: everything, where it is not served. */
const askedFor = (paramKind: ParamKind | undefined, { resources }: AdmissionContext): Pick<AuthorizationAttributes, 'apiGroup' | 'apiVersion' | 'resource'> => {
  if (!paramKind) return { apiGroup: '*', apiVersion: '*', resource: '*' }
  const [version = '', group = ''] = (paramKind.apiVersion ?? '').split('/').toReversed()
  try {
    return { apiGroup: group, apiVersion: version, resource: paramResource(paramKind, resources).kind.plural }
  } catch (error) {
    if (error instanceof ConfigurationError) return { apiGroup: group, apiVersion: version, resource: '*' }
    throw error
  }
}

const policyOf = ({ kind }: AdmissionAttributes, name: string, { lookup }: AdmissionContext): Policy | undefined =>
  (kind.plural === ValidatingAdmissionPolicyBindings.plural ? lookup.get(ValidatingAdmissionPolicies, name) : lookup.get(MutatingAdmissionPolicies, name))

const policies = [ValidatingAdmissionPolicies, MutatingAdmissionPolicies].map(({ plural }) => plural)
const bindings = [ValidatingAdmissionPolicyBindings, MutatingAdmissionPolicyBindings].map(({ plural }) => plural)

interface Read { field: string; refusal: string; asked: Pick<AuthorizationAttributes, 'apiGroup' | 'apiVersion' | 'resource' | 'name' | 'namespace'> }

const readOfPolicy = (next: Policy, old: Policy | undefined, attributes: AdmissionAttributes, context: AdmissionContext): Read | undefined => {
  const { paramKind } = next.spec
  if (!paramKind || deepEqual(old?.spec.paramKind, paramKind)) return undefined
  return { field: 'spec.paramKind', asked: { ...askedFor(paramKind, context), name: '*', namespace: '*' },
    refusal: `user ${userText(attributes.user)} must have "get" permission on all objects of the referenced paramKind (kind=${paramKind.kind ?? ''}, apiVersion=${paramKind.apiVersion ?? ''})` }
}

const readOfBinding = (next: Binding, old: Binding | undefined, attributes: AdmissionAttributes, context: AdmissionContext): Read | undefined => {
  const { paramRef, policyName } = next.spec
  if (!paramRef || (deepEqual(old?.spec.paramRef, paramRef) && old?.spec.policyName === policyName)) return undefined
  return { field: 'spec.paramRef', asked: { ...askedFor(policyOf(attributes, policyName ?? '', context)?.spec.paramKind, context), name: paramRef.name ?? '', namespace: paramRef.namespace ?? '' },
    refusal: `user ${userText(attributes.user)} does not have "get" permission on the object referenced by paramRef` }
}

export const admissionPolicyAccess = (authorizer: Authorizer): AdmissionPlugin => ({
  name: 'AdmissionPolicyAccess',
  handles: ({ kind, subresource, operation }) => kind.group === ValidatingAdmissionPolicies.group && subresource === '' && (operation === 'CREATE' || operation === 'UPDATE') && (policies.includes(kind.plural) || bindings.includes(kind.plural)),
  validate: async (attributes, context) => {
    const { kind, user } = attributes
    const [next, old] = [attributes.object, attributes.oldObject] as [KubeObject, KubeObject | undefined]
    const read = policies.includes(kind.plural) ? readOfPolicy(next as Policy, old as Policy | undefined, attributes, context) : readOfBinding(next as Binding, old as Binding | undefined, attributes, context)
    if (!read) return
    const { verdict } = await authorizer.authorize({ user, verb: 'get', resourceRequest: true, subresource: '', path: '', ...read.asked })
    if (verdict !== 'allow') throw invalid(kind, next.metadata.name, [fieldError.forbidden(read.field, read.refusal)])
  },
})
