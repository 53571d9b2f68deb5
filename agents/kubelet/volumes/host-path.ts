/** hostPath volumes: what the path must be. Mirrors pkg/volume/hostpath. */
import { mkdir, open, stat } from 'node:fs/promises'
import type { Stats } from 'node:fs'
import type { HostPathVolumeSource } from '../../../src/api/types.ts'

const checks: Record<string, { is(facts: Stats): boolean; word: string }> = {
  Directory: { is: (facts) => facts.isDirectory(), word: 'a directory' },
  DirectoryOrCreate: { is: (facts) => facts.isDirectory(), word: 'a directory' },
  File: { is: (facts) => facts.isFile(), word: 'a file' },
  FileOrCreate: { is: (facts) => facts.isFile(), word: 'a file' },
  Socket: { is: (facts) => facts.isSocket(), word: 'a socket file' },
  CharDevice: { is: (facts) => facts.isCharacterDevice(), word: 'a character device' },
  BlockDevice: { is: (facts) => facts.isBlockDevice(), word: 'a block device' },
}

/** Throws, in upstream's words, unless the path is of its type; makes it where the type says so. Without a type a path that is not there becomes a directory: upstream's container runtimes make it before they mount it. */
export const prepareHostPath = async ({ path, type }: HostPathVolumeSource): Promise<void> => {
  if (!type) {
    if (!await stat(path).catch(() => undefined)) await mkdir(path, { recursive: true, mode: 0o755 })
    return
  }
  const check = Object.hasOwn(checks, type) ? checks[type] : undefined
  if (!check) throw new Error(`${type} is an invalid volume type`)
  const facts = await stat(path).catch(() => undefined)
  if (!facts && type === 'DirectoryOrCreate') { await mkdir(path, { recursive: true, mode: 0o755 }); return }
  if (!facts && type === 'FileOrCreate') { await (await open(path, 'a', 0o644)).close(); return }
  if (!facts || !check.is(facts)) throw new Error(`hostPath type check failed: ${path} is not ${check.word}`)
}
