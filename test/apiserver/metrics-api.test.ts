/** metrics.k8s.io in metrics-server's words. */
import { expect, test } from 'vitest'
import type { ExtensionRequest } from '../../src/apiserver/extension.ts'
import { metricsApi, type Summary } from '../../src/apiserver/metrics-api.ts'
import { Nodes, Pods } from '../../src/api/kinds.ts'
import { fakeClock } from '../support/fake-clock.ts'

const summary = { node: { cpu: { usageNanoCores: 250_000_000 }, memory: { workingSetBytes: 1 << 20 } }, pods: [{ podRef: { name: 'measured', namespace: 'default' }, containers: [{ name: 'c', cpu: { usageNanoCores: 1_000_000 }, memory: { workingSetBytes: 2048 } }] }] } as unknown as Summary
const objects: Record<string, object> = {
  'nodes node-1': { metadata: { name: 'node-1' } }, 'nodes silent': { metadata: { name: 'silent' } },
  'pods measured': { metadata: { name: 'measured' }, spec: { nodeName: 'node-1' } }, 'pods new': { metadata: { name: 'new' }, spec: { nodeName: 'node-1' } }, 'pods unscheduled': { metadata: { name: 'unscheduled' }, spec: {} },
}
const [nodes, pods] = metricsApi({ summary: (node) => Promise.resolve(node === 'node-1' ? summary : undefined) }, fakeClock())
const get = async (resource: 'nodes' | 'pods', name: string) => {
  const lookup = { get: (kind: object, wanted: string) => objects[`${kind === Nodes ? 'nodes' : kind === Pods ? 'pods' : ''} ${wanted}`] }
  return (resource === 'nodes' ? nodes : pods)?.get?.({ name, namespace: resource === 'pods' ? 'default' : '', lookup } as unknown as ExtensionRequest)
}

test.each([['nodes', 'node-1'], ['pods', 'measured']] as const)('%s %s', async (resource, name) => expect(await get(resource, name)).toMatchObject({ metadata: { name } }))
test.each([
  ['nodes', 'nope', 'nodes "nope" not found'], ['nodes', 'silent', 'nodemetrics.metrics.k8s.io "silent" not found'],
  ['pods', 'nope', 'pods "nope" not found'], ['pods', 'new', 'podmetrics.metrics.k8s.io "default/new" not found'], ['pods', 'unscheduled', 'podmetrics.metrics.k8s.io "default/unscheduled" not found'],
] as const)('%s %s: %s', async (resource, name, message) => { await expect(get(resource, name)).rejects.toMatchObject({ code: 404, message }) })
