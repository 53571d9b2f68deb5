/** Behaviours of sig-node that came after Kubernetes 1.20, step by step as upstream's conformance suite plays them. */
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { expect } from 'vitest'
import { ConfigMaps, Events, Nodes, Pods } from '../../src/api/kinds.ts'
import type { JsonValue } from '../../src/api/meta.ts'
import type { Container, EphemeralContainer, Pod, PodSpec } from '../../src/api/types.ts'
import { bridgeAddress, nodeNetworkOf } from '../../src/cluster/node-network.ts'
import { until } from '../support/cluster.ts'
import { type Behaviour, refused, type World } from '../support/conformance.ts'
import { busybox, conformanceOfPods, createPod, entrypointTester, pause, untilPod } from '../support/conformance-pods.ts'
import { isReady, restartsOf } from '../support/live-client.ts'
import { generations, resizes } from './pod-changes.ts'
import { echoServer, healthServer } from '../support/perl-servers.ts'
import { startRegistry } from '../support/registry.ts'

const logs = ({ cluster }: World, namespace: string, pod: string, container = 'main'): Promise<string> => cluster.kubectl(['logs', '-n', namespace, pod, '-c', container])

/** What a pod that is to succeed has printed. */
const output = async (world: World, at: { namespace: string; name: string }, container: Partial<Container>, spec: Partial<PodSpec> = {}): Promise<string> => {
  await createPod(world.client, at, { image: busybox, ...container }, { restartPolicy: 'Never', ...spec })
  const pod = await untilPod(world.client, at, 'is over', ({ status }) => status.phase === 'Succeeded' || status.phase === 'Failed')
  expect({ phase: pod.status.phase, reason: pod.status.reason }).toEqual({ phase: 'Succeeded' })
  return logs(world, at.namespace, at.name)
}

const programs = (behaviour: Behaviour): void => {
  const entries = async (world: World, namespace: string, container: Partial<Container>): Promise<string> => (await output(world, { namespace, name: 'client-containers' }, { image: entrypointTester, ...container })).trim()
  behaviour("[sig-node] Containers should use the image defaults if command and args are blank [NodeConformance] [Conformance]", async (world, namespace) => {
    expect(await entries(world, namespace, {})).toBe('[/entrypoint-tester default arguments]')
  })
  behaviour("[sig-node] Containers should be able to override the image's default arguments (container cmd) [NodeConformance] [Conformance]", async (world, namespace) => {
    expect(await entries(world, namespace, { args: ['override', 'arguments'] })).toBe('[/entrypoint-tester override arguments]')
  })
  behaviour("[sig-node] Containers should be able to override the image's default command (container entrypoint) [NodeConformance] [Conformance]", async (world, namespace) => {
    expect(await entries(world, namespace, { command: ['/entrypoint-tester-2'] })).toBe('[/entrypoint-tester-2 ]')
  })
  behaviour("[sig-node] Containers should be able to override the image's default command and arguments [NodeConformance] [Conformance]", async (world, namespace) => {
    expect(await entries(world, namespace, { command: ['/entrypoint-tester-2'], args: ['override', 'arguments'] })).toBe('[/entrypoint-tester-2 override arguments]')
  })
  behaviour('[sig-node] Downward API should provide hostIPs as an env var [NodeConformance] [Conformance]', async (world, namespace) => {
    const env = ['hostIP', 'hostIPs', 'podIP', 'podIPs'].map((field) => ({ name: field, valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: `status.${field}` } } }))
    const printed = await output(world, { namespace, name: 'downward-api' }, { command: ['sh', '-c', 'env'], env })
    const { status } = await world.client.get(Pods, { namespace, name: 'downward-api' })
    expect(status.hostIPs).toEqual([{ ip: status.hostIP }])
    expect(printed.split('\n')).toEqual(expect.arrayContaining([`hostIP=${status.hostIP}`, `hostIPs=${status.hostIP}`, `podIP=${status.podIP}`, `podIPs=${status.podIP}`]))
  })
  behaviour('[sig-node] Kubelet when scheduling an agnhost Pod with hostAliases should write entries to /etc/hosts [NodeConformance] [Conformance]', async (world, namespace) => {
    const hosts = await output(world, { namespace, name: 'agnhost-host-aliases' }, { command: ['cat', '/etc/hosts'] }, { hostAliases: [{ ip: '123.45.67.89', hostnames: ['foo', 'bar'] }] })
    expect(hosts).toContain('# Entries added by HostAliases.\n123.45.67.89\tfoo\tbar')
  })
  behaviour('[sig-node] Security Context should support container.SecurityContext.RunAsUser And container.SecurityContext.RunAsGroup [LinuxOnly] [Conformance]', async (world, namespace) => {
    const securityContext = { runAsUser: 1002, runAsGroup: 2002 }
    expect(await output(world, { namespace, name: 'security-context' }, { command: ['sh', '-c', 'id'], securityContext }, { securityContext: { runAsUser: 1001, runAsGroup: 2001 } })).toMatch(/^uid=1002 gid=2002/)
  })
  behaviour('[sig-node] Security Context should support pod.Spec.SecurityContext.RunAsUser And pod.Spec.SecurityContext.RunAsGroup [LinuxOnly] [Conformance]', async (world, namespace) => {
    expect(await output(world, { namespace, name: 'security-context' }, { command: ['sh', '-c', 'id'] }, { securityContext: { runAsUser: 1001, runAsGroup: 2002 } })).toMatch(/^uid=1001 gid=2002/)
  })
}

const sysctls = (behaviour: Behaviour): void => {
  behaviour('[sig-node] Sysctls [LinuxOnly] [NodeConformance] should support sysctls [Environment:NotInUserNS] [Conformance]', async (world, namespace) => {
    for (const name of ['kernel.shm_rmid_forced', 'kernel/shm_rmid_forced']) {
      const at = { namespace, name: `sysctl-${name.replace(/\W/g, '-').replace(/_/g, '-')}` + (name.includes('/') ? '-slash' : '') }
      expect(await output(world, at, { command: ['/bin/sysctl', name] }, { securityContext: { sysctls: [{ name, value: '1' }] } })).toContain('kernel.shm_rmid_forced = 1')
      const { items } = await world.client.list(Events, { namespace, fieldSelector: `involvedObject.name=${at.name}` })
      expect(items.filter(({ type }) => type !== 'Normal')).toEqual([])
    }
  })
  behaviour('[sig-node] Sysctls [LinuxOnly] [NodeConformance] should reject invalid sysctls [Conformance]', async ({ client }, namespace) => {
    const names = ['foo-', 'kernel.shmmax', 'safe-and-unsafe', 'bar..']
    const { message } = await refused(createPod(client, { namespace, name: 'sysctl' }, {}, { securityContext: { sysctls: names.map((name) => ({ name, value: '100000000' })) } }))
    expect(names.map((name) => message?.includes(name))).toEqual([true, false, false, true])
    expect(message).toContain('Invalid value: "foo-"')
    expect(message).toContain('Invalid value: "bar.."')
    // Not of the conformance suite, but of the same file upstream: what is well formed and not safe is the kubelet's to refuse.
    await createPod(client, { namespace, name: 'unsafe' }, {}, { restartPolicy: 'Never', securityContext: { sysctls: [{ name: 'kernel.msgmax', value: '10000000000' }] } })
    const { status } = await untilPod(client, { namespace, name: 'unsafe' }, 'is refused', (pod) => pod.status.phase === 'Failed')
    expect(status.reason).toBe('SysctlForbidden')
  })
}

const probesAndHooks = (behaviour: Behaviour): void => {
  const grpc = (port: number): Partial<Container> => ({ image: 'host', command: [...healthServer], ports: [{ containerPort: 5000 }], livenessProbe: { grpc: { port, service: '' }, initialDelaySeconds: 2, periodSeconds: 1, timeoutSeconds: 5, failureThreshold: 1 } })
  behaviour('[sig-node] Probing container should *not* be restarted with a GRPC liveness probe [NodeConformance] [Conformance]', async ({ client }, namespace) => {
    const at = { namespace, name: 'test-grpc' }
    await createPod(client, at, grpc(5000))
    const { status } = await untilPod(client, at, 'is ready', isReady)
    const start = Date.parse(status.containerStatuses?.[0]?.state?.running?.startedAt ?? '')
    await until('it has been probed for some time', () => Promise.resolve(Date.now() > start + 8000))
    expect(restartsOf(await client.get(Pods, at))).toBe(0)
    expect((await client.list(Events, { namespace, fieldSelector: 'reason=Unhealthy' })).items).toEqual([])
  })
  behaviour('[sig-node] Probing container should be restarted with a GRPC liveness probe [NodeConformance] [Conformance]', async ({ client }, namespace) => {
    const at = { namespace, name: 'test-grpc' }
    await createPod(client, at, grpc(2333))
    await untilPod(client, at, 'is restarted', (pod) => restartsOf(pod) >= 1)
    // As upstream's framework: events follow what they tell of.
    await until('it is told why', async () => expect((await client.list(Events, { namespace, fieldSelector: 'reason=Unhealthy' })).items[0]?.message).toMatch(/^Liveness probe failed: timeout: failed to connect service "[\d.]+:2333" within 5s/) ?? true)
  })
  behaviour('[sig-node] Container Lifecycle Hook when create a pod with lifecycle hook should execute poststart exec hook properly [NodeConformance] [Conformance]', async (world, namespace) => {
    const { client } = world
    const handler = { namespace, name: 'pod-handle-http-request' }
    await createPod(client, handler, { image: 'host', command: [...echoServer], ports: [{ containerPort: 8080 }] })
    const { status } = await untilPod(client, handler, 'serves', isReady)
    const hooked = { namespace, name: 'pod-with-poststart-exec-hook' }
    await createPod(client, hooked, { lifecycle: { postStart: { exec: { command: ['sh', '-c', `wget -qO- 'http://${status.podIP}:8080/echo?msg=poststart'`] } } } })
    await untilPod(client, hooked, 'is ready', isReady)
    await until('the hook has called', async () => (await logs(world, namespace, handler.name)).includes('GET /echo?msg=poststart'))
    await client.delete(Pods, hooked, { gracePeriodSeconds: 15 })
    await world.gone(Pods, hooked)
  })
}

const debugger1: EphemeralContainer = { name: 'debugger', image: busybox, command: ['/bin/sh', '-c', "trap 'exit 1' TERM; while true; do echo polo; sleep 2; done"], stdin: true, tty: true }

const ephemeral = (behaviour: Behaviour): void => {
  /** As upstream's client adds one: by a strategic patch made from two pods. */
  const withDebugger = async (world: World, at: { namespace: string; name: string }): Promise<void> => {
    const { client, cluster } = world
    await createPod(client, at, { name: 'test-container-1', image: busybox, command: ['/bin/sleep'], args: ['10000'] })
    await untilPod(client, at, 'is ready', isReady)
    await client.patch(Pods, at, { type: 'strategic', body: { spec: { '$setElementOrder/ephemeralContainers': [{ name: 'debugger' }], ephemeralContainers: [debugger1 as unknown as JsonValue] } } }, { subresource: 'ephemeralcontainers' })
    await untilPod(client, at, 'has its debugger', ({ status }) => status.ephemeralContainerStatuses?.[0]?.state?.running !== undefined)
    expect(await cluster.kubectl(['exec', '-n', at.namespace, at.name, '-c', 'debugger', '--', '/bin/echo', 'marco'])).toContain('marco')
    await until('its log says polo', async () => (await logs(world, at.namespace, at.name, 'debugger')).includes('polo'))
  }
  behaviour('[sig-node] Ephemeral Containers [NodeConformance] will start an ephemeral container in an existing pod [Conformance]', (world, namespace) => withDebugger(world, { namespace, name: 'ephemeral-containers-target-pod' }))
  behaviour('[sig-node] Ephemeral Containers [NodeConformance] should update the ephemeral containers in an existing pod [Conformance]', async (world, namespace) => {
    const { client } = world
    const at = { namespace, name: 'ephemeral-containers-target-pod' }
    await withDebugger(world, at)
    const names = async (): Promise<string[] | undefined> => (await client.get(Pods, at, { subresource: 'ephemeralcontainers' })).spec.ephemeralContainers?.map(({ name }) => name)
    expect(await names()).toEqual(['debugger'])
    await world.updated(Pods, at, ({ spec }: Pod) => { spec.ephemeralContainers?.push({ name: 'debugger2', image: pause, imagePullPolicy: 'IfNotPresent', terminationMessagePolicy: 'File' }) }, { subresource: 'ephemeralcontainers' })
    expect(await names()).toEqual(['debugger', 'debugger2'])
    await untilPod(client, at, 'runs both', ({ status }) => status.ephemeralContainerStatuses?.length === 2 && status.ephemeralContainerStatuses.every(({ state }) => state?.running !== undefined))
  })
}

const imageVolume = (behaviour: Behaviour): void => {
  behaviour('[sig-node] ImageVolume should succeed with pod and pull policy of Always [LinuxOnly] [MinimumKubeletVersion:1.35] [Conformance]', async (world, namespace) => {
    const { cluster, client } = world
    await using registry = await startRegistry({ address: bridgeAddress(nodeNetworkOf(cluster.home.clusterId)) })
    await writeFile(path.join(cluster.home.images, 'registries.json'), JSON.stringify({ registries: { [registry.host]: { plainHTTP: true } } }))
    registry.push('kitten:1.7', { layers: [[{ path: 'data.json', data: '{"image":"kitten.jpg"}' }], [{ path: 'etc/os-release', data: 'NAME="Alpine Linux"\n' }]], config: {} })
    const at = { namespace, name: 'image-volume-test' }
    const volumes = [{ name: 'volume', image: { reference: `${registry.host}/kitten:1.7`, pullPolicy: 'Always' } }]
    await createPod(client, at, { name: 'test-container', image: busybox, command: ['sh', '-c', 'while true; do sleep 1; done'], volumeMounts: [{ name: 'volume', mountPath: '/volume' }] }, { volumes })
    await untilPod(client, at, 'runs', isReady)
    const read = (file: string): Promise<string> => cluster.kubectl(['exec', '-n', namespace, at.name, '-c', 'test-container', '--', '/bin/cat', `/volume/${file}`])
    expect(await read('data.json')).toContain('kitten.jpg')
    expect(await read('etc/os-release')).toContain('Alpine Linux')
  })
}

const objects = (behaviour: Behaviour): void => {
  behaviour('[sig-node] Pods should patch a pod status [Conformance]', async ({ client }, namespace) => {
    const at = { namespace, name: 'pod-status' }
    await createPod(client, at, {})
    await untilPod(client, at, 'runs', ({ status }) => status.phase === 'Running')
    const { status, metadata } = await client.patch(Pods, at, { type: 'merge', body: { metadata: { annotations: { patchedstatus: 'true' } }, status: { message: 'Patched by e2e test', reason: 'E2E' } } }, { subresource: 'status' })
    expect({ message: status.message, reason: status.reason, annotation: metadata.annotations?.['patchedstatus'] }).toEqual({ message: 'Patched by e2e test', reason: 'E2E', annotation: 'true' })
  })
  behaviour('[sig-node] ConfigMap should update ConfigMap successfully [NodeConformance] [Conformance]', async ({ client }, namespace) => {
    const created = await client.create(ConfigMaps, { metadata: { name: 'configmap-test', namespace }, data: { data: 'value' } })
    await client.update(ConfigMaps, { ...created, data: { data: 'value-updated' } })
    expect((await client.get(ConfigMaps, { namespace, name: 'configmap-test' })).data).toEqual({ data: 'value-updated' })
  })
  behaviour('[sig-node] Node Lifecycle should run through the lifecycle of a node [Conformance]', async ({ client, updated, gone }) => {
    const at = { name: 'e2e-fake-node' }
    const ready = { type: 'Ready', status: 'True', reason: 'E2E', message: 'Set from e2e test' }
    const created = await client.create(Nodes, { metadata: at, spec: { unschedulable: true }, status: { phase: 'Running', conditions: [ready] } } as never)
    expect(created.status).toMatchObject({ phase: 'Running', conditions: [ready] })
    expect((await client.get(Nodes, at)).metadata.name).toBe(at.name)
    await client.patch(Nodes, at, { type: 'strategic', body: { metadata: { labels: { [at.name]: 'patched' } } } })
    expect((await client.list(Nodes, { labelSelector: `${at.name}=patched` })).items).toHaveLength(1)
    const changed = await updated(Nodes, at, ({ metadata }) => { metadata.labels = { ...metadata.labels, [at.name]: 'updated' } })
    expect(changed.metadata.labels?.[at.name]).toBe('updated')
    await client.delete(Nodes, at)
    await gone(Nodes, at)
  })
}

conformanceOfPods('node.test.ts', (behaviour) => {
  probesAndHooks(behaviour)
  ephemeral(behaviour)
  programs(behaviour)
  sysctls(behaviour)
  objects(behaviour)
  imageVolume(behaviour)
  generations(behaviour)
  resizes(behaviour)
})
