/**
 * From a profile's rules to a filter of the kernel: for each binary interface a binary search over the numbers of system calls, whose leaves say what happens.
 * Mirrors what libseccomp and runc make of a profile: a rule without conditions beats those with conditions, the order decides otherwise; what is newer than anything
 * that the profile names answers ENOSYS, so that programs fall back (runc's libcontainer/seccomp/patchbpf). Pure.
 */
import { and, branch, compare, give, type Instruction, load, maxInstructions, offsets } from './bpf.ts'
import type { Condition } from './profile.ts'
import { enosys, retErrno, retKillProcess, type Selected, type SelectedRule } from './select.ts'
import { type Abi, x32Bit } from './syscalls/tables.ts'

/** What happens from a number on. */
interface Segment { from: number; program: readonly Instruction[] }

/** Throws when the filter is larger than the kernel takes. */
export const compileFilter = (selected: Selected): Instruction[] => {
  const byAudit = Map.groupBy(selected.abis, ({ audit }) => audit)
  const program = [...byAudit].reduceRight<Instruction[]>((rest, [audit, abis]) =>
    branch('jumpIfEqual', audit, { holds: section(abis, selected), fails: rest }), [give(retKillProcess)])
  const whole = [load(offsets.architecture), ...program]
  if (whole.length > maxInstructions) throw new Error(`the filter would have ${whole.length} instructions, the kernel takes ${maxInstructions}`)
  return whole
}

const section = (abis: readonly Abi[], selected: Selected): Instruction[] => {
  const native = abis.filter(({ name }) => name !== 'SCMP_ARCH_X32').flatMap((abi) => segments(abi, selected))
  const x32 = abis.filter(({ name }) => name === 'SCMP_ARCH_X32').flatMap((abi) => segments(abi, selected))
  const isX86_64 = abis.some(({ name }) => name === 'SCMP_ARCH_X86_64')
  return [load(offsets.number), ...search(merge([
    { from: 0, program: [give(selected.defaultAction)] }, ...native,
    ...(isX86_64 ? [{ from: x32Bit, program: [give(x32.length > 0 ? selected.defaultAction : retKillProcess)] }, ...x32] : []),
    // No call at all, but what a tracer puts in the place of one that is to be left out.
    ...(isX86_64 ? [{ from: 0xffff_ffff, program: [give(selected.defaultAction)] }] : []),
  ]))]
}

const segments = ({ numbers }: Abi, { rules, defaultAction, unknownIsMissing }: Selected): Segment[] => {
  const byNumber = new Map<number, SelectedRule[]>()
  for (const rule of rules) {
    for (const name of rule.names) {
      const number = numbers.get(name)
      if (number !== undefined) byNumber.set(number, [...(byNumber.get(number) ?? []), rule])
    }
  }
  const sorted = [...byNumber].sort(([one], [other]) => one - other)
  const last = sorted.at(-1)?.[0]
  return [
    ...sorted.flatMap(([number, found]) => [{ from: number, program: leaf(found, defaultAction) }, { from: number + 1, program: [give(defaultAction)] }]),
    ...(unknownIsMissing && last !== undefined ? [{ from: last + 1, program: [give(retErrno | enosys)] }] : []),
  ]
}

const leaf = (rules: readonly SelectedRule[], defaultAction: number): Instruction[] => {
  // A rule that says what would happen anyway is none.
  const telling = rules.filter(({ action }) => action !== defaultAction)
  const always = telling.find(({ conditions }) => conditions.length === 0)
  if (always) return [give(always.action)]
  return [...telling.flatMap(({ action, conditions }) => [...conjunction(conditions, 1), give(action)]), give(defaultAction)]
}

/** Goes on behind itself when all conditions hold, and `beyond` instructions further when one does not. */
const conjunction = (conditions: readonly Condition[], beyond: number): Instruction[] =>
  conditions.reduceRight<Instruction[]>((rest, condition) => [...check(condition, rest.length + beyond), ...rest], [])

const lowHalf = (value: bigint): number => Number(value & 0xffff_ffffn)
const highHalf = (value: bigint): number => Number(value >> 32n)

/** Goes on behind itself when the condition holds, and `fail` instructions further when it does not. */
const check = ({ index, value, valueTwo, op }: Condition, fail: number): Instruction[] => {
  const high = load(offsets.high(index))
  const low = load(offsets.low(index))
  const [top, bottom] = [highHalf(value), lowHalf(value)]
  // After the comparison of the high halves two more instructions follow: the low half and its comparison.
  switch (op) {
    case 'SCMP_CMP_EQ': return [high, compare('jumpIfEqual', top, 0, 2 + fail), low, compare('jumpIfEqual', bottom, 0, fail)]
    case 'SCMP_CMP_NE': return [high, compare('jumpIfEqual', top, 0, 2), low, compare('jumpIfEqual', bottom, fail, 0)]
    case 'SCMP_CMP_MASKED_EQ': return [high, and(top), compare('jumpIfEqual', highHalf(valueTwo), 0, 3 + fail), low, and(bottom), compare('jumpIfEqual', lowHalf(valueTwo), 0, fail)]
    case 'SCMP_CMP_GT': return [high, compare('jumpIfGreater', top, 3, 0), compare('jumpIfEqual', top, 0, 2 + fail), low, compare('jumpIfGreater', bottom, 0, fail)]
    case 'SCMP_CMP_GE': return [high, compare('jumpIfGreater', top, 3, 0), compare('jumpIfEqual', top, 0, 2 + fail), low, compare('jumpIfAtLeast', bottom, 0, fail)]
    case 'SCMP_CMP_LT': return [high, compare('jumpIfGreater', top, 3 + fail, 0), compare('jumpIfEqual', top, 0, 2), low, compare('jumpIfAtLeast', bottom, fail, 0)]
    case 'SCMP_CMP_LE': return [high, compare('jumpIfGreater', top, 3 + fail, 0), compare('jumpIfEqual', top, 0, 2), low, compare('jumpIfGreater', bottom, fail, 0)]
  }
}

const isSame = (one: readonly Instruction[], other: readonly Instruction[]): boolean => JSON.stringify(one) === JSON.stringify(other)

/** Of two that begin at the same number the later counts; neighbours that do the same are one. */
const merge = (all: readonly Segment[]): Segment[] => {
  const sorted = [...new Map(all.map((segment) => [segment.from, segment])).values()].sort((one, other) => one.from - other.from)
  return sorted.filter((segment, index) => !isSame(segment.program, sorted[index - 1]?.program ?? []))
}

const search = (all: readonly Segment[]): readonly Instruction[] => {
  const middle = all[all.length >> 1]
  if (all.length <= 1 || !middle) return all[0]?.program ?? []
  return branch('jumpIfAtLeast', middle.from, { holds: search(all.slice(all.length >> 1)), fails: search(all.slice(0, all.length >> 1)) })
}
