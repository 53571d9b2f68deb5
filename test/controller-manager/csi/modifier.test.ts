/** A claim that asks for other attributes, from the wish to the volume. Named after external-resizer's pkg/modifycontroller/modify_volume_test.go. */
import { describe, expect, test } from 'vitest'
import { CSINodes, Nodes, PersistentVolumeClaims, PersistentVolumes, VolumeAttributesClasses } from '../../../src/api/kinds.ts'
import type { CSINode, PersistentVolume, PersistentVolumeClaim } from '../../../src/api/types.ts'
import { CallError } from '../../../src/controller-manager/csi/controller-service.ts'
import { csiModifier } from '../../../src/controller-manager/csi/modifier.ts'
import { condition, metadata, node } from '../builders.ts'
import { type Stage, stage } from '../stage.ts'

const driver = 'disks.example.com'
type Status = PersistentVolumeClaim['status']

const scene = (wanted: string | undefined, status: Status, { classes = ['slow', 'fast'], capabilities = ['MODIFY_VOLUME'] }: { classes?: string[]; capabilities?: string[] } = {}) => {
  const at: Stage = stage()
  const asked: object[] = []
  let refusal: CallError | undefined
  at.put(Nodes, node('a', { metadata: { namespace: undefined }, status: { conditions: [condition('Ready')] } }))
  at.put(CSINodes, { metadata: metadata('a', { namespace: undefined, annotations: { 'csi.wherry.io/controllers': JSON.stringify({ [driver]: capabilities }) } }), spec: { drivers: [{ name: driver, nodeID: 'a', topologyKeys: [] }] } } as CSINode)
  for (const name of classes) at.put(VolumeAttributesClasses, { metadata: metadata(name, { namespace: undefined }), driverName: name === 'foreign' ? 'other' : driver, parameters: { speed: name } })
  at.put(PersistentVolumes, { metadata: metadata('pv', { namespace: undefined }), spec: { csi: { driver, volumeHandle: 'disk-1' }, claimRef: { uid: 'u' }, ...(status?.currentVolumeAttributesClassName && { volumeAttributesClassName: status.currentVolumeAttributesClassName }) }, status: { phase: 'Bound' } } as PersistentVolume)
  at.put(PersistentVolumeClaims, { metadata: metadata('data', { uid: 'u' }), spec: { accessModes: ['ReadWriteOnce'], volumeName: 'pv', ...(wanted !== undefined && { volumeAttributesClassName: wanted }) }, status: { phase: 'Bound', ...status } })
  const modifier = csiModifier({ service: { call: (_, method, request) => { asked.push({ method, ...request }); return refusal ? Promise.reject(refusal) : Promise.resolve({} as never) }, isTaken: () => Promise.resolve(false) } })
  return {
    at, asked, refuse: (error: CallError | undefined) => { refusal = error },
    async step() { at.play(await modifier.plan('default/data', at.world) as never); return this.status() },
    status: () => at.get(PersistentVolumeClaims, 'data').status,
  }
}
const conditionsOf = (status: Status): string[] => (status?.conditions ?? []).map(({ type, message }) => `${type}: ${message ?? ''}`)

test('said to be on its way, then asked for, then in volume and claim', async () => {
  const it = scene('fast', { currentVolumeAttributesClassName: 'slow' })
  const { at, asked } = it
  const underway = await it.step()
  expect([underway.modifyVolumeStatus, conditionsOf(underway), asked]).toEqual([{ status: 'InProgress', targetVolumeAttributesClassName: 'fast' }, ['ModifyingVolume: ModifyVolume operation in progress.'], []])
  const done = await it.step()
  expect(asked).toEqual([{ method: 'ControllerModifyVolume', volume_id: 'disk-1', secrets: {}, mutable_parameters: { speed: 'fast' } }])
  expect([done.currentVolumeAttributesClassName, done.modifyVolumeStatus, done.conditions]).toEqual(['fast', undefined, []])
  expect(at.get(PersistentVolumes, 'pv').spec.volumeAttributesClassName).toBe('fast')
  expect(at.told).toEqual(['Normal VolumeModify: external resizer is modifying volume data with vac fast', 'Normal VolumeModifySuccessful: external resizer modified volume data with vac fast successfully '])
})

describe('what the driver refuses', () => {
  const on = { currentVolumeAttributesClassName: 'slow', modifyVolumeStatus: { status: 'InProgress', targetVolumeAttributesClassName: 'fast' } }
  test('for good is infeasible, and the way back needs no driver', async () => {
    const it = scene('fast', on)
    it.refuse(new CallError('InvalidArgument', 'rpc error: code = InvalidArgument desc = too fast'))
    const refused = await it.step()
    expect(refused.modifyVolumeStatus).toEqual({ status: 'Infeasible', targetVolumeAttributesClassName: 'fast' })
    expect(conditionsOf(refused)).toContain('ModifyVolumeError: ModifyVolume failed with error: rpc error: code = InvalidArgument desc = too fast. Waiting for retry.')
    expect(it.at.told).toEqual(['Warning VolumeModifyFailed: rpc error: code = InvalidArgument desc = too fast'])
    const claim = it.at.get(PersistentVolumeClaims, 'data')
    it.at.put(PersistentVolumeClaims, { ...claim, spec: { ...claim.spec, volumeAttributesClassName: 'slow' } })
    const back = await it.step()
    expect([back.currentVolumeAttributesClassName, back.modifyVolumeStatus, back.conditions, it.asked.length]).toEqual(['slow', undefined, [], 1])
  })
  test('now is asked for again', async () => {
    const it = scene('fast', on)
    it.refuse(new CallError('Unavailable', 'rpc error: code = Unavailable desc = busy'))
    expect((await it.step()).modifyVolumeStatus).toEqual(on.modifyVolumeStatus)
    it.refuse(undefined)
    expect((await it.step()).currentVolumeAttributesClassName).toBe('fast')
  })
  test('a wish that is taken back while nobody knows what the driver has done is undone by it', async () => {
    const it = scene('slow', on)
    await it.step()
    await it.step()
    expect([it.asked, it.status().modifyVolumeStatus]).toEqual([[expect.objectContaining({ mutable_parameters: { speed: 'slow' } })], undefined])
  })
})

test.each<[string, Parameters<typeof scene>, string[]]>([
  ['no such class', ['fast', {}, { classes: [] }], ['Warning VolumeModifyFailed: VAC fast does not exist.']],
  ['a class of another driver', ['foreign', {}, { classes: ['foreign'] }], ['Warning VolumeModifyFailed: VAC foreign is for driver other which does not match driver name disks.example.com']],
])('waits: %s', async (_, given, told) => {
  const it = scene(...given)
  await it.step()
  await it.step()
  expect([it.status().modifyVolumeStatus?.status, it.at.told, it.asked]).toEqual(['Pending', told, []])
})

test.each<[string, Parameters<typeof scene>]>([
  ['the class that it has', ['slow', { currentVolumeAttributesClassName: 'slow' }]],
  ['no class', [undefined, {}]],
  ['a driver that cannot', ['fast', {}, { capabilities: ['EXPAND_VOLUME'] }]],
])('nothing happens: %s', async (_, given) => {
  const it = scene(...given)
  await it.step()
  expect([it.asked, it.at.told]).toEqual([[], []])
})
