/** `wherry image …`: what pods can have as their root file system besides the machine's own. Kubelets of this machine see a change at once. */
import { existsSync, globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { type HostProgram, type ImageConfig, readIndex, type StoredImage, writeIndex } from '../../agents/kubelet/images/image-index.ts'
import { changeImages } from '../../agents/kubelet/images/index-lock.ts'
import { loadImages, removeImage } from '../../agents/kubelet/images/load.ts'
import { systemClock } from '../api/clock.ts'
import { humanDuration } from '../api/human-duration.ts'
import type { Home } from './home.ts'
import { inTurn } from './turn.ts'
import { UserError } from './user-error.ts'

export interface LoadOptions { home: Home; source: string; name?: string; entrypoint?: string[]; env?: string[]; workdir?: string; user?: string }

const say = (line: string): void => { process.stderr.write(`${line}\n`) }

/** Two that write the index at once would lose one another's images. */
const alone = async <T>(home: Home, work: () => Promise<T>, signal: AbortSignal): Promise<T> => {
  if (process.getuid?.() !== 0) throw new UserError('images are kept with their owners and modes, which needs root; run it with sudo')
  return inTurn(home, { work: () => work().catch((error: unknown) => { throw error instanceof Error && !(error instanceof UserError) ? new UserError(error.message, 1, { cause: error }) : error }), waiting: (pid) => say(`another wherry command (pid ${pid}) is at work on this cluster; waiting for it …`) }, signal)
}

const pairOf = (text: string): { name: string; value: string } => {
  const at = text.indexOf('=')
  if (at < 1) throw new UserError(`--env ${JSON.stringify(text)} must look like NAME=value`, 2)
  return { name: text.slice(0, at), value: text.slice(at + 1) }
}

export const loadImage = async ({ home, source, name, entrypoint, env, workdir, user }: LoadOptions, signal: AbortSignal): Promise<void> => {
  const config: Partial<ImageConfig> = { ...(entrypoint && { entrypoint }), ...(env && { env: env.map(pairOf) }), ...(workdir !== undefined && { workingDir: workdir }), ...(user !== undefined && { user }) }
  const loaded = await alone(home, () => loadImages({ directory: home.images, source, name, config, now: systemClock.now() }), signal)
  for (const { image, warnings } of loaded) {
    say(`loaded ${image.names[0] ?? image.id} (${mebibytes(image)})`)
    for (const warning of warnings) say(`  ${warning}`)
  }
}

const mebibytes = ({ sizeBytes }: StoredImage): string => `${(sizeBytes / 1024 / 1024).toFixed(1)}MiB`

const row = (cells: readonly string[], widths: readonly number[]): string => cells.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join('   ').trimEnd()

export const listImages = ({ home }: { home: Home }): void => {
  const { images, programs } = readIndex(home.images)
  const age = (image: StoredImage): string => humanDuration(systemClock.now().getTime() - Date.parse(image.loadedAt))
  const lines = [
    ...images.flatMap((image) => (image.names.length > 0 ? image.names : ['<none>']).map((name) => [name, image.id.slice('sha256:'.length, 19), mebibytes(image), age(image)])),
    ...programs.map(({ pattern, config }) => [pattern, 'host', config.entrypoint.join(' '), '']),
  ]
  const all = [['IMAGE', 'ID', 'SIZE', 'LOADED'], ...lines]
  const widths = [0, 1, 2, 3].map((column) => Math.max(...all.map((cells) => cells[column]?.length ?? 0)))
  for (const cells of all) process.stdout.write(`${row(cells, widths)}\n`)
}

/** Of attempts that have not been forgotten yet, of every node of this machine. */
const isUsed = (home: Home) => (id: string): boolean => globSync(path.join(home.run, '*', 'pods', '*', '*', '*', 'record*'))
  .some((file) => existsSync(file) && readFileSync(file, 'utf8').includes(id))

export const dropImage = async ({ home, name }: { home: Home; name: string }, signal: AbortSignal): Promise<void> => alone(home, async () => {
  const index = readIndex(home.images)
  if (index.programs.some(({ pattern }) => pattern === name)) {
    await changeImages(home.images, () => { const now = readIndex(home.images); writeIndex(home.images, { ...now, programs: now.programs.filter(({ pattern }) => pattern !== name) }) })
    say(`unmapped ${name}`)
    return
  }
  const { untagged, deleted } = await removeImage(home.images, name, isUsed(home))
  if (untagged !== undefined) say(`untagged ${untagged}`)
  if (deleted !== undefined) say(`deleted ${deleted}`)
}, signal)

export interface MapOptions { home: Home; pattern: string; command: string[]; env?: string[]; workdir?: string; user?: string }

/** `nginx:1.27` of a production manifest may mean the machine's own nginx. */
export const mapImage = async ({ home, pattern, command, env = [], workdir = '', user = '' }: MapOptions, signal: AbortSignal): Promise<void> => alone(home, async () => {
  const program: HostProgram = { pattern: fullPattern(pattern), config: { entrypoint: command, command: [], env: env.map(pairOf), workingDir: workdir, user, stopSignal: undefined } }
  await changeImages(home.images, () => { const index = readIndex(home.images); writeIndex(home.images, { ...index, programs: [...index.programs.filter((each) => each.pattern !== program.pattern), program] }) })
  say(`${program.pattern} is ${command.join(' ')} of this machine`)
}, signal)

/** A pattern without a registry is one of Docker Hub's names, as image names are. */
const fullPattern = (pattern: string): string => {
  if (!/^[\w.:/*@-]+$/.test(pattern)) throw new UserError(`${JSON.stringify(pattern)} is no pattern of image names; one looks like nginx:* or registry.example/team/*`, 2)
  const [first = '', ...rest] = pattern.split('/')
  const full = rest.length === 0 ? `docker.io/library/${pattern}` : /[.:*]/.test(first) || first === 'localhost' ? pattern : `docker.io/${pattern}`
  return /[:@][^/]*$/.test(full) || full.endsWith('*') ? full : `${full}:*`
}
