/** What the log writer keeps where: addresses in its memory, and offsets in a container's place there. */
import { maxContainers } from './protocol.ts'

// Where things are in memory.
export const base = 0x2000_0000
export const event = base
export const time = base + 0x20
export const told = base + 0x40
export const lineEnd = base + 0x60
// Two beginnings of a line, the stream's name at an address that can be written to at once.
export const headBytes = 40
export const head = { F: base + 0x82, P: base + 0xc2 } as const
export const [epoll, slot, stream, count, cursor, end, total, rounds, top, out, err, walk, year] = Array.from({ length: 13 }, (_, index) => base + 0x100 + index * 8) as [number, number, number, number, number, number, number, number, number, number, number, number, number]
export const asked = base + 0x1000
export const pieces = base + 0x2000
export const maxPieces = 1024
export const text = base + 0x8000
export const textBytes = 0x1_0000
export const slots = base + 0x1_8000
export const slotBytes = 1024
export const memoryBytes = 0x1_8000 + maxContainers * slotBytes

/** Of a container: its key (zero: the place is free), who asked for it, when its log is full, how its log is opened, what was told last, its FIFOs, and the name of its log. */
export const field = { key: 0, generation: 8, limit: 16, logFlags: 24, told: 32, out: 40, err: 48, log: 64 } as const

export const wordOf = (letters: string): bigint => Buffer.from(letters).readBigUInt64LE()
