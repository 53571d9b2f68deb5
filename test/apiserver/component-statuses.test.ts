import { expect, test } from 'vitest'
import type { VirtualResource } from '../../src/apiserver/extension.ts'
import { componentStatuses } from '../../src/apiserver/component-statuses.ts'
import { startTestServer } from './support.ts'

test('component statuses are asked for when somebody looks, with upstream\'s columns and warning', async () => {
  await using api = await startTestServer({ virtualResources: [componentStatuses([
    { name: 'scheduler', ask: () => Promise.resolve('ok') },
    { name: 'controller-manager', ask: () => Promise.reject(new Error('Get "https://127.0.0.1:10257/healthz": dial tcp 127.0.0.1:10257: connect: connection refused')) },
  ]) as VirtualResource] })
  const path = '/api/v1/componentstatuses'
  const { body, headers } = await api.ask('GET', path)
  expect(headers['warning']).toBe('299 - "v1 ComponentStatus is deprecated in v1.19+"')
  expect(body).toMatchObject({ kind: 'ComponentStatusList', items: [{ metadata: { name: 'scheduler' }, conditions: [{ type: 'Healthy', status: 'True', message: 'ok' }] }, { conditions: [{ status: 'False' }] }] })
  const table = (await api.ask('GET', path, { headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' } })).body as unknown as { columnDefinitions: { name: string }[]; rows: { cells: string[] }[] }
  expect(table.columnDefinitions.map(({ name }) => name)).toEqual(['Name', 'Status', 'Message', 'Error'])
  expect(table.rows.map(({ cells }) => cells)).toEqual([['scheduler', 'Healthy', 'ok', ''], ['controller-manager', 'Unhealthy', 'Get "https://127.0.0.1:10257/healthz": dial tcp 127.0.0.1:10257: connect: connection refused', '']])
  expect((await api.ask('GET', `${path}/scheduler`)).body).toMatchObject({ kind: 'ComponentStatus', metadata: { name: 'scheduler' } })
  expect((await api.ask('GET', `${path}/none`)).body.message).toBe('componentstatuses "none" not found')
  expect((await api.ask('DELETE', `${path}/scheduler`)).status).toBe(405)
})
