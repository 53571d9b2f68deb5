/** What processes cost, read from /proc: proportional memory (PSS) and processor time. A process that is gone costs nothing. */
import { readdirSync, readFileSync } from 'node:fs'

const ticksPerSecond = 100

export const readProc = (pid: number, name: string): string => { try { return readFileSync(`/proc/${pid}/${name}`, 'utf8') } catch { return '' } }
export const allPids = (): number[] => readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number)
export const pssMebibytes = (pid: number): number => Number(/^Pss:\s+(\d+)/m.exec(readProc(pid, 'smaps_rollup'))?.[1] ?? 0) / 1024
export const parentOf = (pid: number): number => Number(/^PPid:\s+(\d+)/m.exec(readProc(pid, 'status'))?.[1] ?? 0)

/** Of the process itself, or with its children that have ended and were waited for. */
export const cpuSeconds = (pid: number, withChildren = false): number => {
  const stat = readProc(pid, 'stat')
  const after = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return [11, 12, ...(withChildren ? [13, 14] : [])].reduce((sum, index) => sum + Number(after[index] ?? 0), 0) / ticksPerSecond
}
