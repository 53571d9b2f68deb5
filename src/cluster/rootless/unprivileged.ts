/** A command of somebody who is not root: it runs as root of namespaces that are this user's own, made by `up` and gone with `down`. */
import { mkdir } from 'node:fs/promises'
import { readConfig } from '../config.ts'
import { homeAt } from '../home.ts'
import { UserError } from '../user-error.ts'
import { inTurn } from '../turn.ts'
import { endHolder, ensureOutside, type Holder, runInside, runningHolder, startHolder, withSystemPrograms } from './holder.ts'
import { obstacleOf, readNamespaceFacts } from './obstacles.ts'
import { rootlessVariable } from './variable.ts'

const making = new Set(['up', 'start'])

const checkCanRun = async (): Promise<void> => {
  const obstacle = obstacleOf(await readNamespaceFacts(withSystemPrograms(process.env)))
  if (obstacle) throw new UserError(`Wherry without root needs a user namespace, and this machine gives none:\n  - ${obstacle.what}\n    ${obstacle.remedy}`)
}

/** `names`: the command and its subcommand. */
export interface Unprivileged { names: readonly string[]; dataDirectory: string; port: number | undefined; deleteData: boolean; args: readonly string[] }

/** Resolves with the exit code of the command; undefined: it has to run outside, where it finds out what is missing. */
export const runUnprivileged = async ({ names, dataDirectory, port, deleteData, args }: Unprivileged, signal: AbortSignal): Promise<number | undefined> => {
  const [command = '', subcommand] = names
  let home = homeAt(dataDirectory)
  const config = deleteData ? await readConfig(home).catch(() => undefined) : await readConfig(home)
  const before = await runningHolder(home)
  if (command === 'status' && !before) return undefined
  if (config && config.rootlessPort === undefined) throw new UserError(`the cluster in ${home.data} was made by root: run the command with sudo, or make one of your own with another --data-dir`)
  if (!config && !making.has(command)) throw new UserError(`there is no cluster in ${home.data}; start one with: wherry up`)
  if (command === 'node' && subcommand === 'add') throw new UserError('machines join only a cluster that runs as root: nobody outside of a user namespace reaches the network in it')
  if (!before) {
    await checkCanRun()
    await mkdir(home.data, { recursive: true, mode: 0o700 }).catch((error: Error) => { throw new UserError(`cannot make the data directory ${home.data}: ${error.message}`) })
    home = homeAt(dataDirectory)
  }
  const begin = async (): Promise<Holder> => (await runningHolder(home)) ?? startHolder(home, { port, before: config?.rootlessPort })
  const holder = before ?? await inTurn(home, { work: begin, waiting: () => {}, place: home.data }, signal)
  if (making.has(command)) {
    const word = await ensureOutside(home)
    if (word !== 'ready') process.stderr.write(`wherry: ${word || `what stays outside of the namespaces ended; look into ${home.logs}/rootless-outside.log`}\n`)
  }
  const code = await runInside(holder, { home, args, rootlessVariable }, signal)
  // What only looked into a cluster that does not run leaves nothing; neither does what could not start one.
  if (command === 'down' ? code === 0 : !before && (code !== 0 || !making.has(command))) await endHolder(home, holder, AbortSignal.timeout(30_000))
  return code
}
