/** The files of one attempt, which are its truth: a kubelet that comes back knows nothing else. Each step is written down before it is taken. */
import { closeSync, constants, fstatSync, openSync, readdirSync, readSync, renameSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { getSystemErrorMap } from 'node:util'
import { removeTree } from '../volumes/safe-tree.ts'
import { isGone, type ProcessIdentity, readIfThere } from './proc/stat.ts'
import type { ShownImage } from './runtime.ts'
import type { Credentials } from './rootfs/credentials.ts'

/** Written before anything of an attempt exists outside of its directory. No environment, no arguments: those may be secret. */
export interface AttemptRecord {
  /** Absent in those of before there was one (protocol.ts). */
  protocol?: number
  bootId: string
  id: string
  podUid: string
  name: string
  attempt: number
  createdAt: string
  imageRef: string
  shownImage?: ShownImage
  /** Images that its volumes show. */
  volumeImages?: readonly string[]
  logPath: string
  stopSignal: string
  tty: boolean
  stdin: boolean
  stdinOnce: boolean
  workingDir: string
  sandboxAttempt: number
  /** Of everything that is fixed when an attempt is armed. */
  shape: string
  /** Where its layers are kept. */
  rootDirectory: string
}

/** Written when the attempt is armed and has been looked over: from then on its process is ours by pid, start time and cgroup. */
export interface AttemptIdentity { process: ProcessIdentity; holder: ProcessIdentity | undefined; credentials: Credentials }

/** Written before the process is told to go. */
export interface AttemptStart { startedAt: string }

/** How it ended, written by a kubelet that has read everything: nothing more needs to be asked. */
export interface AttemptEnd { finishedAt: string; exitCode: number; reason?: string; message?: string; oomKilled: boolean; startedAt?: string }

interface Files { record: AttemptRecord; identity: AttemptIdentity; start: AttemptStart; end: AttemptEnd }

/** All or nothing: a file that was being written when the kubelet died is not there. */
export const writeJson = (file: string, value: object): void => {
  writeFileSync(`${file}.new`, JSON.stringify(value), { mode: 0o600 })
  renameSync(`${file}.new`, file)
}

export const readJson = <T>(file: string): T | undefined => {
  const text = readIfThere(file)
  return text === undefined ? undefined : (JSON.parse(text) as T)
}

export const attemptFile = {
  write: <K extends keyof Files>(directory: string, kind: K, value: Files[K]): void => { writeJson(path.join(directory, `${kind}.json`), value) },
  read: <K extends keyof Files>(directory: string, kind: K): Files[K] | undefined => readJson<Files[K]>(path.join(directory, `${kind}.json`)),
}

/** Lines that the armed process has written: `armed`, `go`, `fail <why>`. */
export const readStatus = (directory: string): string[] => (readIfThere(path.join(directory, 'status')) ?? '').split('\n').slice(0, -1)

/** What the shim wrote at the end; undefined if it wrote nothing, or not all of its line. */
export const readExit = (directory: string): { code: number; at: Date } | undefined => {
  const file = path.join(directory, 'exit')
  const code = /^exit (\d+)\n$/.exec(readIfThere(file) ?? '')?.[1]
  return code === undefined ? undefined : { code: Number(code), at: statSync(file).mtime }
}

/** Why arming failed, in the words of the programs that did it; an error's number in the kernel's words. */
export const readErrors = (directory: string): string =>
  (readIfThere(path.join(directory, 'errors')) ?? '').trim().replaceAll(/errno (\d+)$/gm, (said: string, number: string) => getSystemErrorMap().get(-Number(number))?.[1] ?? said)

const maxTerminationMessage = 4096

/** The last bytes of the container's termination message file, whatever it has made of it; undefined: none, or no such file. */
export const readTerminationMessage = (file: string): string | undefined => {
  try {
    const fd = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    try {
      const buffer = Buffer.alloc(maxTerminationMessage)
      const count = readSync(fd, buffer, 0, maxTerminationMessage, Math.max(0, fstatSync(fd).size - maxTerminationMessage))
      return count === 0 ? undefined : buffer.subarray(0, count).toString()
    } finally {
      closeSync(fd)
    }
  } catch (error) {
    if (isGone(error)) return undefined
    throw error
  }
}

/** Off the event loop: removing a container's layers can take long. */
export const removeDirectory = removeTree

export const listDirectory = (directory: string): string[] => {
  try {
    return readdirSync(directory)
  } catch (error) {
    if (isGone(error)) return []
    throw error
  }
}
