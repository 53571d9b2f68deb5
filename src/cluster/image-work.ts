/** What `wherry image` does where the images are: on this machine, or, told by it, on one that joined. */
import { createWriteStream, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { Readable } from 'node:stream'
import { execa } from 'execa'
import { loginsFor } from '../../agents/kubelet/images/docker-config.ts'
import { type HostProgram, type ImageConfig, readIndex, type StoredImage, writeIndex } from '../../agents/kubelet/images/image-index.ts'
import { imagesInUse } from '../../agents/kubelet/images/image-store.ts'
import { changeImages } from '../../agents/kubelet/images/index-lock.ts'
import { loadImages, removeImage } from '../../agents/kubelet/images/load.ts'
import { findImage } from '../../agents/kubelet/images/loaded-images.ts'
import { parseReference } from '../../agents/kubelet/images/reference.ts'
import { registries } from '../../agents/kubelet/images/registries.ts'
import { systemClock } from '../api/clock.ts'
import { humanDuration } from '../api/human-duration.ts'
import { pullHere } from './components/image-puller.ts'
import { fullPattern } from './image-pattern.ts'
import { providedLogins } from './provided-logins.ts'

/** Where a machine keeps images, where what runs there leaves its records, and where the cluster's files for kubelets are. */
export interface ImagePlace { directory: string; run: string; data: string }

export type ImageWork =
  /** `source` is a file or a directory there; undefined: it comes by a stream, as an archive (`archive`: of a directory, or an image's own). */
  | { do: 'load'; source?: string; archive?: 'image' | 'directory'; name?: string; config: Partial<ImageConfig> }
  | { do: 'pull'; image: string }
  | { do: 'list' }
  | { do: 'remove'; name: string }
  | { do: 'map'; program: HostProgram }

type Doing = { [V in ImageWork['do']]: (place: ImagePlace, work: Extract<ImageWork, { do: V }>, more: { input: Readable | undefined; signal: AbortSignal }) => Promise<string[]> }

const mebibytes = ({ sizeBytes }: Pick<StoredImage, 'sizeBytes'>): string => `${(sizeBytes / 1024 / 1024).toFixed(1)}MiB`

const loadFrom = async ({ directory }: ImagePlace, source: string, { name, config }: Extract<ImageWork, { do: 'load' }>): Promise<string[]> => {
  const loaded = await loadImages({ directory, source, name, config, now: systemClock.now() })
  return loaded.flatMap(({ image, warnings }) => [`loaded ${image.names[0] ?? image.id} (${mebibytes(image)})`, ...warnings.map((warning) => `  ${warning}`)])
}

const load: Doing['load'] = async (place, work, { input, signal }) => {
  if (work.source !== undefined) return loadFrom(place, work.source, work)
  if (!input) throw new Error('an image is to be loaded, but none comes')
  mkdirSync(place.directory, { recursive: true, mode: 0o711 })
  const scratch = mkdtempSync(path.join(place.directory, 'load-'))
  try {
    if (work.archive === 'directory') {
      await execa('tar', ['--extract', '--file=-', '--directory', scratch, '--numeric-owner', '--preserve-permissions'], { input, cancelSignal: signal })
      return await loadFrom(place, scratch, work)
    }
    const file = path.join(scratch, 'image.tar')
    await pipeline(input, createWriteStream(file), { signal })
    return await loadFrom(place, file, work)
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

const pull: Doing['pull'] = async ({ directory, data }, { image }, { signal }) => {
  const owner = `command-${process.pid}`
  const logins = registries({ directory, owner, pull: pullHere, homeDirectory: process.env['HOME'] }).logins()
  const repository = parseReference(image)?.repository ?? image
  const warnings: string[] = []
  const provided = await providedLogins(data, { repository, warn: (line) => warnings.push(line) }, signal)
  const credentials = [...loginsFor(logins, repository), ...loginsFor(provided, repository)].map((login) => login.credentials)
  const explained = (error: unknown): never => { throw warnings.length === 0 ? error : new Error([error instanceof Error ? error.message : String(error), ...warnings].join('\n  '), { cause: error }) }
  const pulled = await pullHere({ directory, owner, image, credentials }, signal).catch(explained).finally(() => rmSync(path.join(directory, 'downloads', owner), { recursive: true, force: true }))
  return [`pulled ${image} (${mebibytes(pulled.image)})`, ...[...warnings, ...pulled.warnings].map((warning) => `  ${warning}`)]
}

const row = (cells: readonly string[], widths: readonly number[]): string => cells.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join('   ').trimEnd()

/** As a shell would have to be given them. */
const wordsOf = ({ entrypoint, command }: ImageConfig): string => [...entrypoint, ...command].map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`)).join(' ')

const usualPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

const isThere = (word: string, { env, workingDir }: ImageConfig): boolean => {
  const folders = word.includes('/') ? [workingDir || '/'] : (env.find(({ name }) => name === 'PATH')?.value ?? usualPath).split(':')
  return folders.some((folder) => existsSync(path.resolve(folder, word)))
}

const list: Doing['list'] = ({ directory }) => {
  const { images, programs } = readIndex(directory)
  const age = (image: StoredImage): string => humanDuration(systemClock.now().getTime() - Date.parse(image.loadedAt))
  const lines = [
    ...images.flatMap((image) => (image.names.length > 0 ? image.names : ['<none>']).map((name) => [name, image.id.slice('sha256:'.length, 19), mebibytes(image), age(image)])),
    ...programs.map(({ pattern, config }) => [pattern, 'host', '-', '-', wordsOf(config)]),
  ]
  const all = [['IMAGE', 'ID', 'SIZE', 'LOADED', ...(programs.length > 0 ? ['PROGRAM'] : [])], ...lines]
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...all.map((cells) => cells[column]?.length ?? 0)))
  return Promise.resolve(all.map((cells) => row(cells, widths)))
}

const remove: Doing['remove'] = async ({ directory, run }, { name: asked }) => {
  const isMapped = (name: string | undefined): name is string => readIndex(directory).programs.some(({ pattern }) => pattern === name)
  const full = fullPattern(asked)
  // `nginx:*` is mapped under its full name; an image that bears the name itself goes first.
  const name = !isMapped(asked) && isMapped(full) && !findImage(readIndex(directory), asked) ? full : asked
  if (isMapped(name)) {
    await changeImages(directory, () => { const index = readIndex(directory); writeIndex(directory, { ...index, programs: index.programs.filter(({ pattern }) => pattern !== name) }) })
    return [`unmapped ${name}`]
  }
  const { untagged, deleted } = await removeImage(directory, name, (id) => imagesInUse(run).has(id))
  return [...(untagged === undefined ? [] : [`untagged ${untagged}`]), ...(deleted === undefined ? [] : [`deleted ${deleted}`])]
}

const map: Doing['map'] = async ({ directory }, { program }) => {
  await changeImages(directory, () => { const index = readIndex(directory); writeIndex(directory, { ...index, programs: [...index.programs.filter(({ pattern }) => pattern !== program.pattern), program] }) })
  const { config } = program
  const [word = ''] = [...config.entrypoint, ...config.command]
  const missing = isThere(word, config) ? [] : [`  but this machine has no ${word} yet: until it has, pods of this image end in StartError`]
  return [`${program.pattern} is ${wordsOf(config)} of this machine`, ...missing]
}

const doing: Doing = { load, pull, list, remove, map }

/** Resolves with what is to be said; rejects with what is wrong, in words for people. */
export const workOnImages = (place: ImagePlace, work: ImageWork, more: { input?: Readable; signal: AbortSignal }): Promise<string[]> =>
  (doing[work.do] as (place: ImagePlace, work: ImageWork, more: { input: Readable | undefined; signal: AbortSignal }) => Promise<string[]>)(place, work, { input: undefined, ...more })
