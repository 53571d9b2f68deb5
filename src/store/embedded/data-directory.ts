import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import path from 'node:path'

/** What the data directory's `version` file says when this code wrote it. Counts up whenever older code could misread what newer code writes. */
export const dataVersion = 1

/** The data directory cannot be used: another version, damaged, in use. The message names the directory and says what to do. */
export class DataDirectoryError extends Error { override readonly name = 'DataDirectoryError' }

export const historyFile = (directory: string): string => path.join(directory, 'history.db')

/** Writes the directory's version file if it is new; throws DataDirectoryError for a directory of another version. */
export const checkVersion = (directory: string): void => {
  const file = path.join(directory, 'version')
  if (!existsSync(file)) {
    if (existsSync(historyFile(directory))) {
      throw new DataDirectoryError(`${directory} has a history.db but no version file, so it is not known which version wrote it: write its version (${dataVersion} if this Wherry wrote it) into ${file}, or restore a snapshot into an empty directory`)
    }
    writeVersion(directory)
    return
  }
  const found = readFileSync(file, 'utf8').trim()
  if (found !== String(dataVersion)) {
    throw new DataDirectoryError(`${directory} was written by data version ${JSON.stringify(found)}, but this Wherry reads version ${dataVersion}: start the Wherry that wrote it, or restore one of its snapshots into an empty directory`)
  }
}

/** Says that the directory's data are of this version. */
export const writeVersion = (directory: string): void => writeFileDurably(path.join(directory, 'version'), `${dataVersion}\n`)

/** Writes the whole file or nothing, readable by its owner only; on disk when it returns. */
const writeFileDurably = (file: string, text: string): void => {
  const partial = `${file}.partial`
  const descriptor = openSync(partial, 'w', 0o600)
  try {
    writeSync(descriptor, text)
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
  renameSync(partial, file)
  syncDirectory(path.dirname(file))
}

/** Makes created, renamed and removed names in the directory survive a loss of power. */
export const syncDirectory = (directory: string): void => {
  const descriptor = openSync(directory, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}
