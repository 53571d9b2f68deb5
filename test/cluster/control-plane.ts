/** API server, controller manager and fake kubelet in one process, in memory: what needs controllers but no processes. */
import { microTimestamp, timestamp, systemClock } from '../../src/api/clock.ts'
import { type Kind, Leases, Namespaces, Nodes, Pods, ReplicaSets } from '../../src/api/kinds.ts'
import type { KubeObject } from '../../src/api/meta.ts'
import { systemRandom } from '../../src/api/random.ts'
import { builtInAdmission } from '../../src/apiserver/admission/built-in.ts'
import type { ProviderParts } from '../../src/apiserver/api-server.ts'
import type { Authorizer } from '../../src/apiserver/authorization/authorizer.ts'
import { bootstrapRbac } from '../../src/apiserver/authorization/bootstrap.ts'
import { followedGraph } from '../../src/apiserver/authorization/followed-graph.ts'
import { nodeAuthorizer } from '../../src/apiserver/authorization/node-authorizer.ts'
import { rbacAuthorizer } from '../../src/apiserver/authorization/rbac.ts'
import { accessReviews } from '../../src/apiserver/authorization/reviews.ts'
import { privilegedGroup, unionAuthorizer } from '../../src/apiserver/authorization/union.ts'
import { type Client, createClient } from '../../src/client/client.ts'
import { type Cluster, runController } from '../../src/client/controller.ts'
import { eventSink } from '../../src/client/events.ts'
import { type Informers, sharedInformers } from '../../src/client/informers.ts'
import { parseCertificateRequest } from '../../src/client/pki.ts'
import { controllerManager } from '../../src/controller-manager/controller-manager.ts'
import type { ControllerOptions } from '../../src/controller-manager/controllers.ts'
import { admin, startTestServer, type TestServer } from '../apiserver/support.ts'
import { type Logs, logs } from '../support/logs.ts'
import { fakeKubelet } from './fake-kubelet.ts'

export interface TestControlPlane extends AsyncDisposable {
  server: TestServer
  client: Client
  informers: Informers
  log: Logs
  /** Resolves with the object once it is as wanted; rejects after ten seconds, showing what it was instead. */
  until<T extends KubeObject>(kind: Kind<T>, key: string, wanted: (object: T | undefined) => boolean): Promise<T>
  /** The same of all objects of a kind and namespace. */
  untilAll<T extends KubeObject>(kind: Kind<T>, namespace: string, wanted: (objects: readonly T[]) => boolean): Promise<readonly T[]>
  addNode(name: string): Promise<void>
  /** Renews the node's lease, as its kubelet would, until the plane is disposed of. */
  keepAlive(name: string): void
}

const deadlineMilliseconds = 30_000
const beatMilliseconds = 300

/** The controllers may do what their role says, no more. */
const bootstrapRoles = (server: TestServer, client: Client): Promise<void> => bootstrapRbac({
  get: (kind, name, namespace) => server.server.lookup.get(kind, name, namespace),
  create: async (kind, object) => { await client.create(kind, object) },
  update: async (kind, object) => { await client.update(kind, object) },
})

export const startControlPlane = async (options: ControllerOptions = {}): Promise<TestControlPlane> => {
  const authorizer = ({ lookup, follow }: ProviderParts): Authorizer => unionAuthorizer(privilegedGroup, nodeAuthorizer(lookup, followedGraph({ follow })), rbacAuthorizer(lookup))
  const server = await startTestServer({
    authorizer, virtualResources: (parts) => accessReviews(authorizer(parts)),
    admission: (parts) => builtInAdmission({ ...parts, authorizer: authorizer(parts), organizationsOf: async (request) => (await parseCertificateRequest(request)).organizations }),
    bootstrap: { advertise: { addresses: ['192.0.2.1'], port: 6443 }, serviceIP: '10.96.0.1' },
  })
  const client = createClient(server.server.inMemoryTransport(admin))
  const controllers = createClient(server.server.inMemoryTransport({ name: 'system:kube-controller-manager', groups: ['system:authenticated'] }))
  const log = logs()
  const stop = new AbortController()
  const context = { client, clock: systemClock, random: systemRandom, log }
  const cluster: Cluster = { ...context, informers: sharedInformers(context, stop.signal), events: eventSink(context, stop.signal) }
  await cluster.informers.of(Namespaces).waitUntil((lister) => ['kube-system', 'kube-public'].every((name) => lister.get(name)), AbortSignal.timeout(deadlineMilliseconds))
  await bootstrapRoles(server, client)
  const running = Promise.all([controllerManager({ ...context, client: controllers, options }).run(stop.signal), runController(fakeKubelet, cluster, stop.signal)])
  await Promise.all([Pods, ReplicaSets].map((kind) => cluster.informers.of<KubeObject>(kind).synced))
  const waited = async (condition: (signal: AbortSignal) => Promise<void>, shown: () => unknown): Promise<void> => {
    const deadline = AbortSignal.timeout(deadlineMilliseconds)
    await Promise.race([condition(deadline), running.then(() => { throw new Error('the controllers ended') })]).catch((error: unknown) => {
      throw deadline.aborted ? new Error(`not so within ${deadlineMilliseconds} ms: ${JSON.stringify(shown(), undefined, 1)}\n${log.lines.slice(-30).join('\n')}`) : error
    })
  }
  const beating: Promise<void>[] = []
  const plane: TestControlPlane = {
    server, client, log, informers: cluster.informers,
    async until(kind, key, wanted) {
      const informer = cluster.informers.of(kind)
      await informer.synced
      let found: KubeObject | undefined
      await waited((signal) => informer.waitUntil((lister) => { found = lister.get(key); return wanted(lister.get(key)) }, signal), () => informer.lister.get(key))
      return found as never // what was wanted decides whether there is one
    },
    async untilAll(kind, namespace, wanted) {
      const informer = cluster.informers.of(kind)
      await informer.synced
      await waited((signal) => informer.waitUntil((lister) => wanted(lister.list(namespace)), signal), () => informer.lister.list(namespace))
      return informer.lister.list(namespace)
    },
    async addNode(name) {
      const time = timestamp(systemClock.now())
      await client.create(Nodes, { metadata: { name, labels: { 'kubernetes.io/hostname': name } }, spec: {} })
      const conditions = [{ type: 'Ready', status: 'True', reason: 'KubeletReady', lastHeartbeatTime: time, lastTransitionTime: time }]
      await client.patch(Nodes, { name }, { type: 'merge', body: { status: { conditions } } }, { subresource: 'status' })
      await client.create(Leases, { metadata: { name, namespace: 'kube-node-lease' }, spec: { holderIdentity: name, leaseDurationSeconds: 40 } })
      await plane.until(Nodes, name, (each) => each !== undefined && (each.spec.taints ?? []).length === 0 && each.status.conditions?.[0]?.status === 'True')
    },
    keepAlive(name) {
      beating.push((async () => {
        while (!stop.signal.aborted) {
          await client.patch(Leases, { name, namespace: 'kube-node-lease' }, { type: 'merge', body: { spec: { renewTime: microTimestamp(systemClock.now()) } } }).catch((error: unknown) => { if (!stop.signal.aborted) log.error(String(error)) })
          await systemClock.sleep(beatMilliseconds, stop.signal).catch(() => {}) // the end: the loop's condition sees it
        }
      })())
    },
    async [Symbol.asyncDispose]() {
      stop.abort()
      await Promise.all([running, ...beating])
      await server[Symbol.asyncDispose]()
    },
  }
  return plane
}
