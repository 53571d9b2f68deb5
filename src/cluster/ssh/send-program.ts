/** Brings the program onto a machine: Node once, the bundle whenever it is another one. */
import { createHash } from 'node:crypto'
import { createReadStream, existsSync, realpathSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { Readable } from 'node:stream'
import { execa } from 'execa'
import { asRoot, type Outcome } from '../../cloud-controller-manager/ssh/ssh.ts'
import { entryFile } from '../program.ts'
import { UserError } from '../user-error.ts'
import type { MachineHome } from './machine-home.ts'

/** A command on the machine with the cluster's key. */
export type Command = (command: readonly string[], options: { input?: string | Readable; signal: AbortSignal }) => Promise<Outcome>

/** The folder of the bundle; running from source, the one that was bundled last. */
export const bundleFolder = (): string => {
  const entry = realpathSync(entryFile())
  const folder = path.basename(entry) === 'wherry.js' ? path.dirname(entry) : path.resolve(path.dirname(entry), '../dist')
  if (!existsSync(path.join(folder, 'wherry.js'))) throw new UserError(`there is no bundle in ${folder} that could be sent to another machine; make it with: npm run setup`)
  return folder
}

const hashFile = async (file: string): Promise<string> => {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file, { highWaterMark: 1 << 20 }), hash)
  return hash.digest('hex')
}

/** Of names and contents of all files. */
export const hashFolder = async (folder: string): Promise<string> => {
  const hash = createHash('sha256')
  const files = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile()).map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name))).sort()
  for (const file of files) hash.update(`${file}\0`).update(await readFile(path.join(folder, file))).update('\0')
  return hash.digest('hex').slice(0, 16)
}

/** `$1` directory, `$2` hash, `$3` bundle: says what is not there. */
const missingScript = '[ -x "$1/node-$2" ] || echo node; [ -d "$1/$3" ] || echo bundle'
/** `$1` directory, `$2` hash of what comes by standard input. */
const nodeScript = `
set -e; umask 022; mkdir -p "$1"; rm -f "$1"/node-*.new.*; new=$1/node-$2.new.$$
cat >"$new"; echo "$2  $new" | sha256sum -c >/dev/null || { rm -f "$new"; echo 'the program arrived damaged' >&2; exit 1; }
chmod 755 "$new"; mv "$new" "$1/node-$2"
`
/** `$1` directory, `$2` bundle, `$3` hash of Node; tar by standard input. */
const bundleScript = `
set -e; umask 022; new=$1/$2.new.$$; rm -rf "$new"; mkdir -p "$new"; tar -x -f - -C "$new" --no-same-owner; ln -s "../node-$3" "$new/node"; mv "$new" "$1/$2"
`
/** `$1` directory, `$2` bundle, `$3` hash of Node, `$4` run directory: the path that pods know. */
const linkScript = `
set -e; mkdir -p -m 755 "$4"; ln -sfn "../node-$3" "$1/$2/node"
if [ -e "$4/program" ] && [ ! -L "$4/program" ]; then echo "$4/program is there and not a link: does this cluster run on this machine already?" >&2; exit 1; fi
ln -sfn "$1/$2" "$4/program"
`

export interface Sending { host: string; home: MachineHome; command: Command; tell(line: string): void }

/** Resolves when `program` on the machine leads to `node` and `wherry.js` as they are here. */
export const sendProgram = async ({ host, home, command, tell }: Sending, signal: AbortSignal): Promise<void> => {
  const folder = bundleFolder()
  const node = realpathSync(process.execPath)
  const [nodeHash, bundleHash] = await Promise.all([hashFile(node), hashFolder(folder)])
  const must = async (what: string, script: string, args: readonly string[], input?: Readable): Promise<string> => {
    const { exitCode, stdout, stderr } = await command(asRoot(['sh', '-c', script, 'wherry', ...args]), { signal, ...(input && { input }) })
    if (exitCode !== 0) throw new UserError(`${host}: ${what} failed: ${stderr.trim()}`)
    return stdout
  }
  const missing = await must('looking for the program', missingScript, [home.programs, nodeHash, bundleHash])
  if (missing.includes('node')) { tell(`sending Node to ${host} …`); await must('sending Node', nodeScript, [home.programs, nodeHash], createReadStream(node, { highWaterMark: 1 << 20 })) }
  if (missing.includes('bundle')) {
    const tar = execa('tar', ['-c', '-f', '-', '-C', folder, '.'], { stdin: 'ignore', buffer: { stdout: false }, cancelSignal: signal })
    await Promise.all([must('sending the bundle', bundleScript, [home.programs, bundleHash, nodeHash], tar.stdout), tar])
  }
  await must('linking the program', linkScript, [home.programs, bundleHash, nodeHash, home.run])
}
