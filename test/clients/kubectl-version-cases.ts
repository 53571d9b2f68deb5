/** Runs the rows of kubectl-version-rows.ts with one release of kubectl, for a cluster that a test has already. */
import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ClientVersion, kubectlPath } from '../support/clients.ts'
import type { TestCluster } from '../support/cluster.ts'
import { files, rbac, type Row, scripts } from './kubectl-version-rows.ts'
import { type Folder, folder } from './manifests.ts'
import { masked, words } from './transcript.ts'

/** The release between the oldest and the newest shows its streams and workloads each time, the rest in full. */
const full = process.env['WHERRY_FULL'] === '1'
const runs = (version: ClientVersion, name: string): boolean => full || version !== '1.32' || name === 'workloads' || name === 'pods'

export const kubectlVersionCases = (cluster: () => TestCluster, version: ClientVersion): void => {
  let here: Folder
  let program = ''
  beforeAll(async () => {
    program = await kubectlPath(version)
    here = await folder()
    await mkdir(path.join(here.path, 'kustomize'))
    for (const [name, text] of Object.entries(files)) await here.write(name, text)
  })
  afterAll(() => here?.[Symbol.asyncDispose]())

  const said = async (namespace: string, { command, input }: Row): Promise<{ says: string; code: number | undefined }> => {
    const args = words(command).map((word) => word.replace('FOLDER', here.path).replaceAll('NS', namespace))
    const { stdout, stderr, exitCode } = await execa(program, ['--kubeconfig', cluster().kubeconfig, '--cache-dir', path.join(here.path, 'cache'), '-n', namespace, ...args], {
      reject: false, timeout: 90_000, env: { KUBE_EDITOR: 'sed -i s/j:.*/j:\\ edited/' }, ...(input === undefined ? { stdin: 'ignore' as const } : { input: input.replace('RBAC', rbac(namespace)) }),
    })
    const text = masked([stdout, stderr].filter(Boolean).join('\n'))
    return { says: text.replaceAll(here.path, 'FOLDER').replaceAll(namespace, 'NS'), code: exitCode }
  }

  test.each(Object.entries(scripts).filter(([name]) => runs(version, name)))('%s', async (name, rows) => {
    const namespace = `v${version.replace('.', '')}-${name}`
    await cluster().kubectl(['create', 'namespace', namespace])
    const wrong: object[] = []
    for (const row of rows(version)) {
      const { says, code } = await said(namespace, row)
      const right = typeof row.says === 'string' ? says === row.says : row.says.test(says)
      if (!right || code !== (row.code ?? 0)) wrong.push({ command: row.command, expected: `${String(row.says)} (${row.code ?? 0})`, said: `${says} (${String(code)})` })
    }
    expect(wrong).toEqual([])
  })
}
