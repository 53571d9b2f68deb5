/** The few mounts that the kubelet itself makes, in the machine's own mount namespace: tmpfs for memory-backed volumes, binds for subPaths, file systems of other machines. */
import { readFile } from 'node:fs/promises'
import { execa } from 'execa'

export interface Mounter {
  tmpfs(target: string, options: { sizeBytes?: number; mode: number }): Promise<void>
  /** A file system of huge pages; `pageSize` as `2Mi`. */
  hugePages(target: string, options: { pageSize: string; sizeBytes?: number }): Promise<void>
  /** `source` may be a /proc/PID/fd/N of an open file, so that nothing can be swapped meanwhile. */
  bind(source: string, target: string): Promise<void>
  /** By the machine's own mount(8) and its helpers. Throws, in upstream's words, with what mount says. */
  remote(type: string, source: string, target: string, options: readonly string[]): Promise<void>
  /** What is mounted in the directory from now on is passed on to those who have it mounted, and the other way round: it becomes a mount of its own where it is not in one that is shared. */
  share(directory: string): Promise<void>
  /** Lazily: what still uses it keeps it. */
  unmount(target: string): Promise<void>
  /** Mount points at or below a directory, innermost first. */
  below(directory: string): Promise<string[]>
}

// mountinfo writes blanks and backslashes in octal.
const unescape = (text: string): string => text.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))

/** Whether the mount that holds the directory is shared. */
const isShared = async (directory: string): Promise<boolean> => {
  const holding = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n').map((line) => line.split(' ')).map((words) => ({ at: unescape(words[4] ?? ''), optional: words.slice(6, words.indexOf('-')) }))
    .filter(({ at }) => at === '/' || directory === at || directory.startsWith(`${at}/`)).sort((left, right) => left.at.length - right.at.length).at(-1)
  return holding?.optional.some((each) => each.startsWith('shared:')) ?? false
}

/** A server that does not answer is asked again by the next attempt: a pod that has gone meanwhile must not wait for it. */
const remoteTimeoutMilliseconds = 30_000

export const systemMounter: Mounter = {
  async tmpfs(target, { sizeBytes, mode }) {
    await execa('mount', ['-t', 'tmpfs', '-o', [`mode=${mode.toString(8)}`, ...(sizeBytes === undefined ? [] : [`size=${sizeBytes}`])].join(','), 'tmpfs', target])
  },
  async hugePages(target, { pageSize, sizeBytes }) {
    // The kernel reads `2M`, and stops there.
    await execa('mount', ['-t', 'hugetlbfs', '-o', [`pagesize=${pageSize}`, ...(sizeBytes === undefined ? [] : [`size=${sizeBytes}`])].join(','), 'nodev', target])
  },
  async bind(source, target) { await execa('mount', ['--no-canonicalize', '--bind', source, target]) },
  async remote(type, source, target, options) {
    const words = ['-t', type, ...(options.length > 0 ? ['-o', options.join(',')] : []), source, target]
    const { failed, exitCode, timedOut, all = '' } = await execa('mount', words, { reject: false, all: true, timeout: remoteTimeoutMilliseconds })
    if (failed) throw new Error(`mount failed: ${timedOut ? 'signal: killed' : `exit status ${exitCode ?? ''}`}\nMounting command: mount\nMounting arguments: ${words.join(' ')}\nOutput: ${all}\n`)
  },
  async share(directory) {
    if (await isShared(directory)) return
    await execa('mount', ['--no-canonicalize', '--bind', directory, directory])
    await execa('mount', ['--no-canonicalize', '--make-shared', directory])
  },
  async unmount(target) { await execa('umount', ['--lazy', '--no-canonicalize', target]) },
  async below(directory) {
    const points = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n').map((line) => unescape(line.split(' ')[4] ?? ''))
    return points.filter((point) => point === directory || point.startsWith(`${directory}/`)).sort((left, right) => right.length - left.length)
  },
}
