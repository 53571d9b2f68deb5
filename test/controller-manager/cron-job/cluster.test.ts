import { expect, test } from 'vitest'
import { CronJobs, Events, Jobs, Namespaces } from '../../../src/api/kinds.ts'
import type { CronJob } from '../../../src/api/types.ts'
import { cronJobs } from '../../../src/controller-manager/cron-job/cron-job.ts'
import { startRealServer } from '../real-server.ts'

const namespace = 'default'
const minute = 60_000

test('jobs come minute by minute, and are suspended, forbidden and replaced as they are told', async () => {
  await using plane = await startRealServer(() => [cronJobs('UTC')], new Date('2026-01-01T12:00:30Z'))
  const { client, clock } = plane
  await plane.until(Namespaces, (all) => all.some(({ metadata }) => metadata.name === namespace))
  const make = (name: string, spec: Partial<CronJob['spec']>): Promise<CronJob> => client.create(CronJobs, { metadata: { name, namespace }, spec: {
    schedule: '*/1 * * * *', jobTemplate: { spec: { template: { spec: { restartPolicy: 'OnFailure', containers: [{ name: 'main', image: 'host' }] } } } }, ...spec,
  } })
  await make('allow', {})
  await make('forbid', { concurrencyPolicy: 'Forbid' })
  await make('replace', { concurrencyPolicy: 'Replace' })
  await make('suspended', { suspend: true })
  await plane.until(CronJobs, (all) => all.length === 4)
  const names = async (): Promise<string[]> => (await client.list(Jobs, { namespace })).items.map(({ metadata }) => metadata.name).sort()
  // 29454480 is noon.
  await clock.advance(minute)
  await plane.until(CronJobs, (all) => all.filter(({ status }) => status.active?.length === 1).length === 3)
  expect(await names()).toEqual(['allow-29454481', 'forbid-29454481', 'replace-29454481'])
  await clock.advance(minute)
  await plane.until(CronJobs, (all) => all.some(({ metadata, status }) => metadata.name === 'allow' && status.active?.length === 2) && all.some(({ metadata, status }) => metadata.name === 'replace' && status.lastScheduleTime === '2026-01-01T12:02:00Z'))
  await plane.until(Events, (events) => ['JobAlreadyActive', 'SuccessfulDelete'].every((reason) => events.some((event) => event.reason === reason && event.source?.component === 'cronjob-controller')))
  expect((await names()).filter((name) => !name.startsWith('replace'))).toEqual(['allow-29454481', 'allow-29454482', 'forbid-29454481'])
  const [replaced] = await plane.until(CronJobs, (all) => all.some(({ metadata, status }) => metadata.name === 'replace' && status.active?.length === 1 && status.active[0]?.name === 'replace-29454482'))
  expect(replaced?.status.lastScheduleTime).toBeDefined()
  expect(plane.log.lines.filter((line) => line.includes('warn') || line.includes('error'))).toEqual([])
})
