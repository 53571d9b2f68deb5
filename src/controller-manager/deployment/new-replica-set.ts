/** The ReplicaSet of a Deployment's present template. Mirrors pkg/controller/deployment/sync.go getNewReplicaSet. */
import { apiVersionOf, Deployments } from '../../api/kinds.ts'
import { controllerReference } from '../../api/meta.ts'
import type { Deployment, ReplicaSet } from '../../api/types.ts'
import { computeHash } from '../template-hash.ts'
import { annotationsForExisting, annotationsForNew } from './annotations.ts'
import { templateHashLabel } from './replica-sets.ts'
import { newReplicaSetSize } from './rolling.ts'

/** The name and hash that a new ReplicaSet would get. */
export const newReplicaSetName = (deployment: Deployment): { name: string; hash: string } => {
  const hash = computeHash(deployment.spec.template, deployment.status.collisionCount)
  return { name: `${deployment.metadata.name}-${hash}`, hash }
}

/** As it is to be created; uid and resourceVersion are empty, status says nothing yet. */
export const draftReplicaSet = (deployment: Deployment, old: readonly ReplicaSet[], revision: bigint): ReplicaSet => {
  const { name, hash } = newReplicaSetName(deployment)
  const { template, selector, minReadySeconds } = deployment.spec
  const labels = { ...template.metadata?.labels, [templateHashLabel]: hash }
  return {
    apiVersion: 'apps/v1', kind: 'ReplicaSet',
    metadata: {
      name, namespace: deployment.metadata.namespace, uid: '', resourceVersion: '', creationTimestamp: '', labels,
      annotations: annotationsForNew(deployment, revision),
      ownerReferences: [controllerReference(deployment, apiVersionOf(Deployments), Deployments.kind)],
    },
    spec: {
      replicas: newReplicaSetSize(deployment, old, 0),
      minReadySeconds,
      selector: { ...selector, matchLabels: { ...selector.matchLabels, [templateHashLabel]: hash } },
      template: { ...template, metadata: { ...template.metadata, labels } },
    },
    status: { replicas: 0 },
  }
}

/** The existing one with annotations and minReadySeconds brought up to date. */
export const syncedReplicaSet = (deployment: Deployment, replicaSet: ReplicaSet, revision: bigint): ReplicaSet => ({
  ...replicaSet,
  metadata: { ...replicaSet.metadata, annotations: annotationsForExisting(deployment, replicaSet, revision) },
  spec: { ...replicaSet.spec, minReadySeconds: deployment.spec.minReadySeconds },
})
