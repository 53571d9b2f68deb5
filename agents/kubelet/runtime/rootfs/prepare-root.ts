/** Everything of a container's root that can be made before it is mounted: directories, files, and the list of mounts. */
import { chmodSync, chownSync, mkdirSync, readdirSync, readFileSync, realpathSync, statSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { isWithin, parseMountInfo } from '../proc/mount-info.ts'
import { ifOwnerExists, type OwnUsers } from '../proc/own-users.ts'
import { isGone } from '../proc/stat.ts'
import type { ContainerSpec, Mount } from '../runtime.ts'
import { bind, type MountLine } from './fstab.ts'
import { type HostMount, hostMounts, ownFiles } from './host-layers.ts'
import { deviceDirectories, kernelMounts, maskedPaths, standardDevices } from './kernel-mounts.ts'
import { type LayeredRoot, layeredRoot } from './layered-root.ts'
import { withLockedFlags } from './locked-flags.ts'
import { machineInParts } from './machine-frame.ts'
import type { RootStock } from './root-stock.ts'
import { giveToUsers } from '../users.ts'
import { toolsInContainer } from './tools.ts'
import { terminationMessageIn } from './termination-file.ts'

export interface RootInput {
  spec: Pick<ContainerSpec, 'unmaskedProc' | 'image' | 'mounts' | 'privileged' | 'readOnlyRootFilesystem' | 'terminationMessagePath' | 'workingDir' | 'tty'>
  /** For this attempt, on a disk; not there yet. */
  directory: string
  /** Where roots with the machine's own files come from. */
  stock: RootStock | undefined
  /** Texts for /etc: resolv.conf, hosts, hostname. */
  etc: Readonly<Record<string, string>>
  sharedMemory: string
  tools: string
  /** What installTemplate made. */
  template: string
  /** Directories of the machine that no container sees by way of `image: host`. */
  hidden: readonly string[]
  /** Where the numbers of the pod's own users begin; undefined: they are the machine's. */
  users: number | undefined
  /** Whom this process can be. */
  ownUsers: OwnUsers
}

export interface PreparedRoot {
  /** Where the root is mounted while it is built. */
  mountPoint: string
  mounts: MountLine[]
  passwd: string
  group: string
}

export const prepareRoot = (input: RootInput): PreparedRoot => {
  const { spec, directory, template } = input
  const nodev = !spec.privileged
  const view = layeredRoot()
  const stock = spec.image.kind === 'host' ? input.stock : undefined
  if (stock) stock.take(directory)
  else mkdirSync(directory, { recursive: true, mode: 0o700 })
  writeFileSync(terminationMessageIn(directory), '')
  chmodSync(terminationMessageIn(directory), 0o666)
  const parted = spec.image.kind === 'host' && !input.ownUsers.whole ? machineInParts(input) : undefined
  const lower = spec.image.kind === 'host' ? (parted?.lower ?? '/') : spec.image.path
  const mounts = [overlay(view, { containerPath: '/', lower, directory: path.join(directory, 'root'), nodev, input })]
  const { uid, gid, mode } = statSync(lower)
  ifOwnerExists(() => { chownSync(path.join(directory, 'root-upper'), uid, gid) })
  chmodSync(path.join(directory, 'root-upper'), mode & 0o7777)
  if (spec.image.kind === 'host') mounts.push(...hostLayers(view, input, parted?.mounts ?? []))
  const devices = spec.privileged ? allDevices() : []
  const kernel = { unmasked: spec.privileged || spec.unmaskedProc === true, writableSys: spec.privileged, terminalGroup: input.ownUsers.hasGroup(5) ? (input.users ?? 0) + 5 : undefined, sharedMemory: input.sharedMemory, devices, isDirectory }
  view.mountPoint('/dev', 'directory')
  mounts.push(overlay(view, { containerPath: '/dev', lower: path.join(template, 'dev'), directory: path.join(directory, 'dev'), nodev: true, input }))
  if (spec.tty) view.mountPoint('/dev/console', 'file')
  for (const name of devices) view.mountPoint(path.join('/dev', name), 'file')
  for (const each of ['/proc', '/sys']) {
    view.mountPoint(each, 'directory')
    view.add({ containerPath: each, lower: each, upper: undefined })
  }
  mounts.push(...kernelMounts(kernel), bind(input.tools, toolsInContainer, 'ro', 'nosuid', 'nodev'))
  const passwd = view.readFile('/etc/passwd') ?? ''
  const group = view.readFile('/etc/group') ?? ''
  writeEtc(view, input)
  stock?.learn(directory)
  mounts.push(...volumes(view, input), ...maskedPaths(kernel, { empty: path.join(template, 'empty'), root: path.join(template, 'root') }))
  view.mountPoint(spec.workingDir, 'directory')
  if (input.users !== undefined) giveToUsers(directory, input.users)
  const shown = input.ownUsers.whole ? mounts : withLockedFlags(mounts, parseMountInfo(readFileSync('/proc/self/mountinfo', 'utf8')))
  return { mountPoint: path.join(template, 'root'), mounts: shown, passwd, group }
}

// "volatile" leaves out the flush of the whole disk when the overlay goes; kernels before 5.10 do not know it.
const volatile = ((): string[] => {
  const [major = 0, minor = 0] = os.release().split('.').map(Number)
  return major > 5 || (major === 5 && minor >= 10) ? ['volatile'] : []
})()

/** `directory`: prefix of the two directories in which what is written is kept. */
const overlay = (view: LayeredRoot, { containerPath, lower, directory, nodev, input }: { containerPath: string; lower: string; directory: string; nodev: boolean; input: RootInput }): MountLine => {
  const [upper, work] = [`${directory}-upper`, `${directory}-work`] as const
  for (const each of [upper, work]) mkdirSync(each, { recursive: true, mode: 0o755 })
  view.add({ containerPath, lower, upper })
  return { source: 'overlay', containerPath, type: 'overlay', owners: 'mapped', options: [`lowerdir=${lower}`, `upperdir=${upper}`, `workdir=${work}`, ...volatile, ...(input.ownUsers.whole ? [] : ['userxattr']), ...(nodev ? ['nodev'] : [])] }
}

const hostLayers = (view: LayeredRoot, input: RootInput, parts: readonly HostMount[]): MountLine[] => {
  const { spec, directory, hidden } = input
  const fresh = ['/run', '/tmp']
  const covered = hidden.filter((each) => isDirectory(each) && !fresh.some((other) => each.startsWith(`${other}/`)))
  const found = hostMounts(parseMountInfo(readFileSync('/proc/self/mountinfo', 'utf8')), [...fresh, ...hidden, ...ownFiles, '/dev', '/proc', '/sys'], (each) => isDirectory(each) === true)
  // What has mounts in it has been taken apart already.
  const whole = parts.length === 0 ? found : found.filter(({ mountPoint }) => !found.some((other) => other.mountPoint !== mountPoint && isWithin(other.mountPoint, mountPoint)))
  const layers = [...parts, ...whole].map(({ mountPoint, show }, index): MountLine => {
    if (show === 'read-only') {
      view.add({ containerPath: mountPoint, lower: mountPoint, upper: undefined })
      return { ...bind(mountPoint, mountPoint, 'ro', ...(spec.privileged ? [] : ['nodev'])), owners: 'mapped' }
    }
    return overlay(view, { containerPath: mountPoint, lower: mountPoint, directory: path.join(directory, `layer-${index}`), nodev: !spec.privileged, input })
  })
  const own = fresh.filter((each) => isDirectory(each)).map((each) => {
    const place = path.join(directory, path.basename(each))
    mkdirSync(place, { recursive: true })
    chmodSync(place, each === '/tmp' ? 0o1777 : 0o755)
    view.add({ containerPath: each, lower: place, upper: place })
    return bind(place, each, 'nosuid', 'nodev', ...(spec.readOnlyRootFilesystem ? ['ro'] : []))
  })
  return [...layers, ...own, ...covered.map((each, index) => {
    // Empty and read-only for the container, but volumes may be mounted below it (the control plane's own are): their mount points are made in it beforehand.
    const place = path.join(directory, `hidden-${index}`)
    mkdirSync(place, { mode: 0o755 })
    view.add({ containerPath: each, lower: place, upper: place })
    return bind(place, each, 'ro')
  })]
}

/** Every device node of the machine, for privileged containers; links and what containers get of their own left out. */
const allDevices = (below = ''): string[] =>
  readdirSync(path.join('/dev', below), { withFileTypes: true }).flatMap((entry) => {
    const name = path.join(below, entry.name)
    if ([...deviceDirectories, ...standardDevices, 'ptmx', 'console', 'hugepages'].some((each) => each === name)) return []
    if (entry.isDirectory()) return allDevices(name)
    return entry.isCharacterDevice() || entry.isBlockDevice() ? [name] : []
  })

const writeEtc = (view: LayeredRoot, { spec, etc }: RootInput): void => {
  for (const [name, text] of Object.entries(etc)) {
    if (spec.mounts.some(({ containerPath }) => path.posix.normalize(containerPath) === `/etc/${name}`)) continue
    // A regular file, also where the machine has a link to a daemon's own directory.
    writeFileSync(view.writable(`/etc/${name}`), text, { mode: 0o644 })
  }
}

/** Of a directory of the machine, from the top down: each is mounted once more upon itself, since mount(8) makes only the topmost read-only. */
const mountsBelow = (directory: string): string[] => [...new Set(parseMountInfo(readFileSync('/proc/self/mountinfo', 'utf8')).map(({ mountPoint }) => mountPoint)
  .filter((each) => each !== directory && isWithin(each, directory)).map((each) => path.relative(directory, each)))].sort((one, other) => one.split('/').length - other.split('/').length)

const volumes = (view: LayeredRoot, { spec, directory, template }: RootInput): MountLine[] => {
  const wanted = path.posix.normalize(spec.terminationMessagePath)
  const termination: Mount[] = spec.mounts.some(({ containerPath }) => path.posix.normalize(containerPath) === wanted) || wanted === '.'
    ? [] : [{ hostPath: terminationMessageIn(directory), containerPath: wanted, readOnly: false, propagation: 'private' }]
  const depth = ({ containerPath }: Mount): number => path.posix.normalize(containerPath).split('/').filter(Boolean).length
  return [...termination, ...spec.mounts].toSorted((one, other) => depth(one) - depth(other)).flatMap((mount) => {
    const kind = isDirectory(mount.hostPath)
    if (kind === undefined) throw new Error(`cannot mount ${mount.hostPath} at ${mount.containerPath}: no such file or directory`)
    const containerPath = view.mountPoint(mount.containerPath, kind ? 'directory' : 'file')
    if (containerPath === '/') throw new Error(`cannot mount ${mount.hostPath} at ${mount.containerPath}: that is the root itself`)
    view.add({ containerPath, lower: mount.hostPath, upper: mount.readOnly ? undefined : mount.hostPath })
    const line: MountLine = { source: mount.hostPath, containerPath, type: 'none', owners: 'mapped', options: [kind ? 'rbind' : 'bind', ...(mount.readOnly ? ['ro'] : []), ...(mount.noExec ? ['noexec'] : []), ...(spec.privileged || mount.device ? [] : ['nodev']), propagationOption(mount)] }
    return [line, ...(mount.recursiveReadOnly ? mountsBelow(realpathSync(mount.hostPath)).map((below) => {
      const at = path.join(containerPath, below)
      return bind(path.join(template, 'root', at), at, 'ro', ...(spec.privileged ? [] : ['nodev']))
    }) : [])]
  })
}

const propagationOption = ({ propagation }: Mount): string => (propagation === 'private' ? 'rprivate' : propagation)

const isDirectory = (file: string): boolean | undefined => {
  try {
    return statSync(file, { throwIfNoEntry: false })?.isDirectory()
  } catch (error) {
    if (isGone(error)) return undefined
    throw error
  }
}

