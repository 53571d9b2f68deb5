/** `wherry image load`: an archive, a layout or a directory becomes root file systems that pods can have. Nothing is seen of an image until all of it is there. */
import { createHash } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import path from 'node:path'
import { systemClock } from '../../../src/api/clock.ts'
import { run } from '../runtime/command.ts'
import { checkDiffId } from './diff-ids.ts'
import { extractFiles, extractLayer } from './extract.ts'
import { type ImageConfig, type ImageIndex, readIndex, rootOf, type StoredImage, withImage, writeIndex } from './image-index.ts'
import { changeImages } from './index-lock.ts'
import { architectureNames, type FoundImage, imagesIn } from './layout.ts'
import { formatReference, parseReference } from './reference.ts'

export interface LoadRequest {
  /** Where this machine keeps images. */
  directory: string
  /** A file or a directory. */
  source: string
  /** A name for the image; must be given where the source has none. */
  name: string | undefined
  /** For a plain directory: what runs in it. */
  config: Partial<ImageConfig>
  now: Date
}

export interface Loaded { image: StoredImage; warnings: readonly string[] }

const noConfig: ImageConfig = { entrypoint: [], command: [], env: [], workingDir: '', user: '', stopSignal: undefined }

const fullName = (name: string): string => {
  const reference = parseReference(name)
  if (!reference) throw new Error(`${JSON.stringify(name)} is no image name; one looks like nginx:1.27 or registry.example/team/app:2`)
  return formatReference(reference)
}

/** Builds the root beside its place and moves it there at the end. */
const place = async (directory: string, id: string, build: (root: string) => Promise<void>): Promise<void> => {
  const root = rootOf(directory, id)
  if (existsSync(root)) return
  mkdirSync(path.dirname(root), { recursive: true, mode: 0o711 })
  const partial = mkdtempSync(`${root}.new-`)
  try {
    chmodSync(partial, 0o755)
    await build(partial)
    renameSync(partial, root)
  } catch (error) {
    rmSync(partial, { recursive: true, force: true })
    // Another process was quicker; by its digest it is the same.
    if ((error as NodeJS.ErrnoException).code !== 'ENOTEMPTY' && (error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}

const diskUsage = async (root: string): Promise<number> => Number((await run('du', ['--summarize', '--bytes', root])).split('\t')[0] ?? 0)

export interface Placing {
  directory: string
  image: Pick<StoredImage, 'id' | 'names' | 'config' | 'pulled'>
  now: Date
}

/** Keeps an image under its names; `build` makes its root where there is none yet. Nothing is seen of it before. */
export const storeImage = async ({ directory, image, now }: Placing, build: (root: string) => Promise<void>): Promise<StoredImage> => {
  await place(directory, image.id, build)
  const stored: StoredImage = { ...image, sizeBytes: await diskUsage(rootOf(directory, image.id)), loadedAt: now.toISOString() }
  await changeImages(directory, () => writeIndex(directory, withImage(readIndex(directory), stored)))
  return stored
}

const store = ({ directory, name, now }: LoadRequest, { id, names, config }: Pick<FoundImage, 'id' | 'names' | 'config'>, build: (root: string) => Promise<void>): Promise<StoredImage> =>
  storeImage({ directory, now, image: { id, config, names: [...new Set([...(name === undefined ? [] : [fullName(name)]), ...names])] } }, build)

const loadFound = async (request: LoadRequest, found: readonly FoundImage[]): Promise<Loaded[]> => {
  const given = Object.keys(request.config)
  if (given.length > 0) throw new Error(`${request.source} is an image that says itself what runs in it: leave out ${given.join(', ')}, which is for plain directories`)
  if (request.name !== undefined && found.length > 1) throw new Error(`${request.source} holds ${found.length} images: load it without --name`)
  const loaded: Loaded[] = []
  for (const image of found) {
    if (request.name === undefined && image.names.length === 0) throw new Error(`${request.source} does not say how its image is called: give it a name with --name`)
    const warnings = new Set<string>()
    const stored = await store(request, image, async (root) => {
      for (const { file, diffId } of image.layers) {
        const extracted = await extractLayer(file, root)
        checkDiffId(diffId, extracted.diffId)
        for (const each of extracted.warnings) warnings.add(each)
      }
    })
    loaded.push({ image: stored, warnings: [...warnings] })
  }
  return loaded
}

/** A root file system as it is: copied with owners, modes and links. */
const loadDirectory = async (request: LoadRequest): Promise<Loaded[]> => {
  const { source, name, config } = request
  if (name === undefined) throw new Error(`${source} is a plain directory: give the image a name with --name`)
  const whole = { ...noConfig, ...config }
  const id = `sha256:${createHash('sha256').update(JSON.stringify([path.resolve(source), request.now.toISOString(), whole])).digest('hex')}`
  const image = await store(request, { id, names: [], config: whole }, (root) => run('cp', ['--archive', '--reflink=auto', '--one-file-system', `${path.resolve(source)}/.`, root]).then(() => undefined))
  return [{ image, warnings: [] }]
}

export const loadImages = async (request: LoadRequest): Promise<Loaded[]> => {
  const { source, directory } = request
  if (request.name !== undefined) fullName(request.name)
  const stats = statSync(source, { throwIfNoEntry: false })
  if (!stats) throw new Error(`${source}: no such file or directory`)
  const architecture = architectureNames[process.arch] ?? process.arch
  if (stats.isDirectory()) {
    const found = await imagesIn(source, architecture)
    return found ? loadFound(request, found) : loadDirectory(request)
  }
  mkdirSync(directory, { recursive: true, mode: 0o711 })
  const scratch = mkdtempSync(path.join(directory, 'load-'))
  try {
    await extractFiles(source, scratch)
    const found = await imagesIn(scratch, architecture)
    if (!found) throw new Error(`${source} is neither an OCI image archive nor one of docker save (it has no index.json with oci-layout, and no manifest.json); unpack a plain root file system and load its directory`)
    return await loadFound(request, found)
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

/** Takes a name away, or with its last name (or its id) the image itself. What is removed; throws when there is no such image or `isUsed` says that containers have it. */
export const removeImage = async (directory: string, text: string, isUsed: (id: string) => boolean): Promise<{ untagged: string | undefined; deleted: string | undefined }> => {
  const removed = await changeImages(directory, () => takeAway(directory, text, isUsed))
  await sweepRoots(directory)
  return removed
}

const takeAway = (directory: string, text: string, isUsed: (id: string) => boolean): { untagged: string | undefined; deleted: string | undefined } => {
  const index = readIndex(directory)
  const reference = parseReference(text)
  const name = reference && formatReference(reference)
  const byName = name === undefined ? undefined : index.images.find(({ names }) => names.includes(name))
  const image = byName ?? index.images.find(({ id }) => id === text || id === `sha256:${text}` || (text.length >= 12 && id.startsWith(`sha256:${text}`)))
  if (!image) throw new Error(`there is no image ${text}; see: wherry image list`)
  const left = byName ? image.names.filter((each) => each !== name && !each.includes('@')) : []
  if (byName && left.length > 0) {
    writeIndex(directory, { ...index, images: index.images.map((each) => (each.id === image.id ? { ...each, names: each.names.filter((other) => other !== name) } : each)) })
    return { untagged: name, deleted: undefined }
  }
  if (isUsed(image.id)) throw new Error(`containers run with ${text}: delete their pods first`)
  deleteImage(directory, index, image.id)
  return { untagged: name, deleted: image.id }
}

const goneSuffix = '.gone'
const staleMilliseconds = 24 * 3_600_000

/** To be called while nobody else changes images; `sweepRoots` then deletes its files. */
export const deleteImage = (directory: string, index: ImageIndex, id: string): void => {
  writeIndex(directory, { ...index, images: index.images.filter((each) => each.id !== id) })
  const root = rootOf(directory, id)
  if (existsSync(root)) renameSync(root, `${root}.${process.pid}${goneSuffix}`)
}

/** Deletes what has no image any more, and what a load that was killed has left behind. By another program: an image has many files, and here others wait. */
export const sweepRoots = async (directory: string): Promise<void> => {
  const roots = path.join(directory, 'roots')
  const oldest = systemClock.now().getTime() - staleMilliseconds
  const isLeftOver = (name: string): boolean => name.endsWith(goneSuffix) || (name.includes('.new-') && (statSync(path.join(roots, name), { throwIfNoEntry: false })?.mtimeMs ?? Infinity) < oldest)
  const names = existsSync(roots) ? readdirSync(roots).filter(isLeftOver) : []
  if (names.length > 0) await run('rm', ['-rf', '--', ...names.map((name) => path.join(roots, name))])
}
