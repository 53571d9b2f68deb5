import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { arch, tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { arm64Encoder as arm64 } from '../../../agents/kubelet/machine-code/arm64-encoder.ts'
import { type Assembler, assembledProgram } from '../../../agents/kubelet/machine-code/assembler.ts'
import { writeDate } from '../../../agents/kubelet/machine-code/log-stamp.ts'
import { x64Encoder as x64 } from '../../../agents/kubelet/machine-code/x64-encoder.ts'
import { sayWhatIsSkipped } from '../../support/skipped.ts'

describe('instructions are what an assembler makes of them, with offsets of full length', () => {
  for (const [name, bytes, expected] of [
    ['mov rbx, r13', x64.move('a', 'd'), '4c89eb'], ['movabs r12, 0x1122', x64.move('c', 0x1122), '49bc2211000000000000'], ['movabs rbp, -2', x64.move('b', -2), '48bdfeffffffffffffff'],
    ['add r14, rbx', x64.compute('add', 'e', 'a'), '4901de'], ['sub rbp, r15', x64.compute('subtract', 'b', 'f'), '4c29fd'], ['imul r12, r13', x64.compute('multiply', 'c', 'd'), '4d0fafe5'],
    ['movabs rcx, 5; add rbx, rcx', x64.compute('add', 'a', 5), '48b905000000000000004801cb'],
    ['mov rax, r12; xor edx, edx; movabs rcx, 10; div rcx; mov r12, rax; mov r15, rdx', x64.divide('c', 10, 'f'), '4c89e031d248b90a0000000000000048f7f14989c44989d7'],
    ['movzx rbx, byte ptr [r15+1]', x64.load('a', 'f', 1, 1), '490fb69f01000000'], ['movsxd r13, dword ptr [r12+4]', x64.load('d', 'c', 4, 4), '4d63ac2404000000'], ['mov rbp, [rbp+8]', x64.load('b', 'b', 8, 8), '488bad08000000'],
    ['mov [r13+1], bpl', x64.store('b', 'd', 1, 1), '4188ad01000000'], ['mov [r12+4], r14d', x64.store('e', 'c', 4, 4), '4589b42404000000'], ['mov [r14+8], r15', x64.store('f', 'e', 8, 8), '4d89be08000000'],
    ['movabs rcx, 16; mov r12, [rcx]', x64.fetch('c', 16), '48b910000000000000004c8ba100000000'], ['movabs rcx, 16; mov [rcx], rbx', x64.keep('a', 16), '48b9100000000000000048899900000000'],
    ['mov rdi, rbx; mov r10, …: system call 7', x64.call(7, ['a', 'b', 'c', 'd', 'e', 'f'], 'a'), '4889df4889ee4c89e24d89ea4d89f04d89f948b807000000000000000f054889c3'],
    ['cmp r12, rbx', x64.compare('c', 'a'), '4939dc'], ['jmp .', x64.jump(0), 'e9fbffffff'], ['je .', x64.jumpIf('equal', 0), '0f84faffffff'], ['jl .', x64.jumpIf('below', 0), '0f8cfaffffff'], ['jge .', x64.jumpIf('atLeast', 0), '0f8dfaffffff'], ['jle .', x64.jumpIf('atMost', 0), '0f8efaffffff'], ['jg .', x64.jumpIf('above', 0), '0f8ffaffffff'], ['jne .', x64.jumpIf('unequal', 0), '0f85faffffff'], ['call .', x64.visit(0), 'e8fbffffff'], ['ret', x64.leave(), 'c3'],
    ['mov x19, x22', arm64.move('a', 'd'), 'f30316aa'], ['mov x21, #0x1122', arm64.move('c', 0x1122), '552482d2'], ['mov x20, #0x10000', arm64.move('b', 0x1_0000), '3400a0d2'], ['movz, movk: 0x100020003', arm64.move('b', 0x1_0002_0003), '740080d25400a0f23400c0f2'], ['mov x20, #0', arm64.move('b', 0), '140080d2'],
    ['add x23, x23, x19', arm64.compute('add', 'e', 'a'), 'f702138b'], ['sub x20, x20, x24', arm64.compute('subtract', 'b', 'f'), '940218cb'], ['mul x21, x21, x22', arm64.compute('multiply', 'c', 'd'), 'b57e169b'],
    ['mov x9, #10; udiv x10, x21, x9; msub x24, x10, x9, x21; mov x21, x10', arm64.divide('c', 10, 'f'), '490180d2aa0ac99a58d5099bf5030aaa'],
    ['ldrb w19, [x24, #1]', arm64.load('a', 'f', 1, 1), '13074039'], ['ldrsw x22, [x21, #4]', arm64.load('d', 'c', 4, 4), 'b60680b9'], ['ldr x20, [x20, #8]', arm64.load('b', 'b', 8, 8), '940640f9'],
    ['strb w20, [x22, #1]', arm64.store('b', 'd', 1, 1), 'd4060039'], ['str w23, [x21, #4]', arm64.store('e', 'c', 4, 4), 'b70600b9'], ['str x24, [x23, #8]', arm64.store('f', 'e', 8, 8), 'f80600f9'],
    ['mov x10, #16; ldr x21, [x10]', arm64.fetch('c', 16), '0a0280d2550140f9'], ['mov x10, #16; str x19, [x10]', arm64.keep('a', 16), '0a0280d2530100f9'],
    ['mov x0, x19; mov x1, #2: system call 7', arm64.call(7, ['a', 2], 'b'), 'e00313aa410080d2e80080d2010000d4f40300aa'],
    ['cmp x21, x19', arm64.compare('c', 'a'), 'bf0213eb'], ['b .', arm64.jump(0), '00000014'], ['b .-4', arm64.jump(-4), 'ffffff17'], ['b.eq .+8', arm64.jumpIf('equal', 8), '40000054'], ['b.ne .-4', arm64.jumpIf('unequal', -4), 'e1ffff54'], ['b.lt .', arm64.jumpIf('below', 0), '0b000054'], ['b.ge .', arm64.jumpIf('atLeast', 0), '0a000054'], ['b.le .', arm64.jumpIf('atMost', 0), '0d000054'], ['b.gt .', arm64.jumpIf('above', 0), '0c000054'],
    ['bl .+4', arm64.visit(4), '01000094'], ['str x30, [sp, #-16]!', arm64.enter(), 'fe0f1ff8'], ['ldr x30, [sp], #16; ret', arm64.leave(), 'fe0741f8c0035fd6'],
  ] as const) test(name, () => { expect(bytes.toString('hex')).toBe(expected) })
  test('offsets that the machine does not have are refused', () => {
    for (const offset of [-8, 4, 0x8000]) expect(() => arm64.load('a', 'b', offset, 8)).toThrow(`${offset} is no offset`)
  })
})

describe('programs', () => {
  test('a place that is nowhere, one that is twice, a system call that there is not', () => {
    for (const [write, message] of [
      [(to: Assembler) => { to.jump('nowhere') }, 'there is no place nowhere'], [(to: Assembler) => { to.label('a'); to.label('a') }, 'two places have the name a'], [(to: Assembler) => { to.call('teleport', [], 'a') }, 'there is no system call teleport on arm64'],
    ] as const) expect(() => assembledProgram(write, 'arm64')).toThrow(message)
    expect(assembledProgram(() => {}, 'riscv64')).toBeUndefined()
  })
})

const memory = 0x2000_0000
/** Reads the kernel's structure of a moment from standard input and says the moment. */
const dateProgram = assembledProgram((to) => {
  to.call('mmap', [memory, 0x1000, 3, 0x32, -1, 0], 'a')
  to.call('read', [0, memory, 16], 'a')
  writeDate(to, { time: memory, year: memory + 0x20, at: memory + 0x100 })
  to.call('write', [1, memory + 0x100, 29], 'a')
  to.call('exit_group', [0], 'a')
}, arch())

sayWhatIsSkipped('assembler.test.ts, in part', !dateProgram, 'there is no such program for this machine\'s architecture')
describe.skipIf(!dateProgram)('a moment as digits', () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'wherry-date-'))
  writeFileSync(path.join(directory, 'date'), dateProgram ?? '', { mode: 0o755 })
  afterAll(() => { rmSync(directory, { recursive: true, force: true }) })
  for (const [moment, nanoseconds] of [
    ['1970-01-01T00:00:00', 0], ['1999-12-31T23:59:59', 999_999_999], ['2000-02-29T12:00:00', 1], ['2000-03-01T00:00:00', 10], ['2024-02-29T23:59:59', 123_456_789], ['2026-11-22T22:05:36', 42],
    ['2100-02-28T23:59:59', 7], ['2100-03-01T00:00:00', 0], ['2400-02-29T00:00:00', 0], ['9999-12-31T23:59:59', 0],
  ] as const) {
    test(`${moment} and ${nanoseconds} ns`, () => {
      const input = Buffer.alloc(16)
      input.writeBigInt64LE(BigInt(Date.parse(`${moment}Z`) / 1000))
      input.writeBigInt64LE(BigInt(nanoseconds), 8)
      const said = spawnSync(path.join(directory, 'date'), { input, encoding: 'latin1' }).stdout.replaceAll('\0', ' ')
      expect(said).toBe(`${moment.replaceAll(/[-:T]/g, ' ')} ${String(nanoseconds).padStart(9, '0')}`)
    })
  }
})
