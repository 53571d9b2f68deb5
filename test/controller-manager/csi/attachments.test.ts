/** Which volumes are attached where, decision by decision. Named after pkg/controller/volume/attachdetach/reconciler/reconciler_test.go. */
import { describe, expect, test } from 'vitest'
import { CSIDrivers, Nodes, PersistentVolumeClaims, PersistentVolumes, Pods, VolumeAttachments } from '../../../src/api/kinds.ts'
import type { CSIDriver, NodeStatus, PersistentVolume, PersistentVolumeClaim, Taint, VolumeAttachment } from '../../../src/api/types.ts'
import { attachDetach } from '../../../src/controller-manager/csi/attach-detach.ts'
import { attachmentName } from '../../../src/controller-manager/csi/attachments.ts'
import type { Action } from '../../../src/client/action.ts'
import { metadata, node, pod, secondsBefore } from '../builders.ts'
import { type Stage, stage } from '../stage.ts'

const driver = 'disks.example.com'
const unique = `kubernetes.io/csi/${driver}^disk`
const attachment = (of: string, status: VolumeAttachment['status'] = { attached: true }, deleted = false): VolumeAttachment => ({
  metadata: metadata(attachmentName('disk', driver, of), { namespace: undefined, ...(deleted && { deletionTimestamp: secondsBefore(1), finalizers: ['x'] }) }), spec: { attacher: driver, nodeName: of, source: { persistentVolumeName: 'pv' } }, status,
})
const notReady = (seconds: number): Partial<NodeStatus> => ({ conditions: [{ type: 'Ready', status: 'Unknown', lastTransitionTime: secondsBefore(seconds) }] })

interface Scene { modes?: string[]; pods?: Record<string, string>; attachments?: VolumeAttachment[]; status?: Partial<NodeStatus>; taints?: Taint[]; attachRequired?: boolean; finished?: boolean }

const scene = ({ modes = ['ReadWriteOnce'], pods = {}, attachments = [], status = {}, taints = [], attachRequired = true, finished = false }: Scene): Stage => {
  const at = stage()
  at.put(CSIDrivers, { metadata: metadata(driver, { namespace: undefined }), spec: { attachRequired } } as CSIDriver)
  for (const name of ['one', 'two']) at.put(Nodes, node(name, { metadata: { namespace: undefined }, spec: { taints }, status: name === 'one' ? status : {} }))
  at.put(PersistentVolumes, { metadata: metadata('pv', { namespace: undefined }), spec: { accessModes: modes, csi: { driver, volumeHandle: 'disk' }, claimRef: { namespace: 'default', name: 'data', uid: 'the-claim' } }, status: { phase: 'Bound' } } as PersistentVolume)
  at.put(PersistentVolumeClaims, { metadata: metadata('data', { uid: 'the-claim' }), spec: { volumeName: 'pv' }, status: { phase: 'Bound' } } as PersistentVolumeClaim)
  for (const [name, nodeName] of Object.entries(pods)) at.put(Pods, pod(name, { spec: { nodeName, volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }] }, status: { phase: finished ? 'Succeeded' : 'Running' } }))
  for (const each of attachments) at.put(VolumeAttachments, each)
  return at
}
const plan = (at: Stage, key: string): Action[] => attachDetach.plan(key, at.world) as Action[]
const played = (at: Stage, key: string): string[] => [...at.play(plan(at, key)), ...at.told]
const name = (of: string): string => attachmentName('disk', driver, of)

describe('a volume', () => {
  test.each<[string, Scene, string[]]>([
    ['is attached where a pod uses it', { pods: { web: 'one' } }, [`create volumeattachments ${name('one')}`]],
    ['is attached once', { pods: { web: 'one', other: 'one' }, attachments: [attachment('one')] }, []],
    ['is not attached for a pod that has ended', { pods: { web: 'one' }, finished: true }, []],
    ['is not attached by a driver that attaches nothing', { pods: { web: 'one' }, attachRequired: false }, []],
    ['is attached to several nodes if it may', { modes: ['ReadWriteMany'], pods: { web: 'one', other: 'two' }, attachments: [attachment('one')] }, [`create volumeattachments ${name('two')}`]],
    ['waits where another node has it', { pods: { web: 'two' }, attachments: [attachment('one')], status: { volumesInUse: [unique], volumesAttached: [{ name: unique, devicePath: '' }] } },
      ['Warning FailedAttachVolume: Multi-Attach error for volume "pv" Volume is already exclusively attached to one node and can\'t be attached to another']],
    ['waits where another pod has it', { pods: { web: 'two', other: 'one' }, attachments: [attachment('one')] }, ['Warning FailedAttachVolume: Multi-Attach error for volume "pv" Volume is already used by pod(s) other']],
    ['tells why it is not attached', { pods: { web: 'one' }, attachments: [attachment('one', { attached: false, attachError: { message: 'rpc error: code = Internal desc = broken' } })] },
      ['Warning FailedAttachVolume: AttachVolume.Attach failed for volume "pv" : rpc error: code = Internal desc = broken']],
    ['is taken away when nobody uses it', { attachments: [attachment('one')] }, [`delete volumeattachments ${name('one')}`]],
    ['stays while the node uses it', { attachments: [attachment('one')], status: { volumesInUse: [unique] } }, []],
    ['stays while the node may count on it', { attachments: [attachment('one')], status: { volumesAttached: [{ name: unique, devicePath: '' }] } }, []],
    ['stays for six minutes on a node that is silent', { attachments: [attachment('one')], status: { volumesInUse: [unique], ...notReady(300) } }, []],
    ['is taken from a node that has been silent for six minutes', { attachments: [attachment('one')], status: { volumesInUse: [unique], ...notReady(361) } }, [`delete volumeattachments ${name('one')}`]],
    ['is taken from a node that is out of service', { attachments: [attachment('one')], status: { volumesInUse: [unique] }, taints: [{ key: 'node.kubernetes.io/out-of-service', effect: 'NoExecute' }] }, [`delete volumeattachments ${name('one')}`]],
    ['is taken from a node that is gone', { attachments: [attachment('three')] }, [`delete volumeattachments ${name('three')}`]],
    ['is taken away once', { attachments: [attachment('one', { attached: true }, true)] }, []],
  ])('%s', (_, given, expected) => { const at = scene(given); expect(played(at, 'volume:pv')).toEqual(expected) })
})

describe('the node is told', () => {
  test.each<[string, Scene, string[] | undefined, string[]]>([
    ['what is attached', { pods: { web: 'one' }, attachments: [attachment('one')] }, [unique], ['Normal SuccessfulAttachVolume: AttachVolume.Attach succeeded for volume "pv" ']],
    ['nothing that is not yet', { pods: { web: 'one' }, attachments: [attachment('one', { attached: false })] }, undefined, []],
    ['nothing that is on its way out', { pods: { web: 'one' }, attachments: [attachment('one', { attached: true }, true)] }, undefined, []],
    ['nothing that nobody wants', { attachments: [attachment('one')], status: { volumesAttached: [{ name: unique, devicePath: '' }] } }, undefined, []],
    ['what it still uses', { attachments: [attachment('one')], status: { volumesInUse: [unique] } }, [unique], []],
  ])('%s', (_, given, expected, told) => {
    const at = scene(given)
    at.play(plan(at, 'node:one'))
    expect(at.get(Nodes, 'one').status.volumesAttached?.map((each) => each.name)).toEqual(expected)
    expect(at.told).toEqual(told)
    expect(plan(at, 'node:one')).toEqual([])
  })
})
