/** Groups of Kubernetes' own are for APIs that the project approved. Pure. Mirrors apiextensions-apiserver's `pkg/apihelpers/helpers.go` and `controller/apiapproval`. */
import type { NewCondition } from './conditions.ts'

export const approvalAnnotation = 'api-approved.kubernetes.io'

export type Approval = 'missing' | 'invalid' | 'bypassed' | 'approved'

export const isProtectedGroup = (group: string): boolean => /(?:^|\.)(?:k8s|kubernetes)\.io$/.test(group)

export const approvalOf = (annotations: Readonly<Record<string, string>> | undefined): { approval: Approval; why: string } => {
  const text = annotations && Object.hasOwn(annotations, approvalAnnotation) ? (annotations[approvalAnnotation] ?? '') : ''
  if (text === '') return { approval: 'missing', why: `protected groups must have approval annotation "${approvalAnnotation}", see https://github.com/kubernetes/enhancements/pull/1111` }
  if (text.startsWith('unapproved')) return { approval: 'bypassed', why: `not approved: ${JSON.stringify(text)}` }
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url || url.host === '') return { approval: 'invalid', why: `protected groups must have approval annotation "${approvalAnnotation}" with either a URL or a reason starting with "unapproved", see https://github.com/kubernetes/enhancements/pull/1111` }
  return { approval: 'approved', why: `approved in ${text}` }
}

const reasons: Readonly<Record<Approval, string>> = { missing: 'MissingAnnotation', invalid: 'InvalidAnnotation', bypassed: 'UnapprovedAnnotation', approved: 'ApprovedAnnotation' }

/** Undefined for groups that anybody may have. */
export const decideApproval = (group: string, annotations: Readonly<Record<string, string>> | undefined): NewCondition | undefined => {
  if (!isProtectedGroup(group)) return undefined
  const { approval, why } = approvalOf(annotations)
  return { type: 'KubernetesAPIApprovalPolicyConformant', status: approval === 'approved' ? 'True' : 'False', reason: reasons[approval], message: why }
}
