/** Bytes of x86-64 instructions for assembler.ts (Intel's manual, volume 2). Pure. */
import type { Encoder, Operand, Register, Relation } from './assembler.ts'

/** Those that a system call leaves as they are and takes no argument in: rbx, rbp, r12 to r15. */
const numbers: Readonly<Record<Register, number>> = { a: 3, b: 5, c: 12, d: 13, e: 14, f: 15 }
const rax = 0
const rcx = 1
const rdx = 2
/** rdi, rsi, rdx, r10, r8, r9. */
const argumentNumbers = [7, 6, rdx, 10, 8, 9] as const

const conditions: Readonly<Record<Relation, number>> = { equal: 0x84, unequal: 0x85, below: 0x8c, atLeast: 0x8d, atMost: 0x8e, above: 0x8f }

const int32 = (value: number): Buffer => { const bytes = Buffer.alloc(4); bytes.writeInt32LE(value); return bytes }

/** The prefix that tells 64 bits (`wide`) and registers from the eighth on, by way of the fields reg and rm. */
const rex = (reg: number, rm: number, wide = true): number => 0x40 | (wide ? 8 : 0) | (reg >> 3 << 2) | (rm >> 3)

const betweenRegisters = (opcode: readonly number[], reg: number, rm: number): Buffer => Buffer.from([rex(reg, rm), ...opcode, 0xc0 | ((reg & 7) << 3) | (rm & 7)])

const inMemory = (opcode: readonly number[], { reg, base, offset, wide = true }: { reg: number; base: number; offset: number; wide?: boolean }): Buffer =>
  // A base of r12 (and rsp) is said in a further byte.
  Buffer.concat([Buffer.from([rex(reg, base, wide), ...opcode, 0x80 | ((reg & 7) << 3) | (base & 7), ...((base & 7) === 4 ? [0x24] : [])]), int32(offset)])

const constant = (to: number, value: number | bigint): Buffer => {
  const bits = Buffer.alloc(8)
  bits.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)))
  return Buffer.concat([Buffer.from([rex(0, to), 0xb8 | (to & 7)]), bits])
}

const moveTo = (to: number, from: Operand): Buffer => (typeof from === 'string' ? betweenRegisters([0x89], numbers[from], to) : constant(to, from))

/** The register of an operand, and what brings a constant there. */
const inRegister = (operand: Operand): [Buffer, number] => (typeof operand === 'string' ? [Buffer.alloc(0), numbers[operand]] : [constant(rcx, operand), rcx])

const loads = { 1: [0x0f, 0xb6], 4: [0x63], 8: [0x8b] } as const
const stores = { 1: [0x88], 4: [0x89], 8: [0x89] } as const

export const x64Encoder: Encoder = {
  move: (to, from) => moveTo(numbers[to], from),
  compute(kind, to, by) {
    const [before, other] = inRegister(by)
    return Buffer.concat([before, kind === 'multiply' ? betweenRegisters([0x0f, 0xaf], numbers[to], other) : betweenRegisters([kind === 'add' ? 0x01 : 0x29], other, numbers[to])])
  },
  divide: (to, by, rest) => Buffer.concat([moveTo(rax, to), Buffer.from('31d2', 'hex'), constant(rcx, by), Buffer.from('48f7f1', 'hex'), betweenRegisters([0x89], rax, numbers[to]), betweenRegisters([0x89], rdx, numbers[rest])]),
  load: (to, at, offset, width) => inMemory(loads[width], { reg: numbers[to], base: numbers[at], offset }),
  store: (from, at, offset, width) => inMemory(stores[width], { reg: numbers[from], base: numbers[at], offset, wide: width === 8 }),
  fetch: (to, address) => Buffer.concat([constant(rcx, address), inMemory(loads[8], { reg: numbers[to], base: rcx, offset: 0 })]),
  keep: (from, address) => Buffer.concat([constant(rcx, address), inMemory(stores[8], { reg: numbers[from], base: rcx, offset: 0 })]),
  call: (number, args, result) => Buffer.concat([...args.map((each, index) => moveTo(argumentNumbers[index] ?? 0, each)), constant(rax, number), Buffer.from('0f05', 'hex'), betweenRegisters([0x89], rax, numbers[result])]),
  compare(one, other) {
    const [before, register] = inRegister(other)
    return Buffer.concat([before, betweenRegisters([0x39], register, numbers[one])])
  },
  jump: (distance) => Buffer.concat([Buffer.from([0xe9]), int32(distance - 5)]),
  jumpIf: (relation, distance) => Buffer.concat([Buffer.from([0x0f, conditions[relation]]), int32(distance - 6)]),
  visit: (distance) => Buffer.concat([Buffer.from([0xe8]), int32(distance - 5)]),
  enter: () => Buffer.alloc(0),
  leave: () => Buffer.from([0xc3]),
}
