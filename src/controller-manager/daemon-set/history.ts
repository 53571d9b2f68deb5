/** The ControllerRevisions of a DaemonSet: which is the present one, and which may be forgotten. Mirrors pkg/controller/daemon/update.go constructHistory. */
import { apiVersionOf, ControllerRevisions, DaemonSets } from '../../api/kinds.ts'
import { controllerReference, type JsonValue } from '../../api/meta.ts'
import type { ControllerRevision, DaemonSet, Pod } from '../../api/types.ts'
import { type Action, create, remove, update } from '../../client/action.ts'
import { sameMeaning } from '../canonical.ts'
import { computeHash } from '../template-hash.ts'
import { revisionHashLabel } from './daemon-pod.ts'

/** What `kubectl rollout undo` applies. */
const dataOf = ({ spec }: DaemonSet): JsonValue => JSON.parse(JSON.stringify({ spec: { template: { ...spec.template, $patch: 'replace' } } })) as JsonValue

export interface History {
  /** The hash that pods of the present template carry. */
  hash: string
  old: ControllerRevision[]
  /** Creates the present revision, or brings its number up to date. */
  actions: Action[]
}

const maxRevision = (revisions: readonly ControllerRevision[]): number => Math.max(0, ...revisions.map(({ revision }) => revision))

const newRevision = (daemonSet: DaemonSet, revision: number): { hash: string; action: Action; name: string } => {
  const hash = computeHash(daemonSet.spec.template, daemonSet.status.collisionCount)
  const name = `${daemonSet.metadata.name}-${hash}`
  return { hash, name, action: create(ControllerRevisions, {
    metadata: {
      name, namespace: daemonSet.metadata.namespace, labels: { ...daemonSet.spec.template.metadata?.labels, [revisionHashLabel]: hash }, annotations: daemonSet.metadata.annotations,
      ownerReferences: [controllerReference(daemonSet, apiVersionOf(DaemonSets), DaemonSets.kind)],
    },
    data: dataOf(daemonSet), revision,
  }) }
}

/** Undefined: another object has the name that the new revision would get, so the hash must change. */
export const historyOf = (daemonSet: DaemonSet, revisions: readonly ControllerRevision[], taken: (name: string) => boolean): History | undefined => {
  const data = dataOf(daemonSet)
  const current = revisions.filter((each) => sameMeaning(each.data, data)).sort((a, b) => b.revision - a.revision)
  const old = revisions.filter((each) => !current.includes(each))
  const revision = maxRevision(old) + 1
  const [kept, ...duplicates] = current
  if (!kept) {
    const made = newRevision(daemonSet, revision)
    return taken(made.name) ? undefined : { hash: made.hash, old, actions: [made.action] }
  }
  return {
    hash: kept.metadata.labels?.[revisionHashLabel] ?? '', old,
    actions: [...(kept.revision < revision ? [update(ControllerRevisions, { ...kept, revision })] : []), ...duplicates.map((each) => remove(ControllerRevisions, each))],
  }
}

/** Revisions beyond `revisionHistoryLimit`, lowest first; those that still have pods stay. */
export const cleanUpHistory = ({ spec }: DaemonSet, old: readonly ControllerRevision[], pods: readonly Pod[]): Action[] => {
  const live = new Set(pods.map(({ metadata }) => metadata.labels?.[revisionHashLabel]))
  const surplus = old.length - (spec.revisionHistoryLimit ?? 10)
  return [...old].filter(({ metadata }) => !live.has(metadata.labels?.[revisionHashLabel])).sort((a, b) => a.revision - b.revision).slice(0, Math.max(0, surplus)).map((each) => remove(ControllerRevisions, each))
}
