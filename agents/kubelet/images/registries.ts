/** What the kubelet knows of registries: the node's own logins, which pods may use what was pulled, and the pull itself, which may run in a process of its own. */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { type RegistryLogin, parseDockerConfig } from './docker-config.ts'
import { readIndex } from './image-index.ts'
import { mayUse, readPullRecords, recordPull, type CredentialUse, type PullUse } from './pull-records.ts'
import type { PullRequest, Pulled } from './registry/pull.ts'

/** Does what a request says; rejects with a message for people. */
export type Pull = (request: PullRequest, signal: AbortSignal) => Promise<Pick<Pulled, 'usedCredentials'> & Partial<Pick<Pulled, 'warnings'>> & { image: { id: string; sizeBytes: number } }>

export interface Registries {
  /** Of the node itself. Throws what is wrong with its configuration, with the file's name. */
  logins(): readonly RegistryLogin[]
  mayUse(image: { id: string; repository: string }, mine: readonly CredentialUse[]): boolean
  recordPull(pull: PullUse): Promise<void>
  pull(request: Pick<PullRequest, 'image' | 'credentials'>, signal: AbortSignal): ReturnType<Pull>
}

export interface RegistriesOptions {
  /** Where this machine keeps images. */
  directory: string
  /** The node; several share a machine's images. */
  owner: string
  pull: Pull
  /** HOME of the kubelet. */
  homeDirectory: string | undefined
}

/** Upstream's order: the kubelet's own directory, the user's, the root's; the first that is there counts. */
const configFiles = ({ directory, homeDirectory }: Pick<RegistriesOptions, 'directory' | 'homeDirectory'>): string[] =>
  [path.join(directory, 'config.json'), ...(homeDirectory ? [path.join(homeDirectory, '.docker/config.json')] : []), '/.docker/config.json']

const readIfThere = (file: string): string | undefined => {
  try { return readFileSync(file, 'utf8') } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined
    throw new Error(`cannot read ${file}: ${error instanceof Error ? error.message : String(error)}`)
  }
}

export const registries = (options: RegistriesOptions): Registries => {
  const { directory, owner, pull } = options
  return {
    logins() {
      for (const file of configFiles(options)) {
        const text = readIfThere(file)
        if (text !== undefined) return parseDockerConfig(text, file, 'config.json')
      }
      return []
    },
    mayUse: (image, mine) => mayUse(readPullRecords(directory), image, mine),
    recordPull: (each) => recordPull(directory, { ...each, known: new Set(readIndex(directory).images.map(({ id }) => id)) }),
    pull: (request, signal) => pull({ ...request, directory, owner }, signal),
  }
}
