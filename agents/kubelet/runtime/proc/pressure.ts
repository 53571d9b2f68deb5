/** Pressure stall information: how long processes have waited for a resource. Pure. */

export interface Stall { avg10: number; avg60: number; avg300: number; /** Microseconds. */ total: number }
export interface Pressure { some: Stall; full: Stall }
export interface Pressures { cpu: Pressure; memory: Pressure; io: Pressure }

const nothing: Stall = { avg10: 0, avg60: 0, avg300: 0, total: 0 }

const stallOf = (text: string, kind: string): Stall => {
  const [, avg10, avg60, avg300, total] = new RegExp(`^${kind} avg10=([\\d.]+) avg60=([\\d.]+) avg300=([\\d.]+) total=(\\d+)`, 'm').exec(text) ?? []
  return total === undefined ? nothing : { avg10: Number(avg10), avg60: Number(avg60), avg300: Number(avg300), total: Number(total) }
}

/** Of the kernel's three files; undefined unless it has all of them. A machine's CPU has no `full`: nothing of it counts. */
export const parsePressures = (cpu: string | undefined, memory: string | undefined, io: string | undefined): Pressures | undefined => {
  if (!cpu || !memory || !io) return undefined
  const of = (text: string): Pressure => ({ some: stallOf(text, 'some'), full: stallOf(text, 'full') })
  return { cpu: of(cpu), memory: of(memory), io: of(io) }
}
