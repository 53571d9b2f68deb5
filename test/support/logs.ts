/** A log that a test can read. */
import type { Log } from '../../src/client/component.ts'

export interface Logs extends Log { readonly lines: string[] }

export const logs = (): Logs => {
  const lines: string[] = []
  const line = (level: string) => (message: string): void => { lines.push(`${level}: ${message}`) }
  return { lines, info: line('info'), warn: line('warn'), error: line('error'), debug: line('debug') }
}
