/** Instructions of the kernel's classic packet filter machine, as far as seccomp lets them be (linux/filter.h, linux/seccomp.h). Pure. */

export interface Instruction { code: number; k: number; jt: number; jf: number }

export const opcodes = { load: 0x20, and: 0x54, jump: 0x05, jumpIfEqual: 0x15, jumpIfGreater: 0x25, jumpIfAtLeast: 0x35, return: 0x06 } as const

/** Where struct seccomp_data keeps what; arguments have 64 bits, on a little-endian machine the low half first. */
export const offsets = { number: 0, architecture: 4, low: (argument: number): number => 16 + 8 * argument, high: (argument: number): number => 20 + 8 * argument } as const

export const maxInstructions = 4096
const maxShortJump = 255

const instruction = (code: number, k: number, jt = 0, jf = 0): Instruction => ({ code, k, jt, jf })
export const load = (offset: number): Instruction => instruction(opcodes.load, offset)
export const and = (mask: number): Instruction => instruction(opcodes.and, mask)
export const give = (action: number): Instruction => instruction(opcodes.return, action)
export const compare = (code: 'jumpIfEqual' | 'jumpIfGreater' | 'jumpIfAtLeast', k: number, jt: number, jf: number): Instruction => instruction(opcodes[code], k, jt, jf)

/** `code` compared with `k` decides between two pieces of program, both of which end by themselves. */
export const branch = (code: 'jumpIfEqual' | 'jumpIfAtLeast', k: number, { holds, fails }: { holds: readonly Instruction[]; fails: readonly Instruction[] }): Instruction[] =>
  (fails.length <= maxShortJump ? [compare(code, k, fails.length, 0), ...fails, ...holds]
    // A conditional jump reaches 255 instructions far, an unconditional one everywhere.
    : [compare(code, k, 0, 1), instruction(opcodes.jump, fails.length), ...fails, ...holds])

/** As struct sock_filter stands in memory of a little-endian machine. */
export const encode = (program: readonly Instruction[]): Buffer => {
  const buffer = Buffer.alloc(program.length * 8)
  for (const [index, { code, k, jt, jf }] of program.entries()) {
    buffer.writeUInt16LE(code, index * 8)
    buffer.writeUInt8(jt, index * 8 + 2)
    buffer.writeUInt8(jf, index * 8 + 3)
    buffer.writeUInt32LE(k >>> 0, index * 8 + 4)
  }
  return buffer
}
