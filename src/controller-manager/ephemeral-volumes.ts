/** Claims of generic ephemeral volumes: each is made for one pod, and goes with it. Mirrors pkg/controller/volume/ephemeral. */
import { apiVersionOf, PersistentVolumeClaims, Pods } from '../api/kinds.ts'
import { controllerReference, keyOf } from '../api/meta.ts'
import { isAlreadyExists } from '../api/status.ts'
import type { Pod, Volume } from '../api/types.ts'
import { type Action, create, event } from '../client/action.ts'
import { type Reconciler, watching, type World } from '../client/controller.ts'
import { isPodFinished } from './pod.ts'
import { isNamespaceTerminating } from './pod-template.ts'

export const ephemeralClaimName = ({ metadata }: Pod, { name }: Volume): string => `${metadata.name}-${name}`

const failed = (pod: Pod, volume: Volume, why: string): Action => event(Pods, pod, { type: 'Warning', reason: 'FailedBinding', message: `ephemeral volume ${volume.name}: ${why}` })

const planVolume = (pod: Pod, volume: Volume, world: World): Action[] => {
  const template = volume.ephemeral?.volumeClaimTemplate
  if (!template) return []
  const { namespace, uid } = pod.metadata
  const name = ephemeralClaimName(pod, volume)
  const present = world.get(PersistentVolumeClaims, keyOf({ metadata: { namespace, name } }))
  const notOwned = `PVC ${namespace}/${name} was not created for pod ${namespace}/${pod.metadata.name} (pod is not owner)`
  // It may have been the one of a pod of the same name: nobody's data is given to another.
  if (present) return present.metadata.ownerReferences?.some((owner) => owner.controller && owner.uid === uid) ? [] : [failed(pod, volume, notOwned)]
  return [create(PersistentVolumeClaims, {
    metadata: { name, namespace, labels: template.metadata?.labels, annotations: template.metadata?.annotations, ownerReferences: [controllerReference(pod, apiVersionOf(Pods), Pods.kind)] }, spec: template.spec,
  }, { tolerate: (error) => isAlreadyExists(error) || isNamespaceTerminating(error), otherwise: (error) => [failed(pod, volume, `create PVC ${name}: ${error.message}`)] })]
}

export const planEphemeralVolumes = (key: string, world: World): Action[] => {
  const pod = world.get(Pods, key)
  if (!pod || pod.metadata.deletionTimestamp !== undefined || isPodFinished(pod)) return []
  return (pod.spec.volumes ?? []).flatMap((volume) => planVolume(pod, volume, world))
}

const hasEphemeral = (pod: Pod | undefined): boolean => pod?.spec.volumes?.some(({ ephemeral }) => ephemeral !== undefined) ?? false

export const ephemeralVolumes: Reconciler = {
  name: 'ephemeral_volume',
  watches: [
    watching(Pods, (pod) => [keyOf(pod)], { matters: (pod, previous) => hasEphemeral(pod) && !previous }),
    watching(PersistentVolumeClaims, ({ metadata }, world) => (metadata.ownerReferences ?? []).filter((owner) => owner.controller && owner.kind === Pods.kind).map(({ name }) => keyOf({ metadata: { namespace: metadata.namespace, name } })).filter((key) => hasEphemeral(world.get(Pods, key))), { matters: (claim) => !claim }),
  ],
  plan: planEphemeralVolumes,
}
