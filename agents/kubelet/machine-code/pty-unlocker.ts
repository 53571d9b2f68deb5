/** The program that unlocks the terminal whose master is its standard input, so that its other end can be opened: neither Node nor a program of the machine does that alone. */
import { elfProgram } from './elf.ts'

const x86_64 = `
31ff               xor edi, edi
57                 push rdi
be31540440         mov esi, 0x40045431
4889e2             mov rdx, rsp
b810000000         mov eax, 16           ioctl(0, TIOCSPTLCK, &0)
0f05               syscall
85c0               test eax, eax
0f95c0             setnz al
0fb6f8             movzx edi, al
b8e7000000         mov eax, 231          exit_group
0f05               syscall
`

const aarch64 = `
ff7fbfa9           stp xzr, xzr, [sp, #-16]!
000080d2           mov x0, #0
21868ad2           movz x1, #0x5431
8100a8f2           movk x1, #0x4004, lsl #16
e2030091           mov x2, sp
a80380d2           mov x8, #29           ioctl
010000d4           svc #0
1f0000f1           cmp x0, #0
e0079f9a           cset x0, ne
c80b80d2           mov x8, #94           exit_group
010000d4           svc #0
`

/** `architecture`: as Node names it; undefined: none is known for it. */
export const ptyUnlockerProgram = (architecture: string): Buffer | undefined => elfProgram({ x64: x86_64, arm64: aarch64 }, architecture)
