/** Takes the pods off a node: no new ones, the others evicted and waited for. Mirrors `kubectl drain --ignore-daemonsets --delete-emptydir-data --force`. */
import { Nodes, Pods } from '../../api/kinds.ts'
import { systemClock } from '../../api/clock.ts'
import { isNotFound, StatusError } from '../../api/status.ts'
import type { Pod } from '../../api/types.ts'
import type { Client } from '../../client/client.ts'
import { UserError } from '../user-error.ts'

const goneMilliseconds = 60_000

/** Pods that a drain moves: not those that belong to the node itself, nor those that have ended. */
export const isEvictable = ({ metadata, status }: Pod): boolean =>
  !metadata.ownerReferences?.some(({ kind, controller }) => kind === 'DaemonSet' && controller) && !Object.hasOwn(metadata.annotations ?? {}, 'kubernetes.io/config.mirror') && status.phase !== 'Succeeded' && status.phase !== 'Failed'

const evict = async (client: Client, { metadata: { name, namespace } }: Pod, signal: AbortSignal): Promise<void> => {
  const body = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace: namespace ?? '' } }
  await client.createSubresource(Pods, { name, namespace }, 'eviction', body, { signal }).catch((error: unknown) => {
    // 429: a disruption budget does not allow it now; it is asked again.
    if (isNotFound(error) || (error instanceof StatusError && error.status.code === 429)) return
    throw error
  })
}

export const drain = async (client: Client, node: string, signal: AbortSignal): Promise<void> => {
  await client.patch(Nodes, { name: node }, { type: 'merge', body: { spec: { unschedulable: true } } }, { signal })
  const deadline = systemClock.monotonic() + goneMilliseconds
  for (;;) {
    const pods = (await client.list(Pods, { fieldSelector: `spec.nodeName=${node}`, signal })).items.filter(isEvictable)
    if (pods.length === 0) return
    if (systemClock.monotonic() > deadline) throw new UserError(`pods of node ${node} did not end within ${goneMilliseconds / 1000} s: ${pods.map(({ metadata }) => `${metadata.namespace ?? ''}/${metadata.name}`).join(', ')}; the node takes no new ones, try again`)
    await Promise.all(pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined).map((pod) => evict(client, pod, signal)))
    await systemClock.sleep(200, signal)
  }
}
