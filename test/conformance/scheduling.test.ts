/** Behaviours of sig-scheduling and sig-architecture that came after Kubernetes 1.20, step by step as upstream's conformance suite plays them. */
import { expect } from 'vitest'
import { LimitRanges, Namespaces, Nodes, Pods, PriorityClasses } from '../../src/api/kinds.ts'
import type { JsonValue } from '../../src/api/meta.ts'
import type { Client } from '../../src/client/client.ts'
import { until } from '../support/cluster.ts'
import { conformance } from '../support/conformance.ts'
import { createPod, running } from '../support/conformance-pods.ts'

const resource = 'scheduling.k8s.io/foo'
/** As upstream's patchNode: what an extended resource changes in a node's status. */
const extend = (client: Client, name: string, amount: string | null) => client.patch(Nodes, { name }, { type: 'strategic', body: { status: { capacity: { [resource]: amount }, allocatable: { [resource]: amount } } } }, { subresource: 'status' })

conformance('scheduling.test.ts', { nodes: 2 }, (behaviour) => {
  behaviour('[sig-architecture] Conformance Tests should have at least two untainted nodes [Conformance]', async ({ client }) => {
    const { items } = await client.list(Nodes)
    const isFree = (node: (typeof items)[number]): boolean => !node.spec?.unschedulable && !node.spec?.taints?.some(({ effect }) => effect === 'NoSchedule' || effect === 'NoExecute')
    expect(items.filter((node) => isFree(node) && node.status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True')).length).toBeGreaterThanOrEqual(2)
  })
  behaviour('[sig-scheduling] LimitRange should list, patch and delete a LimitRange by collection [Conformance]', async ({ client }, namespace) => {
    const name = `${namespace}-limits`
    const amounts = (cpu: string, memory: string, storage: string): Record<string, string> => ({ cpu, memory, 'ephemeral-storage': storage })
    const draft = (where: string) => ({ metadata: { name, namespace: where, labels: { 'e2e-test': name, [name]: 'created' } }, spec: { limits: [{
      type: 'Container', min: amounts('50m', '100Mi', '100Gi'), max: amounts('500m', '500Mi', '500Gi'), default: amounts('500m', '500Mi', '500Gi'), defaultRequest: amounts('100m', '200Mi', '200Gi'), maxLimitRequestRatio: {},
    }] } })
    const created = await client.create(LimitRanges, draft(namespace))
    const other = `${namespace}-other`
    await client.create(Namespaces, { metadata: { name: other }, spec: {} })
    await client.create(LimitRanges, draft(other))
    expect((await client.list(LimitRanges, { labelSelector: `e2e-test=${name}` })).items).toHaveLength(2)
    const limits = [{ ...created.spec?.limits?.[0], min: amounts('9m', '49Mi', '49Gi') }] as unknown as JsonValue
    const patched = await client.patch(LimitRanges, { namespace, name }, { type: 'strategic', body: { metadata: { creationTimestamp: created.metadata.creationTimestamp, labels: { [name]: 'patched' } }, spec: { limits } } })
    expect({ label: patched.metadata.labels?.[name], min: patched.spec?.limits?.[0]?.min }).toEqual({ label: 'patched', min: amounts('9m', '49Mi', '49Gi') })
    expect(BigInt(patched.metadata.resourceVersion)).toBeGreaterThan(BigInt(created.metadata.resourceVersion))
    await client.deleteCollection(LimitRanges, { namespace, labelSelector: `${name}=patched` })
    await until('it is gone', async () => (await client.list(LimitRanges, { namespace, labelSelector: `${name}=patched` })).items.length === 0)
    expect((await client.list(LimitRanges, { labelSelector: `e2e-test=${name}` })).items).toHaveLength(1)
    await client.delete(Namespaces, { name: other })
  })
  behaviour('[sig-scheduling] SchedulerPreemption [Serial] validates pod disruption condition is added to the preempted pod [Conformance]', async ({ client, updated, gone }, namespace) => {
    for (const [name, value] of [['low', 1], ['high', 1000]] as const) await client.create(PriorityClasses, { metadata: { name: `${namespace}-${name}` }, value })
    await extend(client, 'node-1', '1')
    const amount = { [resource]: '1' }
    const affinity = { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['node-1'] }] }] } } }
    const pod = (name: string, priority: string) => createPod(client, { namespace, name }, { image: 'host', command: ['sleep', 'infinity'], resources: { requests: amount, limits: amount } }, { affinity, priorityClassName: `${namespace}-${priority}` })
    await pod('victim-pod', 'low')
    await running(client, namespace, 'app=victim-pod', 1)
    await updated(Pods, { namespace, name: 'victim-pod' }, ({ metadata }) => { metadata.finalizers = ['example.com/test-finalizer'] })
    await pod('preemptor-pod', 'high')
    const { status } = await until('the victim is terminating', async () => { const victim = await client.get(Pods, { namespace, name: 'victim-pod' }); return victim.metadata.deletionTimestamp === undefined ? undefined : victim })
    expect(status.conditions?.find(({ type }) => type === 'DisruptionTarget')).toMatchObject({ status: 'True', reason: 'PreemptionByScheduler', message: 'default-scheduler: preempting to accommodate a higher priority pod' })
    await updated(Pods, { namespace, name: 'victim-pod' }, ({ metadata }) => { delete metadata.finalizers })
    await gone(Pods, { namespace, name: 'victim-pod' })
    await running(client, namespace, 'app=preemptor-pod', 1)
    await extend(client, 'node-1', null)
  })
})
