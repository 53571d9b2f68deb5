/** Mirror pods: what the API server shows of static pods. Mirrors pkg/kubelet/pod/mirror_client.go and tryReconcileMirrorPods. */
import { Pods } from '../../../src/api/kinds.ts'
import { isAlreadyExists, isConflict, isNotFound } from '../../../src/api/status.ts'
import type { Draft, Node, Pod } from '../../../src/api/types.ts'
import type { Client } from '../../../src/client/client.ts'
import { configHashAnnotation, configMirrorAnnotation, isMirrorPod } from '../pod.ts'

export type MirrorAction = { do: 'create'; pod: Pod } | { do: 'delete'; mirror: Pod }

const fullName = ({ metadata }: Pod): string => `${metadata.name}_${metadata.namespace ?? ''}`

export const mirrorOf = (pod: Pod, apiPods: readonly Pod[]): Pod | undefined => apiPods.find((each) => isMirrorPod(each) && fullName(each) === fullName(pod))

const shows = (mirror: Pod, pod: Pod): boolean =>
  mirror.metadata.annotations?.[configMirrorAnnotation] === pod.metadata.annotations?.[configHashAnnotation] && mirror.metadata.deletionTimestamp === undefined

/** Pure. `stopping`: static pods that are not wanted any more but still run keep their mirrors. */
export const planMirrors = (staticPods: readonly Pod[], apiPods: readonly Pod[], stopping: readonly Pod[]): MirrorAction[] => {
  const kept = [...staticPods, ...stopping]
  const stale = apiPods.filter(isMirrorPod).filter((mirror) => !kept.some((pod) => fullName(pod) === fullName(mirror) && shows(mirror, pod)))
  const missing = staticPods.filter((pod) => {
    const mirror = mirrorOf(pod, apiPods)
    return mirror === undefined && !stopping.some((each) => fullName(each) === fullName(pod))
  })
  return [...stale.map((mirror): MirrorAction => ({ do: 'delete', mirror })), ...missing.map((pod): MirrorAction => ({ do: 'create', pod }))]
}

const draftOf = (pod: Pod, node: Node): Draft<Pod> => ({
  apiVersion: 'v1', kind: 'Pod', spec: pod.spec,
  metadata: {
    name: pod.metadata.name, namespace: pod.metadata.namespace, labels: pod.metadata.labels,
    annotations: { ...pod.metadata.annotations, [configMirrorAnnotation]: pod.metadata.annotations?.[configHashAnnotation] ?? '' },
    ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: node.metadata.name, uid: node.metadata.uid, controller: true }],
  },
})

/** Throws what the API server says beyond `already so`. */
export const executeMirrorAction = async (client: Client, action: MirrorAction, node: Node, signal: AbortSignal): Promise<void> => {
  if (action.do === 'create') {
    await client.create(Pods, draftOf(action.pod, node), { signal }).catch((error: unknown) => { if (!isAlreadyExists(error)) throw error })
    return
  }
  const { name, namespace, uid } = action.mirror.metadata
  await client.delete(Pods, { namespace, name }, { gracePeriodSeconds: 0, preconditions: { uid }, signal })
    .catch((error: unknown) => { if (!isNotFound(error) && !isConflict(error)) throw error })
}
