/** What a status update of a pod may not do. Mirrors ValidatePodStatusUpdate of upstream's core validation. */
import { isDns1123Subdomain } from '../../../api/names.ts'
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { ContainerStatus, Pod } from '../../../api/types.ts'
import { checkEach, checkImmutable, checkQualifiedName, checkUnique, invalids } from '../field-checks.ts'
import { checkIP, parseIP } from '../ip-address.ts'

/** A container that ended for good stays ended; `mayRestart` says which ones do not end for good. */
const checkTransitions = (path: string, next: readonly ContainerStatus[] | undefined, old: readonly ContainerStatus[] | undefined, mayRestart: (status: ContainerStatus) => boolean): FieldError[] =>
  checkEach(path, old, (before, at) => {
    if (!before.state?.terminated || mayRestart(before)) return []
    const now = next?.find(({ name }) => name === before.name)
    return now && !now.state?.terminated ? [fieldError.forbidden(`${at}.state`, 'may not be transitioned to non-terminated state')] : []
  })

const checkStateTransitions = ({ status: next }: Pod, { spec, status: old }: Pod): FieldError[] => {
  const own = new Map([...(spec.containers ?? []), ...(spec.initContainers ?? [])].map((container) => [container.name, container]))
  const mayRestart = (status: ContainerStatus): boolean => {
    const policy = own.get(status.name)?.restartPolicy ?? spec.restartPolicy
    if (policy === 'Always' || (own.get(status.name)?.restartPolicyRules ?? []).length > 0) return true
    return policy === 'OnFailure' && status.state?.terminated?.exitCode !== 0
  }
  return [
    ...checkTransitions('status.containerStatuses', next.containerStatuses, old.containerStatuses, mayRestart),
    ...checkTransitions('status.initContainerStatuses', next.initContainerStatuses, old.initContainerStatuses, (status) => spec.restartPolicy === 'Always' || mayRestart(status)),
    ...checkTransitions('status.ephemeralContainerStatuses', next.ephemeralContainerStatuses, old.ephemeralContainerStatuses, () => false),
  ]
}

const checkAddresses = (path: string, addresses: readonly { ip?: string | undefined }[] | undefined): FieldError[] => {
  const families = new Set((addresses ?? []).map(({ ip }) => parseIP(ip ?? '')?.family))
  return [
    ...checkEach(path, addresses, ({ ip }, at) => checkIP(at, ip ?? '')),
    ...((addresses ?? []).length > families.size ? [fieldError.invalid(path, addresses, 'may specify no more than one IP for each IP family')] : []),
    ...checkUnique(path, addresses, (address) => ({ key: address.ip ?? '', value: address })),
  ]
}

const systemConditions = ['PodScheduled', 'Ready', 'Initialized']

export const checkPodStatusUpdate = (next: Pod, old: Pod): FieldError[] => {
  const { nominatedNodeName, conditions, hostIP = '', hostIPs } = next.status
  return [
    ...checkEach('metadata.conditions', conditions, ({ type }, at) => (systemConditions.includes(type) ? [] : checkQualifiedName(`${at}.Type`, type))),
    ...(next.spec.nodeName === old.spec.nodeName ? [] : [fieldError.forbidden('status.nodeName', 'may not be changed directly')]),
    ...(nominatedNodeName && nominatedNodeName !== old.status.nominatedNodeName ? invalids('status.nominatedNodeName', nominatedNodeName, isDns1123Subdomain(nominatedNodeName)) : []),
    ...checkImmutable('status.qosClass', next.status.qosClass, old.status.qosClass),
    ...checkStateTransitions(next, old),
    ...checkAddresses('status.podIPs', next.status.podIPs),
    ...(hostIPs?.[0] && hostIPs[0].ip !== hostIP ? [fieldError.invalid('status.hostIPs[0].ip', hostIPs[0].ip, 'must be equal to `hostIP`')] : []),
    ...checkAddresses('status.hostIPs', hostIPs),
  ]
}
