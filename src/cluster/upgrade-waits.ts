/** What an upgrade waits for after each step, and what it reads of the machine before it. A wait that takes too long rejects with what is missing. */
import { readFile } from 'node:fs/promises'
import { systemClock } from '../api/clock.ts'
import { DaemonSets, Deployments, Pods } from '../api/kinds.ts'
import { systemRandom } from '../api/random.ts'
import type { Pod } from '../api/types.ts'
import type { Client } from '../client/client.ts'
import { sharedInformers, type Informers } from '../client/informers.ts'
import { ConnectionError } from '../client/transport.ts'
import { text } from '../client/watch.ts'
import { runningKeeper } from './keeper.ts'
import { processLog } from './log.ts'
import { parseManifest } from './manifests.ts'

/** `timeout` in seconds. */
const inTime = async (what: string, { client, timeout }: { client: Client; timeout: number }, wait: (informers: Informers, signal: AbortSignal) => Promise<void>, signal: AbortSignal): Promise<void> => {
  const ended = new AbortController()
  const deadline = AbortSignal.any([signal, ended.signal, AbortSignal.timeout(timeout * 1000)])
  try {
    await wait(sharedInformers({ client, clock: systemClock, random: systemRandom, log: processLog('upgrade', 'fatal') }, deadline), deadline)
  } catch (error) {
    signal.throwIfAborted()
    throw deadline.aborted ? new Error(`${what} did not come up within ${timeout} s`) : error
  } finally {
    ended.abort()
  }
}

const programOf = ({ spec }: Pick<Pod, 'spec'>): string | undefined => spec.volumes?.find(({ name }) => name === 'program')?.hostPath?.path
const isReady = ({ status }: Pod): boolean => (status.conditions ?? []).some(({ type, status: value }) => type === 'Ready' && value === 'True')

/** Until the mirror pods of these manifests (name → text) are those that they describe, and ready. */
export const waitControlPlane = (client: Client, { texts, timeout }: { texts: ReadonlyMap<string, string>; timeout: number }, signal: AbortSignal): Promise<void> => {
  const wanted = [...texts].flatMap(([file, manifest]) => parseManifest(manifest, file) as unknown as Pod[])
  return inTime('the control plane', { client, timeout }, (informers, deadline) => informers.of(Pods, { namespace: 'kube-system', labelSelector: 'tier=control-plane' }).waitUntil((pods) => {
    const now = pods.list()
    return wanted.every((one) => now.some((pod) => pod.metadata.labels?.['component'] === one.metadata.labels?.['component'] && programOf(pod) === programOf(one) && isReady(pod)))
  }, deadline), signal)
}

const pauseMilliseconds = 100

/** Until the kubelet answers by way of the API server: then it has adopted what it found. There is nothing to watch: a kubelet that is gone leaves its Node as it was. */
export const waitKubelet = (client: Client, { node, timeout }: { node: string; timeout: number }, signal: AbortSignal): Promise<void> =>
  inTime(`the kubelet of ${node}`, { client, timeout }, async (_, deadline) => {
    while (!(await answers(client, `/api/v1/nodes/${node}/proxy/healthz`, deadline))) await systemClock.sleep(pauseMilliseconds, deadline)
  }, signal)

const answers = async (client: Client, path: string, signal: AbortSignal): Promise<boolean> => {
  try {
    const response = await client.raw({ method: 'GET', path, headers: {} }, signal)
    await text(response.body)
    return response.status === 200
  } catch (error) {
    if (error instanceof ConnectionError) return false
    throw error
  }
}

/** Until kube-proxy has been rolled out as it was applied last. */
export const waitProxy = (client: Client, { timeout }: { timeout: number }, signal: AbortSignal): Promise<void> =>
  inTime('kube-proxy', { client, timeout }, (informers, deadline) => informers.of(DaemonSets, { namespace: 'kube-system' }).waitUntil((list) => {
    const proxy = list.get('kube-system/kube-proxy')
    return proxy !== undefined && proxy.status.observedGeneration === proxy.metadata.generation && (proxy.status.updatedNumberScheduled ?? 0) >= proxy.status.desiredNumberScheduled && proxy.status.numberReady >= proxy.status.desiredNumberScheduled
  }, deadline), signal)

/** Until DNS has been rolled out as it was applied last. */
export const waitDns = (client: Client, { timeout }: { timeout: number }, signal: AbortSignal): Promise<void> =>
  inTime('DNS', { client, timeout }, (informers, deadline) => informers.of(Deployments, { namespace: 'kube-system' }).waitUntil((list) => {
    const dns = list.get('kube-system/coredns')
    const wanted = dns?.spec.replicas ?? 1
    return dns !== undefined && dns.status.observedGeneration === dns.metadata.generation && (dns.status.updatedReplicas ?? 0) >= wanted && (dns.status.availableReplicas ?? 0) >= wanted && (dns.status.replicas ?? 0) === wanted
  }, deadline), signal)

/** What GET /version calls the server. */
export const serverVersion = async (client: Client, signal: AbortSignal): Promise<string> => {
  const response = await client.raw({ method: 'GET', path: '/version', headers: {} }, signal)
  return (JSON.parse(await text(response.body)) as { gitVersion: string }).gitVersion
}

/** The command that a running keeper keeps, as it was started; empty if there is no keeper. */
export const keptCommand = async (pidFile: string): Promise<readonly string[]> => {
  const keeper = await runningKeeper(pidFile)
  if (!keeper) return []
  const words = (await readFile(`/proc/${keeper.pid}/cmdline`, 'utf8').catch(() => '')).split('\0').slice(0, -1)
  return words.slice(words.indexOf(pidFile) + 1)
}
