/** A world that plans are played on: actions are done at once, as a server would that never refuses. Pods begin Pending, and stay a while when they are deleted. */
import { timestamp } from '../../src/api/clock.ts'
import { apiVersionOf, groupResource, type Kind, Pods } from '../../src/api/kinds.ts'
import { keyOf, type KubeObject } from '../../src/api/meta.ts'
import type { Pod } from '../../src/api/types.ts'
import type { Action } from '../../src/client/action.ts'
import type { World } from '../../src/client/controller.ts'
import { applyMergePatch } from '../../src/api/patch/merge.ts'
import { applyStrategicMergePatch } from '../../src/api/patch/strategic.ts'
import { condition, noon } from './builders.ts'
import { inWords } from './fake-world.ts'

export interface Stage {
  readonly world: World
  now: Date
  put<T extends KubeObject>(kind: Kind<T>, object: T): T
  get<T extends KubeObject>(kind: Kind<T>, name: string): T
  all<T extends KubeObject>(kind: Kind<T>): T[]
  remove(kind: Kind, name: string): void
  /** Does what the plan says; tells it in words, without status writes and events. */
  play(actions: readonly Action[]): string[]
  /** What the kubelet does: the pod of this name runs and is ready, or is gone when it was deleted. */
  run(name: string, ready?: boolean): void
  finish(name: string): void
  /** The pod of this name ends with this exit code. */
  end(name: string, exitCode: number): void
  /** Everything that was told, as `Normal Reason: message`. */
  readonly told: string[]
}

const quiet = (line: string): boolean => line.startsWith('event') || line.startsWith('updateStatus') || line === 'slowStart' || line.startsWith('requeueAfter')

export const stage = (namespace = 'default'): Stage => {
  const stored = new Map<string, Map<string, KubeObject>>()
  const of = (kind: Kind): Map<string, KubeObject> => {
    const found = stored.get(groupResource(kind)) ?? new Map<string, KubeObject>()
    stored.set(groupResource(kind), found)
    return found
  }
  let serial = 0
  const keyIn = (kind: Kind, name: string): string => (kind.namespaced ? `${namespace}/${name}` : name)
  const put = <T extends KubeObject>(kind: Kind<T>, object: T): T => {
    const next = structuredClone({ apiVersion: apiVersionOf(kind), kind: kind.kind, ...object, metadata: { ...object.metadata, resourceVersion: String(++serial) } })
    of(kind).set(keyOf(next), next)
    return next
  }
  const perform = (action: Action): void => {
    if (action.do === 'slowStart') return action.actions.forEach(perform)
    if (action.do === 'event') { told.push(`${action.type} ${action.reason}: ${action.message}`); return }
    if (action.do === 'requeueAfter' || action.do === 'createSubresource') return
    const then = (written: KubeObject): void => { if ('then' in action) action.then?.(written).forEach(perform) }
    if (action.do === 'create') {
      const { metadata } = action.object
      const name = metadata.name ?? `${metadata.generateName}${++serial}`
      const made = { ...(action.kind === Pods && { status: { phase: 'Pending' } }), ...(JSON.parse(JSON.stringify(action.object)) as object), metadata: { ...metadata, name, uid: `uid-${++serial}`, creationTimestamp: timestamp(stageOf.now), generation: 1 } }
      if (!('status' in made)) Object.assign(made, { status: {} })
      return then(put(action.kind, made as unknown as KubeObject))
    }
    if (action.do === 'patch') {
      const old = of(action.kind).get(keyOf({ metadata: action.at }))
      if (!old) return
      const { type, body } = action.patch
      const next = (type === 'strategic' ? applyStrategicMergePatch(old as never, body as never, action.kind.schema) : applyMergePatch(old as never, body as never)) as unknown as KubeObject
      const gone = next.metadata.deletionTimestamp !== undefined && (next.metadata.finalizers ?? []).length === 0 && action.kind !== Pods
      if (gone) of(action.kind).delete(keyOf(next))
      return then(gone ? next : put(action.kind, next))
    }
    if (action.do === 'delete') {
      const old = of(action.kind).get(keyOf(action.object))
      if (old && (action.kind === Pods || (old.metadata.finalizers ?? []).length > 0)) put(action.kind, { ...old, metadata: { ...old.metadata, deletionTimestamp: timestamp(stageOf.now) } })
      else of(action.kind).delete(keyOf(action.object))
      return then(action.object)
    }
    then(put(action.kind, action.object))
  }
  const told: string[] = []
  const stageOf: Stage = {
    now: noon, told, put,
    get: <T extends KubeObject>(kind: Kind<T>, name: string) => {
      const found = of(kind).get(keyIn(kind, name))
      if (!found) throw new Error(`there is no ${kind.plural} ${name}, only ${[...of(kind).keys()].join(', ')}`)
      return found as T
    },
    all: <T extends KubeObject>(kind: Kind<T>) => [...of(kind).values()] as T[],
    remove: (kind, name) => { of(kind).delete(keyIn(kind, name)) },
    play(actions) {
      const words = inWords(actions).filter((line) => !quiet(line))
      actions.forEach(perform)
      return words
    },
    run(name, ready = true) {
      const pod = stageOf.get(Pods, name)
      if (pod.metadata.deletionTimestamp !== undefined) { of(Pods).delete(keyOf(pod)); return }
      put(Pods, { ...pod, spec: { ...pod.spec, nodeName: 'node-1' }, status: { phase: 'Running', conditions: [condition('Ready', ready ? 'True' : 'False', timestamp(stageOf.now))] } } as Pod)
    },
    end(name, exitCode) {
      const pod = stageOf.get(Pods, name)
      const terminated = { exitCode, finishedAt: timestamp(stageOf.now), startedAt: timestamp(stageOf.now) }
      put(Pods, { ...pod, status: { phase: exitCode === 0 ? 'Succeeded' : 'Failed', containerStatuses: pod.spec.containers.map((container) => ({ name: container.name, image: '', imageID: '', ready: false, restartCount: 0, state: { terminated } })) } } as Pod)
    },
    finish: (name) => { stageOf.remove(Pods, name) },
    get world() {
      return {
        now: stageOf.now,
        get: <T extends KubeObject>(kind: Kind<T>, key: string) => of(kind).get(key) as T | undefined,
        list: <T extends KubeObject>(kind: Kind<T>, within?: string) => [...of(kind).values()].filter((each) => within === undefined || each.metadata.namespace === within) as T[],
        byIndex: <T extends KubeObject>(kind: Kind<T>, index: { valuesOf(object: T): readonly string[] }, value: string) => ([...of(kind).values()] as T[]).filter((each) => index.valuesOf(each).includes(value)),
        knows: () => true,
      }
    },
  }
  return stageOf
}
