/**
 * Makes a mount point in a directory whose contents others may swap meanwhile (a volume that another container has, too): each step is opened without following links, relative to the
 * one before. What has become a link since the path was resolved leads nowhere. As runc's securejoin (CVE-2024-45310).
 */
import { closeSync, constants, mkdirSync, openSync } from 'node:fs'

// O_PATH is not among Node's constants; its value is the same on x86-64 and arm64.
const directoryOnly = 0o10000000 | constants.O_DIRECTORY

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code

const changed = (name: string, error: unknown): unknown =>
  (['ELOOP', 'ENOTDIR', 'EEXIST', 'ENXIO'].includes(codeOf(error) ?? '') ? new Error(`cannot make ${JSON.stringify(name)}: the path changed while it was being made`, { cause: error }) : error)

/** `parts`: names below `base`, which itself may be given by way of a link. The last is of the kind asked for; what is there already is left as it is. */
export const makeInside = (base: string, parts: readonly string[], kind: 'file' | 'directory'): void => {
  let descriptor = openSync(base, directoryOnly)
  try {
    for (const [index, name] of parts.entries()) {
      const file = `/proc/self/fd/${descriptor}/${name}`
      if (kind === 'file' && index === parts.length - 1) {
        try { closeSync(openSync(file, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o644)) } catch (error) { throw changed(name, error) }
        return
      }
      try { mkdirSync(file, { mode: 0o755 }) } catch (error) { if (codeOf(error) !== 'EEXIST') throw error }
      let next: number
      try { next = openSync(file, directoryOnly | constants.O_NOFOLLOW) } catch (error) { throw changed(name, error) }
      closeSync(descriptor)
      descriptor = next
    }
  } finally {
    closeSync(descriptor)
  }
}
