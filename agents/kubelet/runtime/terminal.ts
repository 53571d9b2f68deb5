/** Terminals of a container's own: made in its /dev/pts, so that ttyname(3), ps(1) and whatever opens them by name find them there. As runc makes them. */
import { spawn } from 'node:child_process'
import { closeSync, constants, fchownSync, fstatSync, openSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { ReadStream } from 'node:tty'
import { type Context, toolsDirectory } from './context.ts'
import { run } from './command.ts'
import { ptyUnlocker } from './rootfs/tools.ts'

export interface TerminalSize { columns: number; rows: number }

export interface Terminal {
  /** What the command gets as standard input, output and error. */
  slave: number
  /** What the terminal shows; writing to it types. It ends, by an error, when nobody has the terminal open any more. */
  master: ReadStream
  /** The terminal, as the machine can open it. */
  device: string
}

const ptmxDevice = 0x502
const flags = constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK | constants.O_NOFOLLOW

/** `/dev/pts/N` of a container whose first process has this pid. */
export const terminalOf = (pid: number, number: string): string => `/proc/${pid}/root/dev/pts/${number}`

/** `pid`: of the container's first process; `owner`: as the machine counts users. Whoever calls closes `slave` and destroys `master`. */
export const openTerminal = async (context: Context, { pid, owner }: { pid: number; owner: number }): Promise<Terminal> => {
  const fd = openSync(terminalOf(pid, 'ptmx'), flags)
  let slave: number | undefined
  try {
    if (fstatSync(fd).rdev !== ptmxDevice) throw new Error('/dev/pts/ptmx of the container is no multiplexer of terminals')
    await unlock(path.join(toolsDirectory(context), ptyUnlocker), fd)
    const number = /^tty-index:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1]
    if (number === undefined) throw new Error('the kernel does not tell the number of a new terminal (it needs Linux 4.17)')
    const device = terminalOf(pid, number)
    slave = openSync(device, flags & ~constants.O_NONBLOCK)
    fchownSync(slave, owner, -1)
    return { slave, master: new ReadStream(fd), device }
  } catch (error) {
    if (slave !== undefined) closeSync(slave)
    closeSync(fd)
    throw error
  }
}

const unlock = (program: string, fd: number): Promise<void> => new Promise((resolve, reject) => {
  const child = spawn(program, [], { stdio: [fd, 'ignore', 'ignore'] })
  child.on('error', reject)
  child.on('exit', (code) => { if (code === 0) resolve(); else reject(new Error('cannot unlock a terminal of the container')) })
})

/** Follows the sizes; the kernel sends SIGWINCH to whoever is in the foreground. Ends, without an error, when the terminal is gone. */
export const resizeTerminal = async (device: string, sizes: AsyncIterable<TerminalSize>, isOpen: () => boolean): Promise<void> => {
  for await (const { columns, rows } of sizes) {
    if (!isOpen()) return
    if (columns > 0 && rows > 0) await run('stty', ['-F', device, 'rows', String(rows), 'cols', String(columns)]).catch((error: unknown) => { if (isOpen()) throw error })
  }
}
