/** What a node needs before its first pod: directories, tools, scripts, cgroups; and how all of it goes away. */
import { endHolder } from './attempt.ts'
import { existsSync, mkdirSync, readFileSync, renameSync, rmdirSync, statfsSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { machineOf } from '../seccomp/syscalls/tables.ts'
import { listDirectory, removeDirectory } from './attempt-files.ts'
import { childDirectories, createCgroup, emptyCgroup, removeCgroup } from './cgroups/cgroup.ts'
import { findHierarchies, type Hierarchies, rootsOf } from './cgroups/hierarchies.ts'
import { processGroups } from './cgroups/process-groups.ts'
import { run } from './command.ts'
import { type Context, nodeCgroup, rootsDirectory, type RuntimeOptions, scriptsDirectory, shimCgroup, templateDirectory, toolsDirectory } from './context.ts'
import { isWithin, type MountInfo, mountOf, parseMountInfo } from './proc/mount-info.ts'
import { readOwnUsers } from './proc/own-users.ts'
import { refuseForeign } from './protocol.ts'
import { readBootId, readIfThere } from './proc/stat.ts'
import { installTemplate } from './rootfs/template.ts'
import { installTools, stepRunner } from './rootfs/tools.ts'
import { installScripts } from './shim/scripts.ts'

const overlayMagic = 0x794c7630
const tmpfsMagic = 0x0102_1994

/** Throws, with the remedy, when this machine or this user cannot run pods. */
export const setUpNode = async (options: RuntimeOptions): Promise<Pick<Context, 'hierarchies' | 'bootId' | 'boundingSet' | 'ownUsers' | 'runner'>> => {
  if (process.getuid?.() !== 0) throw new Error('running pods needs root (namespaces, mounts, cgroups): start Wherry as root, for example with sudo')
  for (const [name, directory] of [['state', options.stateDirectory], ['data', options.dataDirectory]] as const) {
    // These characters mean something in the option strings of overlay mounts and in lists of paths.
    if (!/^\/[^\s,:\\"#]+$/.test(directory)) throw new Error(`the ${name} directory ${JSON.stringify(directory)} must be an absolute path without blanks, commas, colons, quotes or backslashes`)
    mkdirSync(directory, { recursive: true, mode: 0o700 })
  }
  for (const name of [options.clusterId, options.nodeName]) if (!/^[a-zA-Z0-9][a-zA-Z0-9._-]*$/.test(name)) throw new Error(`${JSON.stringify(name)} cannot be a part of cgroup names: use letters, digits, "-", "_" and "."`)
  const mounts = readMounts()
  const ownUsers = readOwnUsers()
  const hierarchies = ownUsers.whole ? ownHierarchies(mounts, options) : processGroups(path.join(options.stateDirectory, 'groups'))
  if (options.pinsCpus && !ownUsers.whole) throw new Error('containers cannot be pinned to CPUs (cpuManagerPolicy static) without root: no cgroups can be made')
  const bootId = readBootId()
  if (ownUsers.whole) await stateInMemory(options, bootId)
  await forgetOtherBoot(options, bootId)
  refuseForeign(options.stateDirectory, bootId)
  await layersOffOverlay(options, mounts)
  await installTools(toolsDirectory(options))
  installTemplate(templateDirectory(options))
  mkdirSync(scriptsDirectory(options), { recursive: true, mode: 0o700 })
  installScripts(scriptsDirectory(options), (file, text) => {
    writeFileSync(`${file}.new`, text, { mode: 0o600 })
    renameSync(`${file}.new`, file)
  }, ownUsers.whole ? 'root' : 'rootless')
  await createCgroup(hierarchies, shimCgroup(options), {})
  return { hierarchies, bootId, boundingSet: readBoundingSet(), ownUsers, runner: ownUsers.whole ? findRunner(options) : undefined }
}

const findRunner = (options: RuntimeOptions): Context['runner'] => {
  const program = path.join(toolsDirectory(options), stepRunner)
  const numbers = machineOf(os.arch())?.abis[0]?.numbers
  return numbers && existsSync(program) ? { program, numbers } : undefined
}

const ownHierarchies = (mounts: readonly MountInfo[], options: RuntimeOptions): Hierarchies => {
  const unified = mounts.find(({ fileSystem }) => fileSystem === 'cgroup2')?.mountPoint
  const places = [unified, mounts.find(({ fileSystem, superOptions }) => fileSystem === 'cgroup' && superOptions.includes('cpuset'))?.mountPoint]
  // What an earlier kubelet has pinned must be let go of, and removed in the end.
  const pinned = places.some((place) => place !== undefined && existsSync(path.join(place, nodeCgroup(options), 'cpuset.cpus')))
  return findHierarchies(mounts, unified ? (readIfThere(path.join(unified, 'cgroup.controllers')) ?? '') : '', pinned || options.pinsCpus)
}

const readMounts = (): readonly MountInfo[] => parseMountInfo(readFileSync('/proc/self/mountinfo', 'utf8'))

const readBoundingSet = (): bigint => BigInt(`0x${/^CapBnd:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0'}`)

/**
 * State is in memory, secrets among it, and so is what is written ten times for each pod: where /run is on a disk, the node's part of it gets a file system of its own. Not where an earlier Wherry
 * has begun in this boot: what runs has its files open.
 */
const stateInMemory = async ({ stateDirectory }: RuntimeOptions, bootId: string): Promise<void> => {
  if (statfsSync(stateDirectory).type === tmpfsMagic) return
  const boot = readIfThere(path.join(stateDirectory, 'boot'))
  if (boot === undefined ? listDirectory(stateDirectory).length === 0 : boot !== bootId) await run('mount', ['-t', 'tmpfs', '-o', 'mode=0700,nosuid,nodev', 'wherry-state', stateDirectory])
}

/** State of running things means nothing after a reboot; where /run outlives one, it is erased here. */
const forgetOtherBoot = async (options: RuntimeOptions, bootId: string): Promise<void> => {
  const file = path.join(options.stateDirectory, 'boot')
  const directories = [path.join(options.stateDirectory, 'pods'), rootsDirectory(options)]
  if (readIfThere(file) !== bootId) {
    // A reboot unmounts everything; state that was lost otherwise (somebody has emptied /run) has mounts in it.
    await unmountBelow(directories)
    for (const directory of directories) await removeDirectory(directory)
    writeFileSync(file, bootId, { mode: 0o600 })
  }
  for (const directory of directories) mkdirSync(directory, { recursive: true, mode: 0o700 })
}

/** An overlay cannot be the upper layer of another: where the disk itself is one, layers are kept in memory. */
const layersOffOverlay = async (options: RuntimeOptions, mounts: readonly MountInfo[]): Promise<void> => {
  const roots = rootsDirectory(options)
  if (statfsSync(roots).type !== overlayMagic || mountOf(mounts, roots)?.mountPoint === roots) return
  await run('mount', ['-t', 'tmpfs', '-o', 'mode=0700', 'wherry-layers', roots])
}

/** Ends everything that the node runs, and removes its cgroups, mounts and directories. The network goes separately. */
export const tearDownNode = async (context: Context): Promise<void> => {
  const { hierarchies, clock } = context
  for (const { attempts } of context.pods.values()) attempts.forEach(endHolder)
  await emptyCgroup(hierarchies, nodeCgroup(context), clock, 30_000)
  await removeCgroup(hierarchies, nodeCgroup(context), clock)
  removeEmptyParent(hierarchies, path.dirname(nodeCgroup(context)))
  // Before anything is removed: what is mounted below our directories (memory volumes, host paths) is not ours to delete.
  await unmountBelow([context.stateDirectory, context.dataDirectory])
  for (const directory of [rootsDirectory(context), toolsDirectory(context), templateDirectory(context), context.stateDirectory]) await removeDirectory(directory)
  for (const directory of [context.dataDirectory, path.dirname(context.stateDirectory)]) if (existsSync(directory) && listDirectory(directory).length === 0) await removeDirectory(directory)
}

const unmountBelow = async (directories: readonly string[]): Promise<void> => {
  const find = (): MountInfo[] => readMounts().filter(({ mountPoint }) => directories.some((each) => isWithin(mountPoint, each)))
  for (let mounts = find(), tries = 0; mounts.length > 0; mounts = find(), tries++) {
    if (tries === 3) throw new Error(`cannot unmount ${mounts.map(({ mountPoint }) => mountPoint).join(', ')}, so nothing below is removed`)
    for (const { mountPoint } of mounts.toReversed()) await run('umount', ['--lazy', mountPoint]).catch(() => {})
  }
}

/** The cluster's cgroup goes with the last node of it on this machine. */
const removeEmptyParent = (hierarchies: Hierarchies, name: string): void => {
  for (const root of rootsOf(hierarchies)) {
    const directory = path.join(root, name)
    if (existsSync(directory) && childDirectories(directory).length === 0 && hierarchies.version !== 'none') rmdirSync(directory)
  }
}
