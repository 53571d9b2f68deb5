/** The signers that this cluster has, and what each of them accepts. Mirrors pkg/apis/certificates/v1/defaults.go ValidateKubeletServingCSR and pkg/controller/certificates/signer. */
import type { CertificateSigningRequest } from '../../api/types.ts'
import type { CertificateRequest } from '../../client/pki.ts'

export const signers = {
  kubeletClient: 'kubernetes.io/kube-apiserver-client-kubelet', kubeletServing: 'kubernetes.io/kubelet-serving', apiserverClient: 'kubernetes.io/kube-apiserver-client', legacyUnknown: 'kubernetes.io/legacy-unknown',
} as const

type Spec = CertificateSigningRequest['spec']

const nodesGroup = 'system:nodes'
const nodePrefix = 'system:node:'

/** Exactly these usages; key encipherment is RSA's, and may be missing. */
const hasUsages = ({ usages = [] }: Spec, wanted: 'client auth' | 'server auth'): boolean => {
  const given = new Set(usages.filter((usage) => usage !== 'key encipherment'))
  return given.size === 2 && given.has('digital signature') && given.has(wanted)
}

const isOfNode = ({ organizations, commonName }: CertificateRequest): string | undefined => {
  if (organizations.length !== 1 || organizations[0] !== nodesGroup) return 'organization is not system:nodes'
  return commonName.startsWith(nodePrefix) ? undefined : 'subject common name does not begin with system:node: '
}

const notPresent = (request: CertificateRequest, fields: readonly (readonly [keyof CertificateRequest, string])[]): string | undefined =>
  fields.filter(([field]) => request[field].length > 0).map(([, name]) => `${name} subjectAltNames are not allowed`)[0]

const kubeletClientError = (request: CertificateRequest, spec: Spec): string | undefined => isOfNode(request)
  ?? notPresent(request, [['dnsNames', 'DNS'], ['emailAddresses', 'Email'], ['ipAddresses', 'IP'], ['uris', 'URI']])
  ?? (hasUsages(spec, 'client auth') ? undefined : 'usages did not match [digital signature client auth]')

const kubeletServingError = (request: CertificateRequest, spec: Spec): string | undefined => isOfNode(request)
  ?? (request.dnsNames.length + request.ipAddresses.length > 0 ? undefined : 'DNS or IP subjectAltName is required')
  ?? notPresent(request, [['emailAddresses', 'Email'], ['uris', 'URI']])
  ?? (hasUsages(spec, 'server auth') ? undefined : 'usages did not match [digital signature key encipherment server auth]')

const apiserverClientError = ({ usages = [] }: Spec): string | undefined => {
  if (!usages.includes('client auth')) return 'usages must include client auth'
  return usages.every((usage) => ['digital signature', 'key encipherment', 'client auth'].includes(usage)) ? undefined : 'usages may only be digital signature, key encipherment and client auth'
}

/** Why this signer does not sign the request; undefined when it does, `unknown` when the signer is not ours. */
export const refusal = (request: CertificateRequest, spec: Spec): string | undefined => {
  switch (spec.signerName) {
    case signers.kubeletClient: return kubeletClientError(request, spec)
    case signers.kubeletServing: return kubeletServingError(request, spec)
    case signers.apiserverClient: return apiserverClientError(spec)
    default: return undefined
  }
}

export const isOurSigner = ({ signerName }: Spec): boolean => Object.values<string>(signers).includes(signerName)

/** The node that a kubelet's certificate is for. */
export const nodeNameOf = ({ commonName }: CertificateRequest): string => commonName.slice(nodePrefix.length)

export const requestText = ({ request }: Spec): string => Buffer.from(request, 'base64').toString('utf8')

export const isApproved = ({ status }: CertificateSigningRequest): boolean =>
  Boolean(status.conditions?.some(({ type, status: value }) => type === 'Approved' && value === 'True')) && !hasEnded({ conditions: status.conditions })

/** Denied or failed: for good. */
export const hasEnded = ({ conditions = [] }: Pick<CertificateSigningRequest['status'], 'conditions'>): boolean => conditions.some(({ type }) => type === 'Denied' || type === 'Failed')
