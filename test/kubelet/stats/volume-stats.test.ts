/** How full claims are: kubelet_volume_stats_*. Named after pkg/kubelet/metrics/collectors/volume_stats_test.go. */
import { statfs } from 'node:fs/promises'
import os from 'node:os'
import { expect, test } from 'vitest'
import type { VolumeStats } from '../../../agents/kubelet/csi/volume-stats.ts'
import { claimStats, type Statfs, statfsOf } from '../../../agents/kubelet/stats/claim-stats.ts'
import { prometheusText } from '../../../agents/kubelet/stats/prometheus-text.ts'
import { volumeMetrics } from '../../../agents/kubelet/stats/volume-metrics.ts'
import type { Pod } from '../../../src/api/types.ts'
import { fakeClock } from '../../support/fake-clock.ts'
import { aPod } from '../builders.ts'

const at = new Date('2026-01-01T00:00:00Z')
const podOf = (uid: string, ...claims: string[]): Pod => { const pod = aPod({ volumes: [...claims.map((claimName) => ({ name: `of-${claimName}`, persistentVolumeClaim: { claimName } })), { name: 'scratch', ephemeral: {} }, { name: 'inline', csi: { driver: 'd' } }] }); return { ...pod, metadata: { ...pod.metadata, uid, name: uid } } }
const full: VolumeStats = { name: 'of-data', at, bytes: { available: 1, total: 10, used: 9 }, inodes: { available: 2, total: 20, used: 18 } }

test('each claim once, with what is known of it', () => {
  const pods = [podOf('one', 'data', 'sick'), podOf('two', 'data')]
  const text = prometheusText(volumeMetrics(pods, new Map([
    ['one', [full, { name: 'of-sick', at, abnormal: true }, { name: 'scratch', at, bytes: { available: 0, total: 5, used: 5 } }, { name: 'inline', at, bytes: { available: 0, total: 5, used: 5 } }]], ['two', [full]],
  ])))
  const of = (claim: string): string => `{namespace="default",persistentvolumeclaim="${claim}"}`
  expect(text.split('\n').filter((line) => line && !line.startsWith('#'))).toEqual([
    `kubelet_volume_stats_available_bytes${of('data')} 1`, `kubelet_volume_stats_available_bytes${of('one-scratch')} 0`,
    `kubelet_volume_stats_capacity_bytes${of('data')} 10`, `kubelet_volume_stats_capacity_bytes${of('one-scratch')} 5`,
    `kubelet_volume_stats_health_status_abnormal${of('sick')} 1`,
    `kubelet_volume_stats_inodes${of('data')} 20`, `kubelet_volume_stats_inodes_free${of('data')} 2`, `kubelet_volume_stats_inodes_used${of('data')} 18`,
    `kubelet_volume_stats_used_bytes${of('data')} 9`, `kubelet_volume_stats_used_bytes${of('one-scratch')} 5`,
  ])
  expect(text).toContain('# HELP kubelet_volume_stats_capacity_bytes [ALPHA] Capacity in bytes of the volume\n# TYPE kubelet_volume_stats_capacity_bytes gauge\n')
})

test('the kernel is asked', async () => {
  const [told, { blocks, bsize, files }] = [await statfsOf(os.tmpdir()), await statfs(os.tmpdir())]
  expect(told).toMatchObject({ bytes: { total: blocks * bsize }, inodes: { total: files } })
  expect(await statfsOf('/nonexistent')).toBeUndefined()
})

test('once a minute, and never waited for longer than five seconds', async () => {
  const clock = fakeClock()
  const asked: string[] = []
  const answer: Statfs = { bytes: { available: 1, total: 2, used: 1 }, inodes: { available: 1, total: 2, used: 1 } }
  const stats = claimStats({ clock, read: (directory) => { asked.push(directory); return directory === '/dead' ? new Promise(() => {}) : Promise.resolve(answer) } })
  const volumes = [{ name: 'data', at: '/alive' }, { name: 'more', at: '/dead' }]
  const [first] = await Promise.all([stats(volumes), clock.advance(5_000)])
  expect(first).toEqual([{ name: 'data', at: expect.any(Date) as Date, ...answer }])
  await stats(volumes)
  expect(asked).toEqual(['/alive', '/dead'])
  await clock.advance(60_000)
  await stats([{ name: 'data', at: '/alive' }])
  expect(asked).toEqual(['/alive', '/dead', '/alive'])
})
