/** What images this machine has: one JSON file, replaced as a whole, beside the root file systems that it names. Written by `wherry image`, read by kubelets. */
import { existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'

/** What an image says about containers that are made of it. Mirrors the OCI image configuration's `config`. */
export interface ImageConfig {
  entrypoint: readonly string[]
  command: readonly string[]
  env: readonly { name: string; value: string }[]
  workingDir: string
  /** As the image has it: a name or a number, perhaps with a group; '' for root. */
  user: string
  stopSignal: string | undefined
}

export interface StoredImage {
  /** `sha256:…` of the configuration, or of what stands in for one where a plain directory was loaded. */
  id: string
  /** Full names, with tag or digest. */
  names: readonly string[]
  config: ImageConfig
  sizeBytes: number
  loadedAt: string
  /** A registry gave it, and can give it again: only such an image is collected when the disk is full. Absent: somebody loaded it; it is this node's own and needs no registry. */
  pulled?: true
}

/** `nginx:1.27` may mean a program of the machine itself: images whose full name matches get `image: host` and this configuration. */
export interface HostProgram {
  /** A full name in which `*` stands for any text: `docker.io/library/nginx:*`. */
  pattern: string
  config: ImageConfig
}

export interface ImageIndex { images: readonly StoredImage[]; programs: readonly HostProgram[] }

const empty: ImageIndex = { images: [], programs: [] }

export const indexFile = (directory: string): string => path.join(directory, 'index.json')
/** The root file system of an image. */
export const rootOf = (directory: string, id: string): string => path.join(directory, 'roots', id.replace(':', '-'))

/** Throws what is wrong with the file, with its name. */
export const readIndex = (directory: string): ImageIndex => {
  const file = indexFile(directory)
  if (!existsSync(file)) return empty
  try {
    return { ...empty, ...(JSON.parse(readFileSync(file, 'utf8')) as ImageIndex) }
  } catch (error) {
    throw new Error(`${file} cannot be read as JSON (${error instanceof Error ? error.message : String(error)}); load the images anew after deleting it`)
  }
}

export const writeIndex = (directory: string, index: ImageIndex): void => {
  mkdirSync(directory, { recursive: true, mode: 0o711 })
  const file = indexFile(directory)
  writeFileSync(`${file}.new`, `${JSON.stringify(index, undefined, 2)}\n`, { mode: 0o644 })
  renameSync(`${file}.new`, file)
}

/** Names belong to one image: the newest that was given it. */
export const withImage = (index: ImageIndex, image: StoredImage): ImageIndex => {
  const known = index.images.find(({ id }) => id === image.id)
  const { pulled, ...whole } = image
  const others = index.images.filter(({ id }) => id !== image.id).map((each) => ({ ...each, names: each.names.filter((name) => !image.names.includes(name)) }))
  return { ...index, images: [...others, { ...whole, names: [...new Set([...(known?.names ?? []), ...image.names])], ...(pulled && (!known || known.pulled) && { pulled }) }] }
}

/** Reads the file again only when it has changed. */
export const indexReader = (directory: string): (() => ImageIndex) => {
  let state = ''
  let index = empty
  return () => {
    const stats = statSync(indexFile(directory), { throwIfNoEntry: false })
    const now = stats ? `${stats.ino} ${stats.mtimeMs} ${stats.size}` : ''
    if (now !== state) {
      index = readIndex(directory)
      state = now
    }
    return index
  }
}
