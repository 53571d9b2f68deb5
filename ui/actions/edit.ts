/** An object in the user's editor, and back to the server, as kubectl edit does it. */
import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import type { KubeObject } from '../../src/api/meta.ts'
import { parseYaml } from '../../src/api/yaml-text.ts'
import type { Client } from '../../src/client/client.ts'
import { yamlText } from '../content/yaml.ts'
import type { Target } from '../state/ui-state.ts'

const editorCommand = (environment: NodeJS.ProcessEnv): string[] => (environment['KUBE_EDITOR'] || environment['EDITOR'] || 'vi').split(/\s+/).filter(Boolean)

const runEditor = (file: string): Promise<void> => new Promise((resolve, reject) => {
  const [command = 'vi', ...rest] = editorCommand(process.env)
  const child = spawn(command, [...rest, file], { stdio: 'inherit' })
  child.on('error', (error) => reject(new Error(`cannot run the editor ${command}: ${error.message}; set $EDITOR`)))
  child.on('exit', (code) => (code === 0 ? resolve() : reject(new Error(`the editor ended with ${code ?? 'a signal'}: nothing was changed`))))
})

/** The terminal must be free. Resolves with what happened; the server's refusal (a conflict, an invalid field) is thrown. */
export const editObject = async (client: Client, target: Target): Promise<string> => {
  const at = { name: target.name, ...(target.namespace && { namespace: target.namespace }) }
  const before = yamlText(await client.get(target.kind, at))
  const folder = await mkdtemp(path.join(os.tmpdir(), 'wherry-edit-'))
  const file = path.join(folder, `${target.name}.yaml`)
  try {
    await writeFile(file, before, { mode: 0o600 })
    await runEditor(file)
    const after = await readFile(file, 'utf8')
    if (after === before) return 'edit cancelled, no changes made'
    await client.update(target.kind, parseYaml(after).value as unknown as KubeObject, { fieldManager: 'kubectl-edit' })
    return `edited ${target.kind.singular} ${target.name}`
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
