import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { CertificateSigningRequests, ClusterRoleBindings, ConfigMaps, DaemonSets, Deployments, Endpoints, EndpointSlices, Events, Jobs, Namespaces, Nodes, Pods, ReplicaSets, ServiceAccounts, Services } from '../../src/api/kinds.ts'
import type { Deployment, Job, PodTemplateSpec } from '../../src/api/types.ts'
import { createClient } from '../../src/client/client.ts'
import { certificateFacts, newCertificateAuthority, newCertificateRequest, newKey, validFor } from '../../src/client/pki.ts'
import { systemClock } from '../../src/api/clock.ts'
import { isPodReady } from '../../src/controller-manager/pod.ts'
import { startControlPlane, type TestControlPlane } from './control-plane.ts'
import { fateLabel } from './fake-kubelet.ts'

let plane: TestControlPlane
beforeAll(async () => {
  const ca = await newCertificateAuthority({ commonName: 'kubernetes', validity: validFor(1, systemClock.now()) })
  plane = await startControlPlane({ signing: { ca }, caBundle: 'the CA\n', podRanges: { clusterCIDR: '10.244.0.0/16' } })
  await plane.addNode('node-1')
})
afterAll(() => plane[Symbol.asyncDispose]())

const namespace = 'default'
const template = (app: string, over: { labels?: Record<string, string>; env?: string } = {}): PodTemplateSpec => ({
  metadata: { labels: { app, ...over.labels } }, spec: { containers: [{ name: 'main', image: 'host', ...(over.env && { env: [{ name: 'VERSION', value: over.env }] }) }] },
})
const makeDeployment = (app: string, replicas: number): Promise<Deployment> =>
  plane.client.create(Deployments, { metadata: { name: app, namespace }, spec: { replicas, selector: { matchLabels: { app } }, template: template(app) } })
const podsOf = (app: string) => (each: { metadata: { labels?: Record<string, string> | undefined } }): boolean => each.metadata.labels?.['app'] === app
const reason = (deployment: Deployment | undefined, type: string): string | undefined => deployment?.status.conditions?.find((each) => each.type === type)?.reason
const isRolledOut = (deployment: Deployment | undefined): boolean => deployment !== undefined && deployment.status.observedGeneration === deployment.metadata.generation
  && reason(deployment, 'Progressing') === 'NewReplicaSetAvailable' && deployment.status.updatedReplicas === deployment.spec.replicas && deployment.status.availableReplicas === deployment.spec.replicas

describe('a new cluster', () => {
  test('has a service account and the CA in every namespace', async () => {
    for (const name of ['default', 'kube-system']) {
      await plane.until(ServiceAccounts, `${name}/default`, (account) => account !== undefined)
      expect((await plane.until(ConfigMaps, `${name}/kube-root-ca.crt`, (map) => map !== undefined)).data).toEqual({ 'ca.crt': 'the CA\n' })
    }
  })
  test('gives each node a range of pod addresses', async () => {
    expect((await plane.until(Nodes, 'node-1', (node) => node?.spec.podCIDR !== undefined)).spec.podCIDRs).toEqual(['10.244.0.0/24'])
  })
})

describe('a deployment', () => {
  test('rolls out, and says so', async () => {
    await makeDeployment('web', 3)
    const web = await plane.until(Deployments, 'default/web', isRolledOut)
    expect(web.status).toMatchObject({ replicas: 3, readyReplicas: 3, availableReplicas: 3, updatedReplicas: 3, observedGeneration: 1 })
    expect(reason(web, 'Available')).toBe('MinimumReplicasAvailable')
    expect(web.metadata.annotations?.['deployment.kubernetes.io/revision']).toBe('1')
    const [set] = plane.informers.of(ReplicaSets).lister.list(namespace).filter(podsOf('web'))
    await plane.untilAll(Events, namespace, (events) => events.some(({ message, source }) => message === `Scaled up replica set ${set?.metadata.name} from 0 to 3` && source?.component === 'deployment-controller'))
    await plane.untilAll(Events, namespace, (events) => events.filter(({ reason: why, message }) => why === 'SuccessfulCreate' && message?.startsWith(`Created pod: ${set?.metadata.name}-`)).length === 3)
  })

  test('a Service finds its pods', async () => {
    await plane.client.create(Services, { metadata: { name: 'web', namespace }, spec: { selector: { app: 'web' }, ports: [{ port: 80, targetPort: 8080 }] } })
    const slices = await plane.untilAll(EndpointSlices, namespace, (all) => all.some(({ metadata, endpoints }) => metadata.labels?.['kubernetes.io/service-name'] === 'web' && endpoints?.length === 3))
    const slice = slices.find(({ metadata }) => metadata.labels?.['kubernetes.io/service-name'] === 'web')
    expect(slice?.endpoints?.every(({ conditions, nodeName }) => conditions?.ready && nodeName === 'node-1')).toBe(true)
    await plane.until(Endpoints, 'default/web', (object) => object?.subsets?.[0]?.addresses?.length === 3)
  })

  test('a pod that is deleted is replaced', async () => {
    const [victim] = plane.informers.of(Pods).lister.list(namespace).filter(podsOf('web'))
    if (!victim) throw new Error('no pod')
    await plane.client.delete(Pods, victim.metadata)
    await plane.untilAll(Pods, namespace, (pods) => {
      const web = pods.filter(podsOf('web'))
      return web.length === 3 && web.every(isPodReady) && !web.some(({ metadata }) => metadata.uid === victim.metadata.uid)
    })
  })

  test('updates without ever having fewer ready pods than it may', async () => {
    await plane.until(Deployments, 'default/web', isRolledOut)
    const stop = new AbortController()
    let fewest = Infinity
    let most = 0
    const watching = (async () => {
      for await (const _ of plane.informers.of(Pods).changes(stop.signal)) {
        const pods = plane.informers.of(Pods).lister.list(namespace).filter(podsOf('web')).filter(({ metadata }) => metadata.deletionTimestamp === undefined)
        fewest = Math.min(fewest, pods.filter(isPodReady).length)
        most = Math.max(most, pods.length)
      }
    })()
    await plane.client.patch(Deployments, { name: 'web', namespace }, { type: 'merge', body: { spec: { template: template('web', { env: '2' }) as never } } })
    const web = await plane.until(Deployments, 'default/web', isRolledOut)
    stop.abort()
    await watching
    expect({ fewest, most }).toEqual({ fewest: 3, most: 4 })
    expect(web.metadata.annotations?.['deployment.kubernetes.io/revision']).toBe('2')
  })

  test('goes back to the template before', async () => {
    await plane.client.patch(Deployments, { name: 'web', namespace }, { type: 'json', body: [{ op: 'remove', path: '/spec/template/spec/containers/0/env' }] })
    const web = await plane.until(Deployments, 'default/web', (each) => isRolledOut(each) && each?.metadata.annotations?.['deployment.kubernetes.io/revision'] === '3')
    const sets = plane.informers.of(ReplicaSets).lister.list(namespace).filter(podsOf('web'))
    expect(sets.map(({ metadata }) => metadata.annotations?.['deployment.kubernetes.io/revision']).sort()).toEqual(['2', '3'])
    expect(sets.find(({ metadata }) => metadata.annotations?.['deployment.kubernetes.io/revision'] === '3')?.metadata.annotations).toMatchObject({ 'deployment.kubernetes.io/revision-history': '1' })
    expect(web.status.replicas).toBe(3)
  })

  test('scales', async () => {
    await plane.client.patch(Deployments, { name: 'web', namespace }, { type: 'merge', body: { spec: { replicas: 5 } } })
    await plane.until(Deployments, 'default/web', (each) => isRolledOut(each) && each?.status.replicas === 5)
    await plane.client.patch(Deployments, { name: 'web', namespace }, { type: 'merge', body: { spec: { replicas: 1 } } })
    await plane.untilAll(Pods, namespace, (pods) => pods.filter(podsOf('web')).length === 1)
  })

  test('takes everything with it when it is deleted', async () => {
    await plane.client.delete(Deployments, { name: 'web', namespace }, { propagationPolicy: 'Background' })
    await plane.untilAll(ReplicaSets, namespace, (sets) => !sets.some(podsOf('web')))
    await plane.untilAll(Pods, namespace, (pods) => !pods.some(podsOf('web')))
  })

  test('in the foreground: itself last', async () => {
    await makeDeployment('front', 2)
    await plane.until(Deployments, 'default/front', isRolledOut)
    await plane.client.delete(Deployments, { name: 'front', namespace }, { propagationPolicy: 'Foreground' })
    await plane.until(Deployments, 'default/front', (each) => each === undefined)
    expect(plane.informers.of(ReplicaSets).lister.list(namespace).filter(podsOf('front'))).toEqual([])
  })

  test('orphaned: its replica set stays, and is adopted by the next one of that name', async () => {
    const made = await makeDeployment('orphan', 1)
    await plane.until(Deployments, 'default/orphan', isRolledOut)
    await plane.client.delete(Deployments, { name: 'orphan', namespace }, { propagationPolicy: 'Orphan' })
    await plane.until(Deployments, 'default/orphan', (each) => each === undefined)
    await plane.untilAll(ReplicaSets, namespace, (sets) => sets.filter(podsOf('orphan')).every(({ metadata }) => (metadata.ownerReferences ?? []).length === 0))
    const again = await makeDeployment('orphan', 1)
    expect(again.metadata.uid).not.toBe(made.metadata.uid)
    await plane.untilAll(ReplicaSets, namespace, (sets) => sets.filter(podsOf('orphan')).length === 1 && sets.filter(podsOf('orphan')).every(({ metadata }) => metadata.ownerReferences?.[0]?.uid === again.metadata.uid))
    await plane.client.delete(Deployments, { name: 'orphan', namespace })
  })
})

describe('a job', () => {
  const makeJob = (name: string, spec: Partial<Job['spec']>, fate: string): Promise<Job> => plane.client.create(Jobs, {
    metadata: { name, namespace }, spec: { ...spec, template: { metadata: { labels: { [fateLabel]: fate } }, spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'host' }] } } },
  })
  const has = (job: Job | undefined, type: string): boolean => job?.status.conditions?.some((each) => each.type === type && each.status === 'True') ?? false

  test('completes, each pod counted once', async () => {
    await makeJob('sums', { completions: 5, parallelism: 2 }, 'Succeeded')
    const job = await plane.until(Jobs, 'default/sums', (each) => has(each, 'Complete'))
    expect(job.status).toMatchObject({ succeeded: 5, completionTime: expect.any(String) as string })
    expect(job.status.failed).toBeUndefined()
    expect(plane.informers.of(Pods).lister.list(namespace).filter(({ metadata }) => metadata.name.startsWith('sums-'))).toHaveLength(5)
    await plane.untilAll(Events, namespace, (events) => events.some(({ reason: why, message, involvedObject }) => why === 'Completed' && message === 'Job completed' && involvedObject.name === 'sums'))
  })
  test('indexed: every index once', async () => {
    await makeJob('indexed', { completions: 4, parallelism: 3, completionMode: 'Indexed' }, 'Succeeded')
    expect((await plane.until(Jobs, 'default/indexed', (each) => has(each, 'Complete'))).status.completedIndexes).toBe('0-3')
  })
  test('fails beyond its backoff limit', async () => {
    await makeJob('fails', { backoffLimit: 0 }, 'Failed')
    const job = await plane.until(Jobs, 'default/fails', (each) => has(each, 'Failed'))
    expect(job.status.conditions?.map(({ type, reason: why, message }) => [type, why, message])).toEqual([
      ['FailureTarget', 'BackoffLimitExceeded', 'Job has reached the specified backoff limit'], ['Failed', 'BackoffLimitExceeded', 'Job has reached the specified backoff limit']])
    expect(job.status.failed).toBe(1)
  })
  test('that is deleted lets its pods go', async () => {
    await makeJob('endless', { parallelism: 2, completions: 2 }, 'Running')
    await plane.until(Jobs, 'default/endless', (each) => each?.status.ready === 2)
    await plane.client.delete(Jobs, { name: 'endless', namespace }, { propagationPolicy: 'Background' })
    await plane.untilAll(Pods, namespace, (pods) => !pods.some(({ metadata }) => metadata.name.startsWith('endless-')))
  })
  test('goes when its time has come', async () => {
    await makeJob('short', { ttlSecondsAfterFinished: 0 }, 'Succeeded')
    await plane.until(Jobs, 'default/short', (each) => each !== undefined)
    await plane.until(Jobs, 'default/short', (each) => each === undefined)
  })
  test('suspended, has no pods until it is resumed', async () => {
    await makeJob('later', { suspend: true }, 'Succeeded')
    await plane.until(Jobs, 'default/later', (each) => has(each, 'Suspended'))
    expect(plane.informers.of(Pods).lister.list(namespace).some(({ metadata }) => metadata.name.startsWith('later-'))).toBe(false)
    await plane.client.patch(Jobs, { name: 'later', namespace }, { type: 'merge', body: { spec: { suspend: false } } })
    await plane.until(Jobs, 'default/later', (each) => has(each, 'Complete'))
  })
})

describe('a daemon set', () => {
  const labels = { app: 'agent' }
  test('has a pod on each node, old and new', async () => {
    await plane.client.create(DaemonSets, { metadata: { name: 'agent', namespace }, spec: { selector: { matchLabels: labels }, template: template('agent') } })
    await plane.until(DaemonSets, 'default/agent', (each) => each?.status.numberAvailable === 1 && each.status.desiredNumberScheduled === 1)
    await plane.addNode('node-2')
    const agent = await plane.until(DaemonSets, 'default/agent', (each) => each?.status.numberAvailable === 2)
    expect(agent.status).toMatchObject({ desiredNumberScheduled: 2, currentNumberScheduled: 2, updatedNumberScheduled: 2, numberMisscheduled: 0 })
  })
  test('rolls out a new template', async () => {
    await plane.client.patch(DaemonSets, { name: 'agent', namespace }, { type: 'merge', body: { spec: { template: template('agent', { env: '2' }) as never } } })
    await plane.until(DaemonSets, 'default/agent', (each) => each?.status.observedGeneration === 2 && each.status.updatedNumberScheduled === 2 && each.status.numberAvailable === 2)
    await plane.client.delete(DaemonSets, { name: 'agent', namespace })
    await plane.untilAll(Pods, namespace, (pods) => !pods.some(podsOf('agent')))
  })
})

describe('a namespace', () => {
  test('that is deleted empties and goes', async () => {
    await plane.client.create(Namespaces, { metadata: { name: 'temporary' }, spec: {} })
    await plane.until(ServiceAccounts, 'temporary/default', (each) => each !== undefined)
    await plane.client.create(Deployments, { metadata: { name: 'web', namespace: 'temporary' }, spec: { replicas: 2, selector: { matchLabels: { app: 'web' } }, template: template('web') } })
    await plane.client.create(Services, { metadata: { name: 'web', namespace: 'temporary' }, spec: { selector: { app: 'web' }, ports: [{ port: 80 }] } })
    await plane.untilAll(Pods, 'temporary', (pods) => pods.filter(isPodReady).length === 2)
    await plane.client.delete(Namespaces, { name: 'temporary' })
    await plane.until(Namespaces, 'temporary', (each) => each === undefined)
    for (const kindOf of [Pods, Deployments, ReplicaSets, Services, EndpointSlices, ConfigMaps, ServiceAccounts, Events]) expect((await plane.client.list<never>(kindOf as never, { namespace: 'temporary' })).items).toEqual([])
  })

  test('says what it waits for', async () => {
    await plane.client.create(Namespaces, { metadata: { name: 'held' }, spec: {} })
    await plane.client.create(ConfigMaps, { metadata: { name: 'held', namespace: 'held', finalizers: ['example.com/hold'] } })
    await plane.client.delete(Namespaces, { name: 'held' })
    const held = await plane.until(Namespaces, 'held', (each) => each?.status.conditions?.some(({ type, status }) => type === 'NamespaceFinalizersRemaining' && status === 'True') ?? false)
    expect(held.status.conditions?.find(({ type }) => type === 'NamespaceFinalizersRemaining')?.message).toBe('Some content in the namespace has finalizers remaining: example.com/hold in 1 resource instances')
    await plane.client.patch(ConfigMaps, { name: 'held', namespace: 'held' }, { type: 'merge', body: { metadata: { finalizers: null } } })
    await plane.until(Namespaces, 'held', (each) => each === undefined)
  })
})

test('what has lost its owner is collected, whatever kind it is', async () => {
  const owner = await plane.client.create(ConfigMaps, { metadata: { name: 'owner', namespace } })
  await plane.client.create(ConfigMaps, { metadata: { name: 'owned', namespace, ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid: owner.metadata.uid }] } })
  await plane.client.create(ConfigMaps, { metadata: { name: 'fatherless', namespace, ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'never', uid: '00000000-0000-4000-8000-000000000000' }] } })
  await plane.until(ConfigMaps, 'default/fatherless', (each) => each !== undefined).catch(() => undefined)
  await plane.until(ConfigMaps, 'default/fatherless', (each) => each === undefined)
  expect(await plane.client.get(ConfigMaps, { name: 'owned', namespace })).toBeDefined()
  await plane.client.delete(ConfigMaps, { name: 'owner', namespace })
  await plane.until(ConfigMaps, 'default/owned', (each) => each === undefined)
})


test('a kubelet gets its certificates', async () => {
  // As kubeadm binds it: nodes renew their own certificates.
  await plane.client.create(ClusterRoleBindings, {
    metadata: { name: 'node-autoapprove-certificate-rotation' }, subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: 'system:nodes' }],
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'system:certificates.k8s.io:certificatesigningrequests:selfnodeclient' },
  })
  const key = await newKey()
  const request = async (name: string, spec: { signerName: string; usages: string[]; ipAddresses?: string[] }): Promise<string> => {
    const pem = await newCertificateRequest({ commonName: 'system:node:node-1', organizations: ['system:nodes'], ipAddresses: spec.ipAddresses ?? [] }, key)
    const kubelet = createClient(plane.server.server.inMemoryTransport({ name: 'system:node:node-1', groups: ['system:nodes', 'system:authenticated'] }))
    await kubelet.create(CertificateSigningRequests, { metadata: { name }, spec: { request: Buffer.from(pem).toString('base64'), signerName: spec.signerName, usages: spec.usages } })
    const signed = await plane.until(CertificateSigningRequests, name, (csr) => csr?.status.certificate !== undefined)
    return certificateFacts(Buffer.from(signed.status.certificate ?? '', 'base64').toString()).commonName
  }
  expect(await request('client', { signerName: 'kubernetes.io/kube-apiserver-client-kubelet', usages: ['digital signature', 'client auth'] })).toBe('system:node:node-1')
  await plane.client.patch(Nodes, { name: 'node-1' }, { type: 'merge', body: { status: { addresses: [{ type: 'InternalIP', address: '192.0.2.7' }] } } }, { subresource: 'status' })
  expect(await request('serving', { signerName: 'kubernetes.io/kubelet-serving', usages: ['digital signature', 'server auth'], ipAddresses: ['192.0.2.7'] })).toBe('system:node:node-1')
})

// What is told of a namespace that is going may come too late to be written.
test('nothing went wrong on the way', () => expect(plane.log.lines.filter((line) => /^(warn|error):/.test(line) && !line.includes('because it is being terminated'))).toEqual([]))
