/** The mounts of a process as /proc/<pid>/mountinfo lists them. */
export interface MountInfo {
  /** The part of the file system that is mounted. */
  root: string
  mountPoint: string
  fileSystem: string
  source: string
  options: readonly string[]
  superOptions: readonly string[]
  /** Peer group that passes mounts on, if any. */
  isShared: boolean
}

const unescape = (text: string): string => text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))

let last: { text: string; mounts: readonly MountInfo[] } | undefined

/** The machine's mounts are read for every container, and seldom are others than before: the same text is not taken apart again. */
export const parseMountInfo = (text: string): readonly MountInfo[] => {
  if (last?.text !== text) last = { text, mounts: parse(text) }
  return last.mounts
}

/** Only where something is mounted. */
export const mountPointsOf = (text: string): Set<string> => new Set(text.split('\n').filter(Boolean).map((line) => unescape(line.split(' ', 5)[4] ?? '/')))

const parse = (text: string): MountInfo[] =>
  text.split('\n').filter(Boolean).map((line) => {
    const [front = '', back = ''] = line.split(' - ')
    const [, , , root = '/', mountPoint = '/', options = '', ...optional] = front.split(' ')
    const [fileSystem = '', source = '', superOptions = ''] = back.split(' ')
    return { root: unescape(root), mountPoint: unescape(mountPoint), fileSystem, source: unescape(source), options: options.split(','),
      superOptions: superOptions.split(','), isShared: optional.some((each) => each.startsWith('shared:')) }
  })

/** The mount on which a path lies; the last one wins, since it covers those before. */
export const mountOf = (mounts: readonly MountInfo[], path: string): MountInfo | undefined =>
  mounts.reduce<MountInfo | undefined>((best, each) => (isWithin(path, each.mountPoint) && (!best || each.mountPoint.length >= best.mountPoint.length) ? each : best), undefined)

/** Whether `path` is `directory` or lies below it. */
export const isWithin = (path: string, directory: string): boolean =>
  directory === '/' || path === directory || path.startsWith(`${directory}/`)
