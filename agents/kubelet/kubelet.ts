/**
 * The node agent: brings the pods of this machine from what is wanted (static manifests, the API server) to what runs, and reports. Everything that a restart must not
 * lose is in the kernel, in the runtime's files and in small records: a new kubelet adopts what it finds. Mirrors pkg/kubelet/kubelet.go.
 */
import { mkdir } from 'node:fs/promises'
import type { Node } from '../../src/api/types.ts'
import type { Component } from '../../src/client/component.ts'
import type { InformerContext } from '../../src/client/reflector.ts'
import { apiObjects, follow } from './api-objects.ts'
import { followEndpoints } from './endpoint-stamps.ts'
import type { Evictor } from './eviction/evictor.ts'
import { nodeEvictor } from './eviction/node-evictor.ts'
import { hostImage } from './image.ts'
import { garbageCollector } from './images/collect-garbage.ts'
import { logindInhibitor } from './node-shutdown/inhibitor.ts'
import { type NodeShutdown, nodeShutdown, shutdownSignals } from './node-shutdown/node-shutdown.ts'
import { machine } from './machine.ts'
import { readMachineFacts } from './machine-facts.ts'
import { allocatableOf, initialNode, type Health, nodeStatus, type NodeFacts, podsLimits } from './node-status.ts'
import { renewLease, reportNode } from './node-registration.ts'
import type { KubeletOptions } from './options.ts'
import { isMirrorPod, isStaticPod } from './pod.ts'
import type { Machine } from './pod-run.ts'
import { mirrorPods } from './pod-source/mirrors.ts'
import { mirrorOf } from './pod-source/mirror-pods.ts'
import { staticSources } from './pod-source/static-sources.ts'
import { watchStaticPods } from './pod-source/static-pods.ts'
import { watchUrlPods } from './pod-source/url-pods.ts'
import { podResourcesSocket, servePodResources } from './pod-resources/server.ts'
import { podWorkers } from './pod-workers.ts'
import { kubeletServer } from './server/server.ts'
import { usageSampler } from './stats/usage-sampler.ts'
import { Wakeable } from './wakeable.ts'

const defaultMaxPods = 110
const defaultPort = 10_250

export const kubelet = (options: KubeletOptions): Component => ({ name: 'kubelet', run: (signal) => run(options, signal) })

const run = async (options: KubeletOptions, outer: AbortSignal): Promise<void> => {
  const { client, clock, random, log, nodeName, runtime } = options
  const ending = new AbortController()
  const signal = AbortSignal.any([outer, ending.signal])
  await mkdir(options.dataDirectory, { recursive: true, mode: 0o750 })
  await mkdir(options.memoryDirectory, { recursive: true, mode: 0o700 })
  const machineFacts = options.machine ?? await readMachineFacts(options.dataDirectory, random)
  const facts: NodeFacts = {
    nodeName, nodeIP: options.nodeIP, machine: machineFacts, maxPods: Math.min(options.maxPods ?? defaultMaxPods, options.podsPerCore ? options.podsPerCore * machineFacts.cpus : Infinity), ...(options.maxStatusImages !== undefined && { maxImages: options.maxStatusImages }), labels: options.labels ?? {}, taints: options.taints ?? [],
    version: options.version, providerID: options.providerID, kubeletPort: options.server?.port || defaultPort, ...(options.reserved && { reserved: options.reserved }), ...(options.eviction?.thresholds && { thresholds: options.eviction.thresholds }),
  }
  const context: InformerContext | undefined = client && { client, clock, random, log }
  const api = apiObjects(context, nodeName, signal)
  const health = (): Health => ({ pressures: shared.pressures(), shuttingDown: shared.isShuttingDown(), networkProblem: shared.networkProblem(), volumesInUse: shared.csi.inUse(), images: (options.images ?? hostImage).list(), devices: shared.devices.capacity() })
  const ownNode = (): Node | undefined => api.nodes?.lister.get(nodeName)
  const wakeNode = new Wakeable(clock)
  const shared = machine({
    options, facts: machineFacts, context,
    services: () => (api.services ? (servicesKnown ? api.services.lister.list() : undefined) : []),
    allocatable: () => ({ ...ownNode()?.status?.allocatable, ...allocatableOf(facts), ...shared.devices.admissible() }),
    pressures: () => evictions?.pressures() ?? [], isShuttingDown: () => shutdown?.isShuttingDown() ?? false,
    node: ownNode, statusChanged: () => wakeNode.notify(), driverRegistered: () => workers.wakeAll(),
    wake: (podUid) => workers.wake(podUid), refresh: (podUid) => workers.refresh(podUid),
  }, signal)
  let servicesKnown = false
  let evictions: Evictor | undefined
  let shutdown: NodeShutdown | undefined
  const fallbackNode = { ...initialNode(facts, nodeStatus(facts, health(), {}, clock.now())), metadata: { ...initialNode(facts, {}).metadata, name: nodeName, uid: '', resourceVersion: '', creationTimestamp: '' } } as Node
  const workers = podWorkers(shared, () => ownNode() ?? fallbackNode, signal)
  const images = options.imageStore && garbageCollector({ store: options.imageStore, clock, log, tell: shared.recordNode, ...(options.imageGarbagePolicy && { policy: options.imageGarbagePolicy }) })
  evictions = nodeEvictor({ options: { ...options, ...(images && { reclaimImages: async () => { await images.free(Infinity) } }) }, machine: shared, workers, maxPids: machineFacts.maxPids, changed: () => wakeNode.notify() })
  shutdown = nodeShutdown({
    graces: options.shutdown?.graces ?? [], requests: options.shutdown?.requests ?? shutdownSignals, inhibitor: options.shutdown?.inhibitor ?? ((seconds) => logindInhibitor(seconds, log)), clock, log,
    pods: () => workers.active(), fail: (podUid, failure) => workers.fail(podUid, failure), hasStopped: (podUid) => workers.hasStopped(podUid), tellNode: shared.recordNode, changed: () => wakeNode.notify(),
  })
  const sampler = usageSampler({ runtime, clock, log, pods: () => workers.list() })

  const more = options.moreStaticPods === options.staticPodDirectory ? undefined : options.moreStaticPods
  const sources = staticSources({ file: options.staticPodDirectory !== undefined, configured: more !== undefined, http: options.staticPodURL !== undefined }, (message) => log.error(message))
  let apiKnown = api.pods === undefined
  const mirrors = mirrorPods({ client, clock, random, log, node: ownNode }, signal)
  const wakeSources = new Wakeable(clock)
  /** Brings all sources together, one round after the other. */
  const gather = async (): Promise<void> => {
    for (;;) {
      await wakeSources.next(signal)
      // All of one moment: what is heard of while the workers are told counts in the next round.
      const [staticPods, complete, known] = [sources.pods(), sources.complete(), apiKnown]
      const apiPods = known ? (api.pods?.lister.list() ?? []) : []
      await workers.update({ pods: [...staticPods, ...apiPods.filter((pod) => !isMirrorPod(pod))], complete: { static: complete, api: known && api.pods !== undefined } })
      const byUid = new Map(apiPods.map((pod) => [pod.metadata.uid, pod]))
      for (const pod of workers.list()) shared.statuses.seen(pod.metadata.uid, isStaticPod(pod) ? mirrorOf(pod, apiPods) : byUid.get(pod.metadata.uid))
      if (known) mirrors.update({ staticPods, complete, apiPods, running: workers.list().filter(isStaticPod) })
    }
  }
  const changed = (): void => wakeSources.notify()
  workers.onEnd(changed)

  let volumesSeen = ''
  let uidSeen: string | undefined
  const followNode = async (): Promise<void> => follow(api.nodes, () => {
    const { volumesAttached = [], volumesInUse = [] } = ownNode()?.status ?? {}
    const volumes = JSON.stringify([volumesAttached, volumesInUse])
    if (volumes !== volumesSeen) workers.wakeAll()
    volumesSeen = volumes
    const uid = ownNode()?.metadata.uid
    if (uid !== uidSeen) shared.csi.nodeMade()
    uidSeen = uid
    const range = ownNode()?.spec?.podCIDR
    wakeNode.notify()
    changed()
    if (!range || !options.network || options.network.isReady()) return
    options.network.configure(range).then(() => { workers.wakeAll(); wakeNode.notify() }, (error: unknown) => log.error('cannot set up the pod network', { range, error: String(error) }))
  }, signal)
  const runtimeEvents = async (): Promise<void> => {
    for await (const event of runtime.events(signal)) {
      const pod = workers.get(event.podUid)
      if (pod && event.container && event.kind === 'exited') {
        const state = (await runtime.listContainers(event.podUid)).find(({ name, attempt }) => name === event.container && attempt === event.attempt)
        const about = { podUid: event.podUid, podNamespace: pod.metadata.namespace ?? '', podName: pod.metadata.name, container: event.container, attempt: event.attempt ?? 0 }
        shared.heal.add({ ...about, phase: 'exit', monotonicMs: event.exitedMilliseconds ?? event.monotonicMilliseconds, ...(state?.exitCode !== undefined && { exitCode: state.exitCode }), ...(state?.signal !== undefined && { signal: state.signal }),
          ...(state?.oomKilled && { message: 'out of memory' }) })
        if (event.exitedMilliseconds !== undefined) shared.heal.add({ ...about, phase: 'reaped', monotonicMs: event.monotonicMilliseconds })
      }
      workers.wake(event.podUid)
      for (const hear of shared.heard) hear(event)
    }
  }
  const registration = client && api.nodes && { client, clock, random, log, facts, nodes: api.nodes, health, wake: wakeNode, tell: shared.recordNode }
  const staticDirectory = options.staticPodDirectory

  await shared.csi.restore()
  await shared.devices.restore()
  const parts: Promise<void>[] = [
    gather(),
    runtimeEvents(),
    follow(api.pods, () => { apiKnown = true; shared.statuses.reachable(); changed() }, signal),
    follow(api.services, () => { servicesKnown = true }, signal),
    followNode(),
    ...(staticDirectory === undefined ? [] : [watchStaticPods({ directory: staticDirectory, nodeName, clock, log }, (pods) => { sources.set('file', pods); changed() }, signal)]),
    ...(more === undefined ? [] : [watchStaticPods({ directory: more, nodeName, clock, log }, (pods) => { sources.set('configured', pods); changed() }, signal)]),
    ...(options.staticPodURL ? [watchUrlPods({ ...options.staticPodURL, nodeName, clock, log }, (pods) => { sources.set('http', pods); changed() }, signal)] : []),
    ...(registration ? [reportNode(registration, signal), renewLease(registration, signal)] : []),
    ...(options.server ? [kubeletServer({ options, server: options.server, machine: shared, workers, sampler, facts }).run(signal)] : []),
    sampler.run(signal),
    shared.csi.run(signal),
    shared.devices.run(signal),
    servePodResources({ socket: podResourcesSocket(options.dataDirectory), machine: shared, pods: () => workers.active(), clock, log }, signal),
    shared.cpus.run(signal),
    evictions.run(signal),
    ...(images ? [images.run(signal)] : []),
    shutdown.run(signal),
    ...(options.proxyPort === undefined ? [] : [followEndpoints({ port: options.proxyPort, clock, random, log, heal: shared.heal, pod: (uid) => workers.get(uid) }, signal)]),
  ]
  changed()
  shared.recordNode({ type: 'Normal', reason: 'Starting', message: 'Starting kubelet.' })
  if (options.enforcePods ?? true) await enforceAllocatable(shared, facts)
  // One part that fails takes the kubelet down: whoever keeps it starts another, which adopts everything.
  await Promise.all(parts.map((part) => part.catch((error: unknown) => {
    if (signal.aborted) return
    ending.abort(error)
    throw error
  })))
  await workers.settled()
}

/** Whatever pods ask for: together they get no more than is not reserved. */
const enforceAllocatable = async ({ runtime, recordNode, nodeName }: Machine, facts: NodeFacts): Promise<void> => {
  try {
    await runtime.updateNode(podsLimits(facts))
    recordNode({ type: 'Normal', reason: 'NodeAllocatableEnforced', message: 'Updated Node Allocatable limit across pods' })
  } catch (error) {
    recordNode({ type: 'Warning', reason: 'FailedNodeAllocatableEnforcement', message: `Failed to update Node Allocatable Limits ${JSON.stringify(nodeName)}: ${error instanceof Error ? error.message : String(error)}` })
  }
}
