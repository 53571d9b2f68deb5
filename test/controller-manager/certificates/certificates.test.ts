import { beforeAll, describe, expect, test } from 'vitest'
import { CertificateSigningRequests, Nodes } from '../../../src/api/kinds.ts'
import type { CertificateSigningRequest } from '../../../src/api/types.ts'
import { certificateFacts, type KeyedCertificate, newCertificateAuthority, newCertificateRequest, newKey, type Subject, validFor } from '../../../src/client/pki.ts'
import { planApproval } from '../../../src/controller-manager/certificates/approver.ts'
import { planCleaning } from '../../../src/controller-manager/certificates/cleaner.ts'
import { planSigning } from '../../../src/controller-manager/certificates/signer.ts'
import { metadata, node, noon, secondsBefore } from '../builders.ts'
import { inWords, objectOf, world } from '../fake-world.ts'

let ca: KeyedCertificate
let key: string
beforeAll(async () => {
  ca = await newCertificateAuthority({ commonName: 'kubernetes', validity: validFor(3650, noon) })
  key = await newKey()
})

const kubelet = { commonName: 'system:node:node-1', organizations: ['system:nodes'] }
const clientUsages = ['digital signature', 'client auth']
const servingUsages = ['digital signature', 'server auth']
const csr = async (subject: Subject, spec: Partial<CertificateSigningRequest['spec']>, status: CertificateSigningRequest['status'] = {}): Promise<CertificateSigningRequest> => ({
  metadata: metadata('csr', { namespace: undefined }), status,
  spec: { request: Buffer.from(await newCertificateRequest(subject, key)).toString('base64'), signerName: 'kubernetes.io/kube-apiserver-client-kubelet', usages: clientUsages, username: 'system:node:node-1', ...spec },
})
const nodes = [node('node-1', { status: { addresses: [{ type: 'InternalIP', address: '192.0.2.7' }, { type: 'Hostname', address: 'node-1' }] } })]
const within = (given: CertificateSigningRequest) => world([[CertificateSigningRequests, [given]], [Nodes, nodes]])
const approved = { conditions: [{ type: 'Approved', status: 'True', lastUpdateTime: secondsBefore(60) }] }
const serving = { signerName: 'kubernetes.io/kubelet-serving', usages: servingUsages }

describe('approval', () => {
  const approval = async (given: CertificateSigningRequest, allowed: readonly string[]): Promise<string | undefined> => {
    const [action] = await planApproval('csr', within(given), () => async (subresource) => allowed.includes(subresource))
    const body = action?.do === 'patch' ? action.patch.body as unknown as { status: { conditions: { message: string }[] } } : undefined
    return body?.status.conditions.at(-1)?.message
  }
  test.each<[string, () => Promise<CertificateSigningRequest>, string[], string | undefined]>([
    ['a node renews its own', () => csr(kubelet, {}), ['selfnodeclient'], 'Auto approving self kubelet client certificate after SubjectAccessReview.'],
    ['a bootstrapper asks for a node', () => csr(kubelet, { username: 'system:bootstrap:abc' }), ['nodeclient', 'selfnodeclient'], 'Auto approving kubelet client certificate after SubjectAccessReview.'],
    ['nobody who may', () => csr(kubelet, { username: 'mallory' }), [], undefined],
    ['other organization', () => csr({ ...kubelet, organizations: ['system:masters'] }, {}), ['selfnodeclient', 'nodeclient'], undefined],
    ['with a name that is none of a node', () => csr({ ...kubelet, commonName: 'admin' }, {}), ['selfnodeclient', 'nodeclient'], undefined],
    ['with addresses', () => csr({ ...kubelet, dnsNames: ['x'] }, {}), ['selfnodeclient', 'nodeclient'], undefined],
    ['with more usages', () => csr(kubelet, { usages: [...clientUsages, 'server auth'] }), ['selfnodeclient', 'nodeclient'], undefined],
    ['of another signer', () => csr(kubelet, { signerName: 'kubernetes.io/kube-apiserver-client' }), ['selfnodeclient', 'nodeclient'], undefined],
    ['serving, its own addresses', () => csr({ ...kubelet, dnsNames: ['node-1'], ipAddresses: ['192.0.2.7'] }, serving), [], "Auto approving kubelet serving certificate for the node's own addresses."],
    ['serving, the address of somebody else', () => csr({ ...kubelet, ipAddresses: ['192.0.2.8'] }, serving), [], undefined],
    ['serving, in the name of somebody else', () => csr({ ...kubelet, ipAddresses: ['192.0.2.7'] }, { ...serving, username: 'system:node:node-2' }), [], undefined],
    ['denied', async () => csr(kubelet, {}, { conditions: [{ type: 'Denied', status: 'True' }] }), ['selfnodeclient'], undefined],
  ])('%s', async (_, given, allowed, expected) => expect(await approval(await given(), allowed)).toBe(expected))
})

describe('signing', () => {
  const sign = (given: CertificateSigningRequest) => planSigning('csr', within(given), { ca })
  test('an approved request gets its certificate', async () => {
    const { certificate = '' } = objectOf(await sign(await csr(kubelet, { expirationSeconds: 3600 }, approved)), 'updateStatus', CertificateSigningRequests).status
    const facts = certificateFacts(Buffer.from(certificate, 'base64').toString())
    expect(facts).toMatchObject({ commonName: 'system:node:node-1', organizations: ['system:nodes'], notAfter: new Date(noon.getTime() + 3_600_000) })
  })
  test('not for longer than the authority lives', async () => {
    const short = await newCertificateAuthority({ commonName: 'kubernetes', validity: validFor(1, noon) })
    const [action] = await planSigning('csr', within(await csr(kubelet, {}, approved)), { ca: short })
    const { certificate = '' } = action?.do === 'updateStatus' ? (action.object as unknown as CertificateSigningRequest).status : {}
    expect(certificateFacts(Buffer.from(certificate, 'base64').toString()).notAfter).toEqual(new Date(noon.getTime() + 86_400_000))
  })
  test.each<[string, () => Promise<CertificateSigningRequest>, string]>([
    ['what the signer does not sign', () => csr({ ...kubelet, organizations: ['other'] }, {}, approved), 'organization is not system:nodes'],
    ['serving without addresses', () => csr(kubelet, serving, approved), 'DNS or IP subjectAltName is required'],
    ['a client certificate that serves', () => csr({ commonName: 'jane' }, { signerName: 'kubernetes.io/kube-apiserver-client', usages: ['server auth'] }, approved), 'usages must include client auth'],
    ['no request at all', async () => ({ ...await csr(kubelet, {}, approved), spec: { ...(await csr(kubelet, {})).spec, request: Buffer.from('oops').toString('base64') } }), 'unable to parse csr "csr"'],
  ])('%s: failed', async (_, given, expected) => {
    const failed = objectOf(await sign(await given()), 'updateStatus', CertificateSigningRequests).status.conditions?.find(({ type }) => type === 'Failed')
    expect(failed).toMatchObject({ status: 'True', reason: 'SignerValidationFailure' })
    expect(failed?.message).toContain(expected)
  })
  test.each<[string, () => Promise<CertificateSigningRequest>]>([
    ['not approved', () => csr(kubelet, {})],
    ['denied', () => csr(kubelet, {}, { conditions: [...approved.conditions, { type: 'Denied', status: 'True' }] })],
    ['another signer', () => csr(kubelet, { signerName: 'example.com/mine' }, approved)],
    ['signed already', () => csr(kubelet, {}, { ...approved, certificate: 'x' })],
  ])('%s: nothing', async (_, given) => expect(await sign(await given())).toEqual([]))
})

describe('cleaning', () => {
  const clean = async (status: CertificateSigningRequest['status'], created: number): Promise<string[]> => {
    const given = await csr(kubelet, {}, status)
    return inWords(planCleaning('csr', within({ ...given, metadata: { ...given.metadata, creationTimestamp: secondsBefore(created) } })))
  }
  test('pending ones stay a day', async () => {
    expect(await clean({}, 3600)).toEqual([`requeueAfter ${23 * 3_600_000}`])
    expect(await clean({}, 86_400)).toEqual(['delete certificatesigningrequests csr'])
  })
  test('denied ones an hour', async () => {
    expect(await clean({ conditions: [{ type: 'Denied', status: 'True', lastUpdateTime: secondsBefore(1800) }] }, 1900)).toEqual(['requeueAfter 1800000'])
    expect(await clean({ conditions: [{ type: 'Denied', status: 'True', lastUpdateTime: secondsBefore(3600) }] }, 3700)).toEqual(['delete certificatesigningrequests csr'])
  })
})
