/** What a driver is asked, in which order, over the deaths of kubelets; files are real, mounts and the driver are not. Named after pkg/volume/csi/csi_{attacher,mounter}_test.go. */
import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { attachments } from '../../../agents/kubelet/csi/attachments.ts'
import { CsiError } from '../../../agents/kubelet/csi/csi-error.ts'
import { csiVolumes, type CsiVolumes } from '../../../agents/kubelet/csi/csi-volumes.ts'
import type { Driver } from '../../../agents/kubelet/csi/driver.ts'
import { giveBack } from '../../../agents/kubelet/csi/give-back.ts'
import { targetPath } from '../../../agents/kubelet/csi/journal.ts'
import { csiSourceOf, type CsiSource } from '../../../agents/kubelet/csi/node-requests.ts'
import type { CSIDriver, Node, PersistentVolume, Pod, VolumeAttachment } from '../../../src/api/types.ts'
import { fakeClock } from '../../support/fake-clock.ts'
import { logs } from '../../support/logs.ts'
import { aPod } from '../builders.ts'
import { fakeMounter } from '../support.ts'

let root: string
beforeEach(async () => { root = await mkdtemp(path.join(os.tmpdir(), 'wherry-csi-')) })
afterEach(async () => { await rm(root, { recursive: true, force: true }) })

const unique = 'kubernetes.io/csi/d^h'
const persistent = { metadata: { name: 'pv' }, spec: { accessModes: ['ReadWriteMany'], csi: { driver: 'd', volumeHandle: 'h' } } } as unknown as PersistentVolume
const using = (uid: string): Pod => { const pod = aPod({ volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'c' } }] }); return { ...pod, metadata: { ...pod.metadata, uid } } }
const sourceIn = (pod: Pod): CsiSource => csiSourceOf(pod, pod.spec.volumes?.[0] ?? { name: '' }, persistent) as CsiSource

/** A node; `kubelet()` begins anew with what the last one has left. */
const aNode = ({ spec = { attachRequired: false }, capabilities = ['STAGE_UNSTAGE_VOLUME'] }: { spec?: CSIDriver['spec']; capabilities?: string[] } = {}) => {
  const [clock, mounter, asked] = [fakeClock(), fakeMounter(), [] as string[]]
  let refuse: ((method: string) => string | undefined) | undefined
  let status: Node['status'] = {}
  let attachment: VolumeAttachment['status'] | undefined
  let present = true
  let inUse: () => readonly string[] = () => []
  const driver: Driver = {
    name: 'd', node: { nodeId: 'n', maxVolumes: 0, topology: {}, capabilities: new Set(capabilities) }, controller: [], plugin: [], seen: (at) => at,
    call: <A>(_: string, method: string, request: object) => {
      asked.push(method)
      const why = refuse?.(method)
      if (why) return Promise.reject(new CsiError('Internal', why))
      const { target_path: target } = request as { target_path?: string }
      if (target && method === 'NodePublishVolume') mounter.mounts.set(target, 'published')
      if (target && method === 'NodeUnpublishVolume') mounter.mounts.delete(target)
      return Promise.resolve({} as A)
    },
  }
  return {
    clock, mounter, asked, driver,
    refuse: (how: typeof refuse) => { refuse = how },
    leave: () => { present = false }, come: () => { present = true },
    status: (next: Node['status'], attached?: VolumeAttachment['status'] | undefined) => { status = next; attachment = attached },
    get inUse() { return inUse() },
    async kubelet(): Promise<CsiVolumes> {
      const held = attachments({ root, nodeName: 'node-1', node: () => ({ status }) as Node, attachment: () => Promise.resolve(attachment ? ({ status: attachment } as VolumeAttachment) : undefined), changed() {} })
      await held.restore()
      inUse = () => held.inUse()
      return csiVolumes({
        root, nodeName: 'node-1', bootID: 'boot', clock, mounter, driver: () => (present ? driver : undefined), csiDriver: () => Promise.resolve({ metadata: { name: 'd' }, spec } as CSIDriver), secret: () => Promise.resolve({}), attachments: held,
        tokens: { of: () => Promise.resolve({}) }, growth: { finished: () => Promise.resolve(), tell() {} },
      })
    },
  }
}
const setUp = (volumes: CsiVolumes, uid: string): Promise<string> => { const pod = using(uid); return volumes.setUp({ pod, source: sourceIn(pod), persistent }) }

describe('staged for all, published for each', () => {
  test('and unstaged after the last', async () => {
    const node = aNode()
    const volumes = await node.kubelet()
    const at = await setUp(volumes, 'one')
    await setUp(volumes, 'one')
    await setUp(volumes, 'two')
    expect(at).toBe(targetPath(root, 'one', { specVolID: 'pv' }))
    await volumes.tearDown('one')
    await volumes.tearDown('two')
    await volumes.tearDown('two')
    expect(node.asked).toEqual(['NodeStageVolume', 'NodePublishVolume', 'NodePublishVolume', 'NodeUnpublishVolume', 'NodeUnpublishVolume', 'NodeUnstageVolume'])
  })
  test('without staging where the driver has none', async () => {
    const node = aNode({ capabilities: [] })
    const volumes = await node.kubelet()
    await setUp(volumes, 'one')
    await volumes.tearDown('one')
    expect(node.asked).toEqual(['NodePublishVolume', 'NodeUnpublishVolume'])
  })
  test('what failed is said by its step, and taken back all the same', async () => {
    const node = aNode()
    node.refuse((method) => (method === 'NodePublishVolume' ? 'broken' : undefined))
    const volumes = await node.kubelet()
    await expect(setUp(volumes, 'one')).rejects.toMatchObject({ step: 'MountVolume.SetUp', message: 'rpc error: code = Internal desc = broken' })
    await volumes.tearDown('one')
    expect(node.asked).toEqual(['NodeStageVolume', 'NodePublishVolume', 'NodeUnpublishVolume', 'NodeUnstageVolume'])
  })
  test('a pod whose driver never came leaves nothing to take back', async () => {
    const node = aNode()
    node.leave()
    const volumes = await node.kubelet()
    await expect(setUp(volumes, 'one')).rejects.toThrow('kubernetes.io/csi: attacher.MountDevice failed to create newCsiDriverClient: driver name d not found in the list of registered CSI drivers')
    await volumes.tearDown('one')
  })
  test('a volume whose driver has gone waits for it', async () => {
    const node = aNode()
    const volumes = await node.kubelet()
    await setUp(volumes, 'one')
    node.leave()
    await expect(volumes.tearDown('one')).rejects.toThrow('UnmountVolume.TearDown failed for volume "pv"')
    node.come()
    await volumes.tearDown('one')
    expect(node.asked.slice(2)).toEqual(['NodeUnpublishVolume', 'NodeUnstageVolume'])
  })
})

test('a driver that wants it is asked again, a minute later, and not staged again', async () => {
  const node = aNode({ spec: { attachRequired: false, requiresRepublish: true } })
  const volumes = await node.kubelet()
  await setUp(volumes, 'one')
  expect(volumes.renewIn('one')).toBe(60_000)
  await setUp(volumes, 'one')
  await node.clock.advance(60_000)
  expect(volumes.renewIn('one')).toBe(0)
  await setUp(volumes, 'one')
  expect(node.asked).toEqual(['NodeStageVolume', 'NodePublishVolume', 'NodePublishVolume'])
})

describe('another kubelet', () => {
  test('asks for nothing that is there', async () => {
    const node = aNode()
    await setUp(await node.kubelet(), 'one')
    const next = await node.kubelet()
    await setUp(next, 'one')
    expect(node.asked).toEqual(['NodeStageVolume', 'NodePublishVolume'])
    await next.tearDown('one')
    expect(node.asked.slice(2)).toEqual(['NodeUnpublishVolume', 'NodeUnstageVolume'])
  })
  test('asks once more for what is not mounted any more', async () => {
    const node = aNode()
    const at = await setUp(await node.kubelet(), 'one')
    node.mounter.mounts.delete(at)
    await setUp(await node.kubelet(), 'one')
    expect(node.asked).toEqual(['NodeStageVolume', 'NodePublishVolume', 'NodeStageVolume', 'NodePublishVolume'])
  })
  test('unstages what the last one was about to', async () => {
    const node = aNode()
    const first = await node.kubelet()
    await setUp(first, 'one')
    node.refuse((method) => (method === 'NodeUnstageVolume' ? 'not now' : undefined))
    await expect(first.tearDown('one')).rejects.toThrow(`UnmountDevice failed for volume ${unique} : rpc error: code = Internal desc = not now`)
    node.refuse(undefined)
    const next = await node.kubelet()
    expect(node.inUse).toEqual([unique])
    await next.reclaim('d')
    await next.reclaim('d')
    expect([node.asked.slice(2), node.inUse]).toEqual([['NodeUnpublishVolume', 'NodeUnstageVolume', 'NodeUnstageVolume'], []])
  })
  test('leaves alone what a pod has', async () => {
    const node = aNode()
    await setUp(await node.kubelet(), 'one')
    await (await node.kubelet()).reclaim('d')
    expect(node.asked).toEqual(['NodeStageVolume', 'NodePublishVolume'])
  })
})

describe('a volume that is to be attached', () => {
  const attached = { volumesInUse: [unique], volumesAttached: [{ name: unique, devicePath: '' }] }
  test.each<[string, Node['status'], VolumeAttachment['status'] | undefined, string]>([
    ['the API server knows that it is in use', {}, undefined, 'volume pv is not yet said to be in use in the node\'s status'],
    ['the node may count on it', { volumesInUse: [unique] }, undefined, 'volume pv is not yet attached according to the node\'s status'],
    ['its attachment is there', attached, { attached: false }, 'volume pv has no attachment to this node'],
  ])('waits until %s', async (_, status, attachment, why) => {
    const node = aNode({ spec: { attachRequired: true } })
    node.status(status, attachment)
    const volumes = await node.kubelet()
    await expect(setUp(volumes, 'one')).rejects.toMatchObject({ name: 'NotYet', message: why })
    expect([node.asked, node.inUse]).toEqual([[], [unique]])
    await volumes.tearDown('one')
    expect(node.inUse).toEqual([])
  })
  test('is in use until it is unstaged, also over another kubelet', async () => {
    const node = aNode({ spec: { attachRequired: true } })
    node.status(attached, { attached: true })
    await setUp(await node.kubelet(), 'one')
    const next = await node.kubelet()
    expect(node.inUse).toEqual([unique])
    await next.tearDown('one')
    expect([node.asked.at(-1), node.inUse]).toEqual(['NodeUnstageVolume', []])
  })
})

describe('a node that is torn down', () => {
  const leave = (node: ReturnType<typeof aNode>, { keeps = [], drivers = [node.driver] }: { keeps?: string[]; drivers?: Driver[] } = {}) =>
    giveBack({ root, clock: node.clock, log: logs(), mounter: node.mounter, keeps: (uid) => keeps.includes(uid), findDrivers: (changed) => { changed(drivers); return Promise.resolve() } })
  const inTime = async (node: ReturnType<typeof aNode>, answer: Promise<string[]>): Promise<string[]> => {
    let said: string[] | undefined
    void answer.then((list) => { said = list })
    return vi.waitUntil(async () => { await node.clock.advance(5_000); return said }, 10_000)
  }
  const used = async (...uids: string[]) => {
    const node = aNode()
    const volumes = await node.kubelet()
    for (const uid of uids) await setUp(volumes, uid)
    node.asked.length = 0
    return node
  }
  test('gives everything back, once, and what hangs in it goes before', async () => {
    const node = await used('one', 'two')
    const subPath = path.join(root, 'pods/one/volume-subpaths/data/main/0')
    node.mounter.mounts.set(subPath, 'bound')
    node.refuse((method) => (method === 'NodeUnpublishVolume' && node.mounter.mounts.has(subPath) ? 'busy' : undefined))
    expect(await leave(node)).toEqual([])
    expect(await leave(node)).toEqual([])
    expect([node.asked, [...node.mounter.mounts]]).toEqual([['NodeUnpublishVolume', 'NodeUnpublishVolume', 'NodeUnstageVolume'], []])
  })
  test('leaves what a running pod has', async () => {
    const node = await used('one', 'two')
    expect(await leave(node, { keeps: ['two'] })).toEqual([])
    expect(node.asked).toEqual(['NodeUnpublishVolume'])
  })
  test('says what no driver has taken, and remembers it', async () => {
    const node = await used('one')
    expect(await inTime(node, leave(node, { drivers: [] }))).toEqual(['UnmountVolume.TearDown failed for volume "pv" : kubernetes.io/csi: Unmounter.TearDownAt failed: driver name d not found in the list of registered CSI drivers'])
    expect(await leave(node)).toEqual([])
    expect(node.asked).toEqual(['NodeUnpublishVolume', 'NodeUnstageVolume'])
  })
  test('waits so long for a driver that does not answer, and no longer', async () => {
    const node = await used('one')
    const silent: Driver = { ...node.driver, call: (_, __, ___, signal) => new Promise((___resolve, reject) => { signal?.addEventListener('abort', () => reject(new CsiError('Canceled', 'Cancelled on client'))) }) }
    expect(await inTime(node, leave(node, { drivers: [silent] }))).toEqual([expect.stringContaining('rpc error: code = Canceled desc = Cancelled on client: no answer in 15 s')])
  })
})
