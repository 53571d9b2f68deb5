/** Huge pages: what the machine has reserved of them, and what a pod may use. Mirrors cadvisor's GetHugePagesInfo, and getPageSizeMountOption of pkg/volume/emptydir. */
import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { compareQuantities, formatQuantity, quantityOf, toNumber } from '../../src/api/quantity.ts'
import type { Pod } from '../../src/api/types.ts'

const prefix = 'hugepages-'
export const isHugePages = (name: string): boolean => name.startsWith(prefix)

const kernelDirectory = '/sys/kernel/mm/hugepages'

/** Bytes by resource: `hugepages-2Mi`. A kernel without huge pages has none. */
export const readHugePages = async (directory = kernelDirectory): Promise<Record<string, number>> => {
  const sizes = await readdir(directory).catch(() => [])
  const found = await Promise.all(sizes.flatMap((name) => {
    const kibibytes = Number(/^hugepages-(\d+)kB$/.exec(name)?.[1] ?? 0)
    return kibibytes > 0 ? [readFile(path.join(directory, name, 'nr_hugepages'), 'utf8').then((pages): [string, number] => [`${prefix}${formatQuantity(quantityOf(kibibytes * 1024, 'BinarySI'))}`, Number(pages) * kibibytes * 1024])] : []
  }))
  return Object.fromEntries(found)
}

/** `2MB`, as the kernel's files name a size: of a resource's name. */
export const kernelSizeOf = (resource: string): string => {
  const bytes = toNumber(resource.slice(prefix.length))
  const [unit, factor] = bytes >= 2 ** 30 ? ['GB', 2 ** 30] as const : bytes >= 2 ** 20 ? ['MB', 2 ** 20] as const : ['KB', 1024] as const
  return `${bytes / factor}${unit}`
}

/** By size as the kernel names it, in bytes: what is not among `amounts` is nothing. */
export const hugePageLimits = (amounts: Readonly<Record<string, string>> | undefined): Record<string, number> =>
  Object.fromEntries(Object.entries(amounts ?? {}).filter(([name]) => isHugePages(name)).map(([name, amount]) => [kernelSizeOf(name), toNumber(amount)]))

export const isHugePageMedium = (medium: string | undefined): boolean => medium === 'HugePages' || (medium ?? '').startsWith('HugePages-')

/** `2Mi`: which pages an emptyDir of this medium is made of. Throws in upstream's words. */
export const pageSizeOf = (medium: string, { spec }: Pod): string => {
  const wanted = medium === 'HugePages' ? undefined : medium.slice('HugePages-'.length)
  const asked = [...spec.containers, ...(spec.initContainers ?? []), spec].flatMap(({ resources }) => Object.keys({ ...resources?.limits, ...resources?.requests })).filter(isHugePages).map((name) => name.slice(prefix.length))
  const matching = asked.filter((size) => wanted === undefined || compareQuantities(size, wanted) === 0)
  const [size] = matching
  if (size === undefined) throw new Error(`medium ${medium}: hugePages storage requested, but there is no resource request for huge pages`)
  if (matching.some((each) => compareQuantities(each, size) !== 0)) throw new Error(`medium: ${medium} can't be used if container requests multiple huge page sizes`)
  return size
}
