/** Runs the controllers of all kinds, anew whenever the server serves other kinds than before. */
import { groupResource, type Kind } from '../api/kinds.ts'
import { type Cluster, type Reconciler, runController } from '../client/controller.ts'
import { workQueue } from '../client/work-queue.ts'
import { controllersOfAllKinds } from './controllers.ts'
import { discoverKinds } from './discovered-kinds.ts'

const retryMilliseconds = 1000
/** Definitions come in crowds. */
const settleMilliseconds = 100
/** How long the first lists of all kinds may take before the controllers begin without the rest (upstream's initialSyncTimeout), and those of what came later. */
const firstPatienceMilliseconds = 30_000
const laterPatienceMilliseconds = 2000

/** What adds and removes kinds, where the server has it. */
const makesKinds = (kind: Kind): boolean => ['customresourcedefinitions.apiextensions.k8s.io', 'apiservices.apiregistration.k8s.io'].includes(groupResource(kind))

const nameOf = (kind: Kind): string => `${groupResource(kind)}/${kind.version}`
const names = (kinds: readonly Kind[]): string => kinds.map(nameOf).sort().join()

const discover = async ({ client, clock, log }: Cluster, signal: AbortSignal): Promise<Kind[]> => {
  for (;;) {
    try {
      return await discoverKinds(client, signal)
    } catch (error) {
      if (signal.aborted) throw error
      log.warn(`cannot tell which kinds there are, trying again: ${error instanceof Error ? error.message : String(error)}`)
      await clock.sleep(retryMilliseconds, signal)
    }
  }
}

/** Resolves when the kinds differ from `kinds`, or the signal aborts; asks only when a definition changed, and once for many that change together. */
const kindsChange = async (cluster: Cluster, kinds: readonly Kind[], signal: AbortSignal): Promise<void> => {
  const stop = new AbortController()
  const watching = AbortSignal.any([signal, stop.signal])
  const queue = workQueue<string>(cluster.clock, watching)
  const watches = kinds.filter(makesKinds).map(async (kind) => {
    for await (const _ of cluster.informers.of(kind).changes(watching)) queue.addAfter('', settleMilliseconds)
  })
  const ask = async (): Promise<void> => {
    for (let key = await queue.get(watching); key !== undefined; key = await queue.get(watching)) {
      if (names(await discover(cluster, watching)) !== names(kinds)) return
      queue.done(key)
    }
  }
  try {
    await ask()
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    stop.abort()
    await Promise.all(watches)
  }
}

const patient = <Own extends { do: string }>(reconciler: Reconciler<Own>, patienceMilliseconds: number): Reconciler<Own> => ({ ...reconciler, patienceMilliseconds })

export const runForAllKinds = async (cluster: Cluster, signal: AbortSignal): Promise<void> => {
  let before: readonly Kind[] = []
  let patienceMilliseconds = firstPatienceMilliseconds
  while (!signal.aborted) {
    const kinds = await discover(cluster, signal)
    const served = new Set(kinds.map(nameOf))
    for (const gone of before) if (!served.has(nameOf(gone))) cluster.informers.drop(gone)
    before = kinds
    const { plain, namespaces } = controllersOfAllKinds(kinds, cluster.client)
    const stop = new AbortController()
    const running = AbortSignal.any([signal, stop.signal])
    await Promise.all([
      ...plain.map((reconciler) => runController(patient(reconciler, patienceMilliseconds), cluster, running)), runController(patient(namespaces, patienceMilliseconds), cluster, running),
      kindsChange(cluster, kinds, running).finally(() => stop.abort()),
    ])
    patienceMilliseconds = laterPatienceMilliseconds
  }
}
