/** A CSI driver as a process of the machine, and the pods that use its volumes: real sockets, real mounts. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemMounter } from '../../agents/kubelet/volumes/mounter.ts'
import { CSIDrivers, CSINodes, Events, Nodes, PersistentVolumeClaims, PersistentVolumes, Pods, Secrets } from '../../src/api/kinds.ts'
import { isNotFound } from '../../src/api/status.ts'
import type { PersistentVolumeSpec } from '../../src/api/types.ts'
import { type DriverProcess, startDriver } from '../support/csi-driver.ts'
import { isReady, type KubeletNode, shell, startKubeletNode } from '../support/kubelet-node.ts'
import { isRoot, until } from '../support/runtime-node.ts'

if (!isRoot) console.log('SKIPPED csi.test.ts: real mounts need root')

const plain = 'plain.csi.example.com'
/** Machines have loop devices, containers of a CI may not. */
const loops = spawnSync('losetup', ['--find']).status === 0
const attributesOf = (text: string): Record<string, string> => JSON.parse(text) as Record<string, string>

describe.runIf(isRoot)('volumes of a driver that is a process of the machine', () => {
  let node: KubeletNode
  let driver: DriverProcess
  const directory = (name: string): string => path.join(node.place.scratch, name)
  const mounts = (): string[] => readFileSync('/proc/self/mountinfo', 'utf8').split('\n').map((line) => line.split(' ')[4] ?? '').filter((at) => at.startsWith(node.place.scratch) && at.includes('csi'))
  const isGone = (name: string) => until(`${name} is gone`, async () => node.client.get(Pods, { name, namespace: 'default' }).then(() => false, (error: unknown) => { if (isNotFound(error)) return true; throw error }))

  /** A volume that is there already, and its claim, bound to each other as the controllers do it. */
  const bound = async (name: string, spec: Partial<PersistentVolumeSpec> = {}): Promise<void> => {
    const { settings } = driver
    mkdirSync(path.join(settings.directory, 'volumes', name), { recursive: true })
    const claim = await node.client.create(PersistentVolumeClaims, { metadata: { name, namespace: 'default' }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, storageClassName: '', volumeName: `pv-${name}`, volumeMode: spec.volumeMode ?? 'Filesystem' } } as never)
    await node.client.create(PersistentVolumes, { metadata: { name: `pv-${name}` }, spec: {
      accessModes: ['ReadWriteOnce'], capacity: { storage: '1Gi' }, persistentVolumeReclaimPolicy: 'Retain', storageClassName: '', claimRef: { kind: 'PersistentVolumeClaim', apiVersion: 'v1', name, namespace: 'default', uid: claim.metadata.uid },
      csi: { driver: plain, volumeHandle: name }, ...spec } } as never)
    await node.client.patch(PersistentVolumeClaims, { name, namespace: 'default' }, { type: 'merge', body: { status: { phase: 'Bound', accessModes: ['ReadWriteOnce'], capacity: { storage: '1Gi' } } } }, { subresource: 'status' })
  }
  const withClaim = (claimName: string, readOnly = false) => ({ volumes: [{ name: 'data', persistentVolumeClaim: { claimName, readOnly } }] })
  const mounted = { volumeMounts: [{ name: 'data', mountPath: '/data' }] }

  beforeAll(async () => {
    node = await startKubeletNode()
    await node.client.create(CSIDrivers, { metadata: { name: plain }, spec: { attachRequired: false, podInfoOnMount: true, volumeLifecycleModes: ['Persistent', 'Ephemeral'], fsGroupPolicy: 'File' } } as never)
    mkdirSync(directory('driver'), { recursive: true })
    const known = (id: string) => [id, { name: id, bytes: 1 << 30, published: [] }]
    writeFileSync(path.join(directory('driver'), 'state.json'), JSON.stringify({ volumes: Object.fromEntries(['kept', 'grows', 'shared', 'secret', 'device'].map(known)), staged: {} }))
    driver = await startDriver({ name: plain, nodeId: 'plain-node-1', directory: directory('driver'), socket: path.join(node.directory, 'plugins_registry', 'plain.sock'), controllerCapabilities: [], topology: { 'topology.example.com/zone': 'a' }, maxVolumes: 7 })
  }, 60_000)
  afterAll(async () => {
    try {
      // Shared for the driver in a pod; `wherry down` does this below the whole directory of the node.
      const pods = node && path.join(node.directory, 'pods')
      if (pods && (await systemMounter.below(pods)).includes(pods)) await systemMounter.unmount(pods)
      await node?.[Symbol.asyncDispose]()
    } finally { await driver?.kill() }
  }, 60_000)

  test('the cluster knows of it by CSINode, an annotation and a label', async () => {
    const csiNode = await until('CSINode lists it', async () => node.client.get(CSINodes, { name: 'node-1' }).then((found) => ((found.spec.drivers?.length ?? 0) > 0 ? found : undefined), () => undefined))
    expect(csiNode.spec.drivers).toEqual([{ name: plain, nodeID: 'plain-node-1', topologyKeys: ['topology.example.com/zone'], allocatable: { count: 7 } }])
    const { metadata } = await node.client.get(Nodes, { name: 'node-1' })
    expect(csiNode.metadata.ownerReferences).toMatchObject([{ kind: 'Node', name: 'node-1', uid: metadata.uid }])
    expect(metadata.annotations?.['csi.volume.kubernetes.io/nodeid']).toBe(JSON.stringify({ [plain]: 'plain-node-1' }))
    expect(metadata.labels?.['topology.example.com/zone']).toBe('a')
    await node.client.delete(Nodes, { name: 'node-1' })
    const again = await until('the node is made anew, and CSINode is its', async () => {
      const [now, owned] = [await node.client.get(Nodes, { name: 'node-1' }).catch(() => undefined), await node.client.get(CSINodes, { name: 'node-1' })]
      return now && owned.metadata.ownerReferences?.[0]?.uid === now.metadata.uid && now.metadata.uid !== metadata.uid && now.metadata.labels?.['topology.example.com/zone'] === 'a' ? owned : undefined
    }, 30_000)
    expect(again.spec.drivers).toEqual(csiNode.spec.drivers)
  })

  test('staged once and published for each pod; what is written stays; nothing of it is left on the node', async () => {
    await bound('kept')
    const { output } = await node.runToEnd('writer', 'echo kept > /data/file; stat -c %g /data/file', { container: mounted, spec: { ...withClaim('kept'), securityContext: { fsGroup: 4242 } } })
    expect(output).toBe('4242\n')
    await node.client.delete(Pods, { name: 'writer', namespace: 'default' }, { gracePeriodSeconds: 0 })
    await until('nothing is mounted', () => mounts().length === 0)
    const reader = await node.runToEnd('reader', 'cat /data/file; touch /data/other', { container: mounted, spec: withClaim('kept', true) })
    expect(reader.output).toContain('kept\n')
    expect(reader.pod.status.containerStatuses?.[0]?.state?.terminated?.exitCode).toBe(1)
    expect(driver.calls('NodePublishVolume').filter(({ volume_id: id }) => id === 'kept').map(({ readonly }) => readonly)).toEqual([false, true])
    await node.client.delete(Pods, { name: 'reader', namespace: 'default' }, { gracePeriodSeconds: 0 })
    await isGone('reader')
    await until('nothing is mounted', () => mounts().length === 0)
    const order = driver.calls().filter((each) => each['volume_id'] === 'kept').map(({ method }) => method)
    expect(order).toEqual(['NodeStageVolume', 'NodePublishVolume', 'NodeUnpublishVolume', 'NodeUnstageVolume', 'NodeStageVolume', 'NodePublishVolume', 'NodeUnpublishVolume', 'NodeUnstageVolume'])
    await until('its staging directory is gone', () => readdirSync(path.join(node.directory, 'plugins/kubernetes.io/csi', plain)).length === 0)
  })

  test('secrets reach the calls that they are for', async () => {
    await node.client.create(Secrets, { metadata: { name: 'staging', namespace: 'default' }, stringData: { key: 'of staging' } } as never)
    await node.client.create(Secrets, { metadata: { name: 'publishing', namespace: 'default' }, stringData: { key: 'of publishing' } } as never)
    await bound('secret', { mountOptions: ['noatime'], csi: { driver: plain, volumeHandle: 'secret', fsType: 'ext4', volumeAttributes: { color: 'red' }, nodeStageSecretRef: { name: 'staging', namespace: 'default' }, nodePublishSecretRef: { name: 'publishing', namespace: 'default' } } })
    await node.runToEnd('secret', 'true', { container: mounted, spec: withClaim('secret') })
    const of = (method: string) => driver.calls(method).find((each) => each['volume_id'] === 'secret')
    const capability = { access_mode: { mode: 'SINGLE_NODE_WRITER' }, mount: { fs_type: 'ext4', mount_flags: ['noatime'] } }
    expect(of('NodeStageVolume')).toMatchObject({ secrets: { key: 'of staging' }, volume_context: { color: 'red' }, volume_capability: capability })
    await node.client.delete(Pods, { name: 'secret', namespace: 'default' }, { gracePeriodSeconds: 0 })
    expect(of('NodePublishVolume')).toMatchObject({ secrets: { key: 'of publishing' }, volume_context: { color: 'red', 'csi.storage.k8s.io/pod.name': 'secret', 'csi.storage.k8s.io/ephemeral': 'false' }, volume_capability: capability })
  })

  test('an inline volume lives with its pod, and the driver is told of it', async () => {
    await node.create('inline', { container: { command: shell('cat /data/attributes.json; exec sleep 1000'), ...mounted }, spec: { volumes: [{ name: 'data', csi: { driver: plain, volumeAttributes: { size: '1' } } }] } })
    const pod = await node.untilPod('inline', 'is ready', isReady)
    const told = await until('it is told', () => (node.logOf(pod).includes('}') ? attributesOf(node.logOf(pod)) : undefined))
    expect(told).toMatchObject({ size: '1', 'csi.storage.k8s.io/ephemeral': 'true', 'csi.storage.k8s.io/pod.name': 'inline', 'csi.storage.k8s.io/pod.uid': pod.metadata.uid })
    const id = driver.calls('NodePublishVolume').at(-1)?.['volume_id'] as string
    expect(id).toMatch(/^csi-[0-9a-f]{64}$/)
    await node.client.delete(Pods, { name: 'inline', namespace: 'default' }, { gracePeriodSeconds: 0 })
    await isGone('inline')
    await until('the volume is gone', () => !existsSync(path.join(driver.settings.directory, 'volumes', id)))
  })

  test('a volume that has grown is grown on the node, while its pod runs', async () => {
    await bound('grows')
    await node.create('grows', { container: { command: shell('exec sleep 1000'), ...mounted }, spec: withClaim('grows') })
    await node.untilPod('grows', 'is ready', isReady)
    await node.client.patch(PersistentVolumeClaims, { name: 'grows', namespace: 'default' }, { type: 'merge', body: { status: { conditions: [{ type: 'FileSystemResizePending', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' }] } } }, { subresource: 'status' })
    await node.client.patch(PersistentVolumes, { name: 'pv-grows' }, { type: 'merge', body: { spec: { capacity: { storage: '2Gi' } } } })
    const claim = await until('the claim says so', async () => { const found = await node.client.get(PersistentVolumeClaims, { name: 'grows', namespace: 'default' }); return found.status?.capacity?.['storage'] === '2Gi' ? found : undefined })
    expect(claim.status?.conditions ?? []).toEqual([])
    expect(driver.calls('NodeExpandVolume')).toMatchObject([{ volume_id: 'grows', capacity_range: { required_bytes: String(2 ** 31) } }])
    expect((await node.client.list(Events)).items.filter(({ reason }) => reason === 'FileSystemResizeSuccessful').map(({ involvedObject }) => involvedObject.kind).sort()).toEqual(['PersistentVolumeClaim', 'Pod'])
  })

  const withDevice = { volumeDevices: [{ name: 'data', devicePath: '/dev/xvda' }] }
  const scribe = 'stat -c %F /dev/xvda; printf %s written | dd of=/dev/xvda conv=notrunc status=none; dd if=/dev/xvda bs=7 count=1 status=none'
  test.runIf(loops)('a device of a driver is a device in the container', async () => {
    await bound('device', { volumeMode: 'Block' })
    const { output } = await node.runToEnd('device', scribe, { container: withDevice, spec: withClaim('device') })
    expect(output).toBe('block special file\nwritten')
    expect(driver.calls('NodePublishVolume').at(-1)).toMatchObject({ volume_id: 'device', volume_capability: { block: {} } })
    await node.client.delete(Pods, { name: 'device', namespace: 'default' }, { gracePeriodSeconds: 0 })
    await isGone('device')
    await until('it is unstaged', () => driver.calls('NodeUnstageVolume').some((each) => each['volume_id'] === 'device'))
    expect(readFileSync(path.join(driver.settings.directory, 'volumes/device/disk.img'), 'utf8').slice(0, 7)).toBe('written')
    expect(mounts().filter((at) => at.includes('volumeDevices'))).toEqual([])
  })

  test.runIf(loops)('so is a local one', async () => {
    const image = path.join(node.place.scratch, 'local.img')
    writeFileSync(image, Buffer.alloc(1 << 20))
    const device = spawnSync('losetup', ['--find', '--show', image]).stdout.toString().trim()
    try {
      await bound('local', { volumeMode: 'Block', csi: undefined, local: { path: device }, nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: ['node-1'] }] }] } } })
      const { output } = await node.runToEnd('local', scribe, { container: withDevice, spec: withClaim('local') })
      expect(output).toBe('block special file\nwritten')
      await node.client.delete(Pods, { name: 'local', namespace: 'default' }, { gracePeriodSeconds: 0 })
      await isGone('local')
    } finally { spawnSync('losetup', ['--detach', device]) }
  })

  test.runIf(loops && existsSync('/sbin/mkfs.ext4'))('a file system is made on a blank local disk, and is there for the next pod', async () => {
    const image = path.join(node.place.scratch, 'blank.img')
    writeFileSync(image, '')
    truncateSync(image, 16 << 20)
    const device = spawnSync('losetup', ['--find', '--show', image]).stdout.toString().trim()
    try {
      await bound('disk', { csi: undefined, local: { path: device, fsType: 'ext4' }, nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: ['node-1'] }] }] } } })
      for (const [name, script, expected] of [['one', 'echo kept > /data/word; stat -f -c %T /data; stat -c "%g %a" /data', 'ext2/ext3\n1234 2775\n'], ['two', 'cat /data/word; stat -c %g /data/word', 'kept\n1234\n']] as const) {
        const { output } = await node.runToEnd(name, script, { container: mounted, spec: { ...withClaim('disk'), securityContext: { fsGroup: 1234 } } })
        expect(output).toBe(expected)
        await node.client.delete(Pods, { name, namespace: 'default' }, { gracePeriodSeconds: 0 })
        await isGone(name)
      }
      await until('it is mounted no more', () => !readFileSync('/proc/self/mountinfo', 'utf8').includes(`${device} `))
    } finally { spawnSync('losetup', ['--detach', device]) }
  })

  test('a driver that dies: running pods stay, others wait for it, with its words', async () => {
    const before = driver.calls('NodePublishVolume').length
    await driver.kill()
    await bound('shared')
    await node.create('waits', { container: { command: shell('exec sleep 1000'), ...mounted }, spec: withClaim('shared') })
    await until('it is told', async () => (await node.client.list(Events)).items.some(({ reason, message, involvedObject }) => reason === 'FailedMount' && involvedObject.name === 'waits' && (message ?? '').startsWith('MountVolume.MountDevice failed for volume "pv-shared" : rpc error: code = Unavailable desc = ')))
    expect(isReady(await node.client.get(Pods, { name: 'grows', namespace: 'default' }))).toBe(true)
    driver = await startDriver(driver.settings)
    await node.untilPod('waits', 'is ready', isReady)
    expect(driver.calls('NodePublishVolume').length).toBeGreaterThan(before)
    for (const name of ['waits', 'grows']) await node.client.delete(Pods, { name, namespace: 'default' }, { gracePeriodSeconds: 0 })
    await isGone('waits')
    await isGone('grows')
    await until('nothing is mounted', () => mounts().length === 0)
  })

  test('a driver in a pod, registered as node-driver-registrar does, by the paths that manifests have', async () => {
    const name = 'pod.csi.example.com'
    await node.client.create(CSIDrivers, { metadata: { name }, spec: { attachRequired: false, podInfoOnMount: true, volumeLifecycleModes: ['Ephemeral'] } } as never)
    const [socket, program] = [`/var/lib/kubelet/plugins/${name}/csi.sock`, path.resolve(import.meta.dirname, '../..')]
    const settings = { name, nodeId: 'pod-node-1', directory: '/state', socket, registrar: { socket: `/registration/${name}-reg.sock`, endpoint: socket }, nodeCapabilities: [], controllerCapabilities: [] }
    mkdirSync(directory('pod-driver'))
    await node.create('driver', { container: { command: [process.execPath, path.join(program, 'test/support/csi-driver.ts'), JSON.stringify(settings)], securityContext: { privileged: true }, volumeMounts: [
      { name: 'plugin', mountPath: `/var/lib/kubelet/plugins/${name}` }, { name: 'registration', mountPath: '/registration' }, { name: 'pods', mountPath: '/var/lib/kubelet/pods', mountPropagation: 'Bidirectional' }, { name: 'state', mountPath: '/state' }, { name: 'program', mountPath: program, readOnly: true },
    ] }, spec: { hostNetwork: true, volumes: [
      { name: 'plugin', hostPath: { path: `/var/lib/kubelet/plugins/${name}`, type: 'DirectoryOrCreate' } }, { name: 'registration', hostPath: { path: '/var/lib/kubelet/plugins_registry', type: 'Directory' } },
      { name: 'pods', hostPath: { path: '/var/lib/kubelet/pods', type: 'Directory' } }, { name: 'state', hostPath: { path: directory('pod-driver'), type: 'Directory' } },
      // It may lie below /tmp, which is the pod's own.
      { name: 'program', hostPath: { path: program, type: 'Directory' } },
    ] } })
    const pod = await node.untilPod('driver', 'runs', isReady)
    await until('it is registered', async () => (await node.client.get(CSINodes, { name: 'node-1' })).spec.drivers?.some((each) => each.name === name)).catch((error: Error) => { throw new Error(`${error.message}; it said: ${node.logOf(pod)}`) })
    const { output } = await node.runToEnd('user', 'cat /data/attributes.json; echo more > /data/more', { container: mounted, spec: { volumes: [{ name: 'data', csi: { driver: name } }] } })
    expect(attributesOf(output)).toMatchObject({ 'csi.storage.k8s.io/pod.name': 'user' })
    await node.client.delete(Pods, { name: 'user', namespace: 'default' }, { gracePeriodSeconds: 0 })
    await isGone('user')
    await until('the volume is gone', () => readdirSync(path.join(directory('pod-driver'), 'volumes')).length === 0)
    await node.client.delete(Pods, { name: 'driver', namespace: 'default' }, { gracePeriodSeconds: 0 })
    await isGone('driver')
  })
})
