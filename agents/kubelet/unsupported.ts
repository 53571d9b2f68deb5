/** What a pod may ask for and this kubelet cannot give: refused by name, never ignored, as src/api/pod-field-support.ts has it. Pure. */
import { type RefusedField, refusedFields } from '../../src/api/refused-fields.ts'
import type { Container, Pod } from '../../src/api/types.ts'
import type { Rejection } from './admission.ts'

/** Without ephemeral containers: these come when the pod runs, and only they cannot be started then. */
const refusedInPod = ({ spec: { ephemeralContainers: _later, ...spec } }: Pod): RefusedField[] => refusedFields(spec)

/** What the pod is rejected for. `api`: only a static pod comes here with it. */
export const unsupportedFields = (pod: Pod): Rejection | undefined => {
  const found = refusedInPod(pod).filter(({ verdict }) => verdict === 'rejected' || verdict === 'api')
  const [first] = found
  if (!first) return undefined
  const same = found.filter(({ reason }) => reason === first.reason)
  return { reason: first.reason, message: first.says?.(first.value) ?? `this kubelet does not support ${same.map(({ path, why }) => `spec.${path} (${why})`).join(', ')}` }
}

/** What the pod waits for in vain, with the event that says so. Upstream tries such things again and again, since a driver might come. */
export const unsupportedSetUp = (pod: Pod): { reason: string; message: string } | undefined => {
  const first = refusedInPod(pod).find(({ verdict }) => verdict === 'waits')
  if (!first) return undefined
  const { path, reason, why, value, says } = first
  const volume = pod.spec.volumes?.[Number(/^volumes\[(\d+)\]/.exec(path)?.[1] ?? -1)]?.name
  if (volume !== undefined) return { reason, message: `MountVolume.SetUp failed for volume ${JSON.stringify(volume)} : ${says?.(value) ?? `spec.${path} is not supported: ${why}`}` }
  return { reason, message: `Failed to prepare dynamic resources: spec.${path} is not supported by this kubelet: ${why}` }
}

/** What a container of a running pod cannot be started with: for those that come later. */
export const unsupportedInContainer = ({ spec: { hostNetwork, hostUsers } }: Pod, container: Container): string | undefined => {
  const found = refusedFields({ hostNetwork, hostUsers, containers: [container] }).filter(({ verdict }) => verdict === 'waits' || verdict === 'rejected')
  return found.length === 0 ? undefined : `this kubelet does not support ${found.map(({ path, why }) => `${path.replace('containers[0].', '')} (${why})`).join(', ')}`
}
