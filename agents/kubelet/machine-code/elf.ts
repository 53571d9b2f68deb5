/** ELF executables of a few hundred bytes, for what neither Node nor the machine's programs can do. Pure. */

/** Machine code as an assembler makes it: a line is the bytes, in hexadecimal, and behind a blank the instruction. */
export interface Listings { x64: string; arm64: string }

const elfMachines: Readonly<Record<string, number>> = { x64: 62, arm64: 183 }

const codeOf = (listing: string): Buffer => Buffer.from(listing.trim().split('\n').map((line) => line.split(' ')[0]).join(''), 'hex')

const base = 0x40_0000n
const headerBytes = 64
const programHeaderBytes = 56

/** `architecture`: as Node names it; undefined: none is known for it. The code begins with its first byte, is not changed, and has no data but a stack. */
export const elfProgram = (listings: Listings, architecture: string): Buffer | undefined =>
  (architecture === 'x64' || architecture === 'arm64' ? elfFile(codeOf(listings[architecture]), architecture) : undefined)

/** The same around code that is there already. */
export const elfFile = (code: Buffer, architecture: string): Buffer => {
  const start = headerBytes + 2 * programHeaderBytes
  const header = Buffer.alloc(headerBytes)
  Buffer.from('7f454c46020101', 'hex').copy(header) // ELF, 64 bits, little-endian, version 1
  header.writeUInt16LE(2, 16) // an executable
  header.writeUInt16LE(elfMachines[architecture] ?? 0, 18)
  header.writeUInt32LE(1, 20)
  header.writeBigUInt64LE(base + BigInt(start), 24) // where it begins
  header.writeBigUInt64LE(BigInt(headerBytes), 32) // where the program headers are
  for (const [offset, value] of [[52, headerBytes], [54, programHeaderBytes], [56, 2]] as const) header.writeUInt16LE(value, offset)
  const size = BigInt(start + code.length)
  return Buffer.concat([header, programHeader({ type: 1, flags: 5, size, address: base }), programHeader({ type: 0x6474_e551, flags: 6, size: 0n, address: 0n }), code])
}

/** PT_LOAD, readable and executable; and PT_GNU_STACK, which keeps the stack from being executed. */
const programHeader = ({ type, flags, size, address }: { type: number; flags: number; size: bigint; address: bigint }): Buffer => {
  const header = Buffer.alloc(programHeaderBytes)
  header.writeUInt32LE(type, 0)
  header.writeUInt32LE(flags, 4)
  for (const [offset, value] of [[16, address], [24, address], [32, size], [40, size], [48, size > 0n ? 0x1_0000n : 16n]] as const) header.writeBigUInt64LE(value, offset)
  return header
}
