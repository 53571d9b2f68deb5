/** A whole cluster of real processes for a test: started with the command that users type, isolated in namespaces of its own, and taken down without a trace. */
import { existsSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { execa, type Options } from 'execa'
import { type ClientVersion, kubectlPath } from './clients.ts'
import { homeAt, type Home } from '../../src/cluster/home.ts'
import { namespacePath } from '../../src/cluster/node-network.ts'

const root = path.resolve(import.meta.dirname, '../..')
/** What `npm test` has bundled, or the sources; WHERRY_ENTRY names another program. */
export const entry = process.env['WHERRY_ENTRY'] ?? (existsSync(path.join(root, 'dist/wherry.js')) ? path.join(root, 'dist/wherry.js') : path.join(root, 'src/main.ts'))

/** How a program ended, whether well or not. */
export interface Ended { exitCode: number | undefined; stdout: string; stderr: string }

const ended = async (program: string, args: readonly string[], options: Options): Promise<Ended> => {
  const { exitCode, stdout, stderr } = await execa(program, [...args], { ...options, reject: false, forceKillAfterDelay: 1000 })
  return { exitCode, stdout: String(stdout ?? ''), stderr: String(stderr ?? '') }
}

export const isRoot = process.getuid?.() === 0

export interface TestCluster extends AsyncDisposable {
  home: Home
  kubeconfig: string
  /** The `wherry` command on this cluster; rejects when it fails. */
  wherry(...args: string[]): Promise<string>
  /** Real kubectl; resolves with its output, rejects with what it said. `input` goes to its standard input. */
  kubectl(args: readonly string[], options?: { input?: string; version?: ClientVersion; timeoutSeconds?: number }): Promise<string>
  /** The same, failure included. */
  tryKubectl(args: readonly string[], options?: { input?: string; version?: ClientVersion; timeoutSeconds?: number }): Promise<Ended>
  /** A program in the network of a node (`node-1`). */
  onNode(node: string, command: readonly string[], options?: { timeoutSeconds?: number }): Promise<Ended>
  /** Polls `probe` until it is truthy; rejects, naming `what`, when the time is over. */
  until: typeof until
}

export interface TestClusterOptions {
  nodes?: number
  single?: boolean
  /** On the machine's own network, for tests of what `up` leaves behind. */
  isolated?: boolean
  wait?: boolean
  files?: readonly string[]
  environment?: Record<string, string>
  /** Another program than `entry`. */
  program?: string
}

const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => { setTimeout(resolve, milliseconds) })

export const until = async <T>(what: string, probe: () => Promise<T>, timeoutSeconds = 60): Promise<Exclude<T, undefined | null | false | 0 | ''>> => {
  const deadline = performance.now() + timeoutSeconds * 1000
  let last: unknown
  for (;;) {
    try {
      const value = await probe()
      if (value) return value as Exclude<T, undefined | null | false | 0 | ''>
      last = value
    } catch (error) {
      last = error
    }
    if (performance.now() > deadline) throw new Error(`${what}: not within ${timeoutSeconds} s; last: ${last instanceof Error ? last.message : JSON.stringify(last)}`)
    await pause(50)
  }
}

export const startTestCluster = async ({ nodes = 1, single = false, isolated = true, wait = true, files = [], environment = {}, program = entry }: TestClusterOptions = {}): Promise<TestCluster> => {
  const directory = await mkdtemp(path.join(tmpdir(), 'wherry-cluster-'))
  const home = homeAt(directory)
  const run = (args: readonly string[], timeoutSeconds: number): Promise<Ended> =>
    ended(process.execPath, [program, '--data-dir', directory, ...args], { timeout: timeoutSeconds * 1000, env: environment, stdin: 'ignore' })
  const wherry = async (...args: string[]): Promise<string> => {
    const { exitCode, stdout, stderr } = await run(args, 150)
    if (exitCode !== 0) throw new Error(`wherry ${args.join(' ')} ended with ${String(exitCode)}:\n${stdout}\n${stderr}`)
    return stdout
  }
  const down = async (): Promise<void> => { await wherry('down', '--delete-data') }
  try {
    await wherry('up', '--detach', ...(wait ? ['--wait'] : []), ...(isolated ? ['--isolated'] : []), ...(single ? ['--single'] : ['--nodes', String(nodes)]), ...files.flatMap((file) => ['-f', file]))
  } catch (error) {
    await down().catch(() => {})
    throw error
  }
  const tryKubectl: TestCluster['tryKubectl'] = async (args, { input, version = '1.36', timeoutSeconds = 60 } = {}) =>
    ended(await kubectlPath(version), ['--kubeconfig', home.kubeconfig, ...args], { timeout: timeoutSeconds * 1000, ...(input === undefined ? { stdin: 'ignore' as const } : { input }) })
  return {
    home, kubeconfig: home.kubeconfig, wherry, tryKubectl, until,
    kubectl: async (args, options) => {
      const { exitCode, stdout, stderr } = await tryKubectl(args, options)
      if (exitCode !== 0) throw new Error(`kubectl ${args.join(' ')} ended with ${String(exitCode)}:\n${stdout}\n${stderr}`)
      return stdout
    },
    onNode: (node, [program = '', ...args], { timeoutSeconds = 60 } = {}) =>
      ended(isolated || node !== 'node-1' ? 'nsenter' : program, [...(isolated || node !== 'node-1' ? [`--net=${namespacePath(home.clusterId, node)}`, program] : []), ...args], { timeout: timeoutSeconds * 1000, stdin: 'ignore' }),
    [Symbol.asyncDispose]: down,
  }
}
