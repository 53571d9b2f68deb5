/** A pod's spec, in a Pod or in a template. Mirrors ValidatePodSpec and ValidatePodTemplateSpec of upstream's core validation. */
import { isDns1123Subdomain } from '../../../api/names.ts'
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { PodSpec, PodTemplateSpec } from '../../../api/types.ts'
import { checkDnsLabel, checkDnsSubdomain, checkEach, checkOneOf, checkQualifiedName, invalids, maxInt32 } from '../field-checks.ts'
import { checkAnnotations, checkLabels } from '../label-checks.ts'
import { checkAffinity } from './affinity-validation.ts'
import { checkHostNetworkPorts } from './container-port-validation.ts'
import { checkContainers, checkEphemeralContainers, checkInitContainers } from './container-validation.ts'
import { checkDns, checkHostAliases } from './dns-config-validation.ts'
import { checkPodAnnotations } from './pod-annotations.ts'
import { checkPodClaims } from './pod-claim-validation.ts'
import { checkPodLevelResources } from './pod-level-resources.ts'
import { checkPodOs } from './pod-os-validation.ts'
import { checkResourceRequirements } from './resource-validation.ts'
import { checkHostUsers, checkPodSecurityContext } from './security-context-validation.ts'
import { checkTolerations } from './taint-validation.ts'
import { checkTopologySpread } from './topology-spread-validation.ts'
import { unsupportedInPodSpec } from './unsupported.ts'
import { checkVolumes } from './volume-validation.ts'

const checkSubdomain = (path: string, name: string | undefined): FieldError[] => (name ? invalids(path, name, isDns1123Subdomain(name)) : [])

const checkSchedulingGates = (path: string, { schedulingGates }: PodSpec): FieldError[] => {
  const seen = new Set<string>()
  return checkEach(path, schedulingGates, ({ name }, at) => {
    const twice = seen.has(name)
    seen.add(name)
    return [...checkQualifiedName(at, name ?? ''), ...(twice ? [fieldError.duplicate(at, name)] : [])]
  })
}

/** Longer names do not fit into the kernel's. */
const maxHostname = 64

const checkHostnameOverride = (path: string, { hostnameOverride: name, setHostnameAsFQDN, hostNetwork }: PodSpec): FieldError[] => (name ? [
  ...checkDnsSubdomain(`${path}.hostnameOverride`, name),
  ...(name.length > maxHostname ? [fieldError.tooLong(`${path}.hostnameOverride`, maxHostname)] : []),
  ...(setHostnameAsFQDN ? [fieldError.forbidden(`${path}.setHostnameAsFQDN`, "may not be specified when 'hostnameOverride' is specified")] : []),
  ...(hostNetwork ? [fieldError.forbidden(`${path}.hostnameOverride`, "may not be specified when 'hostNetwork' is true")] : []),
] : [])

const checkNames = (path: string, spec: PodSpec): FieldError[] => [
  ...checkSubdomain(`${path}.serviceAccountName`, spec.serviceAccountName),
  ...checkSubdomain(`${path}.nodeName`, spec.nodeName),
  ...(spec.activeDeadlineSeconds !== undefined && (spec.activeDeadlineSeconds < 1 || spec.activeDeadlineSeconds > maxInt32)
    ? [fieldError.invalid(`${path}.activeDeadlineSeconds`, spec.activeDeadlineSeconds, `must be between 1 and ${maxInt32}, inclusive`)] : []),
  ...(spec.hostname ? checkDnsLabel(`${path}.hostname`, spec.hostname) : []),
  ...(spec.subdomain ? checkDnsLabel(`${path}.subdomain`, spec.subdomain) : []),
  ...checkHostnameOverride(path, spec),
  ...checkTolerations(`${path}.tolerations`, spec.tolerations),
  ...checkHostAliases(`${path}.hostAliases`, spec.hostAliases),
  ...checkSubdomain(`${path}.priorityClassName`, spec.priorityClassName),
  ...(spec.runtimeClassName === undefined ? [] : checkDnsSubdomain(`${path}.runtimeClassName`, spec.runtimeClassName)),
  ...(spec.overhead ? checkResourceRequirements(`${path}.overhead`, { limits: spec.overhead }) : []),
  ...(spec.preemptionPolicy === undefined ? [] : checkOneOf(`${path}.preemptionPolicy`, spec.preemptionPolicy, ['PreemptLowerPriority', 'Never'])),
  ...(spec.os ? spec.os.name ? ['linux', 'windows'].includes(spec.os.name) ? [] : [fieldError.notSupported(`${path}.os`, spec.os.name, ['linux', 'windows'])] : [fieldError.required(`${path}.os.name`, 'cannot be empty')] : []),
]

/** `isPod`: the spec is a Pod's own and not a template's. */
export const checkPodSpec = (path: string, spec: PodSpec, isPod: boolean): FieldError[] => {
  const volumes = checkVolumes(`${path}.volumes`, spec.volumes)
  const surroundings = { volumes: volumes.names, sources: spec.volumes ?? [], claims: (spec.resourceClaims ?? []).flatMap(({ name }) => (name ? [name] : [])), podRestartPolicy: spec.restartPolicy, graceSeconds: spec.terminationGracePeriodSeconds }
  return [
    ...volumes.errors,
    ...checkContainers(`${path}.containers`, spec.containers, surroundings),
    ...checkInitContainers(`${path}.initContainers`, spec, surroundings),
    ...checkEphemeralContainers(`${path}.ephemeralContainers`, spec, surroundings),
    ...(spec.hostNetwork ? checkHostNetworkPorts(`${path}.containers`, spec.containers ?? [], isPod) : []),
    ...checkOneOf(`${path}.restartPolicy`, spec.restartPolicy, ['Always', 'OnFailure', 'Never']),
    ...checkOneOf(`${path}.dnsPolicy`, spec.dnsPolicy, ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None']),
    ...checkLabels(`${path}.nodeSelector`, spec.nodeSelector),
    ...checkPodSecurityContext(path, spec),
    ...checkHostUsers(path, spec),
    ...checkPodOs(path, spec),
    ...checkPodClaims(`${path}.resourceClaims`, spec),
    ...checkPodLevelResources(`${path}.resources`, spec),
    ...checkAffinity(`${path}.affinity`, spec.affinity),
    ...checkDns(path, spec),
    ...checkEach(`${path}.readinessGates`, spec.readinessGates, ({ conditionType }, at) => checkQualifiedName(`${at}.conditionType`, conditionType ?? '')),
    ...checkSchedulingGates(`${path}.schedulingGates`, spec),
    ...checkTopologySpread(`${path}.topologySpreadConstraints`, spec.topologySpreadConstraints),
    ...checkNames(path, spec),
    ...unsupportedInPodSpec(path, spec),
  ]
}

/** The template of a workload; its paths are upstream's, which leave `metadata` out. */
export const checkPodTemplate = (path: string, { metadata, spec }: PodTemplateSpec): FieldError[] => [
  ...checkLabels(`${path}.labels`, metadata?.labels),
  ...checkAnnotations(`${path}.annotations`, metadata?.annotations),
  ...checkPodAnnotations(`${path}.annotations`, metadata?.annotations, spec?.nodeName),
  ...checkPodSpec(`${path}.spec`, spec ?? { containers: [] }, false),
  ...((spec?.ephemeralContainers ?? []).length > 0 ? [fieldError.forbidden(`${path}.spec.ephemeralContainers`, 'ephemeral containers not allowed in pod template')] : []),
]
