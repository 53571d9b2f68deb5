/**
 * Puts a layer's archive onto a root file system that is being built. Every name is looked up inside of that root: links of this or an earlier layer that
 * lead out of it lead nowhere else than into it, and nothing of the machine is read or written. Whiteouts as the OCI image specification has them.
 */
import { createHash } from 'node:crypto'
import { chmodSync, closeSync, createReadStream, createWriteStream, lchownSync, linkSync, lstatSync, lutimesSync, mkdirSync, openSync, readdirSync, readlinkSync, readSync, rmSync, symlinkSync } from 'node:fs'
import path from 'node:path'
import type { Readable } from 'node:stream'
import { finished, pipeline } from 'node:stream/promises'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import { Parser, type ReadEntry } from 'tar'
import { run } from '../runtime/command.ts'

export interface Extracted {
  bytes: number
  /** What could not be taken over, in words for people. */
  warnings: Set<string>
  /** Of the archive without its compression: what a configuration calls it by. */
  diffId: string
}

const maxLinks = 40
const whiteout = '.wh.'
const opaque = '.wh..wh..opq'

/** Parts of a name as it counts inside of a root; throws for one that climbs out. */
export const partsOf = (name: string): string[] => {
  const parts = name.split('/').filter((part) => part !== '' && part !== '.')
  if (parts.includes('..') || name.includes('\0')) throw new Error(`the archive holds the name ${JSON.stringify(name)}, which leads out of the image`)
  return parts
}

const look = (file: string): ReturnType<typeof lstatSync> | undefined => lstatSync(file, { throwIfNoEntry: false })

/** The directory on the machine for these parts, links followed inside of `root` only; made where it is missing. */
const directoryInside = (root: string, parts: readonly string[]): string => {
  const pending = [...parts].reverse()
  let current: string[] = []
  let links = 0
  for (let part = pending.pop(); part !== undefined; part = pending.pop()) {
    if (part === '' || part === '.') continue
    if (part === '..') { current = current.slice(0, -1); continue }
    const file = path.join(root, ...current, part)
    const stats = look(file)
    if (stats?.isSymbolicLink()) {
      if (++links > maxLinks) throw new Error(`too many symbolic links at ${parts.join('/')}`)
      const target = readlinkSync(file)
      if (target.startsWith('/')) current = []
      pending.push(...target.split('/').reverse())
      continue
    }
    if (stats && !stats.isDirectory()) rmSync(file, { force: true })
    if (!stats?.isDirectory()) mkdirSync(file, { mode: 0o755 })
    current = [...current, part]
  }
  return path.join(root, ...current)
}

/** Where an entry lies: its parent with links followed, its own name as it is. */
const placeOf = (root: string, name: string): string => {
  const parts = partsOf(name)
  return path.join(directoryInside(root, parts.slice(0, -1)), parts.at(-1) ?? '')
}

/** What a whiteout takes away, by its own name; "." and ".." are the directory itself and what lies above it. Throws as containerd does. */
const whitedOut = (name: string): string => {
  const hidden = name.slice(whiteout.length)
  if (hidden === '' || hidden === '.' || hidden === '..') throw new Error(`the archive holds the whiteout ${JSON.stringify(name)}, which leads out of its directory`)
  return hidden
}

const clear = (file: string): void => { if (look(file)) rmSync(file, { recursive: true, force: true }) }

const own = (file: string, { uid = 0, gid = 0, mode = 0o644, mtime, type }: ReadEntry): void => {
  lchownSync(file, uid, gid)
  // After the owner, whose change takes set-user-ID bits away.
  if (type !== 'SymbolicLink') chmodSync(file, mode & 0o7777)
  if (mtime) lutimesSync(file, mtime, mtime)
}

/** Only into a file that is not there: what was has been cleared, and nothing that came in between is followed. */
const save = (entry: ReadEntry, file: string): Promise<void> => pipeline(entry[Symbol.asyncIterator](), createWriteStream(file, { flags: 'wx', mode: 0o600 }))

const devices: Partial<Record<string, string>> = { CharacterDevice: 'c', BlockDevice: 'b', FIFO: 'p' }

const write = async (root: string, entry: ReadEntry, { extracted, limitBytes }: { extracted: Extracted; limitBytes: number }): Promise<void> => {
  const name = path.posix.basename(entry.path)
  if (name.startsWith(whiteout)) {
    const parent = directoryInside(root, partsOf(path.posix.dirname(entry.path)))
    entry.resume()
    if (name !== opaque) clear(path.join(parent, whitedOut(name)))
    return
  }
  if (partsOf(entry.path).length === 0) { entry.resume(); return own(root, entry) }
  const file = placeOf(root, entry.path)
  const before = look(file)
  if (entry.type === 'Directory') {
    if (before && !before.isDirectory()) clear(file)
    if (!before?.isDirectory()) mkdirSync(file, { mode: 0o755 })
    entry.resume()
    return own(file, entry)
  }
  clear(file)
  switch (entry.type) {
    case 'File': case 'OldFile': case 'ContiguousFile':
      extracted.bytes += entry.size ?? 0
      if (extracted.bytes > limitBytes) throw new Error(`no space left: the layer unpacks to more than ${limitBytes} bytes`)
      await save(entry, file)
      return own(file, entry)
    case 'SymbolicLink':
      symlinkSync(entry.linkpath ?? '', file)
      entry.resume()
      return own(file, entry)
    case 'Link':
      linkSync(placeOf(root, entry.linkpath ?? ''), file)
      entry.resume()
      return
    default: {
      const kind = devices[entry.type]
      entry.resume()
      if (kind === undefined) { extracted.warnings.add(`${entry.type} entries are left out`); return }
      const { devmaj = 0, devmin = 0 } = entry.header ?? {}
      await run('mknod', [file, kind, ...(kind === 'p' ? [] : [String(devmaj), String(devmin)])])
      return own(file, entry)
    }
  }
}

/** What an opaque directory hides is of the layers below: it goes before anything of this layer comes. */
const emptyOpaque = (root: string, name: string): void => {
  const directory = directoryInside(root, partsOf(path.posix.dirname(name)))
  for (const each of readdirSync(directory)) rmSync(path.join(directory, each), { recursive: true, force: true })
}

/** Decompression by the first bytes: gzip, zstd, or none. */
export const decompressed = (file: string): Readable => {
  const magic = Buffer.alloc(4)
  const descriptor = openSync(file, 'r')
  readSync(descriptor, magic, 0, 4, 0)
  closeSync(descriptor)
  const raw = createReadStream(file)
  const unpack = magic.subarray(0, 2).equals(Buffer.from([0x1f, 0x8b])) ? createGunzip() : magic.equals(Buffer.from([0x28, 0xb5, 0x2f, 0xfd])) ? createZstdDecompress() : undefined
  if (!unpack) return raw
  raw.once('error', (error) => unpack.destroy(error))
  return raw.pipe(unpack)
}

/** Reads an archive's entries one after the other; resolves with the archive's digest, rejects with what is wrong with it. `visit` must consume or resume each. */
const eachEntry = async (file: string, visit: (entry: ReadEntry) => Promise<void>): Promise<string> => {
  let turn = Promise.resolve()
  let failed: unknown
  const parser = new Parser({
    strict: true,
    onReadEntry: (entry) => {
      entry.pause()
      turn = turn.then(async () => {
        if (failed !== undefined) { entry.resume(); return }
        await visit(entry).catch((error: unknown) => { failed = error; entry.resume() })
      })
    },
  })
  const { promise: ended, resolve, reject } = Promise.withResolvers<void>()
  parser.on('end', resolve)
  parser.on('error', reject)
  const source = decompressed(file)
  source.once('error', reject)
  const hash = createHash('sha256')
  source.on('data', (chunk: Buffer) => { hash.update(chunk) })
  source.pipe(parser as unknown as NodeJS.WritableStream)
  await Promise.all([ended, finished(source)]).catch((error: unknown) => {
    source.destroy()
    throw new Error(`${path.basename(file)} is no whole tar archive: ${error instanceof Error ? error.message : String(error)}`)
  })
  await turn
  if (failed !== undefined) throw failed
  return `sha256:${hash.digest('hex')}`
}

/** Puts the layer in `file` onto `root`; rejects for one that would take more than `limitBytes` there. */
export const extractLayer = async (file: string, root: string, limitBytes = Infinity): Promise<Extracted> => {
  const extracted: Extracted = { bytes: 0, warnings: new Set(), diffId: '' }
  // Opaque markers may come after entries of the same directory: a first pass finds them.
  const emptied: string[] = []
  await eachEntry(file, (entry) => {
    if (path.posix.basename(entry.path) === opaque) emptied.push(entry.path)
    if (Object.keys(entry.extended ?? {}).some((key) => key.startsWith('SCHILY.xattr'))) extracted.warnings.add('extended attributes (file capabilities, ACLs) are not kept')
    entry.resume()
    return Promise.resolve()
  })
  for (const name of emptied) emptyOpaque(root, name)
  extracted.diffId = await eachEntry(file, (entry) => write(root, entry, { extracted, limitBytes }))
  return extracted
}

/** The plain files of an archive (an image archive's blobs), and nothing else. */
export const extractFiles = async (file: string, directory: string): Promise<void> => {
  await eachEntry(file, async (entry) => {
    if (entry.type === 'Link' || entry.type === 'SymbolicLink') {
      // docker save names a layer that several images share by a link.
      const target = path.posix.join(entry.type === 'Link' ? '' : path.posix.dirname(entry.path), entry.linkpath ?? '')
      entry.resume()
      const place = placeOf(directory, entry.path)
      clear(place)
      linkSync(placeOf(directory, target), place)
      return
    }
    if (entry.type === 'Directory') { directoryInside(directory, partsOf(entry.path)); entry.resume(); return }
    if (entry.type !== 'File' && entry.type !== 'OldFile') { entry.resume(); return }
    const place = placeOf(directory, entry.path)
    clear(place)
    await save(entry, place)
  })
}
