/** Signing requests that have served are deleted, each at its own time. Mirrors pkg/controller/certificates/cleaner/cleaner.go. */
import { CertificateSigningRequests } from '../../api/kinds.ts'
import type { CertificateSigningRequest } from '../../api/types.ts'
import { type Action, remove } from '../../client/action.ts'
import { type Reconciler, watching, type World } from '../../client/controller.ts'
import { certificateFacts } from '../../client/pki.ts'

const hour = 3_600_000
const day = 24 * hour

/** When a request is to go, in milliseconds of the epoch. */
const expiry = ({ metadata, status }: CertificateSigningRequest): number => {
  const times = (status.conditions ?? []).flatMap((condition) => {
    const since = Date.parse(condition.lastUpdateTime ?? condition.lastTransitionTime ?? metadata.creationTimestamp)
    if (condition.type === 'Approved') return status.certificate ? [since + hour] : []
    return condition.type === 'Denied' || condition.type === 'Failed' ? [since + hour] : []
  })
  const expires = status.certificate ? certificateFacts(Buffer.from(status.certificate, 'base64').toString('utf8')).notAfter.getTime() : Infinity
  return Math.min(Date.parse(metadata.creationTimestamp) + day, expires, ...times)
}

export const planCleaning = (name: string, world: World): Action[] => {
  const csr = world.get(CertificateSigningRequests, name)
  if (!csr) return []
  const left = expiry(csr) - world.now.getTime()
  return left > 0 ? [{ do: 'requeueAfter', milliseconds: left }] : [remove(CertificateSigningRequests, csr)]
}

export const certificateCleaner: Reconciler = {
  name: 'certificatesigningrequest-cleaner-controller',
  watches: [watching(CertificateSigningRequests, ({ metadata }) => [metadata.name])],
  plan: planCleaning,
}
