/** Pepr, a public framework for operators, out of npm and kept outside of the tree like the other clients: it builds an operator's manifests, and runs in its image. */
import { createHash } from 'node:crypto'
import { existsSync, realpathSync } from 'node:fs'
import { chmod, chown, copyFile, cp, mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { execa } from 'execa'
import { clientsFolder } from './clients.ts'

export const framework = { name: 'pepr', version: '1.1.4', image: 'ghcr.io/defenseunicorns/pepr/controller:v1.1.4', user: 65532 } as const

/** Made whole in a folder beside it, so that nobody finds half of it. */
const kept = async (name: string, make: (work: string) => Promise<void>): Promise<string> => {
  const folder = path.join(clientsFolder(), name)
  if (existsSync(folder)) return folder
  await mkdir(clientsFolder(), { recursive: true })
  const work = await mkdtemp(`${folder}-`)
  try {
    await make(work)
    await rename(work, folder).catch((error: NodeJS.ErrnoException) => { if (!existsSync(folder)) throw error })
    return folder
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

const installed = (): Promise<string> => kept(`${framework.name}-${framework.version}`, async (work) => {
  await writeFile(path.join(work, 'package.json'), '{"private":true}')
  await execa('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--save-exact', `${framework.name}@${framework.version}`], { cwd: work, timeout: 300_000 })
})

export interface BuiltOperator {
  /** What `pepr build` would have one apply: the path of a file. */
  manifest: string
  /** Which versions of the framework's own parts it was built with. */
  versions: Record<string, string>
}

/** The operator whose sources are in the folder, built by the framework's own command. */
export const buildOperator = async (source: string): Promise<BuiltOperator> => {
  const home = await installed()
  const files = (await readdir(source)).toSorted()
  const hash = createHash('sha256').update(framework.version)
  for (const file of files) hash.update(file).update(await readFile(path.join(source, file)))
  const built = await kept(`operator-${hash.digest('hex').slice(0, 12)}`, async (work) => {
    await cp(source, work, { recursive: true })
    await symlink(path.join(home, 'node_modules'), path.join(work, 'node_modules'))
    await execa('node', ['node_modules/pepr/dist/cli.js', 'build'], { cwd: work, timeout: 300_000 })
  })
  const versionOf = async (name: string): Promise<string> => (JSON.parse(await readFile(path.join(home, 'node_modules', name, 'package.json'), 'utf8')) as { version: string }).version
  const versions = Object.fromEntries(await Promise.all(['pepr', 'kubernetes-fluent-client', '@kubernetes/client-node'].map(async (name) => [name, await versionOf(name)] as const)))
  return { manifest: path.join(built, 'dist/pepr-module-shelves.yaml'), versions }
}

/** What only builds: the controller's image has no use for it. */
const buildTools = ['typescript', '@ts-morph', 'ts-morph', '@esbuild', 'esbuild', 'prettier', '@typescript-eslint', 'eslint', '@eslint', 'tsx', '.cache']

/** A root file system like that of the framework's image: Node and what it is linked with, and the framework in /app. */
export const makeRootFileSystem = async (root: string): Promise<void> => {
  const node = realpathSync(process.execPath)
  const { stdout } = await execa('ldd', [node])
  const files: [string, string][] = [[node, '/usr/local/bin/node'], ...[...stdout.matchAll(/\/lib\S+/g)].map(([file]): [string, string] => [file, file])]
  for (const [from, to] of files) {
    await mkdir(path.join(root, path.dirname(to)), { recursive: true })
    await copyFile(realpathSync(from), path.join(root, to))
    await chmod(path.join(root, to), 0o755)
  }
  const modules = path.join(await installed(), 'node_modules')
  await cp(modules, path.join(root, 'app/node_modules'), { recursive: true, filter: (file) => !buildTools.some((tool) => file === path.join(modules, tool)) })
  await mkdir(path.join(root, 'tmp'), { recursive: true })
  await chmod(path.join(root, 'tmp'), 0o1777)
  // The framework unpacks the operator's program there.
  await chown(path.join(root, 'app'), framework.user, framework.user)
}
