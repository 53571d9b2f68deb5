/** Self-healing on a cluster of real processes: what dies is there again, and Kubernetes says so. Killed with SIGKILL from outside, as root would. */
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ConfigMaps, Deployments, EndpointSlices, Jobs } from '../../src/api/kinds.ts'
import { isRoot, startTestCluster, type TestCluster, until } from '../support/cluster.ts'
import { isReady, type LiveClient, liveClient, restartsOf } from '../support/live-client.ts'
import { commandOf, killHard, processesOf } from '../support/seen-from-outside.ts'
import { sayWhatIsSkipped } from '../support/skipped.ts'

sayWhatIsSkipped('healing.test.ts')
const shop = path.resolve(import.meta.dirname, '../../manifests/examples/shop.yaml')

describe.runIf(isRoot)('a cluster heals itself', () => {
  let cluster: TestCluster
  let live: LiveClient
  const webPods = () => live.podsOf('app=shop,tier=web')
  const threeReady = () => until('three web pods are Ready and in the Service', async () => {
    const pods = await webPods()
    return pods.length === 3 && pods.every(isReady) && (await live.endpoints('web')).length === 3 ? pods : undefined
  })
  const onlyProcess = (pod: Parameters<typeof processesOf>[1]): number => {
    const [pid = 0] = processesOf(cluster, pod)
    expect(pid, `a process of ${pod.metadata.name}`).toBeGreaterThan(1)
    return pid
  }
  const get = async (address: string): Promise<string> => (await live.client.raw({ method: 'GET', path: `/api/v1/namespaces/default/pods/${address}`, headers: {} })).status.toString()

  beforeAll(async () => {
    cluster = await startTestCluster({ files: [shop] })
    live = liveClient(cluster)
    await threeReady()
  })
  afterAll(async () => {
    live?.[Symbol.dispose]()
    await cluster?.[Symbol.asyncDispose]()
  })

  test('a killed process is started again: counted, told, out of the Service and back', async () => {
    const [pod] = await threeReady()
    if (!pod) throw new Error('no pod')
    const stop = new AbortController()
    const { resourceVersion } = await live.client.list(EndpointSlices, { namespace: 'default' })
    const seen: boolean[] = []
    const watching = (async () => {
      for await (const { type, object } of live.client.watch(EndpointSlices, { namespace: 'default', labelSelector: 'kubernetes.io/service-name=web', resourceVersion, signal: stop.signal })) {
        if (type === 'BOOKMARK') continue
        const endpoint = object.endpoints?.find(({ targetRef }) => targetRef?.uid === pod.metadata.uid)
        seen.push(endpoint?.conditions?.ready ?? false)
      }
    })().catch((error: unknown) => { if (!stop.signal.aborted) throw error })
    const pid = onlyProcess(pod)
    killHard(pid)
    const healed = await live.untilPod(pod.metadata.name, 'restarts once and is Ready', (each) => restartsOf(each) === 1 && isReady(each))
    expect(healed.status.containerStatuses?.[0]?.lastState?.terminated).toMatchObject({ exitCode: 137, reason: 'Error' })
    expect(onlyProcess(healed)).not.toBe(pid)
    expect(healed.status.podIP).toBe(pod.status.podIP)
    await until('the endpoint goes out and comes back', async () => seen.includes(false) && seen.at(-1) === true)
    stop.abort()
    await watching
    await until('the restart is told', async () => (await live.reasonsOf(pod)).filter((reason) => reason === 'Started').length === 2)
  })

  test('a deleted pod is replaced', async () => {
    const [pod] = await threeReady()
    if (!pod) throw new Error('no pod')
    await cluster.kubectl(['delete', 'pod', pod.metadata.name, '--wait=false'])
    const pods = await until('a replacement is Ready', async () => {
      const now = await webPods()
      return now.length === 3 && now.every(isReady) && now.every(({ metadata }) => metadata.uid !== pod.metadata.uid) ? now : undefined
    })
    expect(new Set(pods.map(({ status }) => status.podIP)).size).toBe(3)
    await until('nothing of the old one runs', async () => processesOf(cluster, pod).length === 0)
  })

  test('a killed API server comes back with every write that it acknowledged', async () => {
    const server = await live.pod('kube-apiserver-node-1', 'kube-system')
    const acknowledged: string[] = []
    const stop = new AbortController()
    const writing = (async () => {
      for (let index = 0; !stop.signal.aborted; index++) {
        const name = `written-${index}`
        const done = await live.client.create(ConfigMaps, { metadata: { name, namespace: 'default' }, data: { index: String(index) } } as never).then(() => true, () => false)
        if (done) acknowledged.push(name)
      }
    })()
    await until('writes flow', async () => acknowledged.length > 50)
    const before = acknowledged.length
    const pid = onlyProcess(server)
    expect(commandOf(pid)).toContain('apiserver')
    killHard(pid)
    await until('/readyz answers again', async () => {
      const { status } = await live.client.raw({ method: 'GET', path: '/readyz', headers: {} })
      return status === 200 && !processesOf(cluster, server).includes(pid)
    })
    await until('writes flow again', async () => acknowledged.length > before + 50, 30)
    stop.abort()
    await writing
    const there = new Set((await live.client.list(ConfigMaps, { namespace: 'default' })).items.map(({ metadata }) => metadata.name))
    expect(acknowledged.filter((name) => !there.has(name))).toEqual([])
    await until('the restart is counted', async () => restartsOf(await live.pod('kube-apiserver-node-1', 'kube-system')) === 1)
    // Nobody else noticed.
    expect((await webPods()).map(restartsOf).reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(1)
  })

  test('a pod whose readiness probe fails leaves the Service, and returns when it is well', async () => {
    const [pod] = await threeReady()
    if (!pod) throw new Error('no pod')
    const { name } = pod.metadata
    const restarts = restartsOf(pod)
    expect(await get(`${name}:8080/proxy/sick?mode=probe`)).toBe('200')
    await until('the endpoint is out', async () => !(await live.endpoints('web')).includes(pod.status.podIP ?? ''))
    expect(isReady(await live.pod(name))).toBe(false)
    expect(await get(`${name}:8080/proxy/sick?mode=well`)).toBe('200')
    await until('the endpoint is back', async () => (await live.endpoints('web')).includes(pod.status.podIP ?? ''))
    expect(restartsOf(await live.pod(name))).toBe(restarts)
    expect(await live.reasonsOf(pod)).toContain('Unhealthy')
  })

  test('a hanging container is restarted by its liveness probe', async () => {
    const pod = (await threeReady()).find((each) => restartsOf(each) === 0)
    if (!pod) throw new Error('no pod')
    await get(`${pod.metadata.name}:8080/proxy/sick?mode=hang`)
    await live.untilPod(pod.metadata.name, 'is restarted and Ready', (each) => restartsOf(each) === 1 && isReady(each))
    expect(await live.reasonsOf(pod)).toEqual(expect.arrayContaining(['Unhealthy', 'Killing']))
  })

  test('a container that takes more memory than it may is killed for it; its siblings live', async () => {
    const pods = await threeReady()
    const pod = pods.toSorted((one, other) => restartsOf(one) - restartsOf(other))[0]
    if (!pod) throw new Error('no pod')
    const siblings = pods.filter((each) => each !== pod).map((each) => [each, onlyProcess(each)] as const)
    const restarts = restartsOf(pod)
    await get(`${pod.metadata.name}:8080/proxy/sick?mode=leak`)
    const after = await live.untilPod(pod.metadata.name, 'is restarted after OOMKilled', (each) => restartsOf(each) > restarts)
    expect(after.status.containerStatuses?.[0]?.lastState?.terminated).toMatchObject({ reason: 'OOMKilled', exitCode: 137 })
    for (const [sibling, pid] of siblings) expect(processesOf(cluster, sibling)).toContain(pid)
    await threeReady()
  })

  test('a Job runs to its end though its pods are killed', async () => {
    await live.client.create(Jobs, { metadata: { name: 'stubborn', namespace: 'default' }, spec: { completions: 3, parallelism: 3, backoffLimit: 6, template: {
      metadata: { labels: { app: 'stubborn' } }, spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'host', command: ['sleep', '3'] }] } } } } as never)
    const pod = await until('a pod of the Job runs', async () => (await live.podsOf('app=stubborn')).find(({ status }) => status.phase === 'Running'))
    killHard(onlyProcess(pod))
    const done = await until('the Job is complete', async () => { const job = await live.client.get(Jobs, { name: 'stubborn', namespace: 'default' }); return job.status.conditions?.some(({ type, status }) => type === 'Complete' && status === 'True') ? job : undefined })
    expect(done.status).toMatchObject({ succeeded: 3, failed: 1 })
  })

  test('what was scaled away is gone', async () => {
    const pods = await threeReady()
    await cluster.kubectl(['scale', 'deploy/web', '--replicas=1'])
    await until('one is left', async () => (await webPods()).length === 1 && (await live.endpoints('web')).length === 1)
    const [left] = await webPods()
    await until('their processes are gone', async () => pods.filter(({ metadata }) => metadata.uid !== left?.metadata.uid).every((pod) => processesOf(cluster, pod).length === 0))
    expect((await live.client.get(Deployments, { name: 'web', namespace: 'default' })).status.readyReplicas).toBe(1)
  })
})
