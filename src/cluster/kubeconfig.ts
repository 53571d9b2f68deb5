/** `wherry kubeconfig`: where the administrator's kubeconfig is, or merged into the user's own. */
import { existsSync } from 'node:fs'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { parse, stringify } from 'yaml'
import { yamlFault } from '../api/yaml-fault.ts'
import type { Home } from './home.ts'
import { UserError } from './user-error.ts'

interface Named { name: string }
export interface KubeconfigFile {
  apiVersion?: string
  kind?: string
  clusters?: Named[]
  users?: Named[]
  contexts?: (Named & { context: { cluster: string; user: string } })[]
  'current-context'?: string
}

const replaceByName = <T extends Named>(into: readonly T[] = [], from: readonly T[] = []): T[] =>
  [...into.filter(({ name }) => !from.some((each) => each.name === name)), ...from]

/** `into` with the clusters, users and contexts of `from` under one name; the current context is `from`'s. */
export const mergeKubeconfig = (into: KubeconfigFile, from: KubeconfigFile, name: string): KubeconfigFile => {
  const renamed = <T extends Named>(list: readonly T[] = []): T[] => list.slice(0, 1).map((each) => ({ ...each, name }))
  return {
    ...into, apiVersion: 'v1', kind: 'Config',
    clusters: replaceByName(into.clusters, renamed(from.clusters)),
    users: replaceByName(into.users, renamed(from.users)),
    contexts: replaceByName(into.contexts, renamed(from.contexts).map((each) => ({ ...each, context: { ...each.context, cluster: name, user: name } }))),
    'current-context': name,
  }
}

export const printKubeconfig = async ({ home, merge }: { home: Home; merge?: boolean }): Promise<void> => {
  if (!existsSync(home.kubeconfig)) throw new UserError(`there is no cluster in ${home.data}; start one with: wherry up`)
  if (!merge) { process.stdout.write(`${home.kubeconfig}\n`); return }
  const target = process.env['KUBECONFIG']?.split(':')[0] || path.join(process.env['HOME'] ?? '/root', '.kube/config')
  const read = async (file: string): Promise<KubeconfigFile> => {
    const text = await readFile(file, 'utf8')
    try {
      return (parse(text) ?? {}) as KubeconfigFile
    } catch (error) {
      throw new UserError(`${file} is not YAML (${yamlFault(error)}); nothing was changed`)
    }
  }
  const merged = mergeKubeconfig(existsSync(target) ? await read(target) : {}, await read(home.kubeconfig), 'wherry')
  await mkdir(path.dirname(target), { recursive: true, mode: 0o700 })
  await writeFile(`${target}.wherry`, stringify(merged), { mode: 0o600 })
  await rename(`${target}.wherry`, target)
  process.stderr.write(`merged into ${target} as context "wherry", now the current one\n`)
}
