/** Behaviours of changed pods: resized while they run, and counted by generation. */
import { expect } from 'vitest'
import { Pods } from '../../src/api/kinds.ts'
import { toMilli } from '../../src/api/quantity.ts'
import type { JsonValue } from '../../src/api/meta.ts'
import type { Container, Pod, ResourceRequirements } from '../../src/api/types.ts'
import type { Client } from '../../src/client/client.ts'
import { until } from '../support/cluster.ts'
import type { Behaviour, World } from '../support/conformance.ts'
import { busybox, createPod, entrypointTester, isFull, pause, untilPod } from '../support/conformance-pods.ts'
import { isReady, restartsOf } from '../support/live-client.ts'

/** What each container has, by upstream's names: cpu and memory, requested and at most. */
interface Sizes { cpu?: string; cpuLimit?: string; memory?: string; memoryLimit?: string }

const only = (entries: Record<string, string | undefined>): Record<string, string> | undefined => {
  const set = Object.entries(entries).filter((entry): entry is [string, string] => entry[1] !== undefined)
  return set.length > 0 ? Object.fromEntries(set) : undefined
}
const resourcesOf = ({ cpu, cpuLimit, memory, memoryLimit }: Sizes): ResourceRequirements => {
  const [requests, limits] = [only({ cpu, memory }), only({ cpu: cpuLimit, memory: memoryLimit })]
  return { ...(requests && { requests }), ...(limits && { limits }) }
}
const containersOf = (sizes: readonly Sizes[]): Container[] => sizes.map((each, index) => ({ name: `c${index + 1}`, image: pause, resources: resourcesOf(each) }))

const amounts = (resources: ResourceRequirements | undefined): unknown => Object.fromEntries((['requests', 'limits'] as const).map((kind) => [kind, Object.entries(resources?.[kind] ?? {}).map(([name, value]) => `${name} ${toMilli(value)}`).sort()]))
const wanted = (sizes: readonly Sizes[]): unknown[] => sizes.map((each) => amounts(resourcesOf(each)))

/** The resize is over: nothing pends, and every container has in its status what it was given, without a restart. */
const actuated = (client: Client, at: { namespace: string; name: string }, sizes: readonly Sizes[]): Promise<Pod> => untilPod(client, at, `has ${JSON.stringify(sizes)}`, ({ metadata, spec, status }) => {
  const has = spec.containers.map(({ name }) => amounts(status.containerStatuses?.find((each) => each.name === name)?.resources))
  return JSON.stringify(has) === JSON.stringify(wanted(sizes)) && !status.conditions?.some(({ type }) => type.startsWith('PodResize')) && status.observedGeneration === metadata.generation
})

const resizeAndBack = async ({ client }: World, namespace: string, { from, to, back }: { from: readonly Sizes[]; to: readonly Sizes[]; back: boolean }): Promise<void> => {
  const at = { namespace, name: 'testpod' }
  await createPod(client, at, {}, { containers: containersOf(from) })
  await untilPod(client, at, 'is ready', isReady)
  await actuated(client, at, from)
  for (const sizes of back ? [to, from] : [to]) {
    const patched = await client.patch(Pods, at, { type: 'strategic', body: { spec: { containers: containersOf(sizes).map(({ name, resources }) => ({ name, resources })) as unknown as JsonValue } } }, { subresource: 'resize' })
    expect(patched.spec.containers.map(({ resources }) => amounts(resources))).toEqual(wanted(sizes))
    expect(restartsOf(await actuated(client, at, sizes))).toBe(0)
  }
}

const guaranteed = (cpu: number, memory: number, index: number): Sizes => {
  const [cpus, bytes] = [`${cpu + 2 * index}m`, `${memory + 2 * index}Mi`]
  return { cpu: cpus, cpuLimit: cpus, memory: bytes, memoryLimit: bytes }
}
const three = (...sizes: readonly (readonly [number, number])[]): Sizes[] => sizes.map(([cpu, memory], index) => guaranteed(cpu, memory, index))
const asCreated = three([20, 35], [20, 35], [20, 35])

export const resizes = (behaviour: Behaviour): void => {
  behaviour('[sig-node] Pod InPlace Resize Container guaranteed pods with multiple containers 3 containers - increase cpu & mem on c1, c2, decrease cpu & mem on c3 - net increase [MinimumKubeletVersion:1.34] [Conformance]', (world, namespace) =>
    resizeAndBack(world, namespace, { from: asCreated, to: three([25, 40], [25, 40], [15, 30]), back: true }))
  behaviour('[sig-node] Pod InPlace Resize Container guaranteed pods with multiple containers 3 containers - increase cpu & mem on c1, decrease cpu & mem on c2, c3 - net decrease [MinimumKubeletVersion:1.34] [Conformance]', (world, namespace) =>
    resizeAndBack(world, namespace, { from: asCreated, to: three([25, 40], [15, 30], [15, 30]), back: true }))
  behaviour('[sig-node] Pod InPlace Resize Container guaranteed pods with multiple containers 3 containers - increase: CPU (c1,c3), memory (c2, c3) ; decrease: CPU (c2) [MinimumKubeletVersion:1.34] [Conformance]', (world, namespace) =>
    resizeAndBack(world, namespace, { from: asCreated, to: three([25, 35], [15, 40], [25, 40]), back: true }))
  behaviour('[sig-node] Pod InPlace Resize Container burstable pods - extended 6 containers - various operations performed (including adding limits and requests) [MinimumKubeletVersion:1.34] [Conformance]', (world, namespace) =>
    resizeAndBack(world, namespace, { back: false,
      from: [{ cpu: '20m' }, { memory: '35Mi' }, { cpu: '20m', memory: '35Mi' }, { cpu: '20m' }, { memory: '35Mi' }],
      to: [{ cpu: '25m', cpuLimit: '35m' }, { memory: '30Mi', memoryLimit: '50Mi' }, { cpu: '20m', memory: '30Mi' }, { cpu: '15m', memory: '35Mi' }, { cpu: '20m', memory: '40Mi' }] }))
  behaviour('[sig-node] Pod InPlace Resize Container burstable pods - extended resize with equivalents [MinimumKubeletVersion:1.34] [Conformance]', (world, namespace) =>
    resizeAndBack(world, namespace, { from: [{ cpu: '2m', cpuLimit: '10m' }], to: [{ cpu: '1m', cpuLimit: '5m' }], back: true }))
  behaviour('[sig-node] Pod InPlace Resize Container resize pod via the replace endpoint [MinimumKubeletVersion:1.34] [Conformance]', async ({ client, updated }, namespace) => {
    const at = { namespace, name: 'testpod' }
    await createPod(client, at, {}, { containers: containersOf([{ cpu: '20m', memory: '35Mi' }]) })
    expect((await untilPod(client, at, 'is ready', isReady)).metadata.generation).toBe(1)
    const larger = { cpu: '25m', memory: '40Mi' }
    const replaced = await updated(Pods, at, ({ spec }) => { if (spec.containers[0]) spec.containers[0].resources = resourcesOf(larger) }, { subresource: 'resize' })
    expect({ resources: replaced.spec.containers.map(({ resources }) => amounts(resources)), generation: replaced.metadata.generation }).toEqual({ resources: wanted([larger]), generation: 2 })
    const resized = await actuated(client, at, [larger])
    const read = await client.get(Pods, at, { subresource: 'resize' })
    expect(read.spec).toEqual(resized.spec)
    expect(restartsOf(resized)).toBe(0)
  })
}

export const generations = (behaviour: Behaviour): void => {
  behaviour('[sig-node] Pods Extended (pod generation) Pod Generation pod generation should start at 1 and increment per update [MinimumKubeletVersion:1.34] [Conformance]', async ({ client, updated }, namespace) => {
    const at = { namespace, name: 'pod-generation' }
    const created = await createPod(client, at, {}, { initContainers: [{ name: 'init-container', image: busybox, command: ['true'] }] })
    expect(created.metadata.generation).toBe(1)
    await untilPod(client, at, 'is ready', isReady)
    const changes: readonly [string, (pod: Pod) => void, number][] = [
      ['nothing', () => {}, 1],
      ['tolerations', ({ spec }) => { spec.tolerations = [...spec.tolerations ?? [], { key: 'foo', operator: 'Equal', value: 'bar', effect: 'NoSchedule' }] }, 2],
      ['a deadline', ({ spec }) => { spec.activeDeadlineSeconds = 5000 }, 3],
      ['an image', ({ spec }) => { if (spec.containers[0]) spec.containers[0].image = `docker.io/library/${pause}` }, 4],
      ['the image of an init container', ({ spec }) => { if (spec.initContainers?.[0]) spec.initContainers[0].image = entrypointTester }, 5],
      ['an annotation', ({ metadata }) => { metadata.annotations = { key: 'value' } }, 5],
      ['its generation', ({ metadata }) => { metadata.generation = 1 }, 5],
    ]
    for (const [what, change, generation] of changes) {
      await updated(Pods, at, change)
      expect([what, (await client.get(Pods, at)).metadata.generation]).toEqual([what, generation])
      await until(`the kubelet has seen ${what}`, async () => (await client.get(Pods, at)).status.observedGeneration === generation, 60)
    }
  })
  behaviour('[sig-node] Pods Extended (pod generation) Pod Generation custom-set generation on new pods and graceful delete [Conformance]', async ({ client, ask }, namespace) => {
    const at = { namespace, name: 'pod-generation' }
    const created = await client.create(Pods, { metadata: { ...at, generation: 100 }, spec: { containers: [{ name: 'main', image: busybox, command: ['sh', '-c', 'trap "" TERM; while :; do sleep 1; done'] }] } } as never)
    expect(created.metadata.generation).toBe(1)
    await untilPod(client, at, 'is ready', isReady)
    expect((await ask('DELETE', `/api/v1/namespaces/${namespace}/pods/${at.name}?gracePeriodSeconds=60`)).status).toBe(200)
    expect((await client.get(Pods, at)).metadata.generation).toBe(2)
    await client.delete(Pods, at, { gracePeriodSeconds: 0 })
  })
  // Half a minute of nothing but updates, and more on a machine that has other work.
  if (isFull) behaviour('[sig-node] Pods Extended (pod generation) Pod Generation issue 500 podspec updates and verify generation and observedGeneration eventually converge [MinimumKubeletVersion:1.34] [Conformance]', async ({ client, updated }, namespace) => {
    const at = { namespace, name: 'pod-generation' }
    await createPod(client, at, {}, { activeDeadlineSeconds: 5000 })
    await untilPod(client, at, 'is ready', isReady)
    for (let left = 499; left > 0; left--) await updated(Pods, at, ({ spec }) => { spec.activeDeadlineSeconds = (spec.activeDeadlineSeconds ?? 0) - 1 })
    const { metadata, status } = await untilPod(client, at, 'is seen to the last change', (pod) => pod.status.observedGeneration === 500)
    expect({ generation: metadata.generation, phase: status.phase }).toEqual({ generation: 500, phase: 'Running' })
  })
}
