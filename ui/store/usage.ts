/** What pods and nodes use now, and did in the last minute. */

export interface Usage { cpuNanoCores: number; memoryBytes: number }

export interface UsageSeries {
  now: Usage
  before: Usage | undefined
  /** CPU of the last 60 samples, the newest last. */
  cpu: readonly number[]
  containers: ReadonlyMap<string, Usage>
}

const kept = 60

export class UsageStore {
  /** By uid. */
  readonly pods = new Map<string, UsageSeries>()
  /** By name. */
  readonly nodes = new Map<string, UsageSeries>()
  version = 0

  put(of: 'pods' | 'nodes', name: string, now: Usage, containers: ReadonlyMap<string, Usage> = new Map()): void {
    const known = this[of].get(name)
    this[of].set(name, { now, before: known?.now, cpu: [...(known?.cpu ?? []).slice(1 - kept), now.cpuNanoCores], containers })
    this.version += 1
  }

  /** Forgets pods that are gone. */
  keep(uids: { has(uid: string): boolean }): void {
    for (const uid of this.pods.keys()) if (!uids.has(uid)) this.pods.delete(uid)
  }
}

/** One line of a node's `/wherry/usage`. */
export interface UsageLine {
  node: { cpuNanoCores: number; memoryWorkingSetBytes: number }
  pods: { podUid: string; cpuNanoCores: number; memoryWorkingSetBytes: number; containers: { name: string; cpuNanoCores: number; memoryWorkingSetBytes: number }[] }[]
}

const usageOf = ({ cpuNanoCores, memoryWorkingSetBytes }: UsageLine['node']): Usage => ({ cpuNanoCores, memoryBytes: memoryWorkingSetBytes })

export const applyUsageLine = (store: UsageStore, node: string, line: UsageLine): void => {
  store.put('nodes', node, usageOf(line.node))
  for (const pod of line.pods) store.put('pods', pod.podUid, usageOf(pod), new Map(pod.containers.map((container) => [container.name, usageOf(container)])))
}
