/** How much room drivers have. Named after external-provisioner's pkg/capacity/capacity_test.go. */
import { describe, expect, test } from 'vitest'
import { CSIDrivers, CSINodes, CSIStorageCapacities, Nodes, StorageClasses } from '../../../src/api/kinds.ts'
import type { CSINode, StorageClass } from '../../../src/api/types.ts'
import { csiCapacities, questionsOf } from '../../../src/controller-manager/csi/capacity.ts'
import { condition, metadata, node } from '../builders.ts'
import { type Stage, stage } from '../stage.ts'

const [driver, key] = ['disks.example.com', 'zone']
const all = ['GET_CAPACITY', 'VOLUME_ACCESSIBILITY_CONSTRAINTS']

const scene = ({ sites = { a: all } as Record<string, string[]>, storageCapacity = true, classes = ['fast'] } = {}): Stage => {
  const at = stage('kube-system')
  at.put(CSIDrivers, { metadata: metadata(driver, { namespace: undefined }), spec: { storageCapacity } } as never)
  for (const name of classes) at.put(StorageClasses, { metadata: metadata(name, { namespace: undefined }), provisioner: driver, parameters: { kind: name, 'csi.storage.k8s.io/fstype': 'ext4' } } as StorageClass)
  for (const name of ['a', 'b']) {
    at.put(Nodes, node(name, { metadata: { namespace: undefined, labels: { [key]: name } }, status: { conditions: [condition('Ready')] } }))
    at.put(CSINodes, { metadata: metadata(name, { namespace: undefined, annotations: sites[name] ? { 'csi.wherry.io/controllers': JSON.stringify({ [driver]: sites[name] }) } : {} }), spec: { drivers: [{ name: driver, nodeID: name, topologyKeys: [key] }] } } as CSINode)
  }
  return at
}

describe('what is asked, and where', () => {
  test.each<[string, Parameters<typeof scene>[0], string[]]>([
    ['by class and place, where the controller is', { classes: ['fast', 'slow'] }, ['fast a at a', 'fast b at a', 'slow a at a', 'slow b at a']],
    ['each place at its own', { sites: { a: all, b: all } }, ['fast a at a', 'fast b at b']],
    ['one place for a driver that tells none apart', { sites: { b: ['GET_CAPACITY'] } }, ['fast  at b']],
    ['nothing of a driver that cannot tell', { sites: { a: ['CREATE_DELETE_VOLUME'] } }, []],
    ['nothing that nobody wants to know', { storageCapacity: false }, []],
  ])('%s', (_, given, expected) => expect(questionsOf(driver, scene(given).world).map(({ storageClass, segments, site }) => `${storageClass.metadata.name} ${segments[key] ?? ''} at ${site.node}`).sort()).toEqual(expected))
})

test('it is written, kept up to date, and goes with its class', async () => {
  const at = scene()
  const room: Record<string, number> = { a: 2 ** 30, b: 0 }
  const asked: object[] = []
  const reconciler = csiCapacities({ client: undefined as never, service: { isTaken: () => Promise.resolve(false), call: (_, __, request) => { asked.push(request); return Promise.resolve({ available_capacity: String(room[(request as { accessible_topology: { segments: Record<string, string> } }).accessible_topology.segments[key] ?? '']) } as never) } } })
  const play = async (): Promise<string[]> => at.play(await reconciler.plan(driver, at.world) as never).map((line) => line.replace(/csisc-.*/, ''))
  expect(await play()).toEqual(['create csistoragecapacities ', 'create csistoragecapacities '])
  expect(asked[0]).toEqual({ parameters: { kind: 'fast' }, accessible_topology: { segments: { zone: 'a' } } })
  const seen = () => at.all(CSIStorageCapacities).map(({ storageClassName, capacity, nodeTopology }) => [storageClassName, nodeTopology?.matchLabels?.[key], capacity]).sort()
  expect(seen()).toEqual([['fast', 'a', '1Gi'], ['fast', 'b', '0']])
  expect(await play()).toEqual([])
  room['b'] = 2 ** 31
  expect(await play()).toEqual(['update csistoragecapacities '])
  expect(seen()).toEqual([['fast', 'a', '1Gi'], ['fast', 'b', '2Gi']])
  at.remove(StorageClasses, 'fast')
  expect(await play()).toEqual(['delete csistoragecapacities ', 'delete csistoragecapacities '])
})
