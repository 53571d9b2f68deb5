/**
 * Kubelets' certificates are approved without a person: client certificates as upstream's approver does (pkg/controller/certificates/approver/sarapprove.go);
 * serving certificates, which upstream leaves to the cluster's maker, when a node asks in its own name for its own addresses.
 */
import { timestamp } from '../../api/clock.ts'
import { CertificateSigningRequests, kind, Nodes } from '../../api/kinds.ts'
import type { KubeObject } from '../../api/meta.ts'
import { isNotFound } from '../../api/status.ts'
import type { CertificateSigningRequest, Node, SubjectAccessReview } from '../../api/types.ts'
import type { Action } from '../../client/action.ts'
import type { Client } from '../../client/client.ts'
import { type Reconciler, watching, type World } from '../../client/controller.ts'
import { type CertificateRequest, parseCertificateRequest } from '../../client/pki.ts'
import { sameMeaning } from '../canonical.ts'
import { hasEnded, isApproved, nodeNameOf, refusal, requestText, signers } from './signers.ts'

const SubjectAccessReviews = kind<SubjectAccessReview & KubeObject>({ group: 'authorization.k8s.io', version: 'v1', kind: 'SubjectAccessReview', plural: 'subjectaccessreviews', namespaced: false })

type MayRequest = (subresource: string) => Promise<boolean>

const asServer = (client: Client, { spec }: CertificateSigningRequest): MayRequest => async (subresource) => {
  const review = await client.create(SubjectAccessReviews, {
    metadata: {},
    spec: {
      ...(spec.username !== undefined && { user: spec.username }), ...(spec.uid !== undefined && { uid: spec.uid }), ...(spec.groups !== undefined && { groups: spec.groups }), ...(spec.extra !== undefined && { extra: spec.extra }),
      resourceAttributes: { group: 'certificates.k8s.io', resource: 'certificatesigningrequests', verb: 'create', subresource },
    },
  })
  return review.status?.allowed ?? false
}

const approve = ({ metadata, status }: CertificateSigningRequest, message: string, now: Date): Action => ({
  do: 'patch', kind: CertificateSigningRequests, at: { name: metadata.name }, subresource: 'approval', tolerate: isNotFound,
  patch: { type: 'merge', body: { metadata: { resourceVersion: metadata.resourceVersion }, status: { conditions: [
    ...(status.conditions ?? []).map((each) => ({ ...each })),
    { type: 'Approved', status: 'True', reason: 'AutoApproved', message, lastUpdateTime: timestamp(now), lastTransitionTime: timestamp(now) },
  ] } } },
})

/** Every name asked for must be one that the node has told of. */
const areOwnAddresses = ({ dnsNames, ipAddresses }: CertificateRequest, node: Node | undefined): boolean => {
  const addresses = new Set(['127.0.0.1', '::1', 'localhost', node?.metadata.name, ...(node?.status.addresses ?? []).map(({ address }) => address)])
  return node !== undefined && [...dnsNames, ...ipAddresses].every((each) => addresses.has(each))
}

const approvalMessage = async (request: CertificateRequest, { spec }: CertificateSigningRequest, at: { world: World; may: MayRequest }): Promise<string | undefined> => {
  const isSelf = spec.username === request.commonName
  if (spec.signerName === signers.kubeletClient) {
    if (isSelf && await at.may('selfnodeclient')) return 'Auto approving self kubelet client certificate after SubjectAccessReview.'
    return await at.may('nodeclient') ? 'Auto approving kubelet client certificate after SubjectAccessReview.' : undefined
  }
  const ownAddresses = isSelf && areOwnAddresses(request, at.world.get(Nodes, nodeNameOf(request)))
  return ownAddresses ? "Auto approving kubelet serving certificate for the node's own addresses." : undefined
}

export const planApproval = async (name: string, world: World, mayRequest: (csr: CertificateSigningRequest) => MayRequest): Promise<Action[]> => {
  const csr = world.get(CertificateSigningRequests, name)
  if (!csr || isApproved(csr) || hasEnded(csr.status) || csr.status.certificate) return []
  if (csr.spec.signerName !== signers.kubeletClient && csr.spec.signerName !== signers.kubeletServing) return []
  const request = await parseCertificateRequest(requestText(csr.spec))
  if (refusal(request, csr.spec) !== undefined) return []
  const message = await approvalMessage(request, csr, { world, may: mayRequest(csr) })
  return message === undefined ? [] : [approve(csr, message, world.now)]
}

/** A serving certificate waits for its node to tell its addresses. */
const waitingFor = (node: Node, world: World): string[] => world.list(CertificateSigningRequests)
  .filter(({ spec, status }) => spec.signerName === signers.kubeletServing && spec.username === `system:node:${node.metadata.name}` && !status.certificate).map(({ metadata }) => metadata.name)

export const certificateApprover = (client: Client): Reconciler => ({
  name: 'certificatesigningrequest-approving-controller',
  watches: [
    watching(CertificateSigningRequests, ({ metadata }) => [metadata.name]),
    watching(Nodes, waitingFor, { matters: (node, previous) => node !== undefined && !sameMeaning(node.status.addresses, previous?.status.addresses) }),
  ],
  plan: (name, world) => planApproval(name, world, (csr) => asServer(client, csr)),
})
