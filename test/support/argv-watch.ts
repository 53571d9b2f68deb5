/** Everything that processes of this machine say of themselves in their arguments and environments while something happens, for tests of what must not be there. */
import { readdirSync, readFileSync } from 'node:fs'

export interface Seen {
  /** Argument lists and environments, each once. */
  texts: ReadonlySet<string>
  /** How often all processes were looked at. */
  looks: number
}

const readOnce = (file: string): string => { try { return readFileSync(file, 'utf8') } catch { return '' } }

/** Looks as often as it can until `work` is done. What lives shorter than a look may be missed; ssh and what it starts do not. */
export const watchProcesses = async (work: () => Promise<unknown>): Promise<Seen> => {
  const texts = new Set<string>()
  const known = new Set<string>()
  let looks = 0
  let over = false
  const working = work().finally(() => { over = true })
  while (!over) {
    for (const pid of readdirSync('/proc')) {
      if (!/^\d+$/.test(pid)) continue
      const argv = readOnce(`/proc/${pid}/cmdline`)
      // A process that executes another program keeps its pid, and has other arguments.
      if (argv === '' || known.has(`${pid} ${argv}`)) continue
      known.add(`${pid} ${argv}`)
      texts.add(argv)
      texts.add(readOnce(`/proc/${pid}/environ`))
    }
    looks++
    await new Promise((resolve) => { setTimeout(resolve, 3) })
  }
  await working
  return { texts, looks }
}
