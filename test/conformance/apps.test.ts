/** Behaviours of sig-apps that came after Kubernetes 1.20, step by step as upstream's conformance suite plays them: controllers' objects, their subresources, disruption budgets. */
import { expect } from 'vitest'
import { ControllerRevisions, CronJobs, DaemonSets, Deployments, type Kind, Namespaces, PodDisruptionBudgets, Pods, ReplicaSets, ReplicationControllers, Services, StatefulSets } from '../../src/api/kinds.ts'
import type { JsonValue, KubeObject } from '../../src/api/meta.ts'
import type { DaemonSet, Deployment, Pod, PodDisruptionBudget, ReplicaSet, ReplicationController, Scale, StatefulSet } from '../../src/api/types.ts'
import type { Client } from '../../src/client/client.ts'
import { until } from '../support/cluster.ts'
import { refused, type World } from '../support/conformance.ts'
import { busybox, conformanceOfPods, pause, running, seen } from '../support/conformance-pods.ts'

interface Workload extends KubeObject { spec: { replicas?: number | undefined }; status: { conditions?: { type: string; status: string; reason?: string | undefined; message?: string | undefined }[] | undefined; readyReplicas?: number | undefined; numberReady?: number | undefined } }

const now = (): string => new Date().toISOString().replace(/\.\d+Z$/, 'Z')
const podTemplate = (labels: Record<string, string>, name = 'agnhost') => ({ metadata: { labels }, spec: { terminationGracePeriodSeconds: 0, containers: [{ name, image: pause }] } })
const replicated = (name: string, namespace: string, labels: Record<string, string>, replicas: number) => ({
  metadata: { name, namespace, labels }, spec: { replicas, selector: { matchLabels: labels }, template: podTemplate(labels) },
}) as never

conformanceOfPods('apps.test.ts', (behaviour) => {

  /** Conditions that somebody else writes through `/status` live on, beside those of the controller. */
  const statusEndpoints = async <T extends Workload>({ client, updated }: World, kind: Kind<T>, { namespace, name, labelSelector, resourceVersion, patch }: { namespace: string; name: string; labelSelector: string; resourceVersion: string; patch: JsonValue }): Promise<void> => {
    const at = { namespace, name }
    expect((await client.get(kind, at, { subresource: 'status' })).kind).toBe(kind.kind)
    const changed = await updated(kind, at, ({ status }) => { status.conditions = [...status.conditions ?? [], { type: 'StatusUpdate', status: 'True', reason: 'E2E', message: 'Set from e2e test' }] }, { subresource: 'status' })
    expect(changed.status.conditions?.map(({ type }) => type)).toContain('StatusUpdate')
    const isAbout = (object: T): boolean => object.metadata.name === name && object.metadata.namespace === namespace
    await seen(client, kind, { namespace, labelSelector, resourceVersion }, ({ object }) =>
      isAbout(object) && (object.status.conditions?.some(({ type, reason, message }) => type === 'StatusUpdate' && reason === 'E2E' && message === 'Set from e2e test') ?? false))
    const patched = await client.patch(kind, at, { type: 'merge', body: patch }, { subresource: 'status' })
    expect(patched.status.conditions?.map(({ type, status }) => ({ type, status }))).toEqual([{ type: 'StatusPatched', status: 'True' }])
    await seen(client, kind, { namespace, labelSelector, resourceVersion }, ({ object }) => isAbout(object) && (object.status.conditions?.some(({ type }) => type === 'StatusPatched') ?? false))
  }
  const statusPatched: JsonValue = { status: { conditions: [{ type: 'StatusPatched', status: 'True' }] } }

  /** Reads, replaces without a resourceVersion, and patches how many replicas are wanted. */
  const scaleSubresource = async <T extends Workload>(client: Client, kind: Kind<T>, at: { namespace: string; name: string }): Promise<void> => {
    const scale = await client.get(kind, at, { subresource: 'scale' }) as unknown as Scale
    expect({ kind: scale.kind, spec: scale.spec.replicas, status: scale.status.replicas }).toEqual({ kind: 'Scale', spec: 1, status: 1 })
    const { resourceVersion: _, ...metadata } = scale.metadata
    const result = await client.update(kind, { ...scale, metadata, spec: { replicas: 2 } } as never, { subresource: 'scale' }) as unknown as Scale
    expect(result.spec.replicas).toBe(2)
    expect((await client.get(kind, at)).spec.replicas).toBe(2)
    await client.patch(kind, at, { type: 'strategic', body: { metadata: {}, spec: { replicas: 4 }, status: { replicas: 0 } } }, { subresource: 'scale' })
    expect((await client.get(kind, at)).spec.replicas).toBe(4)
  }

  behaviour('[sig-apps] ReplicaSet Replicaset should have a working scale subresource [Conformance]', async ({ client }, namespace) => {
    await client.create(ReplicaSets, replicated('test-rs', namespace, { name: 'sample-pod', pod: 'agnhost' }, 1))
    await until('one replica', async () => (await client.get(ReplicaSets, { namespace, name: 'test-rs' })).status.readyReplicas === 1)
    await scaleSubresource<Workload & ReplicaSet>(client, ReplicaSets as never, { namespace, name: 'test-rs' })
  })
  behaviour('[sig-apps] Deployment Deployment should have a working scale subresource [Conformance]', async ({ client }, namespace) => {
    await client.create(Deployments, replicated('test-new-deployment', namespace, { name: 'httpd' }, 1))
    await until('one replica', async () => (await client.get(Deployments, { namespace, name: 'test-new-deployment' })).status.availableReplicas === 1)
    await scaleSubresource<Workload & Deployment>(client, Deployments as never, { namespace, name: 'test-new-deployment' })
  })
  behaviour('[sig-apps] ReplicationController should get and update a ReplicationController scale [Conformance]', async ({ client }, namespace) => {
    const at = { namespace, name: 'e2e-rc' }
    await client.create(ReplicationControllers, { metadata: { name: 'e2e-rc', namespace, labels: { name: 'e2e-rc' } }, spec: { replicas: 1, selector: { name: 'e2e-rc' }, template: podTemplate({ name: 'e2e-rc' }) } } as never)
    await until('one replica', async () => (await client.get(ReplicationControllers, at)).status.replicas === 1)
    const scale = await client.get(ReplicationControllers, at, { subresource: 'scale' }) as unknown as Scale
    expect(scale.status.replicas).toBe(1)
    await client.update(ReplicationControllers, { ...scale, metadata: { name: 'e2e-rc', namespace }, spec: { replicas: 2 } } as never, { subresource: 'scale' })
    await until('two replicas', async () => {
      const { spec, status } = await client.get(ReplicationControllers, at) as ReplicationController
      return spec?.replicas === 2 && status.replicas === 2
    })
  })

  behaviour('[sig-apps] ReplicaSet Replace and Patch tests [Conformance]', async ({ client, updated }, namespace) => {
    const { resourceVersion } = await client.list(ReplicaSets, { labelSelector: 'test-rs=patched' })
    const created = await client.create(ReplicaSets, replicated('test-rs', namespace, { name: 'sample-pod', pod: 'agnhost' }, 1))
    await running(client, namespace, 'name=sample-pod', 1)
    await updated(ReplicaSets, { namespace, name: 'test-rs' }, ({ spec }) => { if (spec) spec.replicas = 2 })
    const patched = await client.patch(ReplicaSets, { namespace, name: 'test-rs' }, { type: 'strategic', body: {
      metadata: { labels: { 'test-rs': 'patched' } },
      spec: { replicas: 3, template: { spec: { terminationGracePeriodSeconds: 0, containers: [{ name: 'test-rs', image: `docker.io/library/${pause}` }] } } },
    } })
    expect(BigInt(patched.metadata.resourceVersion)).toBeGreaterThan(BigInt(created.metadata.resourceVersion))
    await seen(client, ReplicaSets, { namespace, labelSelector: 'test-rs=patched', resourceVersion }, ({ object: { spec, status } }) =>
      status.readyReplicas === 3 && status.availableReplicas === 3 && spec.template?.spec?.containers[0]?.image === `docker.io/library/${pause}` && spec.template.spec.terminationGracePeriodSeconds === 0)
  })
  behaviour('[sig-apps] ReplicaSet should list and delete a collection of ReplicaSets [Conformance]', async ({ client }, namespace) => {
    await client.create(ReplicaSets, replicated('test-rs', namespace, { name: 'sample-pod', pod: 'agnhost', e2e: 'rs-collection' }, 3))
    await running(client, namespace, 'name=sample-pod', 3)
    expect((await client.list(ReplicaSets, { labelSelector: 'e2e=rs-collection' })).items).toHaveLength(1)
    await client.deleteCollection(ReplicaSets, { namespace, labelSelector: 'e2e=rs-collection' }, { gracePeriodSeconds: 1 })
    expect((await client.list(ReplicaSets, { labelSelector: 'e2e=rs-collection' })).items).toEqual([])
  })

  behaviour('[sig-apps] ReplicaSet should validate Replicaset Status endpoints [Conformance]', async (world, namespace) => {
    const { client } = world
    const { resourceVersion } = await client.list(ReplicaSets, { labelSelector: 'name=sample-pod,pod=agnhost' })
    await client.create(ReplicaSets, replicated('test-rs', namespace, { name: 'sample-pod', pod: 'agnhost' }, 1))
    await running(client, namespace, 'name=sample-pod', 1)
    await statusEndpoints<Workload & ReplicaSet>(world, ReplicaSets as never, { namespace, name: 'test-rs', labelSelector: 'name=sample-pod,pod=agnhost', resourceVersion, patch: statusPatched })
  })
  behaviour('[sig-apps] Deployment should validate Deployment Status endpoints [Conformance]', async (world, namespace) => {
    const { client } = world
    const { resourceVersion } = await client.list(Deployments, { labelSelector: 'e2e=testing' })
    await client.create(Deployments, replicated('test-deployment', namespace, { name: 'httpd', e2e: 'testing' }, 1))
    await until('the deployment is complete', async () => {
      const { metadata, status } = await client.get(Deployments, { namespace, name: 'test-deployment' })
      return metadata.annotations?.['deployment.kubernetes.io/revision'] === '1' && status.updatedReplicas === 1 && status.availableReplicas === 1 && status.observedGeneration === metadata.generation
    })
    await statusEndpoints<Workload & Deployment>(world, Deployments as never, { namespace, name: 'test-deployment', labelSelector: 'e2e=testing', resourceVersion, patch: statusPatched })
  })
  behaviour('[sig-apps] StatefulSet Basic StatefulSet functionality [StatefulSetBasic] should validate Statefulset Status endpoints [Conformance]', async (world, namespace) => {
    const { client } = world
    const { resourceVersion } = await client.list(StatefulSets, { labelSelector: 'e2e=testing' })
    await client.create(StatefulSets, statefulSet(namespace, 'ss', 1))
    await until('one replica', async () => (await client.get(StatefulSets, { namespace, name: 'ss' })).status.readyReplicas === 1)
    await client.patch(StatefulSets, { namespace, name: 'ss' }, { type: 'strategic', body: { metadata: { labels: { e2e: 'testing' } } } })
    await statusEndpoints<Workload & StatefulSet>(world, StatefulSets as never, { namespace, name: 'ss', labelSelector: 'e2e=testing', resourceVersion, patch: statusPatched })
  })
  behaviour('[sig-apps] Daemon set [Serial] should verify changes to a daemon set status [Conformance]', async (world, namespace) => {
    const { client } = world
    const labelSelector = 'daemonset-name=daemon-set'
    const { resourceVersion } = await client.list(DaemonSets, { labelSelector })
    await daemonsEverywhere(client, namespace, 'daemon-set')
    // What a Go client sends of a DaemonSet of which it set one field of the status.
    const patch: JsonValue = { metadata: { creationTimestamp: null }, spec: { selector: null, template: { metadata: { creationTimestamp: null }, spec: { containers: null } }, updateStrategy: {} },
      status: { currentNumberScheduled: 0, numberMisscheduled: 0, desiredNumberScheduled: 0, numberReady: 0, conditions: [{ type: 'StatusPatched', status: 'True', lastTransitionTime: null }] } }
    await statusEndpoints<Workload & DaemonSet>(world, DaemonSets as never, { namespace, name: 'daemon-set', labelSelector, resourceVersion, patch })
  })
  const statefulSet = (namespace: string, name: string, replicas: number) => ({
    metadata: { name, namespace }, spec: { serviceName: 'test', replicas, selector: { matchLabels: { baz: 'blah', foo: 'bar' } }, template: podTemplate({ baz: 'blah', foo: 'bar' }, 'webserver') },
  }) as never
  const daemonsEverywhere = async (client: Client, namespace: string, name: string): Promise<DaemonSet> => {
    const labels = { 'daemonset-name': name }
    await client.create(DaemonSets, { metadata: { name, namespace, labels }, spec: { selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'app', image: pause, ports: [{ containerPort: 9376 }] }] } } } } as never)
    return until(`${name} runs on every node`, async () => {
      const set = await client.get(DaemonSets, { namespace, name })
      return set.status.numberReady === 2 && set.status.desiredNumberScheduled === 2 && set.status.currentNumberScheduled === 2 && set.status.numberAvailable === 2 && set.status.updatedNumberScheduled === 2 ? set : undefined
    })
  }

  behaviour('[sig-apps] StatefulSet Basic StatefulSet functionality [StatefulSetBasic] should list, patch and delete a collection of StatefulSets [Conformance]', async ({ client }, namespace) => {
    await client.create(Services, { metadata: { name: 'test', namespace }, spec: { clusterIP: 'None', selector: { baz: 'blah' }, ports: [{ name: 'http', port: 80, protocol: 'TCP' }] } } as never)
    await client.create(StatefulSets, statefulSet(namespace, 'test-ss', 1))
    const ready = (replicas: number) => until(`${replicas} replicas`, async () => {
      const { metadata, status } = await client.get(StatefulSets, { namespace, name: 'test-ss' })
      return status.replicas === replicas && status.readyReplicas === replicas && status.observedGeneration === metadata.generation && status.currentRevision === status.updateRevision
    })
    await ready(1)
    await client.patch(StatefulSets, { namespace, name: 'test-ss' }, { type: 'strategic', body: {
      metadata: { labels: { 'test-ss': 'patched' } },
      spec: { replicas: 2, template: { spec: { terminationGracePeriodSeconds: 0, containers: [{ name: 'test-ss', image: `docker.io/library/${pause}` }] } } },
    } })
    const { spec } = await client.get(StatefulSets, { namespace, name: 'test-ss' })
    expect({ replicas: spec.replicas, first: spec.template.spec?.containers[0]?.image }).toEqual({ replicas: 2, first: `docker.io/library/${pause}` })
    await ready(2)
    expect((await client.list(StatefulSets, { labelSelector: 'test-ss=patched' })).items).toHaveLength(1)
    await client.deleteCollection(StatefulSets, { namespace, labelSelector: 'test-ss=patched' }, { gracePeriodSeconds: 1 })
    expect((await client.list(StatefulSets, { labelSelector: 'test-ss=patched' })).items).toEqual([])
  })
  behaviour('[sig-apps] Daemon set [Serial] should list and delete a collection of DaemonSets [Conformance]', async ({ client }, namespace) => {
    await daemonsEverywhere(client, namespace, 'daemon-set-2')
    expect((await client.list(DaemonSets, { labelSelector: 'daemonset-name=daemon-set-2' })).items).toHaveLength(1)
    await client.deleteCollection(DaemonSets, { namespace, labelSelector: 'daemonset-name=daemon-set-2' }, { gracePeriodSeconds: 1 })
    expect((await client.list(DaemonSets, { labelSelector: 'daemonset-name=daemon-set-2' })).items).toEqual([])
  })
  behaviour('[sig-apps] ControllerRevision [Serial] should manage the lifecycle of a ControllerRevision [Conformance]', async ({ client, updated }, namespace) => {
    const name = 'e2e-daemon-set'
    const labelSelector = `daemonset-name=${name}`
    const owner = await daemonsEverywhere(client, namespace, name)
    const revisions = async () => (await client.list(ControllerRevisions, { namespace, labelSelector })).items
    const untilThereAre = (count: number) => until(`${count} revisions`, async () => { const found = await revisions(); return found.length === count ? found : undefined })
    const [initial] = await untilThereAre(1)
    expect(initial?.metadata.ownerReferences?.[0]).toMatchObject({ kind: 'DaemonSet', uid: owner.metadata.uid })
    const first = initial?.metadata.name ?? ''
    const patched = await client.patch(ControllerRevisions, { namespace, name: first }, { type: 'strategic', body: { metadata: { labels: { [first]: 'patched' } } } })
    expect(patched.metadata.labels?.[first]).toBe('patched')
    const second = `${name}-5f7b8c9d`
    await client.create(ControllerRevisions, { metadata: { name: second, namespace, labels: { 'daemonset-name': name, 'controller-revision-hash': '5f7b8c9d' }, annotations: owner.metadata.annotations,
      ownerReferences: initial?.metadata.ownerReferences }, data: initial?.data, revision: (initial?.revision ?? 0) + 1 } as never)
    await untilThereAre(2)
    await client.delete(ControllerRevisions, { namespace, name: first })
    const [current] = await untilThereAre(1)
    const last = current?.metadata.name ?? ''
    const changed = await updated(ControllerRevisions, { namespace, name: last }, ({ metadata }) => { metadata.labels = { ...metadata.labels, [last]: 'updated' } })
    expect(changed.metadata.labels?.[last]).toBe('updated')
    await client.patch(DaemonSets, { namespace, name }, { type: 'strategic', body: { spec: { template: { spec: { terminationGracePeriodSeconds: 1 } } }, updateStrategy: { type: 'RollingUpdate' } } })
    await untilThereAre(2)
    await client.deleteCollection(ControllerRevisions, { namespace, labelSelector: `${last}=updated` })
    const [left] = await untilThereAre(1)
    expect(left?.revision).toBe(3)
  })

  const budget = (client: Client, namespace: string, name: string, minAvailable: number | string, labels: Record<string, string> = { foo: 'bar' }) =>
    client.create(PodDisruptionBudgets, { metadata: { name, namespace, labels }, spec: { minAvailable, selector: { matchLabels: { foo: 'bar' } } } } as never)
  const observed = (client: Client, namespace: string) => until('the budget is processed', async () => {
    const { metadata, status } = await client.get(PodDisruptionBudgets, { namespace, name: 'foo' })
    return status.observedGeneration === metadata.generation && metadata.generation !== undefined
  })
  const threePods = async (client: Client, namespace: string, count = 3): Promise<Pod[]> => {
    await Promise.all(Array.from({ length: count }, (_, index) => client.create(Pods, { metadata: { name: `pod-${index}`, namespace, labels: { foo: 'bar' } }, spec: { containers: [{ name: 'donothing', image: pause }] } } as never)))
    return running(client, namespace, 'foo=bar', count)
  }
  const evict = (client: Client, namespace: string, name: string) => client.createSubresource(Pods, { namespace, name }, 'eviction', { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace } })

  behaviour('[sig-apps] DisruptionController Listing PodDisruptionBudgets for all namespaces should list and delete a collection of PodDisruptionBudgets [Conformance]', async ({ client }, namespace) => {
    const [one, other] = [namespace, `${namespace}-other`]
    await client.create(Namespaces, { metadata: { name: other }, spec: {} })
    for (const [namespace, name] of [[one, 'foo'], [one, 'foo2'], [other, 'foo3']] as const) await budget(client, namespace, name, name === 'foo2' ? '1%' : 2, { special: 'pdb-list' })
    await observed(client, one)
    const found = await client.list(PodDisruptionBudgets, { labelSelector: 'special=pdb-list' })
    expect(found.items.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`).sort()).toEqual([`${one}/foo`, `${one}/foo2`, `${other}/foo3`].sort())
    await client.deleteCollection(PodDisruptionBudgets, { namespace: one, labelSelector: 'special=pdb-list' })
    expect((await client.list(PodDisruptionBudgets, { labelSelector: 'special=pdb-list' })).items.map(({ metadata }) => metadata.name)).toEqual(['foo3'])
  })
  behaviour('[sig-apps] DisruptionController should create a PodDisruptionBudget [Conformance]', async ({ client, updated }, namespace) => {
    await budget(client, namespace, 'foo', '1%')
    await observed(client, namespace)
    const changed = await updated(PodDisruptionBudgets, { namespace, name: 'foo' }, ({ spec }) => { spec.minAvailable = '2%' })
    expect(changed.spec.minAvailable).toBe('2%')
    await observed(client, namespace)
    const patched = await client.patch(PodDisruptionBudgets, { namespace, name: 'foo' }, { type: 'merge', body: { spec: { minAvailable: '3%' } } })
    expect(patched.spec.minAvailable).toBe('3%')
    await observed(client, namespace)
    await client.delete(PodDisruptionBudgets, { namespace, name: 'foo' })
    expect((await refused(client.get(PodDisruptionBudgets, { namespace, name: 'foo' }))).code).toBe(404)
  })
  behaviour('[sig-apps] DisruptionController should observe PodDisruptionBudget status updated [Conformance]', async ({ client }, namespace) => {
    await budget(client, namespace, 'foo', 1)
    await threePods(client, namespace)
    await until('disruptions are allowed', async () => ((await client.get(PodDisruptionBudgets, { namespace, name: 'foo' })).status.disruptionsAllowed ?? 0) > 0)
  })
  behaviour('[sig-apps] DisruptionController should update/patch PodDisruptionBudget status [Conformance]', async ({ client, updated }, namespace) => {
    const at = { namespace, name: 'foo' }
    await budget(client, namespace, 'foo', 1)
    await observed(client, namespace)
    await threePods(client, namespace, 1)
    await updated(PodDisruptionBudgets, at, ({ status }) => { status.disruptedPods = { 'pod-0': now() } }, { subresource: 'status' })
    const read = await client.get(PodDisruptionBudgets, at, { subresource: 'status' })
    expect(Object.keys(read.status.disruptedPods ?? {})).toEqual(['pod-0'])
    const patched = await client.patch(PodDisruptionBudgets, at, { type: 'merge', body: { status: { disruptedPods: null } } }, { subresource: 'status' })
    expect(patched.status.disruptedPods ?? {}).toEqual({})
  })
  behaviour('[sig-apps] DisruptionController should block an eviction until the PDB is updated to allow it [Conformance]', async ({ client, updated }, namespace) => {
    const at = { namespace, name: 'foo' }
    const causes = async (pod: string) => (await refused(evict(client, namespace, pod))).details?.causes?.map(({ reason }) => reason)
    await budget(client, namespace, 'foo', 3)
    await observed(client, namespace)
    await client.create(ReplicaSets, replicated('rs', namespace, { foo: 'bar' }, 3))
    const [victim] = await running(client, namespace, 'foo=bar', 3)
    expect(await causes(victim?.metadata.name ?? '')).toEqual(['DisruptionBudget'])
    await updated(PodDisruptionBudgets, at, ({ spec }) => { spec.minAvailable = 2 })
    await running(client, namespace, 'foo=bar', 3)
    await until('the budget sees three healthy pods', async () => { const { status } = await client.get(PodDisruptionBudgets, at) as PodDisruptionBudget; return status.currentHealthy === 3 && status.desiredHealthy === 2 })
    await evict(client, namespace, victim?.metadata.name ?? '')
    await client.patch(PodDisruptionBudgets, at, { type: 'merge', body: { spec: { minAvailable: null, maxUnavailable: 0 } } })
    await observed(client, namespace)
    const [next] = await running(client, namespace, 'foo=bar', 3)
    expect(await causes(next?.metadata.name ?? '')).toEqual(['DisruptionBudget'])
    await client.delete(PodDisruptionBudgets, at)
    await running(client, namespace, 'foo=bar', 3)
    await evict(client, namespace, next?.metadata.name ?? '')
  })

  behaviour('[sig-apps] CronJob should support CronJob API operations [Conformance]', async ({ client, updated }, namespace) => {
    const at = { namespace, name: 'test-api' }
    const labelSelector = 'special-label=cronjob-api'
    const draft = (name: string) => ({ metadata: { name, namespace, labels: { 'special-label': 'cronjob-api' } }, spec: { schedule: '* */1 * * ?', concurrencyPolicy: 'Allow', successfulJobsHistoryLimit: 1, failedJobsHistoryLimit: 0,
      jobTemplate: { spec: { parallelism: 1, completions: 1, template: { spec: { restartPolicy: 'OnFailure', volumes: [{ name: 'data', emptyDir: {} }], containers: [{ name: 'c', image: busybox, command: ['true'], volumeMounts: [{ name: 'data', mountPath: '/data' }] }] } } } } } }) as never
    const created = await client.create(CronJobs, draft('test-api'))
    expect((await client.get(CronJobs, at)).metadata.uid).toBe(created.metadata.uid)
    const list = await client.list(CronJobs, { namespace, labelSelector })
    expect(list.items).toHaveLength(1)
    const everywhere = await client.list(CronJobs, { labelSelector })
    expect(everywhere.items).toHaveLength(1)
    const patched = await client.patch(CronJobs, at, { type: 'merge', body: { metadata: { annotations: { patched: 'true' } } } })
    expect(patched.metadata.annotations?.['patched']).toBe('true')
    const changed = await updated(CronJobs, at, ({ metadata }) => { metadata.annotations = { ...metadata.annotations, updated: 'true' } })
    expect(changed.metadata.annotations?.['updated']).toBe('true')
    for (const scope of [{ namespace }, {}]) {
      await seen(client, CronJobs, { ...scope, labelSelector, resourceVersion: list.resourceVersion }, ({ type, object }) => type === 'MODIFIED' && object.metadata.annotations?.['patched'] === 'true')
      await seen(client, CronJobs, { ...scope, labelSelector, resourceVersion: list.resourceVersion }, ({ type, object }) => type === 'MODIFIED' && object.metadata.annotations?.['updated'] === 'true')
    }
    const first = now()
    const patchedStatus = await client.patch(CronJobs, at, { type: 'merge', body: { metadata: { annotations: { patchedstatus: 'true' } }, status: { lastScheduleTime: first } } }, { subresource: 'status' })
    expect({ at: patchedStatus.status.lastScheduleTime, annotation: patchedStatus.metadata.annotations?.['patchedstatus'] }).toEqual({ at: first, annotation: 'true' })
    const second = now()
    const updatedStatus = await updated(CronJobs, at, ({ status }) => { status.lastScheduleTime = second }, { subresource: 'status' })
    expect(updatedStatus.status.lastScheduleTime).toBe(second)
    expect((await client.get(CronJobs, at, { subresource: 'status' })).metadata.uid).toBe(created.metadata.uid)
    await client.create(CronJobs, draft('for-removal'))
    await client.delete(CronJobs, { namespace, name: 'for-removal' }, { propagationPolicy: 'Background' })
    expect((await refused(client.get(CronJobs, { namespace, name: 'for-removal' }))).reason).toBe('NotFound')
    await client.deleteCollection(CronJobs, { namespace, labelSelector }, { propagationPolicy: 'Background' })
    await until('no cron job is left', async () => (await client.list(CronJobs, { namespace, labelSelector })).items.length === 0)
  })
})
