/** What concerns the whole node: health, pods, statistics, metrics. */
import { readMachine } from '../machine-facts.ts'
import type { NodeFacts } from '../node-status.ts'
import { isTerminalPhase } from '../pod.ts'
import type { Machine } from '../pod-run.ts'
import type { PodWorkers } from '../pod-workers.ts'
import { resourceMetrics, summaryOf } from '../stats/summary.ts'
import type { UsageSampler } from '../stats/usage-sampler.ts'
import { answerJson, answerText, type Route } from './route.ts'

export interface NodeRouteParts { machine: Machine; workers: PodWorkers; sampler: UsageSampler; facts: NodeFacts; configuration: object }

const metricsType = 'text/plain; version=0.0.4; charset=utf-8'

/** Pods as the kubelet has them, each with the status that it last made. */
const podsNow = ({ machine, workers }: NodeRouteParts) => workers.list().map((pod) => ({ ...pod, status: machine.statuses.get(pod.metadata.uid) ?? pod.status }))

const ownMetrics = async (parts: NodeRouteParts): Promise<string> => {
  const pods = podsNow(parts)
  const running = (await parts.machine.runtime.listContainers()).filter(({ state }) => state === 'running').length
  const { user, system } = process.cpuUsage()
  const lines: [string, string, 'gauge' | 'counter', string, number][] = [
    ['kubelet_running_pods', 'Number of pods that have a running pod sandbox', 'gauge', '', pods.filter(({ status }) => !isTerminalPhase(status ?? {})).length],
    ['kubelet_running_containers', 'Number of containers currently running', 'gauge', '{container_state="running"}', running],
    ['kubelet_node_name', "The node's name. The count is always 1.", 'gauge', `{node=${JSON.stringify(parts.machine.nodeName)}}`, 1],
    ['process_cpu_seconds_total', 'Total user and system CPU time spent in seconds.', 'counter', '', (user + system) / 1e6],
    ['process_resident_memory_bytes', 'Resident memory size in bytes.', 'gauge', '', process.memoryUsage.rss()],
  ]
  return `${lines.map(([name, help, type, labels, value]) => `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${name}${labels} ${value}`).join('\n')}\n`
}

export const nodeRoutes = (parts: NodeRouteParts): readonly Route[] => {
  const { machine, sampler, facts } = parts
  const bootedAt = new Date(machine.clock.now().getTime() - process.uptime() * 1000)
  const get = (path: string, answer: NonNullable<Route['answer']>): Route => ({ methods: ['GET', 'HEAD'], path, answer })
  const pods = async (response: Parameters<typeof answerJson>[0]): Promise<void> => { answerJson(response, { kind: 'PodList', apiVersion: 'v1', metadata: {}, items: podsNow(parts) }); return Promise.resolve() }
  return [
    get('/healthz', async (_, response) => { answerText(response, 'ok'); return Promise.resolve() }),
    get('/healthz/:check', async (_, response) => { answerText(response, 'ok'); return Promise.resolve() }),
    get('/pods', (_, response) => pods(response)),
    get('/runningpods', (_, response) => pods(response)),
    get('/stats/summary', async (_, response) => {
      answerJson(response, summaryOf({ nodeName: machine.nodeName, sample: await sampler.fresh(), pods: podsNow(parts), readings: await readMachine(machine.directory, machine.memoryCapacityBytes), diskBytes: facts.machine.diskBytes, maxPids: facts.machine.maxPids, bootedAt }))
    }),
    get('/metrics', async (_, response) => answerText(response, await ownMetrics(parts), { type: metricsType })),
    get('/metrics/resource', async (_, response) => answerText(response, resourceMetrics(await sampler.fresh()), { type: metricsType })),
    get('/configz', async (_, response) => { answerJson(response, { kubeletconfig: parts.configuration }); return Promise.resolve() }),
  ]
}
