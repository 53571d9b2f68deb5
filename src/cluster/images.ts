/** `wherry image …`: what pods can have as their root file system besides the machine's own. All nodes on this machine share its images; machines that joined have their own. */
import { createReadStream, statSync } from 'node:fs'
import path from 'node:path'
import type { Readable } from 'node:stream'
import { execa } from 'execa'
import type { HostProgram, ImageConfig } from '../../agents/kubelet/images/image-index.ts'
import { type ClusterConfig, type NodeConfig, readConfig } from './config.ts'
import type { Home } from './home.ts'
import { fullPattern } from './image-pattern.ts'
import { type ImageWork, workOnImages } from './image-work.ts'
import { inTurn } from './turn.ts'
import { UserError } from './user-error.ts'

const say = (line: string): void => { process.stderr.write(`${line}\n`) }

/** What is wrong with an image is for people. */
const forPeople = (error: unknown): never => { throw error instanceof Error && !(error instanceof UserError) ? new UserError(error.message, 1, { cause: error }) : error }

const workHere = async (home: Home, work: ImageWork, signal: AbortSignal): Promise<string[]> => {
  if (process.getuid?.() !== 0) throw new UserError('images are kept with their owners and modes, which needs root; run it with sudo')
  const run = (): Promise<string[]> => workOnImages({ directory: home.images, run: home.run, data: home.data }, work, { signal }).catch(forPeople)
  // A pull takes its time, and an `up` need not wait for it.
  return work.do === 'pull' ? run() : inTurn(home, { work: run, waiting: (pid) => say(`another wherry command (pid ${pid}) is at work on this cluster; waiting for it …`) }, signal)
}

/** A file as it is; a directory as an archive. */
const sourceStream = (source: string, signal: AbortSignal): { input: Readable; archive: 'image' | 'directory' } => {
  if (!statSync(source).isDirectory()) return { input: createReadStream(source, { highWaterMark: 1 << 20 }), archive: 'image' }
  const tar = execa('tar', ['--create', '--file=-', '--directory', path.resolve(source), '--numeric-owner', '--one-file-system', '.'], { stdin: 'ignore', buffer: { stdout: false }, cancelSignal: signal })
  tar.catch(() => {}) // the stream ends early, and what reads it says so
  return { input: tar.stdout, archive: 'directory' }
}

const workThere = async (home: Home, { config, node, work }: { config: ClusterConfig; node: NodeConfig; work: ImageWork }, signal: AbortSignal): Promise<string[]> => {
  const { joinedMachine } = await import('./ssh/machine-command.ts')
  await using machine = joinedMachine(home, config, node)
  const { source, ...rest } = work.do === 'load' ? work : { source: undefined, ...work }
  const sent = source === undefined ? undefined : sourceStream(source, signal)
  const { lines } = await machine.agent<{ lines: string[] }>('images', { request: JSON.stringify({ ...rest, ...(sent && { archive: sent.archive }) }) }, { signal, ...(sent && { input: sent.input }) })
  return lines
}

interface Places { here: boolean; machines: readonly NodeConfig[]; config: ClusterConfig | undefined }

/** `node` undefined: everywhere. */
const placesOf = async (home: Home, node: string | undefined): Promise<Places> => {
  const config = await readConfig(home)
  const machines = config?.nodes.filter(({ kind }) => kind === 'ssh') ?? []
  if (node === undefined) return { here: true, machines, config }
  const named = config?.nodes.find(({ name }) => name === node)
  if (!named) throw new UserError(`there is no node ${JSON.stringify(node)}${config ? `; nodes: ${config.nodes.map(({ name }) => name).join(', ')}` : ''}`)
  return named.kind === 'ssh' ? { here: false, machines: [named], config } : { here: true, machines: [], config }
}

/** On every machine; one that fails is told of and does not hold up the others. */
const everywhere = async (home: Home, { node, work }: { node: string | undefined; work: ImageWork }, signal: AbortSignal): Promise<void> => {
  const { here, machines, config } = await placesOf(home, node)
  if (here) for (const line of await workHere(home, work, signal)) say(line)
  const failed: string[] = []
  for (const machine of config ? machines : []) {
    if (!config) continue
    try {
      for (const line of await workThere(home, { config, node: machine, work }, signal)) say(`${machine.name}: ${line}`)
    } catch (error) {
      if (!(error instanceof UserError)) throw error
      failed.push(machine.name)
      say(`${machine.name}: ${error.message}`)
    }
  }
  if (failed.length > 0) throw new UserError(`not done on ${failed.join(', ')}; once that is mended, repeat it with: --node ${failed[0] ?? ''}`)
}

/** On one machine: this one, unless a node is named. */
const inOnePlace = async (home: Home, { node, work }: { node: string | undefined; work: ImageWork }, signal: AbortSignal): Promise<string[]> => {
  const { here, machines: [machine], config } = node === undefined ? { here: true, machines: [], config: undefined } : await placesOf(home, node)
  if (here || !machine || !config) return work.do === 'list' ? workOnImages({ directory: home.images, run: home.run, data: home.data }, work, { signal }) : workHere(home, work, signal)
  return workThere(home, { config, node: machine, work }, signal)
}

const pairOf = (text: string): { name: string; value: string } => {
  const at = text.indexOf('=')
  if (at < 1) throw new UserError(`--env ${JSON.stringify(text)} must look like NAME=value`, 2)
  return { name: text.slice(0, at), value: text.slice(at + 1) }
}

export interface LoadOptions { home: Home; source: string; name?: string; entrypoint?: string[]; env?: string[]; workdir?: string; user?: string; node?: string }

export const loadImage = async ({ home, source, name, entrypoint, env, workdir, user, node }: LoadOptions, signal: AbortSignal): Promise<void> => {
  if (!statSync(source, { throwIfNoEntry: false })) throw new UserError(`${source}: no such file or directory`)
  const config: Partial<ImageConfig> = { ...(entrypoint && { entrypoint }), ...(env && { env: env.map(pairOf) }), ...(workdir !== undefined && { workingDir: workdir }), ...(user !== undefined && { user }) }
  await everywhere(home, { node, work: { do: 'load', source, ...(name !== undefined && { name }), config } }, signal)
}

export const pullToNodes = ({ home, image, node }: { home: Home; image: string; node?: string }, signal: AbortSignal): Promise<void> => everywhere(home, { node, work: { do: 'pull', image } }, signal)

export const listImages = async ({ home, node }: { home: Home; node?: string }, signal: AbortSignal): Promise<void> => {
  for (const line of await inOnePlace(home, { node, work: { do: 'list' } }, signal)) process.stdout.write(`${line}\n`)
}

export const dropImage = async ({ home, name, node }: { home: Home; name: string; node?: string }, signal: AbortSignal): Promise<void> => {
  for (const line of await inOnePlace(home, { node, work: { do: 'remove', name } }, signal)) say(line)
}

/** `entrypoint` false: a pod's args stand in place of the command, instead of after it. */
export interface MapOptions { home: Home; pattern: string; command: string[]; entrypoint?: boolean; env?: string[]; workdir?: string; user?: string; node?: string }

/** Images of which a shell is all are there for other commands. */
const isShell = (command: readonly string[]): boolean => command.length === 1 && /^(?:.*\/)?(?:sh|bash|dash|ash)$/.test(command[0] ?? '')

/** `nginx:1.27` of a production manifest may mean the machine's own nginx. */
export const mapImage = async ({ home, pattern, command, entrypoint = true, env = [], workdir = '', user = '', node }: MapOptions, signal: AbortSignal): Promise<void> => {
  const full = fullPattern(pattern)
  if (full === undefined) throw new UserError(`${JSON.stringify(pattern)} is no pattern of image names; one looks like nginx:* or registry.example/team/*`, 2)
  const words = entrypoint && !isShell(command) ? { entrypoint: command, command: [] } : { entrypoint: [], command }
  const program: HostProgram = { pattern: full, config: { ...words, env: env.map(pairOf), workingDir: workdir, user, stopSignal: undefined } }
  for (const line of await inOnePlace(home, { node, work: { do: 'map', program } }, signal)) say(line)
}
