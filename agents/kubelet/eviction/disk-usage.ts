/** How much is in directories: one run of `du` for all of them, at the lowest priority, so that no tree is walked on the kubelet's own thread. */
import { execa } from 'execa'

export interface DiskUse { bytes: number; inodes: number }

/** By directory; one that is gone is absent. Nothing beyond the directory's own file system counts. Throws when it has not ended before `signal` aborts. */
export type MeasureDisk = (directories: readonly string[], signal: AbortSignal) => Promise<ReadonlyMap<string, DiskUse>>

const run = async (flag: string, directories: readonly string[], signal: AbortSignal): Promise<Map<string, number>> => {
  // What vanishes while it is being counted makes du fail, and its sums stay right.
  const { stdout, stderr } = await execa('nice', ['-n', '19', 'du', '--summarize', '--one-file-system', '--null', flag, '--files0-from=-'],
    { input: directories.map((each) => `${each}\0`).join(''), reject: false, cancelSignal: signal, stripFinalNewline: false, env: { LC_ALL: 'C' } })
  signal.throwIfAborted()
  if (!stdout && stderr && !stderr.includes('No such file')) throw new Error(`cannot measure what is on the disks: ${stderr.trim().split('\n')[0]}`)
  return new Map((stdout ?? '').split('\0').filter(Boolean).map((line) => {
    const tab = line.indexOf('\t')
    return [line.slice(tab + 1), Number(line.slice(0, tab))]
  }))
}

export const measureDisk: MeasureDisk = async (directories, signal) => {
  if (directories.length === 0) return new Map()
  const bytes = await run('--block-size=1', directories, signal)
  return new Map([...bytes].map(([directory, size]) => [directory, { bytes: size, inodes: 0 }]))
}

/** Counts inodes, too; twice the work. */
export const measureDiskAndInodes: MeasureDisk = async (directories, signal) => {
  const sizes = await measureDisk(directories, signal)
  const inodes = directories.length > 0 ? await run('--inodes', directories, signal) : new Map<string, number>()
  return new Map([...sizes].map(([directory, { bytes }]) => [directory, { bytes, inodes: inodes.get(directory) ?? 0 }]))
}
