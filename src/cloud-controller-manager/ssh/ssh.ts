/** The system's OpenSSH, as argument vectors: nothing is ever put together as a line for a shell of this machine. */
import { mkdirSync } from 'node:fs'
import path from 'node:path'
import type { Readable } from 'node:stream'
import { execa } from 'execa'
import type { Destination } from './destination.ts'

export interface SshAccess {
  /** Holds the cluster's own key (`id_ed25519`) and the host keys of its machines (`known_hosts`). */
  directory: string
  /** Where connections that several commands share have their sockets; short, as sockets' names must be. */
  sockets: string
}

/** `alias`: the name under which the machine's host key is known to the cluster. */
export interface SshMachine { destination: Destination; alias: string }

/** A file's name as the value of an ssh option, where blanks and % would mean something. */
export const optionPath = (file: string): string => {
  if (/["\n\\]/.test(file)) throw new TypeError(`${JSON.stringify(file)} cannot be given to ssh: it holds a quote, a backslash or a line break`)
  return `"${file.replaceAll('%', '%%')}"`
}

/** One word of the command line that the machine's login shell reads. Nothing inside of it means anything to that shell. */
export const quoteWord = (word: string): string => {
  if (word.includes('\0')) throw new TypeError('a word of a command cannot hold a NUL')
  return `'${word.replaceAll("'", String.raw`'\''`)}'`
}

/** What every connection of ours has: nobody is asked anything, no forwarding, an end when the machine falls silent. */
export const quietOptions = ['BatchMode=yes', 'ConnectTimeout=10', 'ServerAliveInterval=5', 'ServerAliveCountMax=3', 'RequestTTY=no', 'ForwardAgent=no', 'ForwardX11=no', 'ClearAllForwardings=yes', 'PermitLocalCommand=no']

/** Only the cluster's key, only the host key that was pinned when the machine joined. */
export const clusterOptions = ({ directory, sockets }: SshAccess, alias: string): string[] => [
  ...quietOptions, 'StrictHostKeyChecking=yes', `UserKnownHostsFile=${optionPath(path.join(directory, 'known_hosts'))}`, 'GlobalKnownHostsFile=/dev/null', `HostKeyAlias=${alias}`, 'CheckHostIP=no', 'UpdateHostKeys=no',
  'IdentitiesOnly=yes', `IdentityFile=${optionPath(path.join(directory, 'id_ed25519'))}`, 'ControlMaster=auto', `ControlPath=${optionPath(sockets).slice(0, -1)}/%C"`, 'ControlPersist=60',
]

/** The arguments of ssh(1). `--` ends its options; the command's words are quoted for the login shell of the machine. */
export const sshArguments = ({ user, host, port }: Destination, options: readonly string[], command: readonly string[]): string[] => [
  '-T', ...options.flatMap((option) => ['-o', option]), ...(user === undefined ? [] : ['-l', user]), ...(port === undefined ? [] : ['-p', String(port)]), '--', host, ...(command.length === 0 ? [] : [command.map(quoteWord).join(' ')]),
]

/** ssh itself failed, not the command: no connection, no trust, no entry. */
export class SshError extends Error { override readonly name = 'SshError' }

export interface Outcome { exitCode: number; stdout: string; stderr: string }

export interface SshRun { options: readonly string[]; input?: string | Readable | undefined; signal: AbortSignal }

/** ssh's own exit code for its own failures. */
const failedItself = 255

/** Runs a command there; rejects with a SshError when ssh could not. Commands that exit 255 themselves are not told apart from that. */
export const runSsh = async (destination: Destination, command: readonly string[], { options, input, signal }: SshRun): Promise<Outcome> => {
  const result = await execa('ssh', sshArguments(destination, options, command), { ...(input === undefined ? { stdin: 'ignore' as const } : { input }), cancelSignal: signal, reject: false, stripFinalNewline: false })
  if (signal.aborted) throw signal.reason
  const stderr = result.stderr ?? ''
  if (result.exitCode === undefined || result.exitCode === failedItself) throw new SshError(stderr.trim() || result.shortMessage || 'ssh ended without a word')
  return { exitCode: result.exitCode, stdout: result.stdout ?? '', stderr }
}

/** Over the cluster's own key, sharing one connection for a minute. */
export const runOnMachine = (access: SshAccess, { destination, alias }: SshMachine, command: readonly string[], { input, signal }: Omit<SshRun, 'options'>): Promise<Outcome> => {
  mkdirSync(access.sockets, { recursive: true, mode: 0o700 })
  return runSsh(destination, command, { options: clusterOptions(access, alias), input, signal })
}

/** Ends the shared connection, if there is one. */
export const closeConnection = async (access: SshAccess, { destination, alias }: SshMachine): Promise<void> => {
  const args = sshArguments(destination, clusterOptions(access, alias), [])
  await execa('ssh', ['-O', 'exit', ...args], { stdio: 'ignore', reject: false })
}

/** Words before a command that must be root's; `sudo` without a question where the login is another's. */
export const asRoot = (command: readonly string[]): string[] => ['sh', '-c', 'if [ "$(id -u)" = 0 ]; then exec "$@"; else exec sudo -n -- "$@"; fi', 'wherry', ...command]
