/** What lies in an image archive or directory: OCI layouts and what `docker save` writes, with digests checked. */
import { createHash } from 'node:crypto'
import { createReadStream, existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import { diffIdsOf, type LayersSaid } from './diff-ids.ts'
import type { ImageConfig } from './image-index.ts'
import { formatReference, parseReference } from './reference.ts'

export interface FoundLayer { file: string; diffId: string | undefined }

export interface FoundImage {
  id: string
  names: readonly string[]
  config: ImageConfig
  /** The layers' archives, the lowest first. */
  layers: readonly FoundLayer[]
}

interface Descriptor { mediaType?: string; digest: string; size?: number; annotations?: Record<string, string>; platform?: { os?: string; architecture?: string } }
interface Manifest { mediaType?: string; config: Descriptor; layers: Descriptor[] }
interface Index { manifests: Descriptor[] }
interface Configuration extends LayersSaid { architecture?: string; os?: string; config?: { Entrypoint?: string[] | null; Cmd?: string[] | null; Env?: string[] | null; WorkingDir?: string; User?: string; StopSignal?: string } }

export const sha256Of = async (file: string): Promise<string> => {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file), hash)
  return `sha256:${hash.digest('hex')}`
}

export const configOf = ({ config = {} }: Configuration): ImageConfig => ({
  entrypoint: config.Entrypoint ?? [], command: config.Cmd ?? [], workingDir: config.WorkingDir ?? '', user: config.User ?? '', stopSignal: config.StopSignal,
  env: (config.Env ?? []).map((pair) => { const at = pair.indexOf('='); return at < 0 ? { name: pair, value: '' } : { name: pair.slice(0, at), value: pair.slice(at + 1) } }),
})

const parseFile = <T>(file: string): T => {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as T
  } catch (error) {
    throw new Error(`${path.basename(file)} of the image is no JSON: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** The path of a blob whose content has been compared with its digest. */
const blob = async (directory: string, { digest }: Descriptor): Promise<string> => {
  const [algorithm = '', hex = ''] = digest.split(':')
  if (algorithm !== 'sha256' || !/^[0-9a-f]{64}$/.test(hex)) throw new Error(`the image has a blob with the digest ${JSON.stringify(digest)}: only sha256 is supported`)
  const file = path.join(directory, 'blobs', algorithm, hex)
  if (!existsSync(file)) throw new Error(`the image is not whole: blob ${digest} is missing`)
  const found = await sha256Of(file)
  if (found !== digest) throw new Error(`blob ${digest} of the image is damaged: its content has the digest ${found}`)
  return file
}

export const architectureNames: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' }

const forThisMachine = ({ platform }: Descriptor, architecture: string): boolean =>
  platform === undefined || ((platform.os ?? 'linux') === 'linux' && (platform.architecture ?? architecture) === architecture)

const isIndex = ({ mediaType }: Descriptor): boolean => mediaType !== undefined && /image\.index|manifest\.list/.test(mediaType)
const isNote = ({ annotations }: Descriptor): boolean => annotations?.['vnd.docker.reference.type'] !== undefined

/** Names that tools leave in an index: containerd and docker the full name, the specification a tag or a name. */
const nameOf = ({ annotations = {} }: Descriptor): string | undefined => {
  const full = annotations['io.containerd.image.name']
  const short = annotations['org.opencontainers.image.ref.name']
  const reference = [full, short].filter((each) => each !== undefined && /[/:]/.test(each)).map((each) => parseReference(each ?? '')).find((each) => each !== undefined)
  return reference && formatReference(reference)
}

const ociImages = async (directory: string, architecture: string): Promise<FoundImage[]> => {
  const found: FoundImage[] = []
  const visit = async ({ manifests }: Index, inherited: string | undefined): Promise<void> => {
    for (const descriptor of manifests) {
      if (isNote(descriptor) || !forThisMachine(descriptor, architecture)) continue
      const name = nameOf(descriptor) ?? inherited
      const file = await blob(directory, descriptor)
      if (isIndex(descriptor)) { await visit(parseFile<Index>(file), name); continue }
      const manifest = parseFile<Manifest>(file)
      const configuration = parseFile<Configuration>(await blob(directory, manifest.config))
      if (configuration.architecture !== undefined && configuration.architecture !== architecture) continue
      const diffIds = diffIdsOf(configuration, manifest.layers.length)
      const layers: FoundLayer[] = []
      for (const [index, layer] of manifest.layers.entries()) layers.push({ file: await blob(directory, layer), diffId: diffIds[index] })
      const repository = name === undefined ? undefined : parseReference(name)?.repository
      found.push({ id: manifest.config.digest, names: [...(name === undefined ? [] : [name]), ...(repository === undefined ? [] : [`${repository}@${descriptor.digest}`])], config: configOf(configuration), layers })
    }
  }
  await visit(parseFile<Index>(path.join(directory, 'index.json')), undefined)
  if (found.length === 0) throw new Error(`the image has nothing for linux/${architecture}`)
  return found
}

interface Saved { Config: string; RepoTags: string[] | null; Layers: string[] }

/** A path of an archive, which may not lead out of it. */
const inside = (directory: string, name: string): string => {
  const file = path.resolve(directory, name)
  if (!file.startsWith(`${path.resolve(directory)}/`)) throw new Error(`the archive names ${JSON.stringify(name)}, which leads out of it`)
  if (!existsSync(file)) throw new Error(`the image is not whole: ${name} is missing`)
  return file
}

const savedImages = async (directory: string): Promise<FoundImage[]> => Promise.all(parseFile<Saved[]>(path.join(directory, 'manifest.json')).map(async (saved): Promise<FoundImage> => {
  const file = inside(directory, saved.Config)
  const names = (saved.RepoTags ?? []).flatMap((tag) => { const reference = parseReference(tag); return reference ? [formatReference(reference)] : [] })
  const configuration = parseFile<Configuration>(file)
  const diffIds = diffIdsOf(configuration, saved.Layers.length)
  return { id: await sha256Of(file), names, config: configOf(configuration), layers: saved.Layers.map((layer, index) => ({ file: inside(directory, layer), diffId: diffIds[index] })) }
}))

/** undefined: neither layout; a plain root file system, perhaps. What newer docker writes is both, and its manifest.json has the names. */
export const imagesIn = async (directory: string, architecture: string): Promise<FoundImage[] | undefined> => {
  if (existsSync(path.join(directory, 'manifest.json'))) return savedImages(directory)
  if (existsSync(path.join(directory, 'index.json')) && existsSync(path.join(directory, 'oci-layout'))) return ociImages(directory, architecture)
  return undefined
}
