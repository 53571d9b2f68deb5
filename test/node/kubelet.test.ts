/** The kubelet over real processes: what the parts do together. The API server is in memory. */
import { mkdir } from 'node:fs/promises'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { kubelet } from '../../agents/kubelet/kubelet.ts'
import type { ProcessRuntime } from '../../agents/kubelet/runtime/process-runtime.ts'
import { systemClock } from '../../src/api/clock.ts'
import { ConfigMaps, Events, Namespaces, Pods, Secrets } from '../../src/api/kinds.ts'
import { systemRandom } from '../../src/api/random.ts'
import type { Container, Pod, PodSpec } from '../../src/api/types.ts'
import { type Client, createClient } from '../../src/client/client.ts'
import { admin, startTestServer, type TestServer } from '../apiserver/support.ts'
import { logs } from '../support/logs.ts'
import { findHierarchies } from '../../agents/kubelet/runtime/cgroups/hierarchies.ts'
import { parseMountInfo } from '../../agents/kubelet/runtime/proc/mount-info.ts'
import { readIfThere } from '../../agents/kubelet/runtime/proc/stat.ts'
import { collect, isRoot, leavePlace, logText, newPlace, type NodePlace, openRuntime, until } from '../support/runtime-node.ts'
import { sayWhatIsSkipped } from '../support/skipped.ts'

sayWhatIsSkipped('kubelet.test.ts', !isRoot, 'containers of real processes need root')

describe.runIf(isRoot)('a kubelet with real processes', () => {
  let place: NodePlace
  let server: TestServer
  let client: Client
  let runtime: ProcessRuntime
  let stop: AbortController
  let running: Promise<void>
  const log = logs()

  const start = async (): Promise<void> => {
    runtime = await openRuntime(place)
    stop = new AbortController()
    running = kubelet({
      nodeName: 'node-1', nodeIP: '127.0.0.1', client, runtime, clock: systemClock, random: systemRandom, log, staticPodDirectory: undefined, dataDirectory: path.join(place.scratch, 'kubelet'),
      memoryDirectory: path.join(place.stateDirectory, 'volumes'), clusterDNS: ['10.96.0.10'], clusterDomain: 'cluster.local', server: undefined, version: 'v1.36.0', eviction: { lookMilliseconds: 500 },
    }).run(stop.signal)
  }
  const end = async (): Promise<void> => {
    stop.abort()
    await running
    runtime.close()
  }
  beforeAll(async () => {
    place = newPlace()
    await mkdir(place.scratch, { recursive: true })
    server = await startTestServer()
    client = createClient(server.server.inMemoryTransport(admin))
    for (const name of ['default', 'kube-node-lease']) await client.create(Namespaces, { metadata: { name } } as never).catch(() => {})
    await start()
  }, 60_000)
  afterAll(async () => {
    for (const pod of (await client.list(Pods)).items) await client.delete(Pods, { name: pod.metadata.name, namespace: 'default' }, { gracePeriodSeconds: 0 }).catch(() => {})
    await end()
    runtime = await openRuntime(place)
    await runtime.destroy()
    await server[Symbol.asyncDispose]()
    leavePlace(place)
  }, 60_000)

  const create = (name: string, container: Partial<Container>, spec: Partial<PodSpec> = {}): Promise<Pod> => client.create(Pods, {
    metadata: { name, namespace: 'default', labels: { app: name }, annotations: { note: 'one' } }, spec: { nodeName: 'node-1', terminationGracePeriodSeconds: 1, containers: [{ name: 'main', image: 'host', ...container }], ...spec },
  } as never)
  const get = (name: string): Promise<Pod> => client.get(Pods, { name, namespace: 'default' })
  const untilPod = (name: string, what: string, wanted: (pod: Pod) => boolean, milliseconds = 60_000): Promise<Pod> => until(`${name} ${what}`, async () => { const pod = await get(name); return wanted(pod) ? pod : undefined }, milliseconds)
    .catch(async (error: unknown) => { throw new Error(`${String(error)}\n${JSON.stringify((await get(name)).status, undefined, 1)}\n${log.lines.join('\n')}`) })
  const phase = (wanted: string) => (pod: Pod): boolean => pod.status.phase === wanted
  const ready = (pod: Pod): boolean => pod.status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false
  const logOf = (pod: Pod, attempt = 0): string => logText(path.join(place.scratch, 'kubelet', 'logs', `default_${pod.metadata.name}_${pod.metadata.uid}`, 'main', `${attempt}.log`))
  const sh = (script: string): Partial<Container> => ({ command: ['/bin/sh', '-c', script] })

  test('runs to its end: exit code, log, termination message', async () => {
    await create('once', sh('echo said; echo why > /dev/termination-log; exit 3'), { restartPolicy: 'Never' })
    const pod = await untilPod('once', 'fails', phase('Failed'))
    expect(pod.status.containerStatuses?.[0]?.state?.terminated).toMatchObject({ exitCode: 3, reason: 'Error', message: 'why\n' })
    expect(logOf(pod)).toBe('said\n')
  })

  test('environment and volumes as Kubernetes has them', async () => {
    await client.create(ConfigMaps, { metadata: { name: 'settings', namespace: 'default' }, data: { color: 'blue', 'file.txt': 'text\n' } } as never)
    await client.create(Secrets, { metadata: { name: 'password', namespace: 'default' }, data: { word: Buffer.from('secret').toString('base64') } } as never)
    const script = 'echo "$COLOR $WORD $POD_NAME $POD_IP $COMPOSED"; cat /config/file.txt /secret/word; echo; cat /info/labels; echo; stat -c "%a %F" /config/..data/file.txt; touch /scratch/a && ls /scratch; stat -f -c %T /memory; echo nested > /scratch/sub; cat /only; hostname; cat /etc/resolv.conf | head -1'
    await create('volumes', {
      ...sh(script),
      env: [{ name: 'COLOR', valueFrom: { configMapKeyRef: { name: 'settings', key: 'color' } } }, { name: 'WORD', valueFrom: { secretKeyRef: { name: 'password', key: 'word' } } },
        { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }, { name: 'POD_IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } }, { name: 'COMPOSED', value: '$(COLOR)-$$(WORD)' }],
      volumeMounts: [{ name: 'config', mountPath: '/config' }, { name: 'secret', mountPath: '/secret' }, { name: 'info', mountPath: '/info' }, { name: 'scratch', mountPath: '/scratch' }, { name: 'memory', mountPath: '/memory' }, { name: 'config', mountPath: '/only', subPath: 'color' }],
    }, { restartPolicy: 'Never', volumes: [
      { name: 'config', configMap: { name: 'settings' } }, { name: 'secret', secret: { secretName: 'password', defaultMode: 0o400 } }, { name: 'scratch', emptyDir: {} }, { name: 'memory', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } },
      { name: 'info', downwardAPI: { items: [{ path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } }] } },
    ] })
    const pod = await untilPod('volumes', 'ends', ({ status }) => ['Succeeded', 'Failed'].includes(status.phase ?? ''))
    expect(logOf(pod).split('\n')).toEqual([`blue secret volumes ${pod.status.podIP} blue-$(WORD)`, 'text', 'secret', 'app="volumes"', '644 regular file', 'a', 'tmpfs', 'bluevolumes', 'search default.svc.cluster.local svc.cluster.local cluster.local', ''])
  })

  test('a volume follows its ConfigMap', async () => {
    await client.create(ConfigMaps, { metadata: { name: 'live', namespace: 'default' }, data: { value: 'one' } } as never)
    await create('live', { ...sh('while :; do cat /config/value; echo; sleep 0.05; done'), volumeMounts: [{ name: 'config', mountPath: '/config' }] }, { volumes: [{ name: 'config', configMap: { name: 'live' } }] })
    const pod = await untilPod('live', 'is ready', ready)
    await until('the first value', () => logOf(pod).includes('one'))
    await client.patch(ConfigMaps, { name: 'live', namespace: 'default' }, { type: 'merge', body: { data: { value: 'two' } } })
    await until('the second value', () => logOf(pod).includes('two'))
  })

  test('a killed process is restarted within milliseconds, from its spare', async () => {
    await create('killed', sh('trap "" TERM; sleep 1000'))
    const before = await untilPod('killed', 'is ready', ready)
    await until('a spare', async () => (await runtime.listContainers(before.metadata.uid)).some(({ state, attempt }) => state === 'created' && attempt === 1))
    const [first] = (await runtime.listContainers(before.metadata.uid)).filter(({ state }) => state === 'running')
    const killedAt = performance.now()
    process.kill(first?.pid ?? 0, 'SIGKILL')
    const second = await until('it runs again', async () => (await runtime.listContainers(before.metadata.uid)).find(({ state, attempt }) => state === 'running' && attempt === 1))
    console.info(`restarted ${(performance.now() - killedAt).toFixed(1)} ms after the kill`)
    expect(second.pid).not.toBe(first?.pid)
    const pod = await untilPod('killed', 'says so', ({ status }) => status.containerStatuses?.[0]?.restartCount === 1)
    expect(pod.status.containerStatuses?.[0]?.lastState?.terminated).toMatchObject({ exitCode: 137, reason: 'Error' })
  })

  test('a new kubelet finds everything as it was', async () => {
    await create('adopted', sh('sleep 1000'))
    const before = await untilPod('adopted', 'is ready', ready)
    const pidOf = async () => (await runtime.listContainers(before.metadata.uid)).find(({ state }) => state === 'running')?.pid
    const pid = await pidOf()
    for (let round = 0; round < 3; round++) {
      await end()
      await start()
    }
    expect(await pidOf()).toBe(pid)
    await until('it watches again', async () => (await client.list(Events)).items.length > 0)
    expect((await get('adopted')).status).toEqual(before.status)
  })

  test('probes decide on readiness and restarts', async () => {
    const { metadata: { uid } } = await create('probed', {
      ...sh('touch /tmp/live; sleep 1000'),
      readinessProbe: { exec: { command: ['test', '-e', '/tmp/ready'] }, periodSeconds: 1 }, livenessProbe: { exec: { command: ['test', '-e', '/tmp/live'] }, periodSeconds: 1, failureThreshold: 1, initialDelaySeconds: 1 },
    })
    await until('its first failure is told', async () => (await client.list(Events)).items.some(({ reason, message }) => reason === 'Unhealthy' && message?.startsWith('Readiness probe failed:')))
    expect(ready(await get('probed'))).toBe(false)
    const inside = (...command: string[]) => collect(runtime, uid, command)
    expect(await inside('touch', '/tmp/ready')).toMatchObject({ code: 0 })
    const pod = await untilPod('probed', 'is ready', ready)
    const [state] = (await runtime.listContainers(pod.metadata.uid)).filter((each) => each.state === 'running')
    expect(readFileSync(`/proc/${state?.pid ?? 0}/root/tmp/live`, 'utf8')).toBe('')
    expect(await inside('rm', '/tmp/live')).toMatchObject({ code: 0 })
    await untilPod('probed', 'is restarted', ({ status }) => status.containerStatuses?.[0]?.restartCount === 1)
    await until('event', async () => (await client.list(Events)).items.some(({ message }) => message === 'Container main failed liveness probe, will be restarted'))
  })

  test('what an init container writes is environment of those after it; a host name of one\'s own', async () => {
    const key = (name: string, path: string, more = {}) => ({ name, valueFrom: { fileKeyRef: { volumeName: 'config', path, key: name, ...more } } })
    await create('env-file', { ...sh('echo "$GREETING" from $(hostname), ${OUTSIDE-nothing}'), env: [key('GREETING', 'app.env'), key('OUTSIDE', 'link', { optional: true })] }, {
      restartPolicy: 'Never', hostnameOverride: 'db.example.org', volumes: [{ name: 'config', emptyDir: {} }],
      initContainers: [{ name: 'init', image: 'host', ...sh("echo \"GREETING='hello  you'\" > /config/app.env; ln -s /etc/hostname /config/link"), volumeMounts: [{ name: 'config', mountPath: '/config' }] }],
    })
    expect(logOf(await untilPod('env-file', 'is over', ({ status }) => status.phase === 'Succeeded' || status.phase === 'Failed'))).toBe('hello  you from db.example.org, nothing\n')
    await create('no-env-file', { ...sh('true'), env: [key('GREETING', '../app.env')] }, { volumes: [{ name: 'config', emptyDir: {} }] }).then(() => { throw new Error('it was not refused') }, (error: unknown) => { expect(String(error)).toContain("must not contain '..'") })
  })

  test('a resize changes the limits of what runs, up and down', async () => {
    const of = (cpu: string, memory: string) => ({ requests: { cpu, memory }, limits: { cpu, memory } })
    await create('resized', { ...sh('sleep 1000'), resources: of('100m', '64Mi') })
    const before = await untilPod('resized', 'is ready', ready)
    const hierarchies = findHierarchies(parseMountInfo(readFileSync('/proc/self/mountinfo', 'utf8')), readIfThere('/sys/fs/cgroup/cgroup.controllers') ?? '')
    const file = hierarchies.version === 1 ? 'memory.limit_in_bytes' : 'memory.max'
    const limitsOf = (group: string): number => Number(readFileSync(path.join(hierarchies.controllers.memory ?? '', `wherry-${place.clusterId}/${place.nodeName}/guaranteed/pod${before.metadata.uid}`, group, file), 'utf8'))
    for (const [cpu, memory, bytes] of [['200m', '128Mi', 134_217_728], ['50m', '32Mi', 33_554_432]] as const) {
      await client.patch(Pods, { name: 'resized', namespace: 'default' }, { type: 'strategic', body: { spec: { containers: [{ name: 'main', resources: of(cpu, memory) }] } } as never }, { subresource: 'resize' })
      const pod = await untilPod('resized', `has ${memory}`, ({ status }) => status.containerStatuses?.[0]?.resources?.limits?.['memory'] === memory && status.containerStatuses[0].resources.limits['cpu'] === cpu)
      expect([limitsOf('.'), limitsOf('main-0')]).toEqual([bytes, bytes])
      expect(pod.status.containerStatuses?.[0]).toMatchObject({ restartCount: 0, containerID: before.status.containerStatuses?.[0]?.containerID })
    }
  })

  test('what a container writes to its root counts against its limit', async () => {
    await create('writer', { ...sh('sleep 0.5; head -c 3000000 /dev/zero > /var/tmp/file; sleep 1000'), resources: { limits: { 'ephemeral-storage': '1Mi' }, requests: { 'ephemeral-storage': '0' } } })
    // What others delete from the same disk meanwhile hides what a pod writes, for up to a minute.
    const pod = await untilPod('writer', 'is evicted', phase('Failed'), 90_000)
    expect(pod.status).toMatchObject({ reason: 'Evicted', message: 'Pod ephemeral local storage usage exceeds the total limit of containers 1Mi. ' })
  })

  test('deletion leaves nothing', async () => {
    const { metadata } = await create('deleted', sh('sleep 1000 & sleep 1000'), { terminationGracePeriodSeconds: 1 })
    await untilPod('deleted', 'is ready', ready)
    await client.delete(Pods, { name: 'deleted', namespace: 'default' })
    await until('it is gone', async () => !(await client.list(Pods)).items.some(({ metadata: { name } }) => name === 'deleted'))
    expect((await runtime.listSandboxes()).some(({ podUid }) => podUid === metadata.uid)).toBe(false)
    expect(await runtime.listContainers(metadata.uid)).toEqual([])
  })
})
