/** Sets of CPUs, and how the kernel and checkpoints write them: `0-2,4`. Pure. */

/** Numbers, ascending, each once. */
export type CpuSet = readonly number[]

export const cpuSet = (cpus: Iterable<number>): CpuSet => [...new Set(cpus)].sort((left, right) => left - right)

export const union = (...sets: readonly CpuSet[]): CpuSet => cpuSet(sets.flat())
export const difference = (from: CpuSet, without: CpuSet): CpuSet => from.filter((cpu) => !without.includes(cpu))
export const intersection = (left: CpuSet, right: CpuSet): CpuSet => left.filter((cpu) => right.includes(cpu))
export const isSubset = (part: CpuSet, whole: CpuSet): boolean => part.every((cpu) => whole.includes(cpu))
export const isEqual = (left: CpuSet, right: CpuSet): boolean => left.length === right.length && isSubset(left, right)

export const formatCpuSet = (cpus: CpuSet): string => {
  const ranges: [first: number, last: number][] = []
  for (const cpu of cpus) {
    const last = ranges.at(-1)
    if (last && last[1] === cpu - 1) last[1] = cpu
    else ranges.push([cpu, cpu])
  }
  return ranges.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(',')
}

const maxCpu = 65_535

/** undefined: the text is none. */
export const parseCpuSet = (text: string): CpuSet | undefined => {
  if (text.trim() === '') return []
  const found = new Set<number>()
  for (const part of text.trim().split(',')) {
    const [, first, last] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(part) ?? []
    const [from, to] = [Number(first), Number(last ?? first)]
    if (first === undefined || to < from || to > maxCpu) return undefined
    for (let cpu = from; cpu <= to; cpu++) found.add(cpu)
  }
  return cpuSet(found)
}
