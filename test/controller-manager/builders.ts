/** Objects for tables of cases, as the API server would have stored them. */
import type { KubeObject } from '../../src/api/meta.ts'
import { controllerReference } from '../../src/api/meta.ts'
import { apiVersionOf, type Kind } from '../../src/api/kinds.ts'
import type { Deployment, Node, Pod, PodCondition, PodTemplateSpec, ReplicaSet, Service } from '../../src/api/types.ts'

export const noon = new Date('2026-01-01T12:00:00Z')
export const secondsBefore = (seconds: number, moment = noon): string => `${new Date(moment.getTime() - seconds * 1000).toISOString().slice(0, 19)}Z`

let serial = 0
export const metadata = (name: string, over: Partial<KubeObject['metadata']> = {}): KubeObject['metadata'] => ({
  name, namespace: 'default', uid: `uid-${name}-${++serial}`, resourceVersion: String(serial), creationTimestamp: secondsBefore(3600), generation: 1, ...over,
})

export const template = (image = 'host', labels: Record<string, string> = { app: 'web' }): PodTemplateSpec => ({ metadata: { labels }, spec: { containers: [{ name: 'main', image }] } })

export const ownedBy = (owner: KubeObject, kind: Kind): Partial<KubeObject['metadata']> => ({ ownerReferences: [controllerReference(owner, apiVersionOf(kind), kind.kind)] })

type Limits = { maxSurge?: number | string; maxUnavailable?: number | string }

export const deployment = (name: string, replicas: number, { maxSurge = 0, maxUnavailable = 0, ...spec }: Limits & Partial<Deployment['spec']> = {}): Deployment => ({
  apiVersion: 'apps/v1', kind: 'Deployment', metadata: metadata(name),
  spec: {
    replicas, selector: { matchLabels: { app: 'web' } }, template: template(), progressDeadlineSeconds: 600, revisionHistoryLimit: 10,
    strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge, maxUnavailable } }, ...spec,
  },
  status: {},
})

export const replicaSet = (name: string, replicas: number, over: { available?: number; metadata?: Partial<KubeObject['metadata']>; spec?: Partial<ReplicaSet['spec']>; status?: Partial<ReplicaSet['status']> } = {}): ReplicaSet => ({
  apiVersion: 'apps/v1', kind: 'ReplicaSet', metadata: metadata(name, over.metadata),
  spec: { replicas, selector: { matchLabels: { app: 'web' } }, template: template(), ...over.spec },
  status: { replicas, observedGeneration: 1, ...(over.available !== undefined && { availableReplicas: over.available, readyReplicas: over.available }), ...over.status },
})

export const condition = (type: string, status: 'True' | 'False' | 'Unknown' = 'True', lastTransitionTime = secondsBefore(60)): PodCondition => ({ type, status, lastTransitionTime })

export const pod = (name: string, over: { metadata?: Partial<KubeObject['metadata']>; spec?: Partial<Pod['spec']>; status?: Partial<Pod['status']>; ready?: boolean } = {}): Pod => ({
  apiVersion: 'v1', kind: 'Pod', metadata: metadata(name, { labels: { app: 'web' }, ...over.metadata }),
  spec: { containers: [{ name: 'main', image: 'host' }], nodeName: 'node-1', ...over.spec },
  status: { phase: 'Running', ...(over.ready !== undefined && { conditions: [condition('Ready', over.ready ? 'True' : 'False')] }), ...over.status },
})

export const node = (name: string, over: { metadata?: Partial<KubeObject['metadata']>; spec?: Partial<Node['spec']>; status?: Partial<Node['status']> } = {}): Node => ({
  apiVersion: 'v1', kind: 'Node', metadata: metadata(name, { namespace: undefined, labels: { 'kubernetes.io/hostname': name }, ...over.metadata }),
  spec: { ...over.spec }, status: { conditions: [condition('Ready')], ...over.status },
})

export const service = (name: string, spec: Partial<Service['spec']> = {}, over: Partial<KubeObject['metadata']> = {}): Service => ({
  apiVersion: 'v1', kind: 'Service', metadata: metadata(name, over),
  spec: { selector: { app: 'web' }, clusterIP: '10.96.0.9', ipFamilies: ['IPv4'], ports: [{ name: 'http', port: 80, targetPort: 8080, protocol: 'TCP' }], ...spec },
  status: {},
})

/** A pod with an address. */
export const servingPod = (name: string, ip: string, over: Parameters<typeof pod>[1] = {}): Pod => pod(name, { ready: true, ...over, status: { podIP: ip, podIPs: [{ ip }], ...over?.status, ...(over?.ready === undefined && !over?.status?.conditions && { conditions: [condition('Ready')] }), ...(over?.ready !== undefined && { conditions: [condition('Ready', over.ready ? 'True' : 'False')] }) } })
