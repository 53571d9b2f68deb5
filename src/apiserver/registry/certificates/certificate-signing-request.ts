import { CertificateSigningRequests } from '../../../api/kinds.ts'
import { humanDuration } from '../../../api/human-duration.ts'
import type { CertificateSigningRequest } from '../../../api/types.ts'
import { ageColumn, nameColumn } from '../columns.ts'
import type { Strategy } from '../strategy.ts'

/** `Pending`, `Approved,Issued`, `Denied`, `Approved,Failed`. */
const conditionWords = ({ status }: CertificateSigningRequest): string => {
  const has = (type: string): boolean => status.conditions?.some((condition) => condition.type === type) ?? false
  const decision = has('Denied') ? 'Denied' : has('Approved') ? 'Approved' : 'Pending'
  return `${decision}${has('Failed') ? ',Failed' : ''}${status.certificate ? ',Issued' : ''}`
}

export const certificateSigningRequestStrategy: Strategy<CertificateSigningRequest> = {
  kind: CertificateSigningRequests,
  columns: [
    nameColumn,
    ageColumn,
    { name: 'SignerName', type: 'string', description: 'Who is asked to sign.', value: ({ spec }) => spec.signerName || '<none>' },
    { name: 'Requestor', type: 'string', description: 'Who asks.', value: ({ spec }) => spec.username ?? '' },
    { name: 'RequestedDuration', type: 'string', description: 'How long the certificate is to be valid.', value: ({ spec }) => (spec.expirationSeconds === undefined ? '<none>' : humanDuration(spec.expirationSeconds * 1000)) },
    { name: 'Condition', type: 'string', description: 'What became of the request.', value: conditionWords },
  ],
  selectableFields: { 'spec.signerName': ({ spec }) => spec.signerName },
}
