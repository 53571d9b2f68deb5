/** Namespaces that are being deleted: their content goes first, of whatever kind. Woken by what goes, never by a timer alone. Mirrors pkg/controller/namespace/deletion. */
import { type Kind, Namespaces, Pods } from '../../api/kinds.ts'
import type { KubeObject } from '../../api/meta.ts'
import { type Action, updateStatus } from '../../client/action.ts'
import type { Client } from '../../client/client.ts'
import { type Reconciler, watching, type World } from '../../client/controller.ts'
import { deletionConditions, messageIntervalMilliseconds, type Remaining } from './conditions.ts'
import { type EmptyAction, emptyExecutors, namespaceFinalizer } from './empty.ts'

/** Events are too many to be watched for this: they go with the last request. */
const isWatched = ({ plural }: Kind): boolean => plural !== 'events'

/** Pods go before anything else, so that none runs on without the policies, secrets and volumes that were made for it (upstream's KEP-5080). */
const podsFirst = (remaining: readonly Remaining[]): readonly Remaining[] => {
  const pods = remaining.filter(({ kind }) => kind.plural === Pods.plural && kind.group === Pods.group)
  return pods.length > 0 ? pods : remaining
}

export const planNamespace = (name: string, world: World, kinds: readonly Kind[]): (Action | EmptyAction)[] => {
  const namespace = world.get(Namespaces, name)
  if (namespace?.metadata.deletionTimestamp === undefined || !namespace.spec.finalizers?.includes(namespaceFinalizer)) return []
  const remaining = podsFirst(kinds.map((kind) => ({ kind, objects: world.list(kind, name) })).filter(({ objects }) => objects.length > 0))
  if (remaining.length === 0) return [{ do: 'finalize', namespace }]
  const untouched = remaining.filter(({ objects }) => objects.some(({ metadata }) => metadata.deletionTimestamp === undefined)).map(({ kind }) => kind)
  // What goes at once needs no word in the status: only when all has been asked to go is what stays worth telling.
  if (untouched.length > 0) return [{ do: 'deleteContent', kinds: untouched, namespace: name }, { do: 'requeueAfter', milliseconds: messageIntervalMilliseconds }]
  const { conditions, worthwhile } = deletionConditions(namespace.status.conditions ?? [], remaining, world.now)
  return [
    ...(worthwhile ? [updateStatus(Namespaces, { ...namespace, status: { ...namespace.status, phase: 'Terminating', conditions } })] : []),
    { do: 'requeueAfter', milliseconds: messageIntervalMilliseconds },
  ]
}

/** Only namespaces that are going care for what is in them. */
const keysOf = ({ metadata }: KubeObject, world: World): string[] => {
  const namespace = metadata.namespace
  return namespace !== undefined && world.get(Namespaces, namespace)?.metadata.deletionTimestamp !== undefined ? [namespace] : []
}

/** `allKinds`: all that the server serves. */
export const namespaces = (allKinds: readonly Kind[], client: Client): Reconciler<EmptyAction> => {
  const namespaced = allKinds.filter((kind) => kind.namespaced)
  const watched = namespaced.filter(isWatched)
  return {
    name: 'namespace-controller',
    watches: [
      watching(Namespaces, ({ metadata }) => [metadata.name], { matters: (namespace) => namespace?.metadata.deletionTimestamp !== undefined }),
      ...watched.map((kind) => watching(kind, keysOf)),
    ],
    plan: (name, world) => planNamespace(name, world, watched),
    executors: emptyExecutors(client, namespaced, namespaced.filter((kind) => !isWatched(kind))),
  }
}
