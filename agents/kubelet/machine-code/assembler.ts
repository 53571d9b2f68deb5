/**
 * A small language of machine instructions that are the same for every machine that we know: a program of more than some dozen instructions is written once, and each machine's encoder
 * (x64-encoder.ts, arm64-encoder.ts) makes its bytes. Numbers have 64 bits. System calls change no register but that of their result. Pure.
 */
import { elfFile } from './elf.ts'
import { machineOf } from '../seccomp/syscalls/tables.ts'
import { arm64Encoder } from './arm64-encoder.ts'
import { x64Encoder } from './x64-encoder.ts'

export const registers = ['a', 'b', 'c', 'd', 'e', 'f'] as const
export type Register = (typeof registers)[number]
export type Operand = Register | number | bigint
/** `below` and `atLeast` take numbers as signed. */
export type Relation = 'equal' | 'unequal' | 'below' | 'atLeast' | 'above' | 'atMost'
/** Four bytes are read with their sign. */
export type Width = 1 | 4 | 8

/** Bytes of single instructions; jumps have the same length however far they go. Distances are counted from where the jump begins. */
export interface Encoder {
  move(to: Register, from: Operand): Buffer
  compute(kind: 'add' | 'subtract' | 'multiply', to: Register, by: Operand): Buffer
  /** `to` becomes the quotient, without signs; `rest` what is left over. */
  divide(to: Register, by: number, rest: Register): Buffer
  load(to: Register, at: Register, offset: number, width: Width): Buffer
  store(from: Register, at: Register, offset: number, width: Width): Buffer
  /** The same, eight bytes at a known address. */
  fetch(to: Register, address: number): Buffer
  keep(from: Register, address: number): Buffer
  call(number: number, args: readonly Operand[], result: Register): Buffer
  compare(one: Register, other: Operand): Buffer
  jump(distance: number): Buffer
  jumpIf(relation: Relation, distance: number): Buffer
  visit(distance: number): Buffer
  /** At the beginning and at the end of what is visited. */
  enter(): Buffer
  leave(): Buffer
}

export interface Assembler {
  architecture: string
  move(to: Register, from: Operand): void
  add(to: Register, by: Operand): void
  subtract(to: Register, by: Operand): void
  multiply(to: Register, by: Operand): void
  divide(to: Register, by: number, rest: Register): void
  load(to: Register, at: Register, offset: number, width?: Width): void
  store(from: Register, at: Register, offset: number, width?: Width): void
  fetch(to: Register, address: number): void
  keep(from: Register, address: number): void
  /** By the name of the system call; a negative result is an error's number. */
  call(name: string, args: readonly Operand[], result: Register): void
  label(name: string): void
  jump(label: string): void
  jumpIf(one: Register, relation: Relation, other: Operand, label: string): void
  /** Goes on behind this when what is at the label leaves. */
  visit(label: string): void
  enter(label: string): void
  leave(): void
}

type Piece = { bytes: Buffer } | { label: string } | { to: string; encode: (distance: number) => Buffer }

const encoders: Readonly<Record<string, Encoder>> = { x64: x64Encoder, arm64: arm64Encoder }

/** The executable that `write` describes; undefined where no machine of that architecture (as Node names it) is known. */
export const assembledProgram = (write: (assembler: Assembler) => void, architecture: string): Buffer | undefined => {
  const encoder = encoders[architecture]
  const numbers = machineOf(architecture)?.abis[0]?.numbers
  if (!encoder || !numbers) return undefined
  const pieces: Piece[] = []
  const add = (bytes: Buffer): void => { pieces.push({ bytes }) }
  write({
    architecture,
    move: (to, from) => { add(encoder.move(to, from)) },
    add: (to, by) => { add(encoder.compute('add', to, by)) },
    subtract: (to, by) => { add(encoder.compute('subtract', to, by)) },
    multiply: (to, by) => { add(encoder.compute('multiply', to, by)) },
    divide: (to, by, rest) => { add(encoder.divide(to, by, rest)) },
    load: (to, at, offset, width = 8) => { add(encoder.load(to, at, offset, width)) },
    store: (from, at, offset, width = 8) => { add(encoder.store(from, at, offset, width)) },
    fetch: (to, address) => { add(encoder.fetch(to, address)) },
    keep: (from, address) => { add(encoder.keep(from, address)) },
    call(name, args, result) {
      const number = numbers.get(name)
      if (number === undefined) throw new Error(`there is no system call ${name} on ${architecture}`)
      add(encoder.call(number, args, result))
    },
    label: (name) => { pieces.push({ label: name }) },
    jump: (to) => { pieces.push({ to, encode: encoder.jump }) },
    jumpIf(one, relation, other, to) {
      add(encoder.compare(one, other))
      pieces.push({ to, encode: (distance) => encoder.jumpIf(relation, distance) })
    },
    visit: (to) => { pieces.push({ to, encode: encoder.visit }) },
    enter(label) { pieces.push({ label }); add(encoder.enter()) },
    leave: () => { add(encoder.leave()) },
  })
  return elfFile(link(pieces), architecture)
}

const link = (pieces: readonly Piece[]): Buffer => {
  const labels = new Map<string, number>()
  let at = 0
  for (const piece of pieces) {
    if ('label' in piece) {
      if (labels.has(piece.label)) throw new Error(`two places have the name ${piece.label}`)
      labels.set(piece.label, at)
    } else at += 'bytes' in piece ? piece.bytes.length : piece.encode(0).length
  }
  const code: Buffer[] = []
  at = 0
  for (const piece of pieces) {
    if ('label' in piece) continue
    const target = 'to' in piece ? labels.get(piece.to) : at
    if (target === undefined) throw new Error(`there is no place ${'to' in piece ? piece.to : ''}`)
    const bytes = 'bytes' in piece ? piece.bytes : piece.encode(target - at)
    code.push(bytes)
    at += bytes.length
  }
  return Buffer.concat(code)
}
