/** A pid alone names nobody: processes are told apart by pid and start time. */
import { readFile } from 'node:fs/promises'

/** When the process started, in clock ticks since boot as /proc prints it; undefined if there is no such process (or it is a zombie). */
export const startTimeOf = async (pid: number): Promise<string | undefined> => {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
  if (stat === undefined) return undefined
  // The command stands in parentheses and may hold anything; what follows the last one is fields 3 and up.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields[0] === 'Z' ? undefined : fields[19]
}
