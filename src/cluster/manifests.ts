/** The manifests that ship with Wherry, read, filled in and parsed. */
import { readdir, readFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import path from 'node:path'
import { parseAllDocuments } from 'yaml'
import type { JsonObject } from '../api/meta.ts'
import { UserError } from './user-error.ts'

/** Beside the bundle (dist/manifests), or at the top of the source tree. */
export const manifestsFolder = (): string => {
  const beside = path.join(import.meta.dirname, 'manifests')
  return existsSync(beside) ? beside : path.join(import.meta.dirname, '../../manifests')
}

/** Replaces `${name}` by its value. A name without a value is a mistake of ours. */
export const fillIn = (text: string, values: Readonly<Record<string, string>>): string =>
  text.replaceAll(/\$\{(\w+)\}/g, (_, name: string) => {
    const value = values[name]
    if (value === undefined) throw new Error(`manifest names \${${name}}, which has no value`)
    return value
  })

/** All files of a folder of manifests (bootstrap, addons), filled in: name without `.yaml` → text. `from`: those of another program. */
export const readManifests = async (folder: 'bootstrap' | 'addons', values: Readonly<Record<string, string>>, from = manifestsFolder()): Promise<Map<string, string>> => {
  const directory = path.join(from, folder)
  const names = (await readdir(directory)).filter((name) => name.endsWith('.yaml')).sort()
  const texts = await Promise.all(names.map(async (name) => [name.slice(0, -'.yaml'.length), fillIn(await readFile(path.join(directory, name), 'utf8'), values)] as const))
  return new Map(texts)
}

/** The objects of a YAML (or JSON) text; a mistake names file, line and column. */
export const parseManifest = (text: string, file: string): JsonObject[] =>
  parseAllDocuments(text, { version: '1.1' }).flatMap((document) => {
    const problem = document.errors[0]
    if (problem) throw new UserError(`${file}: ${problem.message}`)
    const value: unknown = document.toJS({ maxAliasCount: 100 })
    if (value === null || value === undefined) return []
    if (typeof value !== 'object' || Array.isArray(value)) throw new UserError(`${file}: a Kubernetes object is expected, not ${Array.isArray(value) ? 'a list' : typeof value}`)
    return [value as JsonObject]
  })
