/** Shorthand for tests on a cluster of real processes: a client, and the questions that they keep asking. */
import { EndpointSlices, Events, Pods } from '../../src/api/kinds.ts'
import type { Pod, PodSpec } from '../../src/api/types.ts'
import { connectBy } from '../../src/cluster/connect.ts'
import type { Client } from '../../src/client/client.ts'
import { type TestCluster, until } from './cluster.ts'

export const isReady = ({ status, metadata }: Pod): boolean => metadata.deletionTimestamp === undefined && (status.conditions?.some((each) => each.type === 'Ready' && each.status === 'True') ?? false)
export const restartsOf = ({ status }: Pod): number => (status.containerStatuses ?? []).reduce((sum, { restartCount }) => sum + restartCount, 0)

export interface LiveClient extends Disposable {
  client: Client
  pod(name: string, namespace?: string): Promise<Pod>
  /** Pods of `default` with a label, without those that are being deleted. */
  podsOf(labelSelector: string, namespace?: string): Promise<Pod[]>
  /** A pod with one container `main` of the machine's own programs. */
  run(name: string, command: readonly string[], spec?: Partial<PodSpec>, labels?: Record<string, string>): Promise<Pod>
  untilPod(name: string, what: string, wanted: (pod: Pod) => boolean, timeoutSeconds?: number): Promise<Pod>
  /** Addresses that a Service's slices call ready. */
  endpoints(service: string): Promise<string[]>
  /** Reasons of the events about a pod, each as often as it was counted. */
  reasonsOf(pod: Pod): Promise<string[]>
  remove(name: string): Promise<void>
}

export const liveClient = ({ kubeconfig }: Pick<TestCluster, 'kubeconfig'>): LiveClient => {
  const { client, close } = connectBy(kubeconfig)
  // A line that is open does not keep a process, but a test that waits for an answer must not end.
  const alive = setInterval(() => {}, 1 << 30)
  const pod = (name: string, namespace = 'default'): Promise<Pod> => client.get(Pods, { name, namespace })
  return {
    client, pod, [Symbol.dispose]: () => { clearInterval(alive); close() },
    podsOf: async (labelSelector, namespace = 'default') => (await client.list(Pods, { namespace, labelSelector })).items.filter(({ metadata }) => metadata.deletionTimestamp === undefined),
    run: (name, command, spec = {}, labels = { app: name }) => client.create(Pods, {
      metadata: { name, namespace: 'default', labels }, spec: { terminationGracePeriodSeconds: 1, containers: [{ name: 'main', image: 'host', command: [...command] }], ...spec },
    } as never),
    untilPod: (name, what, wanted, timeoutSeconds = 60) => until(`pod ${name} ${what}`, async () => {
      const found = await pod(name)
      if (wanted(found)) return found
      throw new Error(JSON.stringify(found.status))
    }, timeoutSeconds),
    endpoints: async (service) => (await client.list(EndpointSlices, { namespace: 'default', labelSelector: `kubernetes.io/service-name=${service}` })).items
      .flatMap(({ endpoints }) => endpoints ?? []).filter(({ conditions }) => conditions?.ready !== false).flatMap(({ addresses }) => addresses),
    reasonsOf: async ({ metadata }) => (await client.list(Events, { namespace: metadata.namespace ?? 'default' })).items.filter(({ involvedObject }) => involvedObject.uid === metadata.uid).flatMap(({ reason, count, series }) => Array.from({ length: series?.count ?? count ?? 1 }, () => reason ?? '')),
    remove: async (name) => { await client.delete(Pods, { name, namespace: 'default' }, { gracePeriodSeconds: 0 }) },
  }
}
