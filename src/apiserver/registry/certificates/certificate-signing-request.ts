/** CertificateSigningRequests. Mirrors upstream's `pkg/registry/certificates/certificates/strategy.go`. */
import { timestamp } from '../../../api/clock.ts'
import { humanDuration } from '../../../api/human-duration.ts'
import { CertificateSigningRequests } from '../../../api/kinds.ts'
import type { CertificateSigningRequest, CertificateSigningRequestSpec } from '../../../api/types.ts'
import { ageColumn, nameColumn } from '../columns.ts'
import type { Strategy, UserInfo } from '../strategy.ts'
import { checkRequest, checkRequestUpdate } from './certificate-signing-request-validation.ts'

/** `Pending`, `Approved,Issued`, `Denied`, `Approved,Failed`. */
const conditionWords = ({ status }: CertificateSigningRequest): string => {
  const has = (type: string): boolean => status.conditions?.some((condition) => condition.type === type) ?? false
  const decision = has('Denied') ? 'Denied' : has('Approved') ? 'Approved' : 'Pending'
  return `${decision}${has('Failed') ? ',Failed' : ''}${status.certificate ? ',Issued' : ''}`
}

/** Who asks is told by the server, never by the client. */
const withRequester = ({ username: _name, uid: _uid, groups: _groups, extra: _extra, ...spec }: CertificateSigningRequestSpec, user: UserInfo): CertificateSigningRequestSpec => ({
  ...spec, username: user.name, ...(user.uid && { uid: user.uid }), ...(user.groups.length > 0 && { groups: [...user.groups] }),
  ...(Object.keys(user.extra ?? {}).length > 0 && { extra: Object.fromEntries(Object.entries(user.extra ?? {}).map(([key, values]) => [key, [...values]])) }),
})

/** A condition gets the times of its last change where the client gives none. */
const stampConditions = (next: CertificateSigningRequest, old: CertificateSigningRequest, now: Date): void => {
  for (const condition of next.status.conditions ?? []) {
    condition.lastUpdateTime ||= timestamp(now)
    const before = old.status.conditions?.find(({ type, status }) => type === condition.type && status === condition.status)
    condition.lastTransitionTime ||= before?.lastTransitionTime ?? timestamp(now)
  }
}

export const certificateSigningRequestStrategy: Strategy<CertificateSigningRequest> = {
  kind: CertificateSigningRequests,
  validateName: () => [],
  setDefaults(request) {
    request.spec ??= { request: '', signerName: '' }
    request.status ??= {}
  },
  prepareForCreate(request, { user }) {
    request.spec = withRequester(request.spec, user)
    request.status = {}
  },
  validate: checkRequest,
  prepareForUpdate(next, old) {
    next.spec = old.spec
    next.status = old.status
  },
  validateUpdate: (next, old) => checkRequestUpdate(next, old),
  columns: [
    nameColumn,
    ageColumn,
    { name: 'SignerName', type: 'string', description: 'Who is asked to sign.', value: ({ spec }) => spec.signerName || '<none>' },
    { name: 'Requestor', type: 'string', description: 'Who asks.', value: ({ spec }) => spec.username ?? '' },
    { name: 'RequestedDuration', type: 'string', description: 'How long the certificate is to be valid.', value: ({ spec }) => (spec.expirationSeconds === undefined ? '<none>' : humanDuration(spec.expirationSeconds * 1000)) },
    { name: 'Condition', type: 'string', description: 'What became of the request.', value: conditionWords },
  ],
  selectableFields: { 'spec.signerName': ({ spec }) => spec.signerName },
  subresources: {
    status: {
      prepareForUpdate(next, old, { clock }) {
        next.spec = old.spec
        // Approval and denial belong to the other subresource: whoever issues certificates need not know them to keep them.
        const decided = (old.status.conditions ?? []).filter(({ type }) => type === 'Approved' || type === 'Denied')
        const given = next.status.conditions ?? []
        const kept = [...decided.filter(({ type }) => !given.some((condition) => condition.type === type)), ...given]
        if (kept.length > 0) next.status.conditions = kept
        stampConditions(next, old, clock.now())
      },
      validateUpdate: (next, old) => checkRequestUpdate(next, old, { issue: true }),
    },
    approval: {
      prepareForUpdate(next, old, { clock }) {
        next.spec = old.spec
        next.status = { ...old.status, ...(next.status.conditions && { conditions: next.status.conditions }) }
        stampConditions(next, old, clock.now())
      },
      validateUpdate: (next, old) => checkRequestUpdate(next, old, { decide: true }),
    },
  },
}
