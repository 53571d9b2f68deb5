/** Tells when rules of ours leave the tables, by whomever: the kernel says so, nobody polls. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { ChainNames } from './names.ts'

/** Whether a line of xtables-monitor tells that one of our chains, a rule in one or a jump to one was removed. Pure. */
export const isRemovalOf = (names: ChainNames) => (line: string): boolean => / -[DX] /.test(line) && Object.values(names).some((name: string) => line.includes(name))

/**
 * Calls `removed` for each such line until the signal is given; rejects when the kernel cannot be listened to. In the network namespace of this process.
 * The listener ends with this process however that ends, and is told to write line by line, also into a pipe.
 */
export const watchChains = async (names: ChainNames, removed: () => void, signal: AbortSignal): Promise<void> => {
  const listener = spawn('setpriv', ['--pdeathsig', 'KILL', 'stdbuf', '-oL', 'xtables-monitor', '--event'], { stdio: ['ignore', 'pipe', 'ignore'], signal })
  const ended = once(listener, 'exit')
  ended.catch(() => {}) // an abort, or a program that is not there: told below
  try {
    const isOurs = isRemovalOf(names)
    for await (const line of createInterface({ input: listener.stdout })) if (isOurs(line)) removed()
    const [code] = (await ended) as [number | null]
    throw new Error(`xtables-monitor ended with ${String(code)}`)
  } catch (error) {
    if (!signal.aborted) throw error
  }
}
