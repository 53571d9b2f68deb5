/** ValidatingAdmissionPolicy: expressions that refuse, warn or are told to the audit log. Mirrors apiserver's `plugin/policy/validating/dispatcher.go`. */
import { ValidatingAdmissionPolicies, ValidatingAdmissionPolicyBindings } from '../../api/kinds.ts'
import type { JsonObject } from '../../api/meta.ts'
import { forbidden, StatusError } from '../../api/status.ts'
import type { ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding } from '../../api/types.ts'
import type { Authorizer } from '../authorization/authorizer.ts'
import { DecisionCache } from '../cel/library/authorization.ts'
import type { Lookup } from '../registry/strategy.ts'
import { admissionInput, nameOf } from './admission-policy-input.ts'
import { isExcluded, matchedVersion } from './admission-policy-match.ts'
import { collectParams, ConfigurationError, paramResource } from './admission-policy-params.ts'
import type { AdmissionAttributes, AdmissionContext, AdmissionPlugin } from './plugin.ts'
import { compiledPolicy } from './validating-admission-policy-compile.ts'
import { evaluatePolicy, type Objection, type PolicyVerdict } from './validating-admission-policy-evaluate.ts'
import type { Version } from './webhook-versions.ts'

const maxAnnotationLength = 10 * 1024
const failureAnnotation = 'validation.policy.admission.k8s.io/validation_failure'
const codes: Readonly<Record<string, number>> = { Forbidden: 403, Unauthorized: 401, RequestEntityTooLarge: 413, Invalid: 422 }

interface Denial { policy: ValidatingAdmissionPolicy; binding: ValidatingAdmissionPolicyBinding | undefined; message: string; reason: string }

const refusal = (attributes: AdmissionAttributes, { policy, binding, message, reason }: Denial): StatusError => {
  const by = `ValidatingAdmissionPolicy '${policy.metadata.name}'${binding ? ` with binding '${binding.metadata.name}'` : ''} denied request: ${message}`
  const { status } = forbidden(attributes.kind, nameOf(attributes), by)
  return new StatusError({ ...status, reason: reason || 'Invalid', code: codes[reason || 'Invalid'] ?? 422, details: { ...status.details, causes: [{ message: by }] } })
}

/** One request on its way through the policies. */
class Dispatch {
  readonly denials: Denial[] = []
  private readonly attributes: AdmissionAttributes
  private readonly context: AdmissionContext
  private readonly decisions: DecisionCache

  constructor(attributes: AdmissionAttributes, context: AdmissionContext, authorizer: Authorizer) {
    this.attributes = attributes
    this.context = context
    this.decisions = new DecisionCache(authorizer)
  }

  async judge(policy: ValidatingAdmissionPolicy, bindings: readonly ValidatingAdmissionPolicyBinding[]): Promise<void> {
    const version = this.configured(policy, undefined, () => {
      const matched = matchedVersion(policy.spec.matchConstraints, this.attributes, this.context)
      if (matched && policy.spec.paramKind) paramResource(policy.spec.paramKind, this.context.resources)
      return matched
    })
    if (!version) return
    const annotations = new Map<string, string[]>()
    for (const binding of bindings) {
      const params = this.configured(policy, binding, () => (matchedVersion(binding.spec.matchResources, this.attributes, this.context)
        ? collectParams({ paramKind: policy.spec.paramKind, paramRef: binding.spec.paramRef, attributes: this.attributes, context: this.context }) : undefined))
      for (const param of params ?? []) this.enforce(policy, binding, annotations, await this.evaluate(policy, version, param))
    }
    for (const [key, values] of annotations) this.context.annotate?.(`${policy.metadata.name}/${key}`, values.join(', '))
  }

  /** Runs what may find that the policy or binding cannot be used. */
  private configured<T>(policy: ValidatingAdmissionPolicy, binding: ValidatingAdmissionPolicyBinding | undefined, work: () => T): T | undefined {
    try {
      return work()
    } catch (error) {
      if (!(error instanceof ConfigurationError || error instanceof StatusError)) throw error
      if (policy.spec.failurePolicy !== 'Ignore') this.denials.push({ policy, binding, message: `failed to configure ${binding ? 'binding' : 'policy'}: ${error.message}`, reason: '' })
      return undefined
    }
  }

  private async evaluate(policy: ValidatingAdmissionPolicy, version: Version, params: JsonObject | undefined): Promise<PolicyVerdict> {
    const { attributes, context, decisions } = this
    return evaluatePolicy(compiledPolicy(policy), await admissionInput({ attributes, context, version, params, decisions }), policy.spec.failurePolicy)
  }

  private enforce(policy: ValidatingAdmissionPolicy, binding: ValidatingAdmissionPolicyBinding, annotations: Map<string, string[]>, verdict: PolicyVerdict): void {
    for (const objection of verdict.objections) for (const action of binding.spec.validationActions) this.act(action, policy, binding, objection)
    for (const { key, value } of verdict.annotations) {
      const values = annotations.get(key) ?? []
      const cut = value.slice(0, maxAnnotationLength)
      if (!values.includes(cut)) values.push(cut)
      annotations.set(key, values)
    }
    for (const message of verdict.annotationErrors) this.denials.push({ policy, binding, message, reason: '' })
  }

  private act(action: string, policy: ValidatingAdmissionPolicy, binding: ValidatingAdmissionPolicyBinding, { index, message, reason }: Objection): void {
    const { metadata: { name }, spec: { validationActions, policyName } } = binding
    switch (action) {
      case 'Deny': this.denials.push({ policy, binding, message, reason }); break
      case 'Warn': this.context.warn(`Validation failed for ValidatingAdmissionPolicy '${policy.metadata.name}' with binding '${name}': ${message}`); break
      case 'Audit': this.context.annotate?.(failureAnnotation, JSON.stringify([{ message, policy: policyName, binding: name, expressionIndex: index, validationActions }])); break
      default: throw new Error(`unrecognized action ${action}`)
    }
  }
}

export const validatingAdmissionPolicy = ({ lookup, authorizer }: { lookup: Lookup; authorizer: Authorizer }): AdmissionPlugin => ({
  name: 'ValidatingAdmissionPolicy',
  handles: (attributes) => lookup.list(ValidatingAdmissionPolicyBindings).length > 0 && !isExcluded(attributes),
  validate: async (attributes, context) => {
    const bindings = Map.groupBy(lookup.list(ValidatingAdmissionPolicyBindings), ({ spec }) => spec.policyName)
    const dispatch = new Dispatch(attributes, context, authorizer)
    for (const policy of lookup.list(ValidatingAdmissionPolicies)) {
      const own = bindings.get(policy.metadata.name)
      if (own) await dispatch.judge(policy, own)
    }
    const [first] = dispatch.denials
    if (first) throw refusal(attributes, first)
  },
})
