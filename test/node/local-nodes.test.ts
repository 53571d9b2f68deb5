import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Nodes, Pods } from '../../src/api/kinds.ts'
import type { JsonObject } from '../../src/api/meta.ts'
import type { Node, Pod } from '../../src/api/types.ts'
import { applyObjects } from '../../src/cluster/apply.ts'
import { httpClient, httpServer } from '../support/perl-http.ts'
import { isRoot, startTestCluster, type TestCluster } from '../support/cluster.ts'
import { isReady, liveClient, type LiveClient } from '../support/live-client.ts'
import { sayWhatIsSkipped } from '../support/skipped.ts'

sayWhatIsSkipped('local-nodes')

const template = (app: string, spec: object = {}): object => ({
  metadata: { labels: { app } },
  spec: { terminationGracePeriodSeconds: 1, ...spec, containers: [{
    name: 'main', image: 'host', command: [...httpServer], env: [{ name: 'NODE', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } }],
    readinessProbe: { httpGet: { path: '/', port: 8000 }, periodSeconds: 1 },
  }] },
})
const soon = ['not-ready', 'unreachable'].map((what) => ({ key: `node.kubernetes.io/${what}`, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 1 }))
const manifests = [
  { apiVersion: 'apps/v1', kind: 'DaemonSet', metadata: { name: 'everywhere' }, spec: { selector: { matchLabels: { app: 'everywhere' } }, template: template('everywhere') } },
  { apiVersion: 'v1', kind: 'Service', metadata: { name: 'everywhere' }, spec: { selector: { app: 'everywhere' }, ports: [{ port: 80, targetPort: 8000 }] } },
  { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'mobile' }, spec: { replicas: 3, selector: { matchLabels: { app: 'mobile' } }, template: template('mobile', {
    tolerations: soon, topologySpreadConstraints: [{ maxSkew: 1, topologyKey: 'kubernetes.io/hostname', whenUnsatisfiable: 'ScheduleAnyway', labelSelector: { matchLabels: { app: 'mobile' } } }] }) } },
]
const names = ['node-1', 'node-2', 'node-3']
const links = async (): Promise<string> => [(await execa('ip', ['-o', 'link'])).stdout, (await execa('ip', ['netns'])).stdout, (await execa('ip', ['route'])).stdout].join('\n')
const outside = (cluster: TestCluster, text: string): string[] => text.split('\n').filter((line) => line.includes(`wh${cluster.home.clusterId}`))

describe.runIf(isRoot)('three nodes in namespaces of one machine', () => {
  let cluster: TestCluster
  let live: LiveClient
  const until = async <T>(what: string, probe: () => Promise<T | false>, timeoutSeconds?: number): Promise<T> => await cluster.until(what, probe, timeoutSeconds) as T
  const podsOn = async (app: string): Promise<Map<string, Pod>> => new Map((await live.podsOf(`app=${app}`)).filter(isReady).map((pod) => [pod.spec.nodeName ?? '', pod]))
  const askFrom = async (pod: Pod, urls: readonly string[]): Promise<string[]> => JSON.parse(await cluster.kubectl(['exec', pod.metadata.name, '--', ...httpClient(urls)])) as string[]
  const askOn = async (node: string, urls: readonly string[]): Promise<string[]> => {
    const { stdout, stderr } = await cluster.onNode(node, httpClient(urls))
    return JSON.parse(stdout || JSON.stringify(stderr)) as string[]
  }
  const condition = ({ status }: Node, type: string): string | undefined => status.conditions?.find((each) => each.type === type)?.status
  const nodeReady = async (name: string): Promise<string | undefined> => condition(await live.client.get(Nodes, { name }), 'Ready')
  const allThere = (app: string): Promise<Map<string, Pod>> => until(`a ready pod of ${app} on every node`, async () => { const found = await podsOn(app); return found.size === 3 && found })
  /** The namespace node that does not run the cluster's DNS. */
  const victim = async (): Promise<string> => {
    const dns = (await live.client.list(Pods, { namespace: 'kube-system', labelSelector: 'k8s-app=kube-dns' })).items.map(({ spec }) => spec.nodeName)
    return ['node-3', 'node-2'].find((name) => !dns.includes(name)) ?? 'node-3'
  }

  beforeAll(async () => {
    cluster = await startTestCluster({ nodes: 3, environment: { WHERRY_NODE_MONITOR_GRACE_PERIOD: '12' } })
    live = liveClient(cluster)
    await applyObjects(live.client, manifests as JsonObject[], 'local-nodes.test.ts')
  })
  afterAll(async () => {
    live?.[Symbol.dispose]()
    await cluster?.[Symbol.asyncDispose]()
    if (cluster) expect(outside(cluster, await links())).toEqual([])
  })

  test('have their identity and their routes from the cloud', async () => {
    const nodes = await until('routes to every node', async () => { const { items } = await live.client.list(Nodes); return items.every((node) => condition(node, 'NetworkUnavailable') === 'False') && items })
    expect(nodes.map(({ metadata, spec }) => [metadata.name, spec.providerID, metadata.labels?.['node.kubernetes.io/instance-type']])).toEqual(names.map((name) => [name, `local://${name}`, 'namespace']))
    for (const name of names) {
      const { stdout } = await cluster.onNode(name, ['ip', 'route', 'show', 'proto', '113'])
      const others = nodes.filter(({ metadata }) => metadata.name !== name)
      expect(stdout.trim().split('\n').map((line) => line.trim()).sort()).toEqual(others.map(({ spec, status }) => `${spec.podCIDR ?? ''} via ${status.addresses?.[0]?.address ?? ''} dev eth0`).sort())
    }
  })

  test('reach each other: pods by address, Services by name and by address, from pods and from nodes', async () => {
    const pods = await allThere('everywhere')
    const byAddress = names.map((name) => `http://${pods.get(name)?.status.podIP ?? ''}:8000/`)
    const service = await cluster.kubectl(['get', 'service', 'everywhere', '-o', 'jsonpath={.spec.clusterIP}'])
    for (const name of names) {
      const pod = pods.get(name)
      if (!pod) throw new Error(`no pod on ${name}`)
      const [first, second, third, byName, byClusterIP] = await askFrom(pod, [...byAddress, 'http://everywhere.default.svc.cluster.local/', `http://${service}/`])
      expect([name, first, second, third]).toEqual([name, ...names])
      expect(names).toContain(byName)
      expect(names).toContain(byClusterIP)
      const [one, two, three, fromNode] = await askOn(name, [...byAddress, `http://${service}/`])
      expect([name, one, two, three]).toEqual([name, ...names])
      expect(names).toContain(fromNode)
    }
  })

  test('a killed node becomes NotReady, its pods are replaced elsewhere, and it returns clean', async () => {
    await allThere('mobile')
    const name = await victim()
    const lost = (await podsOn('mobile')).get(name)
    await cluster.wherry('node', 'kill', name)
    await until(`${name} is NotReady`, async () => (await nodeReady(name)) === 'Unknown')
    await until('three ready pods elsewhere', async () => { const pods = (await live.podsOf('app=mobile')).filter(isReady); return pods.length === 3 && pods.every(({ spec }) => spec.nodeName !== name) })
    const survivors = names.filter((each) => each !== name)
    await until('the Service answers from the survivors only', async () => (await live.endpoints('everywhere')).length === 2)

    await cluster.wherry('node', 'heal', name)
    await until(`${name} is Ready`, async () => (await nodeReady(name)) === 'True')
    const pods = await allThere('everywhere')
    await until('the lost pod is gone for good', async () => !(await live.client.list(Pods, { namespace: 'default' })).items.some(({ metadata }) => metadata.uid === lost?.metadata.uid))
    const back = pods.get(survivors[0] ?? '')
    if (!back) throw new Error('no pod on a survivor')
    await until('pods reach the node that is back', async () => (await askFrom(back, [`http://${pods.get(name)?.status.podIP ?? ''}:8000/`]))[0] === name)
  })

  test('a node that is cut off goes on, and is taken back with its pods', async () => {
    const name = await victim()
    const before = (await allThere('everywhere')).get(name)
    await cluster.wherry('node', 'cut', name)
    await until(`${name} is NotReady`, async () => (await nodeReady(name)) === 'Unknown')
    const own = await askOn(name, [`http://${before?.status.podIP ?? ''}:8000/`])
    expect(own).toEqual([name])
    await cluster.wherry('node', 'heal', name)
    await until(`${name} is Ready`, async () => (await nodeReady(name)) === 'True')
    const after = (await allThere('everywhere')).get(name)
    expect(after?.metadata.uid).toBe(before?.metadata.uid)
    expect(after?.status.containerStatuses?.[0]?.restartCount).toBe(before?.status.containerStatuses?.[0]?.restartCount)
  })

  test.each([
    ['the first node', 'node-1', 'with the control plane'], ['an unknown node', 'node-9', 'there is no node "node-9"'],
  ])('%s is not disturbed', async (_, name, why) => { await expect(cluster.wherry('node', 'kill', name)).rejects.toThrow(why) })
})
