/** Runs a program of the machine: arguments as a list, text by standard input, an error that says what failed and what it said. */
import { spawn } from 'node:child_process'

export class CommandError extends Error {
  readonly exitCode: number | undefined
  readonly stderr: string
  constructor(command: string, exitCode: number | undefined, stderr: string) {
    super(`${command} failed${exitCode === undefined ? '' : ` with exit code ${exitCode}`}: ${stderr.trim() || 'it said nothing'}`)
    this.exitCode = exitCode
    this.stderr = stderr
  }
}

export interface CommandOptions { input?: string; cwd?: string; signal?: AbortSignal }

/** Resolves with standard output; rejects with CommandError for an exit code other than 0, and with a remedy when the program is missing. */
export const run = (command: string, args: readonly string[], { input, cwd, signal }: CommandOptions = {}): Promise<string> =>
  new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'], ...(cwd && { cwd }), ...(signal && { signal }) })
    const out: Buffer[] = []
    const err: Buffer[] = []
    child.stdout?.on('data', (chunk: Buffer) => out.push(chunk))
    child.stderr?.on('data', (chunk: Buffer) => err.push(chunk))
    child.on('error', (error: NodeJS.ErrnoException) => {
      reject(error.code === 'ENOENT' ? new Error(`${command} is not on this machine: install ${packageOf(command)} (apt-get install ${packageOf(command)})`) : error)
    })
    child.on('close', (code, killed) => {
      if (code === 0) resolve(Buffer.concat(out).toString())
      else reject(new CommandError(`${command} ${args.join(' ')}`, code ?? undefined, Buffer.concat(err).toString() || (killed ? `killed by ${killed}` : '')))
    })
    if (input !== undefined) {
      // A program that ends before it has read everything answers with its exit code; the broken pipe says nothing more.
      child.stdin?.on('error', (error: NodeJS.ErrnoException) => { if (error.code !== 'EPIPE') reject(error) })
      child.stdin?.end(input)
    }
  })

const packageOf = (command: string): string =>
  command.startsWith('ip') && command !== 'ip' ? 'iptables' : command === 'ip' ? 'iproute2' : command === 'mkfifo' || command === 'stty' ? 'coreutils' : 'util-linux'
