/** Flags of the components, spelled as upstream's: `--name=value`. An unknown or missing one is an error that names it. */
import { parseArgs } from 'node:util'
import { UserError } from './user-error.ts'

export interface Flags {
  /** The value of a flag that must be there. */
  need(name: string): string
  get(name: string): string | undefined
  number(name: string, fallback: number): number
  has(name: string): boolean
}

/** `known`: the flags with a value that a component has. */
export const parseFlags = (component: string, known: readonly string[], args: readonly string[]): Flags => {
  const help = `wherry ${component}: one component, in the foreground\nflags: ${known.map((name) => `--${name}`).join(' ')}`
  if (args.some((each) => each === '--help' || each === '-h')) throw new UserError(help, 0)
  let values: Record<string, unknown>
  try {
    ({ values } = parseArgs({ args: [...args], options: Object.fromEntries(known.map((name) => [name, { type: 'string' as const }])), allowPositionals: false }))
  } catch (error) {
    throw new UserError(`wherry ${component}: ${(error as Error).message}\nflags: ${known.map((name) => `--${name}`).join(' ')}`, 2)
  }
  const get = (name: string): string | undefined => { const value = values[name]; return typeof value === 'string' && value !== '' ? value : undefined }
  return {
    get,
    need: (name) => {
      const value = get(name)
      if (value === undefined) throw new UserError(`wherry ${component}: --${name} is needed`, 2)
      return value
    },
    number: (name, fallback) => {
      const value = get(name)
      if (value === undefined) return fallback
      if (!/^\d+$/.test(value)) throw new UserError(`wherry ${component}: --${name} must be a number, not ${JSON.stringify(value)}`, 2)
      return Number(value)
    },
    has: (name) => values[name] !== undefined,
  }
}
