/** Kernel settings that the network needs: the machine's own values are written down before the first change, and put back at the end. */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'

export interface Sysctls {
  set(name: string, value: string): void
  /** Puts back what was there before, unless somebody else has changed it since. */
  restore(): void
}

interface Change { before: string; ours: string }

const fileOf = (name: string): string => path.join('/proc/sys', name)

export const rememberedSysctls = (file: string): Sysctls => {
  const read = (): Record<string, Change> => (existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Record<string, Change>) : {})
  return {
    set(name, value) {
      const before = readFileSync(fileOf(name), 'utf8').trim()
      if (before === value) return
      const changes = read()
      mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 })
      writeFileSync(`${file}.new`, JSON.stringify({ ...changes, [name]: { before: changes[name]?.before ?? before, ours: value } }), { mode: 0o600 })
      renameSync(`${file}.new`, file)
      writeFileSync(fileOf(name), value)
    },
    restore() {
      for (const [name, { before, ours }] of Object.entries(read())) {
        if (existsSync(fileOf(name)) && readFileSync(fileOf(name), 'utf8').trim() === ours) writeFileSync(fileOf(name), before)
      }
      rmSync(file, { force: true })
    },
  }
}
