/** A joining machine's certificates: asked for with requests that it made itself, approved by the administrator, signed by the cluster. */
import { CertificateSigningRequests } from '../../api/kinds.ts'
import { systemClock, timestamp } from '../../api/clock.ts'
import type { CertificateSigningRequest } from '../../api/types.ts'
import type { Client } from '../../client/client.ts'
import { UserError } from '../user-error.ts'

const signedMilliseconds = 30_000

export interface Wanted {
  node: string
  /** PEM of the request. */
  request: string
  usage: 'client' | 'server'
}

const specOf = ({ request, usage }: Wanted): CertificateSigningRequest['spec'] => ({
  request: Buffer.from(request).toString('base64'),
  signerName: usage === 'client' ? 'kubernetes.io/kube-apiserver-client-kubelet' : 'kubernetes.io/kubelet-serving',
  usages: ['digital signature', 'key encipherment', usage === 'client' ? 'client auth' : 'server auth'],
})

const approve = async (client: Client, name: string, signal: AbortSignal): Promise<void> => {
  const now = timestamp(systemClock.now())
  const conditions = [{ type: 'Approved', status: 'True', reason: 'JoinedOverSSH', message: 'This certificate was requested by wherry node add.', lastUpdateTime: now, lastTransitionTime: now }]
  const current = await client.get(CertificateSigningRequests, { name }, { signal })
  if (current.status.conditions?.some(({ type }) => type === 'Approved')) return
  await client.update(CertificateSigningRequests, { ...current, status: { ...current.status, conditions } }, { subresource: 'approval', signal })
}

/** Resolves with the certificate (PEM); the request object is deleted in the end. */
export const requestCertificate = async (client: Client, wanted: Wanted, signal: AbortSignal): Promise<string> => {
  const { metadata: { name } } = await client.create(CertificateSigningRequests, { metadata: { generateName: `wherry-join-${wanted.node}-${wanted.usage}-` }, spec: specOf(wanted), status: {} } as never, { signal })
  try {
    await approve(client, name, signal)
    return await signed(client, name, signal)
  } finally {
    await client.delete(CertificateSigningRequests, { name }).catch(() => {}) // the cleaner deletes it in time
  }
}

const signed = async (client: Client, name: string, signal: AbortSignal): Promise<string> => {
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(signedMilliseconds)])
  const late = (): UserError => new UserError(`certificate request ${name} was approved but not signed within ${signedMilliseconds / 1000} s: does kube-controller-manager run? (kubectl -n kube-system get pods)`)
  for (;;) {
    const { status } = await client.get(CertificateSigningRequests, { name }, { signal })
    if (status.certificate) return Buffer.from(status.certificate, 'base64').toString('utf8')
    const ended = status.conditions?.find(({ type }) => type === 'Denied' || type === 'Failed')
    if (ended) throw new UserError(`certificate request ${name} was ${ended.type.toLowerCase()}: ${ended.message ?? ended.reason ?? ''}`)
    await systemClock.sleep(50, deadline).catch(() => { signal.throwIfAborted(); throw late() })
  }
}
