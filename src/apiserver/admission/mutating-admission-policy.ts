/** MutatingAdmissionPolicy: expressions that change objects, and once more where another changed what they had seen. Mirrors apiserver's `plugin/policy/mutating/dispatcher.go`. */
import { decodeObject } from '../../api/decode.ts'
import { deepCopy, semanticEqual } from '../../api/equal.ts'
import { MutatingAdmissionPolicies, MutatingAdmissionPolicyBindings } from '../../api/kinds.ts'
import type { JsonObject, KubeObject } from '../../api/meta.ts'
import { kindShape } from '../../api/patch/apply/shape.ts'
import { forbidden, internalError, serviceUnavailable, StatusError } from '../../api/status.ts'
import type { MutatingAdmissionPolicy, MutatingAdmissionPolicyBinding } from '../../api/types.ts'
import type { Authorizer } from '../authorization/authorizer.ts'
import { type AdmissionInput, admissionVariables } from '../cel/admission-variables.ts'
import { runtimeCostBudget } from '../cel/cost.ts'
import { CelEvaluationError } from '../cel/errors.ts'
import { ExpressionRun, OutOfBudgetError } from '../cel/expression-run.ts'
import { DecisionCache } from '../cel/library/authorization.ts'
import { evaluateMatchConditions } from '../cel/match-conditions.ts'
import type { Lookup } from '../registry/strategy.ts'
import { admissionInput, nameOf } from './admission-policy-input.ts'
import { isExcluded, matchedVersion } from './admission-policy-match.ts'
import { collectParams, ConfigurationError, paramResource } from './admission-policy-params.ts'
import { PatchError, withConfiguration, withJsonPatch } from './admission-policy-patch.ts'
import { type CompiledMutation, compiledMutatingPolicy } from './mutating-admission-policy-compile.ts'
import type { AdmissionAttributes, AdmissionContext, AdmissionPlugin } from './plugin.ts'
import { beginRound } from './rounds.ts'
import { takeOver } from './take-over.ts'
import { shownIn, type Version } from './webhook-versions.ts'

const pluginName = 'MutatingAdmissionPolicy'

interface Invocation { key: string; policy: MutatingAdmissionPolicy; binding: MutatingAdmissionPolicyBinding; version: Version; params: JsonObject | undefined }
interface Problem { policy: MutatingAdmissionPolicy; binding: MutatingAdmissionPolicyBinding | undefined; message: string; reason: string }

/** The object of the request becomes what the version's JSON says. Throws a StatusError where it cannot. */
const accept = async (version: Version, json: JsonObject, at: { attributes: AdmissionAttributes; context: AdmissionContext }, strict: boolean): Promise<void> => {
  const { row } = version
  if (!row) return
  let next: KubeObject
  try {
    next = decodeObject<KubeObject>(Buffer.from(JSON.stringify(json)), 'application/json', { kind: row.kind, fieldValidation: strict ? 'Strict' : 'Ignore' }).object
  } catch (error) {
    throw error instanceof StatusError ? internalError(new Error(error.message)) : error
  }
  await takeOver(version, next, at)
}

/** One request on its way through the policies. */
class Dispatch {
  readonly problems: Problem[] = []
  readonly attributes: AdmissionAttributes
  readonly context: AdmissionContext
  private readonly decisions: DecisionCache

  constructor(attributes: AdmissionAttributes, context: AdmissionContext, authorizer: Authorizer) {
    this.attributes = attributes
    this.context = context
    this.decisions = new DecisionCache(authorizer)
  }

  /** The policy once for each binding and parameter that concern the request. */
  invocations(policy: MutatingAdmissionPolicy, bindings: readonly MutatingAdmissionPolicyBinding[]): Invocation[] {
    const { attributes, context } = this
    const { paramKind, matchConstraints } = policy.spec
    const version = this.configured(policy, undefined, () => {
      const matched = matchedVersion(matchConstraints, attributes, context)
      if (matched && paramKind) paramResource(paramKind, context.resources)
      return matched
    })
    if (!version) return []
    return bindings.flatMap((binding) => {
      const params = this.configured(policy, binding, () => (matchedVersion(binding.spec.matchResources, attributes, context) ? collectParams({ paramKind, paramRef: binding.spec.paramRef, attributes, context }) : undefined))
      return (params ?? []).map((param) => {
        const { namespace, name } = (param?.['metadata'] ?? {}) as { namespace?: string; name?: string }
        return { key: JSON.stringify([policy.metadata.name, binding.metadata.name, namespace, name]), policy, binding, version, params: param }
      })
    })
  }

  private configured<T>(policy: MutatingAdmissionPolicy, binding: MutatingAdmissionPolicyBinding | undefined, work: () => T): T | undefined {
    try {
      return work()
    } catch (error) {
      if (!(error instanceof ConfigurationError || error instanceof StatusError)) throw error
      this.problems.push({ policy, binding, message: `failed to configure ${binding ? 'binding' : 'policy'}: ${error.message}`, reason: '' })
      return undefined
    }
  }

  private async input({ version, params }: Invocation): Promise<AdmissionInput> {
    const { attributes, context, decisions } = this
    return admissionInput({ attributes, context, version, params, decisions })
  }

  /** Whether the policy's conditions hold. */
  async wanted(invocation: Invocation): Promise<boolean> {
    const { policy, binding } = invocation
    const { conditions } = compiledMutatingPolicy(policy)
    if (conditions.length === 0) return true
    const { matches, error } = await evaluateMatchConditions(conditions, await this.input(invocation), policy.spec.failurePolicy)
    if (error !== undefined) this.problems.push({ policy, binding, message: error, reason: 'Invalid' })
    return matches === true
  }

  /** Whether the object is another afterwards. */
  async invoke(invocation: Invocation): Promise<boolean> {
    const { policy, binding } = invocation
    const { object } = this.attributes
    if (!object) return false
    const before = deepCopy(object)
    for (const mutation of compiledMutatingPolicy(policy).mutations) {
      const message = await this.apply(invocation, mutation)
      if (message !== undefined) this.problems.push({ policy, binding, message, reason: 'Invalid' })
    }
    return !semanticEqual(before, object)
  }

  /** What kept the mutation from being applied. */
  private async apply(invocation: Invocation, { patchType, expression }: CompiledMutation): Promise<string | undefined> {
    const { version, policy } = invocation
    const shown = await shownIn(version, this.attributes.object)
    if (!version.row || !shown) throw serviceUnavailable(`Resource kind ${version.kind.group}/${version.kind.version}, Kind=${version.kind.kind} not found. There can be a delay between when CustomResourceDefinitions are created and when they are available.`)
    const run = new ExpressionRun(admissionVariables(await this.input(invocation)), { budget: runtimeCostBudget, composition: compiledMutatingPolicy(policy).composition })
    try {
      const { value, error } = await run.evaluate(expression)
      if (error !== undefined) return expression.problem ?? error
      const next = patchType === 'JSONPatch' ? withJsonPatch(shown, value) : withConfiguration(shown, value, kindShape(version.row.kind))
      await accept(version, next, this, patchType === 'JSONPatch')
      return undefined
    } catch (error) {
      if (error instanceof PatchError || error instanceof OutOfBudgetError || error instanceof CelEvaluationError) return error.message
      throw error
    }
  }

  /** Throws what is wrong with policies that fail. */
  finish(): void {
    const messages = this.problems.filter(({ policy }) => policy.spec.failurePolicy !== 'Ignore').map(({ policy, binding, message, reason }) => ({
      reason, message: binding ? `policy '${policy.metadata.name}' with binding '${binding.metadata.name}' denied request: ${message}` : `policy ${JSON.stringify(policy.metadata.name)} denied request: ${message}`,
    }))
    const [first] = messages
    if (!first) return
    const { status } = forbidden(this.attributes.kind, nameOf(this.attributes), '')
    throw new StatusError({ ...status, message: first.message, ...(first.reason && { reason: first.reason }), details: { ...status.details, causes: messages.map(({ message }) => ({ message })) } })
  }
}

export const mutatingAdmissionPolicy = ({ lookup, authorizer }: { lookup: Lookup; authorizer: Authorizer }): AdmissionPlugin => ({
  name: pluginName,
  handles: (attributes) => attributes.operation !== 'DELETE' && lookup.list(MutatingAdmissionPolicyBindings).length > 0 && !isExcluded(attributes),
  mutate: async (attributes, context) => {
    const round = beginRound(pluginName, attributes, context)
    const bindings = Map.groupBy(lookup.list(MutatingAdmissionPolicyBindings), ({ spec }) => spec.policyName)
    const dispatch = new Dispatch(attributes, context, authorizer)
    for (const invocation of lookup.list(MutatingAdmissionPolicies).flatMap((policy) => dispatch.invocations(policy, bindings.get(policy.metadata.name) ?? []))) {
      if (!(await dispatch.wanted(invocation)) || !round.concerns(invocation.key)) continue
      round.ran(invocation.key, { changed: await dispatch.invoke(invocation), reinvocable: invocation.policy.spec.reinvocationPolicy === 'IfNeeded' })
    }
    round.end()
    dispatch.finish()
  },
})
