/** User namespaces of pods: which numbers of the machine stand for a pod's own, and what becomes of files so that the pod finds them its own. */
import { createHash } from 'node:crypto'
import { lchownSync, lstatSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { Context } from './context.ts'
import type { MountLine } from './rootfs/fstab.ts'

/** As upstream's kubelet: every pod has as many, and no two pods share any. */
export const usersPerPod = 65_536

// Below are the machine's own users and those that tools give to people (/etc/subuid); the last of the 32-bit numbers are nobody's.
const firstBlock = 1024
const blocks = 60_000

/** Where a pod's numbers begin. Nodes of one machine begin at different places, so that their pods are rarely the same. Throws when all are taken. */
export const chooseUsers = ({ clusterId, nodeName, pods }: Pick<Context, 'clusterId' | 'nodeName' | 'pods'>, podUid: string): number => {
  const own = pods.get(podUid)?.sandbox?.record.users
  if (own !== undefined) return own
  const taken = new Set([...pods.values()].map(({ sandbox }) => sandbox?.record.users))
  const start = createHash('sha256').update(`${clusterId}/${nodeName}`).digest().readUInt32LE()
  for (let index = 0; index < blocks; index++) {
    const base = (firstBlock + ((start + index) % blocks)) * usersPerPod
    if (!taken.has(base)) return base
  }
  throw new Error('all ranges of users for pods are taken')
}

/** Tells the kernel which numbers those of the namespace of a process are: once, and before anybody is anybody there. */
export const mapUsers = (pid: number, base: number): void => {
  for (const file of ['uid_map', 'gid_map']) writeFileSync(`/proc/${pid}/${file}`, `0 ${base} ${usersPerPod}\n`)
}

/** Gives what lies in a directory, and the directory, to the same users of the pod. Links are not followed. */
export const giveToUsers = (file: string, base: number): void => {
  const stats = lstatSync(file)
  if (stats.uid < usersPerPod && stats.gid < usersPerPod) lchownSync(file, stats.uid + base, stats.gid + base)
  if (stats.isDirectory()) for (const name of readdirSync(file)) giveToUsers(path.join(file, name), base)
}

/** What has to be mounted with other owners before the container's mounts are made: pairs of lines, source and target. */
export interface Mapped { mounts: MountLine[]; pairs: string }

/** `directory`: a new one, for the places in between. */
export const mapMounts = (mounts: readonly MountLine[], directory: string): Mapped => {
  mkdirSync(directory, { mode: 0o700 })
  const pairs: string[] = []
  const place = (source: string, alone: boolean): string => {
    if (source.includes('\n')) throw new Error(`${JSON.stringify(source)} cannot be mounted in a pod with users of its own: its name has a line break`)
    const target = path.join(directory, String(pairs.length))
    if (alone || statSync(source).isDirectory()) mkdirSync(target)
    else writeFileSync(target, '')
    pairs.push(`${source}\n${target}\n${alone ? 'alone' : ''}\n`)
    return target
  }
  const moved = mounts.map((line): MountLine => {
    if (line.owners !== 'mapped') return line
    if (line.type !== 'overlay') return { ...line, source: place(line.source, false) }
    return { ...line, options: line.options.map((option) => (option.startsWith('lowerdir=') ? `lowerdir=${place(option.slice('lowerdir='.length), true)}` : option)) }
  })
  return { mounts: moved, pairs: pairs.join('') }
}
