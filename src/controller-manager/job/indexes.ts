/** Completion indexes as `1,3-5,7`. Mirrors pkg/controller/job/indexed_job_utils.go. */
import type { Job, Pod } from '../../api/types.ts'

export const completionIndexAnnotation = 'batch.kubernetes.io/job-completion-index'

export const isIndexed = ({ spec }: Job): boolean => spec.completionMode === 'Indexed'

/** The index of a pod; undefined when it has none that counts. */
export const indexOf = (pod: Pod): number | undefined => {
  const text = pod.metadata.annotations?.[completionIndexAnnotation]
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined
}

/** Indexes below `completions`; what cannot be read is left out. */
export const parseIndexes = (text: string | undefined, completions: number): Set<number> => {
  const indexes = new Set<number>()
  for (const interval of (text ?? '').split(',')) {
    const [, from, to] = /^(\d+)(?:-(\d+))?$/.exec(interval) ?? []
    if (from === undefined) continue
    for (let index = Number(from); index <= Math.min(Number(to ?? from), completions - 1); index++) indexes.add(index)
  }
  return indexes
}

/** In order, neighbours joined: three in a row as `1-3`, two as `1,2`. */
export const formatIndexes = (indexes: ReadonlySet<number>): string => {
  const runs: [number, number][] = []
  for (const index of [...indexes].sort((a, b) => a - b)) {
    const last = runs.at(-1)
    if (last && last[1] + 1 === index) last[1] = index
    else runs.push([index, index])
  }
  return runs.map(([from, to]) => (from === to ? `${from}` : from + 1 === to ? `${from},${to}` : `${from}-${to}`)).join(',')
}

/** The lowest indexes that are neither done nor being worked on. */
export const pendingIndexes = (completions: number, taken: ReadonlySet<number>, count: number): number[] => {
  const pending: number[] = []
  for (let index = 0; index < completions && pending.length < count; index++) if (!taken.has(index)) pending.push(index)
  return pending
}
