/** Bytes of AArch64 instructions for assembler.ts (Arm's architecture reference manual, C6). Pure. */
import type { Encoder, Operand, Register, Relation, Width } from './assembler.ts'

/** x19 to x24: those that calls preserve. x9 and x10 come and go. */
const numbers: Readonly<Record<Register, number>> = { a: 19, b: 20, c: 21, d: 22, e: 23, f: 24 }
const scratch = 9
const other = 10
const zero = 31
const callNumber = 8

const conditions: Readonly<Record<Relation, number>> = { equal: 0, unequal: 1, atLeast: 10, below: 11, above: 12, atMost: 13 }

const words = (...each: readonly number[]): Buffer => {
  const bytes = Buffer.alloc(each.length * 4)
  for (const [index, word] of each.entries()) bytes.writeUInt32LE(word >>> 0, index * 4)
  return bytes
}

/** movz, and a movk for every further sixteen bits that are not zero. */
const constant = (to: number, value: number | bigint): Buffer => {
  const bits = BigInt.asUintN(64, BigInt(value))
  const halves = [0, 1, 2, 3].map((index) => Number((bits >> BigInt(16 * index)) & 0xffffn))
  const first = Math.max(0, halves.findIndex((half) => half !== 0))
  return words(...halves.flatMap((half, index) => (index === first ? [0xd280_0000 + index * 0x20_0000 + half * 32 + to] : half !== 0 ? [0xf280_0000 + index * 0x20_0000 + half * 32 + to] : [])))
}

/** `opcode` with the three registers at their places. */
const three = (opcode: number, { to, first, second }: { to: number; first: number; second: number }): number => opcode + second * 0x1_0000 + first * 32 + to

const moveTo = (to: number, from: Operand): Buffer => (typeof from === 'string' ? words(three(0xaa00_0000, { to, first: zero, second: numbers[from] })) : constant(to, from))

const inRegister = (operand: Operand): [Buffer, number] => (typeof operand === 'string' ? [Buffer.alloc(0), numbers[operand]] : [constant(scratch, operand), scratch])

const loads: Readonly<Record<Width, number>> = { 1: 0x3940_0000, 4: 0xb980_0000, 8: 0xf940_0000 }
const stores: Readonly<Record<Width, number>> = { 1: 0x3900_0000, 4: 0xb900_0000, 8: 0xf900_0000 }

/** Offsets are counted in what is loaded. */
const inMemory = (opcode: number, { register, base, offset, width }: { register: number; base: number; offset: number; width: Width }): Buffer => {
  if (offset < 0 || offset % width !== 0 || offset / width > 0xfff) throw new Error(`${offset} is no offset for ${width} bytes`)
  return words(opcode + (offset / width) * 1024 + base * 32 + register)
}

const relative = (distance: number, bits: number): number => (distance / 4) & (2 ** bits - 1)

const computations = { add: 0x8b00_0000, subtract: 0xcb00_0000, multiply: 0x9b00_7c00 } as const

export const arm64Encoder: Encoder = {
  move: (to, from) => moveTo(numbers[to], from),
  compute(kind, to, by) {
    const [before, second] = inRegister(by)
    return Buffer.concat([before, words(three(computations[kind], { to: numbers[to], first: numbers[to], second }))])
  },
  // udiv, and msub for what is left over.
  divide: (to, by, rest) => Buffer.concat([constant(scratch, by), words(
    three(0x9ac0_0800, { to: other, first: numbers[to], second: scratch }),
    three(0x9b00_8000, { to: numbers[rest], first: other, second: scratch }) + numbers[to] * 1024,
    three(0xaa00_0000, { to: numbers[to], first: zero, second: other }),
  )]),
  load: (to, at, offset, width) => inMemory(loads[width], { register: numbers[to], base: numbers[at], offset, width }),
  store: (from, at, offset, width) => inMemory(stores[width], { register: numbers[from], base: numbers[at], offset, width }),
  fetch: (to, address) => Buffer.concat([constant(other, address), inMemory(loads[8], { register: numbers[to], base: other, offset: 0, width: 8 })]),
  keep: (from, address) => Buffer.concat([constant(other, address), inMemory(stores[8], { register: numbers[from], base: other, offset: 0, width: 8 })]),
  call: (number, args, result) => Buffer.concat([...args.map((each, index) => moveTo(index, each)), constant(callNumber, number), words(0xd400_0001, three(0xaa00_0000, { to: numbers[result], first: zero, second: 0 }))]),
  compare(one, than) {
    const [before, second] = inRegister(than)
    return Buffer.concat([before, words(three(0xeb00_0000, { to: zero, first: numbers[one], second }))])
  },
  jump: (distance) => words(0x1400_0000 + relative(distance, 26)),
  jumpIf: (relation, distance) => words(0x5400_0000 + relative(distance, 19) * 32 + conditions[relation]),
  visit: (distance) => words(0x9400_0000 + relative(distance, 26)),
  // Where to go back to: x30 on the stack.
  enter: () => words(0xf81f_0ffe),
  leave: () => words(0xf841_07fe, 0xd65f_03c0),
}
