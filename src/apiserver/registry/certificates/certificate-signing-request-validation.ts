/** Mirrors upstream's `pkg/apis/certificates/validation`. */
import { semanticEqual } from '../../../api/equal.ts'
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { CertificateSigningRequest, CertificateSigningRequestCondition } from '../../../api/types.ts'
import { checkEach, checkOneOf, checkUnique } from '../field-checks.ts'
import { certificateProblem, requestProblem } from './certificate-request.ts'
import { checkSignerName } from './signer-name.ts'

const usages = ['any', 'cert sign', 'client auth', 'code signing', 'content commitment', 'crl sign', 'data encipherment', 'decipher only', 'digital signature', 'email protection', 'encipher only', 'ipsec end system',
  'ipsec tunnel', 'ipsec user', 'key agreement', 'key encipherment', 'microsoft sgc', 'netscape sgc', 'ocsp signing', 's/mime', 'server auth', 'signing', 'timestamping']

const decisions = ['Approved', 'Denied']
const onlyTrue = [...decisions, 'Failed']

const checkConditions = (path: string, conditions: readonly CertificateSigningRequestCondition[] | undefined): FieldError[] => [
  ...checkEach(path, conditions, ({ type, status }, at, index) => {
    const opposite = decisions.includes(type) && conditions?.slice(0, index).some((other) => decisions.includes(other.type) && other.type !== type)
    return [
      ...(type ? [] : [fieldError.required(`${at}.type`)]),
      ...checkOneOf(`${at}.status`, status, onlyTrue.includes(type) ? ['True'] : ['False', 'True', 'Unknown']),
      ...(opposite ? [fieldError.invalid(`${at}.type`, type, 'Approved and Denied conditions are mutually exclusive')] : []),
    ]
  }),
  ...checkUnique(path, conditions, ({ type }) => ({ key: type, path: '.type' })),
]

const decoded = (base64: string): string => Buffer.from(base64, 'base64').toString()

export const checkRequest = ({ spec, status }: CertificateSigningRequest): FieldError[] => {
  const problem = requestProblem(decoded(spec.request ?? ''))
  const broken = status.certificate ? certificateProblem(decoded(status.certificate)) : ''
  return [
    ...(problem ? [fieldError.invalid('spec.request', spec.request ?? '', problem)] : []),
    ...((spec.usages ?? []).length === 0 ? [fieldError.required('spec.usages')] : []),
    ...checkEach('spec.usages', spec.usages, (usage, at) => (usages.includes(usage) ? [] : [fieldError.notSupported(at, usage, usages)])),
    ...checkUnique('spec.usages', spec.usages, (usage) => ({ key: usage })),
    ...(spec.signerName === 'kubernetes.io/legacy-unknown' ? [fieldError.invalid('spec.signerName', spec.signerName, 'the legacy signerName is not allowed via this API version')] : checkSignerName('spec.signerName', spec.signerName)),
    ...(spec.expirationSeconds !== undefined && spec.expirationSeconds < 600 ? [fieldError.invalid('spec.expirationSeconds', spec.expirationSeconds, 'may not specify a duration less than 600 seconds (10 minutes)')] : []),
    ...checkConditions('status.conditions', status.conditions),
    ...(broken ? [fieldError.invalid('status.certificate', '<certificate data>', broken)] : []),
  ]
}

const withType = ({ status }: CertificateSigningRequest, type: string): CertificateSigningRequestCondition[] => (status.conditions ?? []).filter((condition) => condition.type === type)

const checkDecisions = (next: CertificateSigningRequest, old: CertificateSigningRequest, mayDecide: boolean): FieldError[] => onlyTrue.flatMap((type) => {
  const [now, before] = [withType(next, type), withType(old, type)]
  if (now.length < before.length) return [fieldError.forbidden('status.conditions', `updates may not remove a condition of type ${JSON.stringify(type)}`)]
  if (mayDecide || !decisions.includes(type)) return []
  if (now.length > before.length) return [fieldError.forbidden('status.conditions', `updates may not add a condition of type ${JSON.stringify(type)}`)]
  return semanticEqual(now, before) ? [] : [fieldError.forbidden('status.conditions', `updates may not modify a condition of type ${JSON.stringify(type)}`)]
})

/** What an update through a subresource may do: `approval` decides, `status` issues. */
export const checkRequestUpdate = (next: CertificateSigningRequest, old: CertificateSigningRequest, may: { decide?: boolean; issue?: boolean } = {}): FieldError[] => {
  const changed = (next.status.certificate ?? '') !== (old.status.certificate ?? '')
  return [
    ...checkRequest(next),
    ...checkDecisions(next, old, may.decide === true),
    ...(changed && !may.issue ? [fieldError.forbidden('status.certificate', 'updates may not set certificate content')] : []),
    ...(changed && may.issue && old.status.certificate ? [fieldError.forbidden('status.certificate', 'updates may not modify existing certificate content')] : []),
  ]
}
