/**
 * Empty layers of containers' roots in stock. Making a directory costs a disk much more than renaming one (ext4 without a journal looks at every inode that was freed within a minute first), so a dozen for each
 * container are made while nothing is started, and ahead of need. What is in stock belongs to nobody; a kubelet that comes back removes it.
 */
import { lstatSync, mkdirSync, readdirSync, renameSync } from 'node:fs'
import { chmod, chown, mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { Clock } from '../../../../src/api/clock.ts'
import type { Random } from '../../../../src/api/random.ts'
import { afterBurst } from '../../../../src/client/after-burst.ts'
import { isGone } from '../proc/stat.ts'
import { ownFilesOfEtc } from './host-layers.ts'
import { terminationMessageIn } from './termination-file.ts'

export interface RootStock {
  /** Puts one in place of `directory`, which must not be there, if there is one; else makes an empty directory. */
  take(directory: string): void
  /** The next ones shall be like this, which was just prepared: its directories, and those files in its /etc that every root has. */
  learn(directory: string): void
  close(): void
}

const wanted = 32
const quietMilliseconds = 3000

interface Frame { directories: readonly string[]; etc: { uid: number; gid: number; mode: number; files: readonly string[] } | undefined }

export interface RootStockOptions { directory: string; clock: Clock; random: Random; failed(error: unknown): void }

export const rootStock = ({ directory: stock, clock, random, failed }: RootStockOptions): RootStock => {
  const closed = new AbortController()
  const ready: string[] = []
  let frame: Frame | undefined

  const makeOne = async ({ directories, etc }: Frame): Promise<void> => {
    const item = path.join(stock, random.uuid())
    await mkdir(item, { recursive: true, mode: 0o700 })
    for (const name of directories) await mkdir(path.join(item, name), { mode: 0o755 })
    await writeFile(terminationMessageIn(item), '')
    if (etc) {
      const place = path.join(item, 'root-upper/etc')
      await mkdir(place)
      await chown(place, etc.uid, etc.gid)
      await chmod(place, etc.mode)
      for (const name of etc.files) await writeFile(path.join(place, name), '', { mode: 0o644 })
    }
    ready.push(item)
  }
  const fill = async (): Promise<void> => { while (frame && ready.length < wanted && !closed.signal.aborted) await makeOne(frame) }
  const fillLater = afterBurst({ clock, milliseconds: quietMilliseconds, failed }, fill, closed.signal)

  return {
    take(directory) {
      mkdirSync(path.dirname(directory), { recursive: true, mode: 0o700 })
      const item = ready.pop()
      if (item === undefined) mkdirSync(directory, { mode: 0o700 })
      else renameSync(item, directory)
      fillLater()
    },
    learn(directory) { frame ??= frameOf(directory) },
    close: () => { closed.abort() },
  }
}

const frameOf = (directory: string): Frame => {
  const directories = readdirSync(directory, { withFileTypes: true }).filter((entry) => entry.isDirectory() && /^(root-upper|root-work|dev-upper|dev-work|run|tmp|layer-\d+-(upper|work))$/.test(entry.name)).map(({ name }) => name)
  const etc = path.join(directory, 'root-upper/etc')
  try {
    const { uid, gid, mode } = lstatSync(etc)
    const there = readdirSync(etc)
    return { directories, etc: { uid, gid, mode: mode & 0o7777, files: ownFilesOfEtc.filter((name) => there.includes(name)) } }
  } catch (error) {
    if (isGone(error)) return { directories, etc: undefined }
    throw error
  }
}
