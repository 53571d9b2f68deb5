/** Whole screens as text: golden files, read by a person when they change. */
import { expect, test } from 'vitest'
import { openDashboard } from './open-dashboard.ts'
import { pushScene, scene } from './scene.ts'

const golden = (name: string): string => `../golden/ui/${name}.txt`

test.each([[80, 24], [120, 30], [200, 60]] as const)('home at %dx%d', async (columns, rows) => {
  const cluster = scene()
  using open = await openDashboard(cluster, { columns, rows })
  pushScene(cluster)
  await open.press('j')
  await open.pass(1_000)
  await expect(`${open.text()}\n`).toMatchFileSnapshot(golden(`home-${columns}x${rows}`))
  for (const line of open.text().split('\n')) expect(line).toHaveLength(columns)
  expect(open.text().split('\n')).toHaveLength(rows)
})

test.each([
  ['describe', ['d']], ['yaml', ['y']], ['logs', ['l']], ['containers', ['enter']], ['delete-dialog', ['^d']], ['signal-dialog', ['^x', 'right']], ['help', ['?']], ['command-prompt', [':', 'd', 'e']],
  ['filter', ['/', 'w', 'e', 'b']], ['deployments', [':', 'd', 'p', 'enter']], ['nodes', [':', 'n', 'o', 'enter']], ['events', ['f9']], ['heal-timeline', ['f2']], ['detail-log', ['.']], ['detail-procs', ['.', '.', '.']], ['why', ['x', 'w']],
] as const)('%s', async (name, keys) => {
  const cluster = scene()
  using open = await openDashboard(cluster)
  pushScene(cluster)
  await open.press('j', ...keys)
  await open.pass(1_000)
  await expect(`${open.text()}\n`).toMatchFileSnapshot(golden(name))
})

test('a screen that is too small says so', async () => {
  using open = await openDashboard(scene(), { columns: 52, rows: 14 })
  expect(open.text()).toBe('terminal 52x14, needs 60x16')
})
