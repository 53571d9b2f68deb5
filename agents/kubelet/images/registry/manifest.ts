/** Manifests and indexes as registries serve them: OCI's and Docker's schema 2. Pure. */
import { createHash } from 'node:crypto'

export interface Platform { architecture: string; os: string; variant?: string }
export interface Descriptor { mediaType: string; digest: string; size: number; platform?: Platform }
export interface ImageManifest { config: Descriptor; layers: readonly Descriptor[] }

export const manifestTypes = [
  'application/vnd.oci.image.index.v1+json', 'application/vnd.docker.distribution.manifest.list.v2+json', 'application/vnd.oci.image.manifest.v1+json', 'application/vnd.docker.distribution.manifest.v2+json',
] as const

export const maxManifestBytes = 4 << 20
export const maxConfigBytes = 8 << 20
const maxLayers = 512
const maxManifests = 1024

const digestPattern = /^sha256:[0-9a-f]{64}$/
const layerPattern = /^application\/vnd\.(?:oci\.image\.layer\.(?:nondistributable\.)?v1\.tar(?:\+gzip|\+zstd)?|docker\.image\.rootfs\.(?:foreign\.)?diff\.tar(?:\.gzip|\.zstd)?)$/

export const digestOf = (bytes: Buffer): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value)

const descriptorOf = (value: unknown, where: string): Descriptor => {
  if (!isRecord(value)) throw new Error(`${where} is no descriptor`)
  const { digest, size, mediaType = '', platform } = value
  if (typeof digest !== 'string' || !digestPattern.test(digest)) throw new Error(`${where} has the digest ${JSON.stringify(digest)}: only sha256 is supported`)
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) throw new Error(`${where} has the size ${JSON.stringify(size)}`)
  const of = isRecord(platform) ? { platform: { architecture: String(platform['architecture']), os: String(platform['os']), ...(typeof platform['variant'] === 'string' && { variant: platform['variant'] }) } } : {}
  return { mediaType: String(mediaType), digest, size, ...of }
}

/** What a registry served under a name: an index of manifests, or one manifest. Throws what is wrong with it. */
export const parseManifest = (bytes: Buffer, contentType: string): { index: Descriptor[] } | { manifest: ImageManifest } => {
  let parsed: unknown
  try { parsed = JSON.parse(bytes.toString()) } catch { throw new Error('the manifest is no JSON') }
  if (!isRecord(parsed)) throw new Error('the manifest is no JSON object')
  const type = String(parsed['mediaType'] ?? contentType.split(';')[0]?.trim())
  if (parsed['schemaVersion'] === 1 || /docker\.distribution\.manifest\.v1\+/.test(type)) throw new Error('the image has a manifest of Docker schema 1, which is not supported: push it anew with a current tool')
  if (Array.isArray(parsed['manifests'])) {
    if (parsed['manifests'].length > maxManifests) throw new Error(`the index has more than ${maxManifests} manifests`)
    return { index: parsed['manifests'].map((each, at) => descriptorOf(each, `manifests[${at}]`)) }
  }
  if (!Array.isArray(parsed['layers'])) throw new Error(`the manifest (${type}) is neither an index nor an image's`)
  if (parsed['layers'].length > maxLayers) throw new Error(`the image has more than ${maxLayers} layers`)
  const layers = parsed['layers'].map((each, at) => descriptorOf(each, `layers[${at}]`))
  for (const [at, { mediaType }] of layers.entries()) if (mediaType !== '' && !layerPattern.test(mediaType)) throw new Error(`layers[${at}] is of the type ${mediaType}, which is no layer of files (an artifact, or encrypted)`)
  return { manifest: { config: descriptorOf(parsed['config'], 'config'), layers } }
}

/** The first one for this platform, variants that are older than the machine's last. Mirrors containerd's platforms.Default. */
export const choosePlatform = (index: readonly Descriptor[], { architecture, variant }: { architecture: string; variant?: string }): Descriptor => {
  const fits = index.filter(({ platform }) => platform?.os === 'linux' && platform.architecture === architecture)
  const exact = fits.find(({ platform }) => platform?.variant === variant || (platform?.variant === undefined))
  // An image for any amd64 is v1's; one that asks for v3 may not run.
  const chosen = exact ?? fits.find(({ platform }) => platform?.variant === (architecture === 'amd64' ? 'v1' : architecture === 'arm64' ? 'v8' : variant)) ?? index.find(({ platform }) => platform === undefined && index.length === 1)
  if (!chosen) {
    const there = index.flatMap(({ platform }) => (platform && platform.os !== 'unknown' ? [`${platform.os}/${platform.architecture}${platform.variant ? `/${platform.variant}` : ''}`] : []))
    throw new Error(`no match for platform in manifest: the image has nothing for linux/${architecture}${there.length > 0 ? `, but for ${[...new Set(there)].join(', ')}` : ''}`)
  }
  return chosen
}
