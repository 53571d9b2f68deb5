/** The smallest strategic merge patch that turns one pod status into another. Pure. Mirrors preparePatchBytesForPodStatus (pkg/util/pod). */
import { isDeepStrictEqual } from 'node:util'
import type { JsonObject, JsonValue } from '../../src/api/meta.ts'
import type { PodCondition, PodStatus } from '../../src/api/types.ts'
import { ownedConditions } from './conditions.ts'

/** undefined where there is nothing to change. The uid is a precondition: a pod of the same name that was made since is another one. */
export const statusPatch = (uid: string, from: PodStatus, to: PodStatus): JsonObject | undefined => {
  const status: JsonObject = {}
  const fields = new Set([...Object.keys(from), ...Object.keys(to)] as (keyof PodStatus)[])
  for (const field of fields) {
    if (foreignFields.has(field) && to[field] === undefined) continue
    if (isDeepStrictEqual(from[field], to[field])) continue
    if (field === 'conditions') {
      const changed = changedConditions(from.conditions ?? [], to.conditions ?? [])
      if (changed.length > 0) status['conditions'] = changed
    } else if (field === 'podIPs' || field === 'hostIPs') {
      status[field] = addressPatch(from[field] ?? [], to[field] ?? [])
    } else {
      status[field] = (to[field] ?? null) as JsonValue
    }
  }
  return Object.keys(status).length > 0 ? { metadata: { uid }, status } : undefined
}

// Other components write these.
const foreignFields: ReadonlySet<keyof PodStatus> = new Set<keyof PodStatus>(['nominatedNodeName', 'resourceClaimStatuses', 'resize', 'extendedResourceClaimStatus', 'nodeAllocatableResourceClaimStatuses', 'allocatedResources', 'resources'])

/** Conditions are merged by type; only those that the kubelet owns are ever sent, or taken away. */
const changedConditions = (from: readonly PodCondition[], to: readonly PodCondition[]): JsonValue[] => [
  ...freshConditions(from, to),
  ...from.filter(({ type }) => ownedConditions.includes(type) && !to.some((condition) => condition.type === type)).map(({ type }): JsonObject => ({ type, $patch: 'delete' })),
]

const freshConditions = (from: readonly PodCondition[], to: readonly PodCondition[]): JsonValue[] => to
  .filter((condition) => ownedConditions.includes(condition.type) || isOurDisruption(condition))
  .filter((condition) => !isDeepStrictEqual(withoutAbsent(from.find(({ type }) => type === condition.type)), withoutAbsent(condition)))
  // A reason or message that is gone must be said to be gone.
  .map((condition) => {
    const before = from.find(({ type }) => type === condition.type)
    return { ...(before?.reason && !condition.reason && { reason: null }), ...(before?.message && !condition.message && { message: null }), ...condition } as JsonObject
  })

/** A condition that others write, too. */
const isOurDisruption = ({ type, reason }: PodCondition): boolean => type === 'DisruptionTarget' && reason === 'TerminationByKubelet'

const withoutAbsent = (condition: PodCondition | undefined): object => Object.fromEntries(Object.entries(condition ?? {}).filter(([, value]) => value !== undefined && value !== null && value !== ''))

/** Address lists are merged by their key `ip`, so what is gone is deleted by name. */
const addressPatch = (from: readonly { ip: string }[], to: readonly { ip: string }[]): JsonValue[] => [
  ...to.map(({ ip }): JsonObject => ({ ip })),
  ...from.filter(({ ip }) => !to.some((each) => each.ip === ip)).map(({ ip }): JsonObject => ({ ip, $patch: 'delete' })),
]
