/** Approved requests become certificates, or are told why not. Mirrors pkg/controller/certificates/signer/signer.go. */
import { timestamp } from '../../api/clock.ts'
import { CertificateSigningRequests } from '../../api/kinds.ts'
import type { CertificateSigningRequest } from '../../api/types.ts'
import { type Action, updateStatus } from '../../client/action.ts'
import { type Reconciler, watching, type World } from '../../client/controller.ts'
import { certificateFacts, isKeyUsage, type KeyedCertificate, parseCertificateRequest, signCertificateRequest } from '../../client/pki.ts'
import { isApproved, isOurSigner, refusal, requestText } from './signers.ts'

export interface Signing {
  /** The cluster's certificate authority. */
  ca: KeyedCertificate
  /** How long certificates are good when the request does not say; upstream's --cluster-signing-duration, a year. */
  durationSeconds?: number
}

const year = 365 * 24 * 3600
const shortestSeconds = 600
/** Clocks are not quite together. */
const backdatedMilliseconds = 300_000

const validity = ({ spec }: CertificateSigningRequest, { ca, durationSeconds = year }: Signing, now: Date): { notBefore: Date; notAfter: Date } => {
  const seconds = spec.expirationSeconds === undefined ? durationSeconds : Math.min(durationSeconds, Math.max(shortestSeconds, spec.expirationSeconds))
  const end = Math.min(now.getTime() + seconds * 1000, certificateFacts(ca.certificate).notAfter.getTime())
  return { notBefore: new Date(now.getTime() - Math.min(backdatedMilliseconds, (seconds * 1000) / 2)), notAfter: new Date(end) }
}

const fail = (csr: CertificateSigningRequest, message: string, now: Date): Action => updateStatus(CertificateSigningRequests, { ...csr, status: { ...csr.status, conditions: [
  ...(csr.status.conditions ?? []), { type: 'Failed', status: 'True', reason: 'SignerValidationFailure', message, lastUpdateTime: timestamp(now), lastTransitionTime: timestamp(now) },
] } })

export const planSigning = async (name: string, world: World, signing: Signing): Promise<Action[]> => {
  const csr = world.get(CertificateSigningRequests, name)
  if (!csr || csr.status.certificate || !isApproved(csr) || !isOurSigner(csr.spec)) return []
  const text = requestText(csr.spec)
  const request = await parseCertificateRequest(text).catch((error: unknown) => String(error))
  const refused = typeof request === 'string' ? `unable to parse csr ${JSON.stringify(name)}: ${request}` : refusal(request, csr.spec)
  if (refused !== undefined) return [fail(csr, refused, world.now)]
  const certificate = await signCertificateRequest(signing.ca, { request: text, usages: (csr.spec.usages ?? []).filter(isKeyUsage), validity: validity(csr, signing, world.now) })
  return [updateStatus(CertificateSigningRequests, { ...csr, status: { ...csr.status, certificate: Buffer.from(certificate).toString('base64') } })]
}

export const certificateSigner = (signing: Signing): Reconciler => ({
  name: 'certificatesigningrequest-signing-controller',
  watches: [watching(CertificateSigningRequests, ({ metadata }) => [metadata.name])],
  plan: (name, world) => planSigning(name, world, signing),
})
