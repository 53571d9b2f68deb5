/** The cluster of the golden screens: a web tier of which one pod just healed, one that crashes, a job that is done, on three nodes. */
import { FakeCluster, type FakeRow } from './fake-cluster.ts'

export const now = new Date('2026-03-01T12:04:31Z')
const ago = (seconds: number): string => new Date(now.getTime() - seconds * 1000).toISOString().replace('.000', '')

export interface PodFacts { name: string; namespace?: string; ready?: string; status?: string; restarts?: string; node?: string; age?: number; labels?: Record<string, string> }

export const aPod = ({ name, namespace = 'default', ready = '1/1', status = 'Running', restarts = '0', node = 'n1', age = 840, labels = { app: name.split('-')[0] ?? '' } }: PodFacts): FakeRow => ({
  cells: [name, ready, status, restarts, '14m', '10.244.1.7', node],
  object: {
    apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace, uid: `uid-${name}`, resourceVersion: '', creationTimestamp: ago(age), labels },
    spec: { nodeName: node, containers: [{ name: 'main', image: 'host', command: ['serve'] }] },
    status: { phase: 'Running', containerStatuses: [{ name: 'main', ready: ready === '1/1', restartCount: Number(restarts.split(' ')[0]), state: status === 'Running' ? { running: { startedAt: ago(age) } } : { waiting: { reason: status } } }] },
  },
})

const aNode = (name: string, status = 'Ready'): FakeRow => ({
  cells: [name, status, name === 'n1' ? 'control-plane' : '<none>', '3h', 'v1.36.0'],
  object: { apiVersion: 'v1', kind: 'Node', metadata: { name, uid: `uid-${name}`, resourceVersion: '', creationTimestamp: ago(10_800), labels: {} }, status: { capacity: { cpu: '2', memory: '8Gi' } } },
})

export const anEvent = (name: string, pod: string, [type, reason, message]: readonly [string, string, string], seconds: number): FakeRow => ({
  cells: [`${seconds}s`, type, reason, `pod/${pod}`, message],
  object: { apiVersion: 'v1', kind: 'Event', metadata: { name, namespace: 'default', uid: `uid-${name}`, resourceVersion: '', creationTimestamp: ago(seconds) }, involvedObject: { kind: 'Pod', name: pod, uid: `uid-${pod}` }, type, reason, message, lastTimestamp: ago(seconds), count: 1, source: { component: 'kubelet' } },
})

export const scene = (): FakeCluster => {
  const cluster = new FakeCluster()
  for (const name of ['n1', 'n2', 'n3']) cluster.put('nodes', aNode(name))
  const pods: PodFacts[] = [
    { name: 'api-5c8d-q9zml', ready: '0/1', status: 'CrashLoopBackOff', restarts: '4 (3s ago)', node: 'n2' }, { name: 'web-7d9f-x2k4q', restarts: '1 (1s ago)' }, { name: 'web-7d9f-8mmsd', node: 'n2' },
    { name: 'web-7d9f-tt0pl', node: 'n3' }, { name: 'db-0' }, { name: 'cache-6b4f-lq2ws', node: 'n3' }, { name: 'cron-sweep-28931', ready: '0/1', status: 'Completed', node: 'n3' },
    { name: 'dns-7f6c-9sd8k', namespace: 'kube-system' }, { name: 'dns-7f6c-m2k8d', namespace: 'kube-system', node: 'n3' },
  ]
  for (const pod of pods) cluster.put('pods', aPod(pod))
  cluster.put('deployments', { cells: ['web', '3/3', 3, 3, '14m'], object: { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web', namespace: 'default', uid: 'uid-web', resourceVersion: '', creationTimestamp: ago(840) }, spec: { replicas: 3, selector: { matchLabels: { app: 'web' } } } } })
  cluster.put('events', anEvent('e1', 'web-7d9f-x2k4q', ['Normal', 'Started', 'Started container main'], 1))
  cluster.put('events', anEvent('e2', 'api-5c8d-q9zml', ['Warning', 'BackOff', 'Back-off restarting failed container main'], 3))
  cluster.logLines = ['2026-03-01T12:04:31.201Z listening on 8080', '2026-03-01T12:04:31.281Z GET /healthz 503 (warming)', '2026-03-01T12:04:31.530Z GET /healthz 200', '2026-03-01T12:04:31.534Z \u001b[31mGET / 200 2ms\u001b[0m']
  cluster.processes = { podUid: 'uid-web-7d9f-x2k4q', containers: [{ name: 'main', processes: [
    { pid: 41903, ppid: 41890, state: 'S', command: 'serve --port 8080', cpuMilliseconds: 1240, rssBytes: 18 * 2 ** 20, threads: 11, fds: 23 },
    { pid: 41911, ppid: 41903, state: 'S', command: 'worker', cpuMilliseconds: 20, rssBytes: 2 ** 20, threads: 1, fds: 5 },
  ] }] }
  return cluster
}

/** A minute of usage, and the last fault of web-7d9f-x2k4q. */
export const pushScene = (cluster: FakeCluster): void => {
  for (const node of ['n1', 'n2', 'n3']) {
    const pods = [...(cluster.rows['pods']?.values() ?? [])].filter(({ object }) => (object['spec'] as { nodeName: string }).nodeName === node && !object.metadata.name.startsWith('cron'))
    for (let second = 0; second < 9; second++) {
      cluster.push(node, 'usage', {
        at: now.toISOString(), node: { cpuNanoCores: 6e8, memoryWorkingSetBytes: 2 * 2 ** 30 },
        pods: pods.map(({ object: { metadata } }, index) => ({ podUid: metadata.uid, cpuNanoCores: (index + 1) * 12e6 * (1 + (second % 3)), memoryWorkingSetBytes: (index + 1) * 18 * 2 ** 20, containers: [{ name: 'main', cpuNanoCores: 12e6, memoryWorkingSetBytes: 18 * 2 ** 20 }] })),
      })
    }
  }
  const heal = (phase: string, at: string, monotonicMs: number, more: object): void =>
    cluster.push('n1', 'heal', { podUid: 'uid-web-7d9f-x2k4q', podNamespace: 'default', podName: 'web-7d9f-x2k4q', container: 'main', attempt: phase === 'exit' ? 0 : 1, phase, at: `2026-03-01T12:04:31.${at}Z`, monotonicMs, ...more })
  heal('exit', '118', 1000, { exitCode: 137, signal: 9 })
  heal('backoff', '131', 1013, { message: '0s' })
  heal('started', '164', 1046, { message: 'pid 41903' })
  heal('probing', '281', 1163, { message: 'readiness' })
  heal('ready', '530', 1412, {})
}
