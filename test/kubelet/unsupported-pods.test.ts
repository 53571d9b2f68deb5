/** What this kubelet cannot give, over the whole kubelet and the API server: what becomes of the pod, its event, and how it goes. */
import { describe, expect, test } from 'vitest'
import { Pods } from '../../src/api/kinds.ts'
import type { PodSpec } from '../../src/api/types.ts'
import { isGone, isReady, testNode } from './support.ts'

describe('a pod waits in ContainerCreating, with an event, nothing of it runs, and it goes when it is deleted', () => {
  for (const [name, spec, event] of [
    ['an inline CSI volume', { volumes: [{ name: 'data', csi: { driver: 'd.example.com' } }] },
      'FailedMount MountVolume.SetUp failed for volume "data" : kubernetes.io/csi: mounter.SetUpAt failed to get CSI client: driver name d.example.com not found in the list of registered CSI drivers'],
    ['a volume without a plugin', { volumes: [{ name: 'data', cephfs: { monitors: ['m'] } }] }, 'FailedMount MountVolume.SetUp failed for volume "data" : no volume plugin matched: cephfs'],
    ['a claim of dynamic resources', { resourceClaims: [{ name: 'gpu', resourceClaimName: 'gpu' }] }, 'FailedPrepareDynamicResources Failed to prepare dynamic resources: spec.resourceClaims is not supported by this kubelet: no drivers of dynamic resources'],
  ] satisfies [string, Partial<PodSpec>, string][]) test(name, async () => {
    await using node = await testNode()
    node.start()
    await node.createPod(spec)
    await node.until('event', async () => (await node.events()).includes(event))
    expect((await node.pod('web-1'))?.status).toMatchObject({ phase: 'Pending', containerStatuses: [{ state: { waiting: { reason: 'ContainerCreating' } } }] })
    expect(node.runtime.running()).toEqual([])
    await node.client.delete(Pods, { name: 'web-1', namespace: 'default' })
    await node.until('gone', () => isGone(node, 'web-1'))
  })
})

test('a pod of another operating system is rejected', async () => {
  await using node = await testNode()
  node.start()
  await node.createPod({ os: { name: 'windows' } })
  const pod = await node.untilPod('web-1', 'has failed', ({ status }) => status.phase === 'Failed')
  expect(pod.status).toMatchObject({ reason: 'PodOSNotSupported', message: "Pod was rejected: Failed to admit pod as the OS field doesn't match node OS" })
})

test('a debugger with options of Windows waits, and the pod runs on', async () => {
  await using node = await testNode()
  node.start()
  await node.createPod({})
  await node.untilPod('web-1', 'is ready', isReady)
  await node.client.patch(Pods, { name: 'web-1', namespace: 'default' }, { type: 'strategic', body: { spec: { ephemeralContainers: [{ name: 'debug', image: 'host', command: ['sh'], securityContext: { windowsOptions: {} } }] } } }, { subresource: 'ephemeralcontainers' })
  const pod = await node.untilPod('web-1', 'says why the debugger waits', ({ status }) => status.ephemeralContainerStatuses?.[0]?.state?.waiting?.reason === 'CreateContainerConfigError')
  expect(pod.status.ephemeralContainerStatuses?.[0]?.state?.waiting?.message).toBe('this kubelet does not support securityContext.windowsOptions (they run Linux)')
  expect(isReady(pod)).toBe(true)
})
