import { mkdir } from 'node:fs/promises'
import path from 'node:path'

/** Like `mkdir` with `recursive`, which never ends where a file system refuses a new directory with ENOENT, as /proc and /sys do. Rejects with what the system says. */
export const makeDirectory = async (directory: string, mode: number): Promise<void> => {
  const made = (error: NodeJS.ErrnoException): undefined => { if (error.code !== 'EEXIST') throw error }
  const parents: string[] = []
  for (let each = path.resolve(directory); each !== path.dirname(each); each = path.dirname(each)) parents.unshift(each)
  for (const each of parents) await mkdir(each, { mode }).catch(made)
}
