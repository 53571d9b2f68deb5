/**
 * The few programs that set a container up after its root has become its own: copied with their libraries into one directory, which every container
 * sees read-only as /dev/.wherry. So they run in any image, and a container cannot put its own in their place, nor tell them what to load (deaf-copy.ts).
 */
import { createHash } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, readFileSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { idMapperProgram } from '../../machine-code/id-mapper.ts'
import { logWriterProgram } from '../../machine-code/log-writer/program.ts'
import { memoryWatcherProgram } from '../../machine-code/memory-watcher.ts'
import { ptyUnlockerProgram } from '../../machine-code/pty-unlocker.ts'
import { stepRunnerProgram } from '../../machine-code/step-runner.ts'
import { loaderProgram } from '../../seccomp/loader.ts'
import { run } from '../command.ts'
import { deafCopy } from './deaf-copy.ts'

export const toolsInContainer = '/dev/.wherry'
/** Used before the container's root is its own. */
export const idMapper = 'id-mapper'
export const ptyUnlocker = 'pty-unlocker'
/** Carries out the steps of a sandbox or of a container. */
export const stepRunner = 'step-runner'
/** Carries what containers say to their logs. */
export const logWriter = 'log-writer'
/** Waits for what the kernel tells of memory. */
export const memoryWatcher = 'memory-watcher'

const programs = { sh: ['/bin/dash', '/bin/sh'], setpriv: ['/usr/bin/setpriv', '/bin/setpriv'], setsid: ['/usr/bin/setsid', '/bin/setsid'], mount: ['/usr/bin/mount', '/bin/mount'], umount: ['/usr/bin/umount', '/bin/umount'], nsenter: ['/usr/bin/nsenter', '/bin/nsenter'], unshare: ['/usr/bin/unshare', '/bin/unshare'], env: ['/usr/bin/env', '/bin/env'] }

/** The command line that runs a tool inside a container, whatever libraries that has. */
export const toolCommand = (tool: keyof typeof programs): string[] =>
  [`${toolsInContainer}/ld.so`, '--library-path', toolsInContainer, `${toolsInContainer}/${tool}`]

/** `command`, whose first word is a path, under the filter of system calls that is open as descriptor 6. */
export const underFilter = (command: readonly string[]): string[] => [`${toolsInContainer}/seccomp`, command[0] ?? '', ...command]

/** Files of `ldd`'s answer: the loader, and each library with its name. Pure. */
export const parseLibraries = (text: string): { loader: string | undefined; libraries: Map<string, string> } => {
  const libraries = new Map<string, string>()
  let loader: string | undefined
  for (const line of text.split('\n')) {
    const [, name, file] = /^\s*(\S+) => (\/\S+)/.exec(line) ?? []
    if (name && file) libraries.set(path.basename(name), file)
    else loader = /^\s*(\/\S*ld[-.]\S+) \(/.exec(line)?.[1] ?? loader
  }
  return { loader, libraries }
}

/** Makes or refreshes `directory`; does nothing when it holds what the machine has now. */
export const installTools = async (directory: string): Promise<void> => {
  const sources = Object.entries(programs).map(([name, candidates]) => {
    const file = candidates.find((each) => existsSync(each))
    if (!file) throw new Error(`${candidates.join(' or ')} is missing on this machine: install util-linux, coreutils and dash`)
    return [name, realpathSync(file)] as const
  })
  const { loader, libraries } = parseLibraries((await Promise.all(sources.map(([, file]) => run('ldd', [file])))).join(''))
  if (!loader) throw new Error('ldd names no dynamic loader: Wherry needs dynamically linked util-linux programs')
  const files = [...sources, ...libraries, ['ld.so', loader] as const].map(([name, file]) => ({ name, file: realpathSync(file) }))
  const own = Object.entries({ seccomp: loaderProgram(os.arch()), [idMapper]: idMapperProgram(os.arch()), [ptyUnlocker]: ptyUnlockerProgram(os.arch()), [stepRunner]: stepRunnerProgram(os.arch()), [logWriter]: logWriterProgram(os.arch()), [memoryWatcher]: memoryWatcherProgram(os.arch()) }).flatMap(([name, program]) => (program ? [{ name, program }] : []))
  const stamp = 'deaf copies\n' + files.map(({ name, file }) => { const { size, mtimeMs } = statSync(file); return `${name} ${file} ${size} ${mtimeMs}\n` }).join('')
    + own.map(({ name, program }) => `${name} ${createHash('sha256').update(program).digest('hex')}\n`).join('')
  const stampFile = path.join(directory, '.stamp')
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return
  const fresh = `${directory}.new`
  rmSync(fresh, { recursive: true, force: true })
  mkdirSync(fresh, { recursive: true, mode: 0o755 })
  for (const { name, file } of files) {
    writeFileSync(path.join(fresh, name), deafCopy(readFileSync(file)))
    chmodSync(path.join(fresh, name), 0o755)
  }
  for (const { name, program } of own) writeFileSync(path.join(fresh, name), program, { mode: 0o755 })
  writeFileSync(path.join(fresh, '.stamp'), stamp)
  // Containers that run keep the old directory by their mount of it.
  rmSync(directory, { recursive: true, force: true })
  renameSync(fresh, directory)
}
