/** A file system on a disk: made where the disk is blank, else looked over, then mounted. Mirrors FormatAndMount (k8s.io/mount-utils, mount_linux.go), in its words. */
import { mkdir, readFile, stat } from 'node:fs/promises'
import { execa } from 'execa'
import { deviceNumbers } from '../runtime/steps/devices.ts'
import type { Mounter } from './mounter.ts'

/** Programs of the machine: blkid, fsck and mkfs.<type>. Rejects where there is no such program. */
export type RunTool = (command: string, args: readonly string[]) => Promise<{ exitCode: number; output: string }>

export interface DeviceMount {
  device: string
  target: string
  /** '' takes what is there, and makes ext4 where nothing is. */
  fsType: string
  options: readonly string[]
  readOnly: boolean
}

const toolMilliseconds = 10 * 60_000

export const systemTool: RunTool = async (command, args) => {
  const { exitCode, all = '', code, timedOut } = await execa(command, args, { reject: false, all: true, timeout: toolMilliseconds, stdin: 'ignore' })
  if (code === 'ENOENT') throw new Error(`executable file not found in $PATH: ${command} (Debian: ${command.startsWith('mkfs.xfs') ? 'xfsprogs' : command.startsWith('mkfs.') ? 'e2fsprogs' : 'util-linux'})`)
  if (timedOut) throw new Error(`${command} did not end in time`)
  return { exitCode: exitCode ?? -1, output: all }
}

const partitions = 'unknown data, probably partitions'

/** '' : nothing is on it. */
const formatOf = async (device: string, run: RunTool): Promise<string> => {
  const { exitCode, output } = await run('blkid', ['-p', '-s', 'TYPE', '-s', 'PTTYPE', '-o', 'export', device])
  if (exitCode === 2) return ''
  if (exitCode !== 0) throw new Error(`could not determine if disk ${JSON.stringify(device)} is formatted (exit status ${exitCode}): ${output.trim()}`)
  const found = new Map(output.split('\n').flatMap((line): [string, string][] => { const [, name, value] = /^(TYPE|PTTYPE)=(.+)$/.exec(line.trim()) ?? []; return name === undefined || value === undefined ? [] : [[name, value]] }))
  return found.has('PTTYPE') ? partitions : (found.get('TYPE') ?? '')
}

const format = async ({ device, target, options }: DeviceMount, type: string, run: RunTool): Promise<void> => {
  const args = type === 'ext4' || type === 'ext3' ? ['-F', '-m0', device] : type === 'xfs' ? ['-f', device] : [device]
  const { exitCode, output } = await run(`mkfs.${type}`, args)
  if (exitCode !== 0) throw new Error(`formatting of disk failed: type:(${JSON.stringify(type)}) target:(${JSON.stringify(target)}) options:(${JSON.stringify(options.join(','))}) errcode:(exit status ${exitCode}) output:(${output.trim()})`)
}

/** fsck answers 1 for what it has mended, 4 for what it could not. */
const repair = async (device: string, run: RunTool): Promise<void> => {
  const { exitCode, output } = await run('fsck', ['-a', device])
  if (exitCode === 4) throw new Error(`'fsck' found errors on device ${device} but could not correct them: ${output.trim()}`)
}

/** Another pod has it: a file system that is in use is neither made nor mended. */
const isMounted = async (device: string): Promise<boolean> => {
  const { major, minor } = deviceNumbers((await stat(device)).rdev)
  return (await readFile('/proc/self/mountinfo', 'utf8')).split('\n').some((line) => line.split(' ')[2] === `${major}:${minor}`)
}

/** Idempotent. Throws what the programs say. */
export const mountDevice = async (wanted: DeviceMount, { mounter, run = systemTool, inUse = isMounted }: { mounter: Mounter; run?: RunTool; inUse?: (device: string) => Promise<boolean> }): Promise<void> => {
  const { device, target, fsType, options, readOnly } = wanted
  // A file system's type is part of a program's name.
  if (!/^[a-z0-9]*$/.test(fsType)) throw new Error(`invalid fsType ${JSON.stringify(fsType)}`)
  if ((await mounter.below(target)).includes(target)) return
  let type = fsType
  const existing = await formatOf(device, run)
  if (existing === '') {
    if (readOnly) throw new Error(`cannot mount unformatted disk ${device} as we are manipulating it in read-only mode`)
    type ||= 'ext4'
    await format(wanted, type, run)
  } else {
    type ||= existing
    if (existing === partitions) throw new Error(`disk ${device} holds ${partitions}: volumeMode Block gives the disk itself`)
    if (!readOnly && existing === type && !(await inUse(device))) await repair(device, run)
  }
  await mkdir(target, { recursive: true, mode: 0o750 })
  await mounter.remote(type, device, target, [...(readOnly ? ['ro'] : []), 'defaults', ...options])
}
