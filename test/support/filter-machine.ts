/** What the kernel does with a seccomp filter: checks it when it is loaded, runs it for each system call. Understands what it is given; anything else is refused, as the kernel does. */
import { type Instruction, opcodes } from '../../agents/kubelet/seccomp/bpf.ts'

export interface Call { architecture: number; number: number; args?: readonly bigint[] }

const seccompDataBytes = 64

/** Throws for what seccomp_check_filter and bpf_check_classic of the kernel refuse. */
export const checkFilter = (program: readonly Instruction[]): void => {
  if (program.length === 0 || program.length > 4096) throw new Error(`${program.length} instructions`)
  for (const [index, { code, k, jt, jf }] of program.entries()) {
    const inside = (distance: number): boolean => Number.isInteger(distance) && distance >= 0 && index + 1 + distance < program.length
    const isConditional = [opcodes.jumpIfEqual, opcodes.jumpIfGreater, opcodes.jumpIfAtLeast].some((each) => each === code)
    if (!Object.values(opcodes).some((each) => each === code)) throw new Error(`instruction ${index}: code ${code}`)
    if (code === opcodes.load && (k % 4 !== 0 || k >= seccompDataBytes)) throw new Error(`instruction ${index}: load from ${k}`)
    if (code === opcodes.jump && !inside(k)) throw new Error(`instruction ${index}: jump to nowhere`)
    if (isConditional && (!inside(jt) || !inside(jf) || jt > 255 || jf > 255)) throw new Error(`instruction ${index}: jump to nowhere`)
    if (!isConditional && (jt !== 0 || jf !== 0)) throw new Error(`instruction ${index}: no jump`)
  }
  if (program.at(-1)?.code !== opcodes.return) throw new Error('the end is no return')
}

const dataOf = ({ architecture, number, args = [] }: Call): Buffer => {
  const data = Buffer.alloc(seccompDataBytes)
  data.writeUInt32LE(number >>> 0, 0)
  data.writeUInt32LE(architecture >>> 0, 4)
  for (const [index, value] of args.entries()) data.writeBigUInt64LE(value, 16 + 8 * index)
  return data
}

/** SECCOMP_RET_…, and how many instructions that took. */
export const runFilter = (program: readonly Instruction[], call: Call): { action: number; steps: number } => {
  const data = dataOf(call)
  let accumulator = 0
  let steps = 0
  for (let at = 0; ; at++) {
    const instruction = program[at]
    if (!instruction) throw new Error('ran out of the program')
    const { code, k, jt, jf } = instruction
    const operand = k >>> 0
    steps++
    if (code === opcodes.return) return { action: operand, steps }
    if (code === opcodes.load) accumulator = data.readUInt32LE(operand)
    else if (code === opcodes.and) accumulator = (accumulator & operand) >>> 0
    else if (code === opcodes.jump) at += operand
    else if (code === opcodes.jumpIfEqual) at += accumulator === operand ? jt : jf
    else if (code === opcodes.jumpIfGreater) at += accumulator > operand ? jt : jf
    else at += accumulator >= operand ? jt : jf
  }
}
