/** The admission plugins of every cluster, in upstream's order (`pkg/kubeapiserver/options/plugins.go`). */
import type { Random } from '../../api/random.ts'
import type { Authorizer } from '../authorization/authorizer.ts'
import { admissionPolicyAccess } from './admission-policy-access.ts'
import { certificateApproval, certificateSigning, certificateSubjectRestriction } from './certificates.ts'
import { defaultIngressClass } from './default-ingress-class.ts'
import { defaultStorageClass } from './default-storage-class.ts'
import { defaultTolerationSeconds } from './default-toleration-seconds.ts'
import { mutatingAdmissionPolicy } from './mutating-admission-policy.ts'
import { mutatingAdmissionWebhook } from './mutating-webhook.ts'
import { limitRanger } from './limit-ranger.ts'
import { namespaceLifecycle } from './namespace-lifecycle.ts'
import { nodeRestriction } from './node-restriction.ts'
import { denyServiceExternalIPs } from './deny-service-external-ips.ts'
import { persistentVolumeClaimResize } from './persistent-volume-claim-resize.ts'
import type { AdmissionPlugin } from './plugin.ts'
import { podSecurityAdmission } from './pod-security/pod-security.ts'
import { priorityAdmission } from './priority.ts'
import { rbacEscalation } from './rbac-escalation.ts'
import { resourceQuotaAdmission } from './resource-quota.ts'
import { runtimeClassAdmission } from './runtime-class.ts'
import { serviceAccountAdmission } from './service-account.ts'
import { storageObjectInUseProtection } from './storage-object-protection.ts'
import { validatingAdmissionPolicy } from './validating-admission-policy.ts'
import { validatingAdmissionWebhook } from './validating-webhook.ts'
import type { Counting } from './webhook-counters.ts'
import type { AdmissionConfiguration } from './configuration/admission-configuration.ts'
import { type CallWebhook, webhookCaller, type WebhookCredentials } from '../outbound/call-webhook.ts'
import { serviceResolver } from '../outbound/service-resolver.ts'
import type { Log } from '../log.ts'
import type { Lookup } from '../registry/strategy.ts'

/** Upstream's plugins that can be switched off; what its storages do themselves cannot. */
export const switchablePlugins: readonly string[] = ['NamespaceLifecycle', 'LimitRanger', 'ServiceAccount', 'NodeRestriction', 'PodSecurity', 'Priority', 'DefaultTolerationSeconds', 'DefaultStorageClass', 'StorageObjectInUseProtection',
  'PersistentVolumeClaimResize', 'RuntimeClass', 'CertificateApproval', 'CertificateSigning', 'CertificateSubjectRestriction', 'DefaultIngressClass', 'DenyServiceExternalIPs', 'MutatingAdmissionPolicy', 'MutatingAdmissionWebhook',
  'ValidatingAdmissionPolicy', 'ValidatingAdmissionWebhook', 'ResourceQuota']

export interface BuiltInOptions {
  random: Random
  authorizer: Authorizer
  /** Organizations of a PEM certificate request's subject. */
  organizationsOf(request: string): Promise<readonly string[]>
  lookup: Lookup
  log: Log
  /** Whether everybody who may write Services may set their externalIPs. */
  allowServiceExternalIPs?: boolean | undefined
  /** Absent: over the network, Services by their endpoints. */
  callWebhook?: CallWebhook
  /** What --admission-control-config-file says. */
  configuration?: AdmissionConfiguration | undefined
  /** Names of plugins that do not run. */
  disabled?: readonly string[] | undefined
  /** Who the server is to webhooks; absent: nobody. */
  webhookCredentials?: { mutating?: WebhookCredentials | undefined; validating?: WebhookCredentials | undefined } | undefined
  counting?: Counting | undefined
}

export const builtInAdmission = ({ random, authorizer, organizationsOf, allowServiceExternalIPs = false, lookup, log, counting, callWebhook, configuration = {}, webhookCredentials = {}, disabled = [] }: BuiltInOptions): readonly AdmissionPlugin[] => [
  namespaceLifecycle, // first: nothing else matters where nothing may be created
  limitRanger,
  serviceAccountAdmission(random),
  nodeRestriction(authorizer), // after ServiceAccount, whose defaults it judges
  podSecurityAdmission(configuration.podSecurity),
  priorityAdmission,
  defaultTolerationSeconds,
  defaultStorageClass,
  storageObjectInUseProtection,
  persistentVolumeClaimResize,
  runtimeClassAdmission,
  certificateApproval(authorizer),
  certificateSigning(authorizer),
  certificateSubjectRestriction(organizationsOf),
  defaultIngressClass,
  ...(allowServiceExternalIPs ? [] : [denyServiceExternalIPs(authorizer)]), // upstream's default is to allow them
  mutatingAdmissionPolicy({ lookup, authorizer }), // policies before webhooks: nobody has to be called to know what they say
  mutatingAdmissionWebhook({ call: callWebhook ?? webhookCaller(serviceResolver(lookup, random), webhookCredentials.mutating), random, lookup, log, authorizer, counting }), // they see what all others have filled in
  validatingAdmissionPolicy({ lookup, authorizer }),
  validatingAdmissionWebhook({ call: callWebhook ?? webhookCaller(serviceResolver(lookup, random), webhookCredentials.validating), random, lookup, log, authorizer, counting }),
  rbacEscalation(authorizer), // upstream's storage of roles and bindings does this, after admission
  admissionPolicyAccess(authorizer), // and that of policies and their bindings this
  resourceQuotaAdmission(configuration.limitedResources), // last: what is refused by others takes nothing
].filter(({ name }) => !disabled.includes(name))
