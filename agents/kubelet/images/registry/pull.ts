/**
 * `docker pull`: a name becomes an image of this machine. Nothing is seen of it until all of it is there; layers that came before a cut are there at the next try.
 * One image at a time of one directory of downloads.
 */
import { existsSync, mkdirSync, readdirSync, rmSync, statfsSync, statSync } from 'node:fs'
import path from 'node:path'
import type { Clock } from '../../../../src/api/clock.ts'
import { checkDiffId, diffIdsOf } from '../diff-ids.ts'
import { extractLayer } from '../extract.ts'
import { readIndex, rootOf, type StoredImage } from '../image-index.ts'
import { architectureNames, configOf } from '../layout.ts'
import { storeImage } from '../load.ts'
import { formatReference, type ImageReference, parseReference } from '../reference.ts'
import { download } from './download.ts'
import { readBody, Unreachable } from './exchange.ts'
import { choosePlatform, digestOf, type Descriptor, type ImageManifest, manifestTypes, maxConfigBytes, maxManifestBytes, parseManifest } from './manifest.ts'
import { type Credentials, Refused } from './registry-client.ts'
import type { RegistryConfig } from './registry-config.ts'
import { openRepository, type Repository } from './repository.ts'

export interface PullRequest {
  /** Where this machine keeps images. */
  directory: string
  /** Who downloads: what was cut is taken up by the same one. */
  owner: string
  /** As a pod or a person writes it. */
  image: string
  /** Tried one after the other; none: as anybody. */
  credentials: readonly Credentials[]
}

export interface Pulled {
  image: StoredImage
  /** Which of the credentials opened the registry; undefined: none was needed. */
  usedCredentials: number | undefined
  warnings: readonly string[]
}

export interface PullTools { config: RegistryConfig; clock: Clock }

const layersAtOnce = 3
const staleMilliseconds = 24 * 3_600_000
/** Of what is free, at most this share may be filled by one image. */
const diskShare = 0.95

const fetchManifest = async (repository: Repository, reference: string): Promise<{ bytes: Buffer; digest: string; type: string }> => {
  const answer = await repository.get(`manifests/${reference}`, { to: reference.includes(':') ? 'pull' : 'resolve', headers: { accept: manifestTypes.join(', ') } })
  const bytes = await readBody(answer, maxManifestBytes)
  const digest = digestOf(bytes)
  if (reference.includes(':') && reference !== digest) throw new Error(`the registry answers with ${digest} when asked for ${reference}`)
  return { bytes, digest, type: answer.headers['content-type'] ?? '' }
}

interface Resolved { digest: string; manifest: ImageManifest }

const resolve = async (repository: Repository, { tag, digest }: ImageReference): Promise<Resolved> => {
  const top = await fetchManifest(repository, digest ?? tag ?? 'latest')
  let parsed = parseManifest(top.bytes, top.type)
  for (let depth = 0; 'index' in parsed; depth++) {
    if (depth === 2) throw new Error('the index leads to indexes only')
    const chosen = choosePlatform(parsed.index, { architecture: architectureNames[process.arch] ?? process.arch })
    const next = await fetchManifest(repository, chosen.digest)
    parsed = parseManifest(next.bytes, next.type)
  }
  return { digest: top.digest, manifest: parsed.manifest }
}

const fetchConfig = async (repository: Repository, { digest, size }: Descriptor): Promise<Parameters<typeof configOf>[0]> => {
  if (size > maxConfigBytes) throw new Error(`the image's configuration is longer than ${maxConfigBytes} bytes`)
  const bytes = await readBody(await repository.get(`blobs/${digest}`), maxConfigBytes)
  if (digestOf(bytes) !== digest) throw new Error(`the image's configuration is damaged: it has the digest ${digestOf(bytes)}, not ${digest}`)
  return JSON.parse(bytes.toString()) as Parameters<typeof configOf>[0]
}

/** Several at a time; the first that fails ends the others. */
const downloadAll = async (layers: readonly Descriptor[], get: (layer: Descriptor, signal: AbortSignal) => Promise<string>, signal: AbortSignal): Promise<void> => {
  const failing = new AbortController()
  const either = AbortSignal.any([signal, failing.signal])
  const left = [...new Map(layers.map((layer) => [layer.digest, layer])).values()]
  const work = async (): Promise<void> => { for (let next = left.shift(); next; next = left.shift()) await get(next, either).catch((error: unknown) => { failing.abort(error); throw error }) }
  const results = await Promise.allSettled(Array.from({ length: layersAtOnce }, work))
  signal.throwIfAborted()
  if (results.some(({ status }) => status === 'rejected')) throw failing.signal.reason
}

const freeBytes = (directory: string): number => { const { bavail, bsize } = statfsSync(directory); return Math.floor(bavail * bsize * diskShare) }

/** What earlier pulls have left behind and nobody came back for. */
const clearStale = (directory: string, now: Date): void => {
  for (const name of readdirSync(directory)) {
    const file = path.join(directory, name)
    if (now.getTime() - (statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0) > staleMilliseconds) rmSync(file, { force: true })
  }
}

interface Fetching { request: PullRequest; reference: ImageReference; tools: PullTools; signal: AbortSignal }

const hostAndPath = ({ repository }: ImageReference): { host: string; path: string } => { const slash = repository.indexOf('/'); return { host: repository.slice(0, slash), path: repository.slice(slash + 1) } }

const fetchImage = async ({ request: { directory, owner }, reference, tools: { config, clock }, signal }: Fetching, credentials: Credentials | undefined): Promise<Omit<Pulled, 'usedCredentials'>> => {
  const repository = openRepository({ ...hostAndPath(reference), credentials, config, signal })
  const { digest, manifest } = await resolve(repository, reference)
  const names = [...(reference.digest === undefined ? [`${reference.repository}:${reference.tag ?? 'latest'}`] : []), `${reference.repository}@${digest}`]
  const id = manifest.config.digest
  const known = readIndex(directory).images.find((image) => image.id === id)
  const isThere = known !== undefined && existsSync(rootOf(directory, id))
  const warnings = new Set<string>()
  const fetched = isThere ? undefined : await fetchConfig(repository, manifest.config)
  const diffIds = fetched ? diffIdsOf(fetched, manifest.layers.length) : []
  const downloads = path.join(directory, 'downloads', owner)
  const build = async (root: string): Promise<void> => {
    mkdirSync(downloads, { recursive: true, mode: 0o700 })
    clearStale(downloads, clock.now())
    const total = manifest.layers.reduce((sum, { size }) => sum + size, 0)
    if (total > freeBytes(downloads)) throw new Error(`no space left for its ${total} bytes of layers`)
    const fileOf = (layer: Descriptor): string => path.join(downloads, layer.digest.replace(':', '-'))
    await downloadAll(manifest.layers, (layer, either) => download({ repository, directory: downloads, clock, signal: either }, layer), signal)
    for (const [index, layer] of manifest.layers.entries()) {
      signal.throwIfAborted()
      const extracted = await extractLayer(fileOf(layer), root, freeBytes(downloads))
      checkDiffId(diffIds[index], extracted.diffId)
      for (const warning of extracted.warnings) warnings.add(warning)
    }
    for (const layer of manifest.layers) rmSync(fileOf(layer), { force: true })
  }
  const image = await storeImage({ directory, now: clock.now(), image: { id, names, config: fetched ? configOf(fetched) : known?.config ?? configOf({}), pulled: true } }, build)
  return { image, warnings: [...warnings] }
}

const explained = (error: unknown, name: string): string => {
  if (error instanceof Refused && error.status === 404) return `failed to resolve reference ${JSON.stringify(name)}: ${name}: ${error.message}`
  if (error instanceof Refused && (error.status === 401 || error.status === 403)) return `failed to resolve reference ${JSON.stringify(name)}: pull access denied, repository does not exist or may require authorization: ${error.message}`
  if (error instanceof Unreachable) return `cannot reach its registry: ${error.message}; without a network, load it with "wherry image load FILE --name ${name}", or use "image: host" for the machine's own file system`
  return error instanceof Error ? error.message : String(error)
}

/** Rejects with one message for people that names the image. */
export const pullImage = async (request: PullRequest, tools: PullTools, signal: AbortSignal): Promise<Pulled> => {
  const reference = parseReference(request.image)
  if (!reference) throw new Error(`${JSON.stringify(request.image)} is no image name; one looks like nginx:1.27 or registry.example/team/app:2`)
  const tries: (Credentials | undefined)[] = request.credentials.length > 0 ? [...request.credentials] : [undefined]
  const failures: string[] = []
  for (const [index, credentials] of tries.entries()) {
    try {
      return { ...(await fetchImage({ request, reference, tools, signal }, credentials)), usedCredentials: credentials && index }
    } catch (error) {
      signal.throwIfAborted()
      failures.push(explained(error, formatReference(reference)))
      // Other credentials help only where who asks was the question.
      if (!(error instanceof Refused && [401, 403, 404].includes(error.status))) break
    }
  }
  const [only, ...more] = [...new Set(failures)]
  throw new Error(`failed to pull and unpack image ${JSON.stringify(formatReference(reference))}: ${more.length === 0 ? only : `[${[only, ...more].join(', ')}]`}`)
}

