/** Runs the controllers of all kinds, anew whenever the server serves other kinds than before. */
import { groupResource, type Kind } from '../api/kinds.ts'
import { type Cluster, runController } from '../client/controller.ts'
import { workQueue } from '../client/work-queue.ts'
import { controllersOfAllKinds } from './controllers.ts'
import { discoverKinds } from './discovered-kinds.ts'

const retryMilliseconds = 1000
/** Definitions come in crowds. */
const settleMilliseconds = 100

/** What adds and removes kinds, where the server has it. */
const makesKinds = (kind: Kind): boolean => ['customresourcedefinitions.apiextensions.k8s.io', 'apiservices.apiregistration.k8s.io'].includes(groupResource(kind))

const names = (kinds: readonly Kind[]): string => kinds.map(({ version, ...kind }) => `${groupResource(kind)}/${version}`).sort().join()

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

export const runForAllKinds = async (cluster: Cluster, signal: AbortSignal): Promise<void> => {
  while (!signal.aborted) {
    const kinds = await discover(cluster, signal)
    const { plain, namespaces } = controllersOfAllKinds(kinds, cluster.client)
    const stop = new AbortController()
    const running = AbortSignal.any([signal, stop.signal])
    await Promise.all([
      ...plain.map((reconciler) => runController(reconciler, cluster, running)), runController(namespaces, cluster, running),
      kindsChange(cluster, kinds, running).finally(() => stop.abort()),
    ])
  }
}
