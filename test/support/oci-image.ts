/** Image archives made for tests: layers from lists of entries, configuration, manifest and index with right digests. */
import { createHash } from 'node:crypto'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { Header } from 'tar'

export interface ArchiveEntry { path: string; type?: 'File' | 'Directory' | 'SymbolicLink' | 'Link' | 'FIFO'; data?: string | Buffer; linkpath?: string; mode?: number; uid?: number; gid?: number }

const block = 512

/** A tar archive, entry for entry, also such as no well-meaning tool would write. */
export const archive = (entries: readonly ArchiveEntry[]): Buffer => {
  const parts: Buffer[] = []
  for (const { path, type = 'File', data = '', linkpath = '', mode = type === 'Directory' ? 0o755 : 0o644, uid = 0, gid = 0 } of entries) {
    const bytes = Buffer.from(data)
    const header = Buffer.alloc(block)
    new Header({ path, type, linkpath, mode, uid, gid, size: type === 'File' ? bytes.length : 0, mtime: new Date('2026-01-01T00:00:00Z') }).encode(header)
    parts.push(header)
    if (type === 'File') parts.push(bytes, Buffer.alloc((block - (bytes.length % block)) % block))
  }
  return Buffer.concat([...parts, Buffer.alloc(2 * block)])
}

export interface ImageParts { name?: string; layers: readonly (readonly ArchiveEntry[])[]; config: object; architecture?: string; compression?: 'gzip' | 'zstd' | 'none' }

const digestOf = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

/** What a configuration says of its layers. */
export const rootfsOf = (layers: ImageParts['layers']): object => ({ type: 'layers', diff_ids: layers.map((layer) => `sha256:${digestOf(archive(layer))}`) })

/** The files of an OCI layout. */
export const ociFiles = ({ name, layers, config, architecture = process.arch === 'x64' ? 'amd64' : process.arch, compression = 'gzip' }: ImageParts): ArchiveEntry[] => {
  const blobs: ArchiveEntry[] = []
  const blob = (bytes: Buffer, mediaType: string): { mediaType: string; digest: string; size: number } => {
    blobs.push({ path: `blobs/sha256/${digestOf(bytes)}`, data: bytes })
    return { mediaType, digest: `sha256:${digestOf(bytes)}`, size: bytes.length }
  }
  const packed = { gzip: gzipSync, zstd: zstdCompressSync, none: (bytes: Buffer) => bytes }[compression]
  const descriptors = layers.map((layer) => blob(packed(archive(layer)), 'application/vnd.oci.image.layer.v1.tar'))
  const configuration = blob(Buffer.from(JSON.stringify({ architecture, os: 'linux', config, rootfs: rootfsOf(layers) })), 'application/vnd.oci.image.config.v1+json')
  const mediaType = 'application/vnd.oci.image.manifest.v1+json'
  const manifest = blob(Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, config: configuration, layers: descriptors })), mediaType)
  const index = { schemaVersion: 2, manifests: [{ ...manifest, platform: { os: 'linux', architecture }, ...(name !== undefined && { annotations: { 'io.containerd.image.name': name } }) }] }
  return [...blobs, { path: 'oci-layout', data: JSON.stringify({ imageLayoutVersion: '1.0.0' }) }, { path: 'index.json', data: JSON.stringify(index) }]
}

/** The files that `docker save` wrote before it knew OCI: its index last. */
export const savedFiles = ({ name, layers, config }: Pick<ImageParts, 'name' | 'layers' | 'config'>): ArchiveEntry[] => {
  const configuration = JSON.stringify({ architecture: 'amd64', os: 'linux', config, rootfs: rootfsOf(layers) })
  const files = layers.map((layer, index): ArchiveEntry => ({ path: `layer${index}/layer.tar`, data: archive(layer) }))
  const configFile = `${digestOf(Buffer.from(configuration))}.json`
  return [...files, { path: configFile, data: configuration }, { path: 'manifest.json', data: JSON.stringify([{ Config: configFile, RepoTags: name === undefined ? null : [name], Layers: files.map(({ path }) => path) }]) }]
}
