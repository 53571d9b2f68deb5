/** The ControllerRevisions of a StatefulSet: the one its pods have, the one they are to get, and which may be forgotten. Mirrors pkg/controller/statefulset/stateful_set_control.go and pkg/controller/history. */
import { apiVersionOf, ControllerRevisions, StatefulSets } from '../../api/kinds.ts'
import { controllerReference, type Draft, type JsonObject, type JsonValue } from '../../api/meta.ts'
import type { ControllerRevision, Pod, PodTemplateSpec, StatefulSet } from '../../api/types.ts'
import { type Action, create, remove, update } from '../../client/action.ts'
import { sameMeaning } from '../canonical.ts'
import { fnv32a, safeEncode } from '../template-hash.ts'
import { revisionOf } from './identity.ts'

const hashLabel = 'controller.kubernetes.io/hash'

/** Names stay within 253 characters with a dash and a hash of at most 30. */
const longestPrefix = 223

export interface Revision { name: string; template: PodTemplateSpec }

export interface Revisions {
  current: Revision
  update: Revision
  collisionCount: number
  /** Creates the update revision, or makes it the newest again. */
  actions: Action[]
}

/** What `kubectl rollout undo` applies. */
const dataOf = ({ spec }: StatefulSet): JsonObject => ({ spec: { template: { ...(JSON.parse(JSON.stringify(spec.template)) as JsonObject), $patch: 'replace' } } })

const sortedKeys = (value: JsonValue | undefined): JsonValue => {
  if (Array.isArray(value)) return value.map(sortedKeys)
  if (typeof value !== 'object' || value === null) return value ?? null
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, each]) => [key, sortedKeys(each)]))
}

/** As history.HashControllerRevision: FNV-1a of the data's JSON (Go sorts the keys of maps) and of the collision count in decimal. */
const hashOf = (data: JsonObject, collisionCount: number): string => safeEncode(String(fnv32a(new TextEncoder().encode(JSON.stringify(sortedKeys(data)) + String(collisionCount)))))

const byAge = (revisions: readonly ControllerRevision[]): ControllerRevision[] => [...revisions].sort((a, b) =>
  a.revision - b.revision || a.metadata.creationTimestamp.localeCompare(b.metadata.creationTimestamp) || (a.metadata.name < b.metadata.name ? -1 : 1))

/** The template that a revision holds; the set's own where it holds none. */
const restored = ({ metadata, data }: Pick<ControllerRevision, 'metadata' | 'data'>, set: StatefulSet): Revision => {
  const { $patch: _, ...template } = ((data as { spec?: { template?: JsonObject } } | undefined)?.spec?.template ?? { ...set.spec.template }) as JsonObject
  return { name: metadata.name, template: template as PodTemplateSpec }
}

const newRevision = (set: StatefulSet, data: JsonObject, at: { revision: number; collisionCount: number }): Draft<ControllerRevision> & { metadata: { name: string } } => {
  const hash = hashOf(data, at.collisionCount)
  return {
    metadata: {
      name: `${set.metadata.name.slice(0, longestPrefix)}-${hash}`, namespace: set.metadata.namespace, labels: { ...set.spec.template.metadata?.labels, [hashLabel]: hash }, annotations: set.metadata.annotations,
      ownerReferences: [controllerReference(set, apiVersionOf(StatefulSets), StatefulSets.kind)],
    },
    data, revision: at.revision,
  }
}

/** `taken`: whether somebody has a ControllerRevision of this name; then the hash is made anew with a higher collision count. */
export const revisionsOf = (set: StatefulSet, known: readonly ControllerRevision[], taken: (name: string) => boolean): Revisions => {
  const revisions = byAge(known)
  const data = dataOf(set)
  const last = revisions.at(-1)
  const next = (last?.revision ?? 0) + 1
  const equal = revisions.findLast((each) => sameMeaning(each.data, data))
  let collisionCount = set.status.collisionCount ?? 0
  const present = revisions.find(({ metadata }) => metadata.name === set.status.currentRevision)
  const both = (updated: Revision, actions: Action[]): Revisions => ({ update: updated, current: present ? restored(present, set) : updated, collisionCount, actions })
  if (equal) return both(restored(equal, set), equal === last || (last && sameMeaning(last.data, data)) ? [] : [update(ControllerRevisions, { ...equal, revision: next })])
  let made = newRevision(set, data, { revision: next, collisionCount })
  while (taken(made.metadata.name)) made = newRevision(set, data, { revision: next, collisionCount: ++collisionCount })
  return both({ name: made.metadata.name, template: set.spec.template }, [create(ControllerRevisions, made)])
}

/** Revisions beyond `revisionHistoryLimit`, lowest first; those that are in use stay. */
export const truncateHistory = ({ spec }: StatefulSet, known: readonly ControllerRevision[], inUse: { revisions: Revisions; pods: readonly Pod[] }): Action[] => {
  const live = new Set([inUse.revisions.current.name, inUse.revisions.update.name, ...inUse.pods.map(revisionOf)])
  const history = byAge(known).filter(({ metadata }) => !live.has(metadata.name))
  const limit = spec.revisionHistoryLimit ?? 10
  return limit < 0 ? [] : history.slice(0, Math.max(0, history.length - limit)).map((each) => remove(ControllerRevisions, each))
}
