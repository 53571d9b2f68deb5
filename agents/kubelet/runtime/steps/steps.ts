/** A list of system calls for the step runner (machine-code/step-runner.ts): calls by name, texts and structures in place of their addresses, results as arguments of later calls. Pure. */
import { maxStepsBytes, stepsAddress } from '../../machine-code/step-runner.ts'
import type { Numbers } from '../../seccomp/syscalls/tables.ts'

/** The address of a byte of data that travels with the list. */
export interface Place { readonly data: Buffer; readonly offset: number }

/** What a call has answered; 32 bits. */
export interface Result { readonly uses: Use[] }
type Use = { step: Step; argument: number } | Place

export type Argument = number | bigint | Place | Result | readonly Place[]

interface Step { number: number; arguments: readonly Argument[]; what: string; mayFail: boolean; result: Result }

export interface Steps {
  /** `what`: said when it fails, with the kernel's error behind it. */
  call(name: string, args: readonly Argument[], what: string, options?: { mayFail?: boolean }): Result
  /** Fails when the 32 bits are negative; they are the result. */
  look(place: Place, what: string): Result
  encode(): Buffer
}

const wordBytes = 8
const stepBytes = 11 * wordBytes

export const text = (value: string): Place => ({ data: Buffer.from(`${value}\0`), offset: 0 })
export const space = (bytes: number): Place => ({ data: Buffer.alloc(bytes), offset: 0 })
export const put = (result: Result, place: Place): void => { result.uses.push(place) }

const isResult = (value: Argument): value is Result => typeof value === 'object' && 'uses' in value
const isPlace = (value: Argument): value is Place => typeof value === 'object' && 'data' in value

export const newSteps = (numbers: Numbers): Steps => {
  const steps: Step[] = []
  const add = (number: number, args: readonly Argument[], what: string, mayFail: boolean): Result => {
    const step: Step = { number, arguments: args, what, mayFail, result: { uses: [] } }
    for (const [index, each] of args.entries()) if (isResult(each)) each.uses.push({ step, argument: index })
    steps.push(step)
    return step.result
  }
  return {
    call(name, args, what, { mayFail = false } = {}) {
      const number = numbers.get(name)
      if (number === undefined) throw new Error(`there is no system call ${name} on this machine`)
      return add(number, args, what, mayFail)
    },
    look: (place, what) => add(-1, [place], what, false),
    encode: () => encode(steps),
  }
}

/** With every further use of a result as a step that carries it over, right behind the call. */
const encode = (steps: readonly Step[]): Buffer => {
  const index = new Map<Step, number>()
  let count = 0
  for (const step of steps) {
    index.set(step, count)
    count += Math.max(1, step.result.uses.length)
  }
  const blocks: Buffer[] = [Buffer.alloc(count * stepBytes)]
  const addresses = new Map<Buffer, number>()
  let size = count * stepBytes
  const addressOf = ({ data, offset }: Place): number => {
    const known = addresses.get(data)
    if (known !== undefined) return known + offset
    const address = stepsAddress + size
    const padded = Buffer.concat([data, Buffer.alloc((wordBytes - (data.length % wordBytes)) % wordBytes)])
    blocks.push(padded)
    size += padded.length
    addresses.set(data, address)
    return address + offset
  }
  const list = (places: readonly Place[]): number => {
    const table = Buffer.alloc((places.length + 1) * wordBytes)
    for (const [at, place] of places.entries()) table.writeBigUInt64LE(BigInt(addressOf(place)), at * wordBytes)
    return addressOf({ data: table, offset: 0 })
  }
  const valueOf = (each: Argument): bigint => (typeof each === 'object' ? BigInt(isResult(each) ? 0 : isPlace(each) ? addressOf(each) : list(each)) : BigInt.asUintN(64, BigInt(each)))
  const useAddress = (use: Use): number => ('step' in use ? stepsAddress + (index.get(use.step) ?? 0) * stepBytes + (1 + use.argument) * wordBytes : addressOf(use))
  const nowhere = space(wordBytes)
  const head = blocks[0] ?? Buffer.alloc(0)
  const write = (at: number, { number, args, into, mayFail, what }: { number: number; args: readonly bigint[]; into: number; mayFail: boolean; what: string }): void => {
    const said = Buffer.from(`${what}: errno `)
    const words = [BigInt.asUintN(64, BigInt(number)), ...Array.from({ length: 6 }, (_, each) => args[each] ?? 0n), BigInt(into), mayFail ? 1n : 0n, BigInt(addressOf({ data: said, offset: 0 })), BigInt(said.length)]
    for (const [word, value] of words.entries()) head.writeBigUInt64LE(value, at * stepBytes + word * wordBytes)
  }
  for (const step of steps) {
    const at = index.get(step) ?? 0
    const [first, ...others] = step.result.uses
    const into = first ? useAddress(first) : addressOf(nowhere)
    write(at, { ...step, args: step.arguments.map(valueOf), into })
    for (const [further, use] of others.entries()) write(at + 1 + further, { number: -1, args: [BigInt(into)], into: useAddress(use), mayFail: true, what: step.what })
  }
  const whole = Buffer.concat(blocks)
  if (whole.length > maxStepsBytes) throw new Error(`${steps.length} system calls with ${whole.length} bytes are more than can be carried out at once`)
  return whole
}
