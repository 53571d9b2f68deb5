/** Objects that cases are made of, as short as they can be. */
import type { JsonObject, JsonValue } from '../../../src/api/meta.ts'

type More = Record<string, JsonValue>
const made = (apiVersion: string, kind: string) => (name: string, more: JsonObject = {}, metadata: More = {}): JsonObject => ({ apiVersion, kind, metadata: { name, ...metadata }, ...more })

export const configMap = made('v1', 'ConfigMap')
export const secret = made('v1', 'Secret')
export const namespace = made('v1', 'Namespace')
export const node = made('v1', 'Node')
export const serviceAccount = made('v1', 'ServiceAccount')
export const lease = made('coordination.k8s.io/v1', 'Lease')

export const container = (more: JsonObject = {}): JsonObject => ({ name: 'c', image: 'nginx:1.14.2', ...more })
export const pod = (name: string, spec: JsonObject = {}, metadata: More = {}): JsonObject => made('v1', 'Pod')(name, { spec: { containers: [container()], ...spec } }, metadata)
export const service = (name: string, spec: JsonObject = {}, metadata: More = {}): JsonObject => made('v1', 'Service')(name, { spec: { ports: [{ port: 80 }], ...spec } }, metadata)

const template = (labels: More): JsonObject => ({ metadata: { labels }, spec: { containers: [container()] } })
const workload = (kind: string) => (name: string, spec: JsonObject = {}, metadata: More = {}): JsonObject =>
  made('apps/v1', kind)(name, { spec: { selector: { matchLabels: { app: name } }, template: template({ app: name }), ...spec } }, metadata)
export const deployment = workload('Deployment')
export const replicaSet = workload('ReplicaSet')
export const daemonSet = workload('DaemonSet')
export const job = (name: string, spec: JsonObject = {}, metadata: More = {}): JsonObject =>
  made('batch/v1', 'Job')(name, { spec: { template: { spec: { containers: [container()], restartPolicy: 'Never' } }, ...spec } }, metadata)

export const labelled = (labels: More): More => ({ labels })
export const finalized = (...finalizers: string[]): More => ({ finalizers })
