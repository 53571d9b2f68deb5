/** Static pods of all their sources together: the directory, the one that the configuration names, and the URL. */
import type { Pod } from '../../../src/api/types.ts'

export type StaticSource = 'file' | 'configured' | 'http'

const inOrder: readonly StaticSource[] = ['file', 'configured', 'http']

export interface StaticSources {
  set(source: StaticSource, pods: readonly Pod[]): void
  /** Of the sources that have been heard of, each pod once: the earlier one's counts where several have it. */
  pods(): Pod[]
  /** Whether each source has been heard of: before that nothing is taken for unwanted. */
  complete(): boolean
}

/** `used`: which sources there are. `complain` is told once of a pod that two sources have. */
export const staticSources = (used: Readonly<Record<StaticSource, boolean>>, complain: (message: string) => void): StaticSources => {
  const known = new Map<StaticSource, readonly Pod[]>()
  const told = new Set<string>()
  return {
    set: (source, pods) => { known.set(source, pods) },
    complete: () => inOrder.every((source) => !used[source] || known.has(source)),
    pods() {
      const byName = new Map<string, Pod>()
      for (const pod of inOrder.flatMap((source) => known.get(source) ?? [])) {
        const key = `${pod.metadata.namespace ?? ''}/${pod.metadata.name}`
        if (!byName.has(key)) byName.set(key, pod)
        else if (!told.has(pod.metadata.uid)) {
          told.add(pod.metadata.uid)
          complain(`static pod ${key} is there twice: only the first is used`)
        }
      }
      return [...byName.values()]
    },
  }
}
