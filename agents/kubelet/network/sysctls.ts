/** Kernel settings that the network needs: the machine's own values are written down before the first change, and put back at the end. */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'

export interface Sysctls {
  set(name: string, value: string): void
  /** Where it is less. */
  raise(name: string, value: number): void
  /** Puts back what was there before, unless somebody else has changed it since. */
  restore(): void
}

interface Change { before: string; ours: string }

/** `file`: where it is written down; `settings`: where the kernel has them. */
export const rememberedSysctls = (file: string, settings = '/proc/sys'): Sysctls => {
  const fileOf = (name: string): string => path.join(settings, name)
  const read = (): Record<string, Change> => (existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Record<string, Change>) : {})
  const set = (name: string, value: string): void => {
    const before = readFileSync(fileOf(name), 'utf8').trim()
    if (before === value) return
    const changes = read()
    mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 })
    writeFileSync(`${file}.new`, JSON.stringify({ ...changes, [name]: { before: changes[name]?.before ?? before, ours: value } }), { mode: 0o600 })
    renameSync(`${file}.new`, file)
    writeFileSync(fileOf(name), value)
  }
  return {
    set,
    raise(name, value) { if (Number(readFileSync(fileOf(name), 'utf8')) < value) set(name, String(value)) },
    restore() {
      for (const [name, { before, ours }] of Object.entries(read())) {
        if (existsSync(fileOf(name)) && readFileSync(fileOf(name), 'utf8').trim() === ours) writeFileSync(fileOf(name), before)
      }
      rmSync(file, { force: true })
    },
  }
}
