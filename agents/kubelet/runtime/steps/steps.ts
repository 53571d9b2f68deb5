/** A list of system calls for the step runner (machine-code/step-runner.ts): calls by name, texts and structures in place of their addresses, results as arguments of later calls. Pure. */
import { maxStepsBytes, stepsAddress } from '../../machine-code/step-runner.ts'
import type { Numbers } from '../../seccomp/syscalls/tables.ts'

/** The address of a byte of data that travels with the list. */
export interface Place { readonly data: Buffer; readonly offset: number }

/** What a call has answered; 32 bits. */
export interface Result { readonly uses: Use[] }
type Use = { step: Step; argument: number } | Place

/** A list is a table of words, addresses among them, behind which comes a zero. */
export type Argument = number | bigint | Place | Result | readonly (Place | bigint)[]

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

/** 64 bits, low half first: numbers are written in halves, which is many times quicker than by way of BigInt. */
const writeWord = (into: Buffer, at: number, value: number | bigint): void => {
  if (typeof value === 'bigint') { into.writeBigUInt64LE(BigInt.asUintN(64, value), at); return }
  into.writeUInt32LE(value >>> 0, at)
  into.writeUInt32LE(Math.floor(value / 2 ** 32) >>> 0, at + 4)
}

/** What the steps point to, behind them. */
const dataBehind = (stepsBytes: number): { blocks: Buffer[]; addressOf(place: Place): number; sayingOf(what: string): { address: number; length: number } } => {
  const blocks: Buffer[] = []
  const addresses = new Map<Buffer, number>()
  const sayings = new Map<string, { address: number; length: number }>()
  let size = stepsBytes
  const addressOf = ({ data, offset }: Place): number => {
    const known = addresses.get(data)
    if (known !== undefined) return known + offset
    const address = stepsAddress + size
    const padding = (wordBytes - (data.length % wordBytes)) % wordBytes
    blocks.push(data)
    if (padding > 0) blocks.push(zeros.subarray(0, padding))
    size += data.length + padding
    addresses.set(data, address)
    return address + offset
  }
  return {
    blocks, addressOf,
    sayingOf(what) {
      const known = sayings.get(what)
      if (known) return known
      const said = Buffer.from(`${what}: errno `)
      const saying = { address: addressOf({ data: said, offset: 0 }), length: said.length }
      sayings.set(what, saying)
      return saying
    },
  }
}

const zeros = Buffer.alloc(wordBytes)

/** With every further use of a result as a step that carries it over, right behind the call. */
const encode = (steps: readonly Step[]): Buffer => {
  const index = new Map<Step, number>()
  let count = 0
  for (const step of steps) {
    index.set(step, count)
    count += Math.max(1, step.result.uses.length)
  }
  const head = Buffer.alloc(count * stepBytes)
  const { blocks, addressOf, sayingOf } = dataBehind(head.length)
  const list = (words: readonly (Place | bigint)[]): number => {
    const table = Buffer.alloc((words.length + 1) * wordBytes)
    for (const [at, word] of words.entries()) writeWord(table, at * wordBytes, typeof word === 'bigint' ? word : addressOf(word))
    return addressOf({ data: table, offset: 0 })
  }
  const valueOf = (each: Argument): number | bigint => (typeof each !== 'object' ? each : isResult(each) ? 0 : isPlace(each) ? addressOf(each) : list(each))
  const useAddress = (use: Use): number => ('step' in use ? stepsAddress + (index.get(use.step) ?? 0) * stepBytes + (1 + use.argument) * wordBytes : addressOf(use))
  const nowhere = space(wordBytes)
  const write = (at: number, { number, args, into, mayFail, what }: { number: number; args: readonly (number | bigint)[]; into: number; mayFail: boolean; what: string }): void => {
    const saying = sayingOf(what)
    const start = at * stepBytes
    writeWord(head, start, number)
    for (const [each, value] of args.entries()) writeWord(head, start + (1 + each) * wordBytes, value)
    for (const [each, value] of [into, mayFail ? 1 : 0, saying.address, saying.length].entries()) writeWord(head, start + (7 + each) * wordBytes, value)
  }
  for (const step of steps) {
    const at = index.get(step) ?? 0
    const [first, ...others] = step.result.uses
    const into = first ? useAddress(first) : addressOf(nowhere)
    write(at, { ...step, args: step.arguments.map(valueOf), into })
    for (const [further, use] of others.entries()) write(at + 1 + further, { number: -1, args: [into], into: useAddress(use), mayFail: true, what: step.what })
  }
  const whole = Buffer.concat([head, ...blocks])
  if (whole.length > maxStepsBytes) throw new Error(`${steps.length} system calls with ${whole.length} bytes are more than can be carried out at once`)
  return whole
}
