/** Who may approve and sign certificate requests, and whom nobody may become by one. Mirrors `plugin/pkg/admission/certificates`. */
import { CertificateSigningRequests } from '../../api/kinds.ts'
import { forbidden } from '../../api/status.ts'
import type { CertificateSigningRequest } from '../../api/types.ts'
import type { Authorizer } from '../authorization/authorizer.ts'
import type { UserInfo } from '../registry/strategy.ts'
import type { AdmissionPlugin } from './plugin.ts'

/** `kubernetes.io/kubelet-serving` is allowed by its own name, or by `kubernetes.io/*`. */
const maySign = async (authorizer: Authorizer, { user, verb, signer }: { user: UserInfo; verb: 'approve' | 'sign'; signer: string }): Promise<boolean> => {
  const wildcard = `${signer.split('/')[0]}/*`
  for (const name of [signer, wildcard]) {
    const { verdict } = await authorizer.authorize({ user, verb, resourceRequest: true, apiGroup: 'certificates.k8s.io', apiVersion: '*', resource: 'signers', subresource: '', namespace: '', name, path: '' })
    if (verdict === 'allow') return true
  }
  return false
}

const guard = (name: string, { subresource, verb }: { subresource: string; verb: 'approve' | 'sign' }, authorizer: Authorizer): AdmissionPlugin => ({
  name,
  handles: (attributes) => attributes.operation === 'UPDATE' && attributes.kind === CertificateSigningRequests && attributes.subresource === subresource,
  validate: async (attributes) => {
    const [before, after] = [attributes.oldObject as CertificateSigningRequest, attributes.object as CertificateSigningRequest]
    if (verb === 'sign' && before.status.certificate === after.status.certificate && JSON.stringify(before.status.conditions) === JSON.stringify(after.status.conditions)) return
    const signer = before.spec.signerName
    if (await maySign(authorizer, { user: attributes.user, verb, signer })) return
    throw forbidden(CertificateSigningRequests, attributes.name, `user not permitted to ${verb} requests with signerName ${JSON.stringify(signer)}`)
  },
})

export const certificateApproval = (authorizer: Authorizer): AdmissionPlugin => guard('CertificateApproval', { subresource: 'approval', verb: 'approve' }, authorizer)
export const certificateSigning = (authorizer: Authorizer): AdmissionPlugin => guard('CertificateSigning', { subresource: 'status', verb: 'sign' }, authorizer)

/** The organizations of a request: read off its bytes by whoever knows certificates. */
export const certificateSubjectRestriction = (organizationsOf: (request: string) => Promise<readonly string[]>): AdmissionPlugin => ({
  name: 'CertificateSubjectRestriction',
  handles: ({ operation, kind, subresource }) => operation === 'CREATE' && kind === CertificateSigningRequests && subresource === '',
  validate: async ({ object, name }) => {
    const { spec } = object as CertificateSigningRequest
    if (spec.signerName !== 'kubernetes.io/kube-apiserver-client') return
    const organizations = await organizationsOf(Buffer.from(spec.request, 'base64').toString()).catch((): readonly string[] => [])
    if (organizations.includes('system:masters')) throw forbidden(CertificateSigningRequests, name, `use of kubernetes.io/kube-apiserver-client signer with system:masters group is not allowed`)
  },
})
