/** A CSI driver with a controller service and nothing else, as a process of the machine: volumes on demand, attached, grown, and taken back, over deaths of the kubelet. */
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { CSIDrivers, CSIStorageCapacities, Events, Nodes, PersistentVolumeClaims, PersistentVolumes, Pods, StorageClasses, VolumeAttachments, VolumeAttributesClasses } from '../../src/api/kinds.ts'
import { isRoot, startTestCluster, type TestCluster, until } from '../support/cluster.ts'
import { type DriverProcess, startDriver } from '../support/csi-driver.ts'
import { isReady, type LiveClient, liveClient } from '../support/live-client.ts'
import { killHard, kubeletOf } from '../support/seen-from-outside.ts'

if (!isRoot) console.log('SKIPPED csi-cluster.test.ts: clusters of real processes need root')

const name = 'disks.csi.example.com'

describe.runIf(isRoot)('a driver with a controller service', () => {
  let cluster: TestCluster
  let live: LiveClient
  let driver: DriverProcess
  const claimNow = () => live.client.get(PersistentVolumeClaims, { name: 'data', namespace: 'default' })
  const writer = () => live.run('writer', ['/bin/sh', '-c', 'echo here >> /data/file; trap "exit 0" TERM; while :; do sleep 0.1; done'], {
    containers: [{ name: 'main', image: 'host', command: ['/bin/sh', '-c', 'echo here >> /data/file; trap "exit 0" TERM; while :; do sleep 0.1; done'], volumeMounts: [{ name: 'data', mountPath: '/data' }] }],
    volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }],
  })
  const reasonsOf = async (uid: string): Promise<string[]> => (await live.client.list(Events)).items.filter(({ involvedObject }) => involvedObject.uid === uid).map(({ reason }) => reason ?? '')

  beforeAll(async () => {
    cluster = await startTestCluster({ single: true })
    live = liveClient(cluster)
    driver = await startDriver({ name, nodeId: 'disk-node-1', directory: path.join(cluster.home.data, 'driver'), socket: path.join(cluster.home.node('node-1').kubelet, 'plugins_registry', 'disks.sock'), topology: { 'topology.example.com/rack': 'r1' } })
    await live.client.create(CSIDrivers, { metadata: { name }, spec: { attachRequired: true, storageCapacity: true, fsGroupPolicy: 'File' } } as never)
    await live.client.create(StorageClasses, { metadata: { name: 'disks' }, provisioner: name, volumeBindingMode: 'WaitForFirstConsumer', allowVolumeExpansion: true, parameters: { kind: 'fast', 'csi.storage.k8s.io/fstype': 'ext4' } } as never)
  }, 120_000)
  afterAll(async () => {
    live?.[Symbol.dispose]()
    await cluster?.[Symbol.asyncDispose]()
    await driver?.kill()
  })

  test('how much room there is is told to the scheduler', async () => {
    const [told] = await until('it is told', async () => { const { items } = await live.client.list(CSIStorageCapacities); return items.length > 0 ? items : undefined })
    expect(told).toMatchObject({ metadata: { namespace: 'kube-system' }, storageClassName: 'disks', capacity: '10Gi', nodeTopology: { matchLabels: { 'topology.example.com/rack': 'r1' } } })
  })

  test('a claim that there is no room for waits', async () => {
    await live.client.create(PersistentVolumeClaims, { metadata: { name: 'large', namespace: 'default' }, spec: { accessModes: ['ReadWriteOnce'], storageClassName: 'disks', resources: { requests: { storage: '11Gi' } } } } as never)
    await live.run('large', ['sleep', '1000'], { volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'large' } }] })
    await live.untilPod('large', 'is told', ({ status }) => status.conditions?.some(({ type, message }) => type === 'PodScheduled' && (message ?? '').includes('node(s) did not have enough free storage')) ?? false)
    await live.remove('large')
    await live.client.delete(PersistentVolumeClaims, { name: 'large', namespace: 'default' })
    expect(driver.calls('CreateVolume')).toEqual([])
  })

  test('a claim gets a volume when a pod wants it; it is attached, and mounted', async () => {
    await live.client.create(PersistentVolumeClaims, { metadata: { name: 'data', namespace: 'default' }, spec: { accessModes: ['ReadWriteOnce'], storageClassName: 'disks', resources: { requests: { storage: '1Gi' } } } } as never)
    const pod = await writer()
    await live.untilPod('writer', 'is ready', isReady)
    const claim = await claimNow()
    const volume = await live.client.get(PersistentVolumes, { name: claim.spec.volumeName ?? '' })
    expect(volume).toMatchObject({
      metadata: { name: `pvc-${claim.metadata.uid}`, annotations: { 'pv.kubernetes.io/provisioned-by': name } },
      spec: { capacity: { storage: '1Gi' }, persistentVolumeReclaimPolicy: 'Delete', csi: { driver: name, volumeHandle: `vol-pvc-${claim.metadata.uid}`, fsType: 'ext4', volumeAttributes: { origin: 'test' } },
        nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'topology.example.com/rack', operator: 'In', values: ['r1'] }] }] } } },
    })
    expect(driver.calls('CreateVolume')[0]).toMatchObject({ name: volume.metadata.name, capacity_range: { required_bytes: String(2 ** 30) }, parameters: { kind: 'fast' }, accessibility_requirements: { preferred: [{ segments: { 'topology.example.com/rack': 'r1' } }] } })
    expect((await live.client.list(VolumeAttachments)).items).toMatchObject([{ spec: { attacher: name, nodeName: 'node-1', source: { persistentVolumeName: volume.metadata.name } }, status: { attached: true, attachmentMetadata: { device: `disk-of-${volume.spec.csi?.volumeHandle ?? ''}` } } }])
    expect(driver.calls('NodeStageVolume')[0]).toMatchObject({ publish_context: { device: `disk-of-${volume.spec.csi?.volumeHandle ?? ''}` } })
    const unique = `kubernetes.io/csi/${name}^${volume.spec.csi?.volumeHandle ?? ''}`
    expect((await live.client.get(Nodes, { name: 'node-1' })).status).toMatchObject({ volumesInUse: [unique], volumesAttached: [{ name: unique }] })
    expect(await reasonsOf(claim.metadata.uid)).toEqual(expect.arrayContaining(['Provisioning', 'ProvisioningSucceeded']))
    await until('the pod is told', async () => (await reasonsOf(pod.metadata.uid)).includes('SuccessfulAttachVolume'))
  })

  test('a copy of a claim has its data', async () => {
    await live.client.create(PersistentVolumeClaims, { metadata: { name: 'copy', namespace: 'default' }, spec: { accessModes: ['ReadWriteOnce'], storageClassName: 'disks', resources: { requests: { storage: '1Gi' } }, dataSource: { kind: 'PersistentVolumeClaim', name: 'data' } } } as never)
    await live.run('reader', [], { containers: [{ name: 'main', image: 'host', command: ['/bin/sh', '-c', 'grep -q here /data/file && exec sleep 1000'], volumeMounts: [{ name: 'data', mountPath: '/data' }] }], volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'copy' } }] })
    await live.untilPod('reader', 'is ready', isReady)
    expect(driver.calls('CreateVolume').at(-1)).toMatchObject({ volume_content_source: { volume: { volume_id: `vol-${(await claimNow()).spec.volumeName ?? ''}` } } })
    expect((await claimNow()).metadata.finalizers).toContain('provisioner.storage.kubernetes.io/cloning-protection')
    await live.remove('reader')
    await live.client.delete(PersistentVolumeClaims, { name: 'copy', namespace: 'default' })
  })

  test('a claim of another class of attributes gets them', async () => {
    const of = (iops: string) => live.client.create(VolumeAttributesClasses, { metadata: { name: `iops-${iops}` }, driverName: name, parameters: { iops } } as never)
    const wish = (className: string) => live.client.patch(PersistentVolumeClaims, { name: 'data', namespace: 'default' }, { type: 'merge', body: { spec: { volumeAttributesClassName: className } } as never })
    await of('9000')
    await of('none')
    await wish('iops-9000')
    await until('it has them', async () => { const { status } = await claimNow(); return status?.currentVolumeAttributesClassName === 'iops-9000' && status.modifyVolumeStatus === undefined })
    expect(driver.calls('ControllerModifyVolume')).toMatchObject([{ mutable_parameters: { iops: '9000' } }])
    expect((await live.client.get(PersistentVolumes, { name: (await claimNow()).spec.volumeName ?? '' })).spec.volumeAttributesClassName).toBe('iops-9000')
    await wish('iops-none')
    await until('it is refused', async () => (await claimNow()).status?.modifyVolumeStatus?.status === 'Infeasible')
    await wish('iops-9000')
    const { status, metadata } = await until('it is as it was', async () => { const now = await claimNow(); return now.status?.modifyVolumeStatus === undefined ? now : undefined })
    expect(status?.conditions ?? []).toEqual([])
    await until('that is told', async () => { const told = await reasonsOf(metadata.uid); return ['VolumeModify', 'VolumeModifySuccessful', 'VolumeModifyFailed'].every((reason) => told.includes(reason)) })
  })

  test('the driver says how full it is', async () => {
    const summary = JSON.parse(await cluster.kubectl(['get', '--raw', '/api/v1/nodes/node-1/proxy/stats/summary'])) as { pods: { podRef: { name: string }; volume?: { name: string }[] }[] }
    expect(summary.pods.find(({ podRef }) => podRef.name === 'writer')?.volume?.find((each) => each.name === 'data')).toMatchObject({ pvcRef: { name: 'data', namespace: 'default' }, capacityBytes: 2 ** 30, usedBytes: 1, availableBytes: 1 })
    expect(await cluster.kubectl(['get', '--raw', '/api/v1/nodes/node-1/proxy/metrics'])).toContain(`kubelet_volume_stats_capacity_bytes{namespace="default",persistentvolumeclaim="data"} ${2 ** 30}\n`)
  })

  test('the kubelet dies: what is mounted stays, and nobody is asked twice', async () => {
    const before = driver.calls('NodePublishVolume').length
    const pid = kubeletOf(cluster)
    killHard(pid)
    await until('another kubelet runs', async () => { const now = kubeletOf(cluster); return now > 1 && now !== pid })
    await until('it answers', async () => (await live.client.raw({ method: 'GET', path: '/api/v1/nodes/node-1/proxy/healthz', headers: {} })).status === 200)
    expect(isReady(await live.pod('writer'))).toBe(true)
    expect(driver.calls('NodePublishVolume')).toHaveLength(before)
  })

  test('a claim that asks for more gets it, while its pod runs', async () => {
    await live.client.patch(PersistentVolumeClaims, { name: 'data', namespace: 'default' }, { type: 'merge', body: { spec: { resources: { requests: { storage: '3Gi' } } } } })
    const claim = await until('the claim has it', async () => { const now = await claimNow(); if (now.status?.capacity?.['storage'] === '3Gi') return now; throw new Error(JSON.stringify(now.status)) })
    expect(claim.status?.conditions ?? []).toEqual([])
    expect(driver.calls('ControllerExpandVolume')).toMatchObject([{ capacity_range: { required_bytes: String(3 * 2 ** 30) } }])
    expect(driver.calls('NodeExpandVolume')).toHaveLength(1)
    await until('that is told', async () => { const told = await reasonsOf(claim.metadata.uid); return ['Resizing', 'FileSystemResizeRequired', 'FileSystemResizeSuccessful'].every((reason) => told.includes(reason)) })
  })

  test('a pod deleted while the kubelet is dead: unpublished, unstaged, detached; the data stays for the next', async () => {
    const file = path.join(driver.settings.directory, 'volumes', `vol-${(await claimNow()).spec.volumeName ?? ''}`, 'file')
    killHard(kubeletOf(cluster))
    await live.client.delete(Pods, { name: 'writer', namespace: 'default' }).catch(() => {}) // with --single the API server died with it
    await until('the pod is gone', async () => { const pods = await live.podsOf('app=writer'); if (pods.length > 0) await live.client.delete(Pods, { name: 'writer', namespace: 'default' }); return pods.length === 0 && !(await live.client.list(Pods)).items.some(({ metadata }) => metadata.name === 'writer') })
    await until('it is detached', async () => (await live.client.list(VolumeAttachments)).items.length === 0)
    const handle = `vol-${(await claimNow()).spec.volumeName ?? ''}`
    const last = driver.calls().filter((each) => each['volume_id'] === handle).map(({ method }) => method).filter((method) => ['NodeUnpublishVolume', 'NodeUnstageVolume', 'ControllerUnpublishVolume'].includes(method))
    expect(last).toEqual(['NodeUnpublishVolume', 'NodeUnstageVolume', 'ControllerUnpublishVolume'])
    expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(path.join(cluster.home.node('node-1').kubelet, 'plugins/kubernetes.io/csi'))
    expect(readFileSync(file, 'utf8')).toBe('here\n')
    await writer()
    await live.untilPod('writer', 'is ready', isReady)
    await until('it has written', async () => readFileSync(file, 'utf8') === 'here\nhere\n')
    await live.remove('writer')
  })

  test('a claim that goes takes its volume along', async () => {
    const { spec } = await claimNow()
    await live.client.delete(PersistentVolumeClaims, { name: 'data', namespace: 'default' })
    await until('the volume is gone', async () => { const left = (await live.client.list(PersistentVolumes)).items; if (left.length === 0) return true; throw new Error(JSON.stringify(left)) })
    expect(driver.calls('DeleteVolume').at(-1)).toMatchObject({ volume_id: `vol-${spec.volumeName ?? ''}` })
    expect(existsSync(path.join(driver.settings.directory, 'volumes', `vol-${spec.volumeName ?? ''}`))).toBe(false)
  })
  test('`wherry down` gives volumes back to the driver, after their pods have ended', async () => {
    await live.client.create(PersistentVolumeClaims, { metadata: { name: 'data', namespace: 'default' }, spec: { accessModes: ['ReadWriteOnce'], storageClassName: 'disks', resources: { requests: { storage: '1Gi' } } } } as never)
    await writer()
    await live.untilPod('writer', 'is ready', isReady)
    const before = driver.calls().length
    await cluster.wherry('down')
    expect(driver.calls().slice(before).map(({ method }) => method).filter((method) => method.startsWith('NodeUn'))).toEqual(['NodeUnpublishVolume', 'NodeUnstageVolume'])
  })
})
