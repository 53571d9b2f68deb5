/** Which devices a container gets. Mirrors devicesToAllocate and filterByAffinity (pkg/kubelet/cm/devicemanager/manager.go). Pure, but for what the plugin is asked. */

export interface Choice {
  resource: string
  required: number
  /** Healthy, and nobody's, in the plugin's order. */
  available: readonly string[]
  /** Of init containers that will have ended. */
  reusable: readonly string[]
  /** The NUMA nodes of a device; none: it is near to all of them. */
  nodesOf(id: string): readonly number[]
  /** Where they should come from; undefined: from anywhere. */
  affinity: ReadonlySet<number> | undefined
  /** Asks the plugin, where it wants to be asked; undefined: it does not. */
  prefer?: ((available: readonly string[], mustInclude: readonly string[], size: number) => Promise<readonly string[]>) | undefined
}

interface Filtered { aligned: string[]; unaligned: string[]; anywhere: string[] }

const none = -1

export const filterByAffinity = ({ available, nodesOf, affinity }: Pick<Choice, 'available' | 'nodesOf' | 'affinity'>): Filtered => {
  if (!affinity) return { aligned: [], unaligned: [], anywhere: [...available] }
  const perNode = new Map<number, Set<string>>()
  const placesOf = (id: string): readonly number[] => { const nodes = nodesOf(id); return nodes.length === 0 ? [none] : nodes }
  for (const id of available) for (const node of placesOf(id)) perNode.set(node, (perNode.get(node) ?? new Set()).add(id))
  const rank = (node: number): number => (affinity.has(node) ? 0 : node === none ? 2 : 1)
  const nodes = [...perNode].sort(([left, of], [right, others]) => rank(left) - rank(right) || of.size - others.size || left - right).map(([node]) => node)
  const found: Filtered = { aligned: [], unaligned: [], anywhere: [] }
  // One that belongs to several nodes counts for the first of them.
  for (const id of available) {
    const node = nodes.find((each) => perNode.get(each)?.has(id)) ?? none
    found[node === none ? 'anywhere' : affinity.has(node) ? 'aligned' : 'unaligned'].push(id)
  }
  return found
}

/** Throws when there are not enough. */
export const chooseDevices = async (choice: Choice): Promise<string[]> => {
  const { resource, required, reusable, prefer } = choice
  const taken: string[] = []
  const available = choice.available.filter((id) => !reusable.includes(id))
  /** Answers whether there is nothing left to take. */
  const takeFrom = (ids: readonly string[]): boolean => {
    for (const id of ids) if (taken.length < required && !taken.includes(id)) taken.push(id)
    return taken.length >= required
  }
  if (takeFrom(reusable)) return taken
  const needed = required - taken.length
  if (available.length < needed) throw new Error(`requested number of devices unavailable for ${resource}. Requested: ${needed}, Available: ${available.length}`)
  const { aligned, unaligned, anywhere } = filterByAffinity({ ...choice, available })
  const preferredOf = async (from: readonly string[]): Promise<string[]> => {
    const preferred = prefer ? await prefer([...taken, ...from], [...taken], required) : []
    return preferred.filter((id) => from.includes(id))
  }
  if (needed < aligned.length) {
    if (takeFrom(await preferredOf(aligned)) || takeFrom(aligned)) return taken
  } else {
    if (takeFrom(aligned) || takeFrom(await preferredOf(available)) || takeFrom(unaligned) || takeFrom(anywhere)) return taken
  }
  throw new Error(`unexpectedly allocated less resources than required. Requested: ${required}, Got: ${taken.length}`)
}
