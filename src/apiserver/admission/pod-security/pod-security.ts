/** Pods that a namespace's labels, or the cluster's defaults, forbid are refused, audited or warned about. Mirrors `k8s.io/pod-security-admission/admission` and `plugin/pkg/admission/security/podsecurity`. */
import { CronJobs, DaemonSets, Deployments, groupResource, Jobs, Namespaces, Pods, PodTemplates, ReplicaSets, ReplicationControllers, StatefulSets } from '../../../api/kinds.ts'
import { forbidden, internalError, invalid } from '../../../api/status.ts'
import type { CronJob, Deployment, Namespace, Pod, PodTemplate, PodTemplateSpec } from '../../../api/types.ts'
import { type PodSecurityConfiguration, usualPodSecurity } from '../configuration/pod-security-configuration.ts'
import type { AdmissionAttributes, AdmissionContext, AdmissionPlugin } from '../plugin.ts'
import type { Inspected } from './check.ts'
import { detailsText, evaluate } from './evaluate.ts'
import { warningsAbout } from './existing-pods.ts'
import { exemptText, isStricter, labelPrefix, policyOf, policyText, samePolicy, type LevelVersion, type Policy } from './policy.ts'
import { isSignificantUpdate } from './significant-update.ts'

type TemplateOf = (object: unknown) => PodTemplateSpec | undefined
const templateOfSpec: TemplateOf = (object) => (object as Deployment).spec.template
const templates = new Map<string, TemplateOf>([
  ...[ReplicationControllers, ReplicaSets, Deployments, StatefulSets, DaemonSets, Jobs].map((kind): [string, TemplateOf] => [groupResource(kind), templateOfSpec]),
  [groupResource(PodTemplates), (object) => (object as PodTemplate).template],
  [groupResource(CronJobs), (object) => (object as CronJob).spec.jobTemplate.spec?.template],
])

const namespaces = groupResource(Namespaces)
const pods = groupResource(Pods)
/** Those whose body is no pod, and `status`, which holds nothing to check. */
const ignoredSubresources = new Set(['exec', 'attach', 'binding', 'eviction', 'log', 'portforward', 'proxy', 'status'])

const handles = ({ operation, kind, subresource }: AdmissionAttributes): boolean => {
  if (operation !== 'CREATE' && operation !== 'UPDATE') return false
  const resource = groupResource(kind)
  if (resource === pods) return !ignoredSubresources.has(subresource)
  return subresource === '' && (resource === namespaces || templates.has(resource))
}

type Configured = PodSecurityConfiguration

const checkNamespace = ({ defaults, exemptions }: Configured, { kind, operation, name, object, oldObject }: AdmissionAttributes, { lookup, warn }: AdmissionContext): void => {
  const { labels } = (object as Namespace).metadata
  const { policy: { enforce }, errors } = policyOf(labels, defaults)
  const before = operation === 'UPDATE' ? policyOf((oldObject as Namespace).metadata.labels, defaults) : undefined
  if (errors.length > 0 && JSON.stringify(errors) !== JSON.stringify(before?.errors)) throw invalid(kind, name, errors)
  const unchanged = before !== undefined && (enforce.level === 'privileged' || samePolicy(enforce, before.policy.enforce) || (enforce.minor === before.policy.enforce.minor && !isStricter(enforce.level, before.policy.enforce.level)))
  if (unchanged) return
  if (exemptions.namespaces.includes(name)) {
    const warning = exemptText(name, labels, defaults)
    if (warning !== undefined) warn(warning)
    return
  }
  if (before) for (const warning of warningsAbout(lookup.list(Pods, name), name, { enforce, exemptRuntimeClasses: exemptions.runtimeClasses })) warn(warning)
}

/** The labels' policy, or the cluster's; undefined where it forbids nothing, and nothing has to be said. */
const policyIn = (defaults: Policy, enforced: boolean, { namespace }: AdmissionAttributes, { lookup, annotate }: AdmissionContext): Policy | undefined => {
  const found = lookup.get(Namespaces, namespace)
  if (!found) {
    if (enforced) throw internalError(new Error(`failed to lookup namespace ${JSON.stringify(namespace)}`))
    annotate?.(`${labelPrefix}error`, `failed to lookup namespace ${JSON.stringify(namespace)}`)
    return undefined
  }
  const { policy, errors } = policyOf(found.metadata.labels, defaults)
  if (errors.length > 0) annotate?.(`${labelPrefix}error`, `Failed to parse policy: ${errors.map(({ path, message }) => `${path}: ${message}`).join(', ')}`)
  const asked = enforced ? [policy.enforce, policy.audit, policy.warn] : [policy.audit, policy.warn]
  if (errors.length > 0 || asked.some(({ level }) => level !== 'privileged')) return policy
  if (enforced) annotate?.(`${labelPrefix}enforce-policy`, policyText(policy.enforce))
  return undefined
}

/** The policy, and what of the pod is against it. */
const violation = (pod: Inspected, policy: LevelVersion): string | undefined => {
  const findings = evaluate(pod, policy)
  return findings.length > 0 ? `PodSecurity ${JSON.stringify(policyText(policy))}: ${detailsText(findings)}` : undefined
}

/** Why no policy concerns the request: as the audit event says it. */
const exemption = ({ exemptions }: Configured, { namespace, user }: AdmissionAttributes): string | undefined =>
  (exemptions.namespaces.includes(namespace) ? 'namespace' : exemptions.usernames.includes(user.name) ? 'user' : undefined)

const checkPod = (configured: Configured, pod: Inspected, { enforced, attributes, context }: { enforced: boolean; attributes: AdmissionAttributes; context: AdmissionContext }): void => {
  const policy = policyIn(configured.defaults, enforced, attributes, context)
  if (!policy) return
  if (configured.exemptions.runtimeClasses.includes(pod.spec.runtimeClassName ?? '')) { context.annotate?.(`${labelPrefix}exempt`, 'runtimeClass'); return }
  if (enforced) context.annotate?.(`${labelPrefix}enforce-policy`, policyText(policy.enforce))
  const audited = violation(pod, policy.audit)
  if (audited) context.annotate?.(`${labelPrefix}audit-violations`, `would violate ${audited}`)
  const refused = enforced ? violation(pod, policy.enforce) : undefined
  if (refused) throw forbidden(attributes.kind, attributes.name, `violates ${refused}`)
  const warned = violation(pod, policy.warn)
  if (warned) context.warn(`would violate ${warned}`)
}

/** `configured`: the policy of namespaces without labels, and whom none concerns. */
export const podSecurityAdmission = (configured: PodSecurityConfiguration = usualPodSecurity): AdmissionPlugin => ({
  name: 'PodSecurity',
  handles,
  validate: (attributes, context) => {
    const { kind, operation, object, oldObject } = attributes
    const resource = groupResource(kind)
    if (resource === namespaces) { checkNamespace(configured, attributes, context); return }
    const exempt = exemption(configured, attributes)
    if (exempt !== undefined) { context.annotate?.(`${labelPrefix}exempt`, exempt); return }
    if (resource === pods) {
      if (operation === 'UPDATE' && !isSignificantUpdate(object as Pod, oldObject as Pod)) return
      checkPod(configured, { annotations: object?.metadata.annotations, spec: (object as Pod).spec }, { enforced: true, attributes, context })
      return
    }
    const template = templates.get(resource)?.(object)
    if (template?.spec) checkPod(configured, { annotations: template.metadata?.annotations, spec: template.spec }, { enforced: false, attributes, context })
  },
})

export const podSecurity = podSecurityAdmission()
