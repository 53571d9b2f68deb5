/**
 * The program that carries out a list of system calls, one after the other, as runtime/steps/steps.ts writes it: what takes a dozen small programs of the machine otherwise, each of which costs a millisecond
 * and more to load, takes none. It reads standard input to its end into memory of its own at a fixed address, so that the list can point into itself.
 *
 * A step is eleven 64-bit words: number of the system call, six arguments, where its result is put (32 bits), whether it may fail, and what is said of a failure: address and length. A negative
 * number is no call: the 32 bits that the first argument points to are its result. A result below zero that may not be is said on descriptor 2, with the error's number, and ends the program with 125.
 */
import { elfProgram } from './elf.ts'

/** Where the list comes to lie, and how long it can be. */
export const stepsAddress = 0x2000_0000
export const maxStepsBytes = 0x8_0000

const x86_64 = `
bf00000020         mov edi, 0x20000000
be00000800         mov esi, 0x80000
ba03000000         mov edx, 3
41ba32000000       mov r10d, 0x32
49c7c0ffffffff     mov r8, -1
4531c9             xor r9d, r9d
b809000000         mov eax, 9
0f05               syscall
4839f8             cmp rax, rdi
0f85b9000000       jne bad
4889fb             mov rbx, rdi
31ff               read: xor edi, edi
4889de             mov rsi, rbx
ba00000820         mov edx, 0x20080000
29da               sub edx, ebx
31c0               xor eax, eax
0f05               syscall
4885c0             test rax, rax
0f889d000000       js bad
7405               je run
4801c3             add rbx, rax
ebe0               jmp read
bb00000020         run: mov ebx, 0x20000000
488b03             step: mov rax, [rbx]
488b7b08           mov rdi, [rbx+8]
4885c0             test rax, rax
7818               js look
488b7310           mov rsi, [rbx+16]
488b5318           mov rdx, [rbx+24]
4c8b5320           mov r10, [rbx+32]
4c8b4328           mov r8, [rbx+40]
4c8b4b30           mov r9, [rbx+48]
0f05               syscall
eb03               jmp done
486307             look: movsxd rax, dword ptr [rdi]
488b4b38           done: mov rcx, [rbx+56]
8901               mov [rcx], eax
4885c0             test rax, rax
7907               jns next
48837b4000         cmp qword ptr [rbx+64], 0
7406               je fail
4883c358           next: add rbx, 88
ebc1               jmp step
f7d8               fail: neg eax
b90a000000         mov ecx, 10
4883ec10           sub rsp, 16
4c8d642408         lea r12, [rsp+8]
41c604240a         mov byte ptr [r12], 10
31d2               digit: xor edx, edx
f7f1               div ecx
83c230             add edx, 48
49ffcc             dec r12
41881424           mov [r12], dl
85c0               test eax, eax
75ee               jne digit
bf02000000         mov edi, 2
488b7348           mov rsi, [rbx+72]
488b5350           mov rdx, [rbx+80]
b801000000         mov eax, 1
0f05               syscall
bf02000000         mov edi, 2
4c89e6             mov rsi, r12
488d542409         lea rdx, [rsp+9]
4c29e2             sub rdx, r12
b801000000         mov eax, 1
0f05               syscall
bf7d000000         bad: mov edi, 125
b8e7000000         mov eax, 231
0f05               syscall
`

const aarch64 = `
0000a4d2           mov x0, #0x20000000
0101a0d2           mov x1, #0x80000
620080d2           mov x2, #3
430680d2           mov x3, #0x32
04008092           mov x4, #-1
050080d2           mov x5, #0
c81b80d2           mov x8, #222
010000d4           svc #0
1300a4d2           mov x19, #0x20000000
1f0013eb           cmp x0, x19
21060054           b.ne bad
1401a0d2           mov x20, #0x80000
9402138b           add x20, x20, x19
000080d2           read: mov x0, #0
e10313aa           mov x1, x19
820213cb           sub x2, x20, x19
e80780d2           mov x8, #63
010000d4           svc #0
2005f8b7           tbnz x0, #63, bad
600000b4           cbz x0, run
7302008b           add x19, x19, x0
f8ffff17           b read
1300a4d2           run: mov x19, #0x20000000
680240a9           step: ldp x8, x0, [x19]
c800f8b7           tbnz x8, #63, look
610a41a9           ldp x1, x2, [x19, #16]
631242a9           ldp x3, x4, [x19, #32]
652643a9           ldp x5, x9, [x19, #48]
010000d4           svc #0
02000014           b done
000080b9           look: ldrsw x0, [x0]
69aa43a9           done: ldp x9, x10, [x19, #56]
200100b9           str w0, [x9]
4000f8b6           tbz x0, #63, next
6a0000b4           cbz x10, fail
73620191           next: add x19, x19, #88
f3ffff17           b step
f403004b           fail: neg w20, w0
55018052           mov w21, #10
ff4300d1           sub sp, sp, #16
f6230091           add x22, sp, #8
49018052           mov w9, #10
c9020039           strb w9, [x22]
890ad51a           digit: udiv w9, w20, w21
2ad1151b           msub w10, w9, w21, w20
4ac10011           add w10, w10, #48
cafe1f38           strb w10, [x22, #-1]!
f403092a           mov w20, w9
74ffff35           cbnz w20, digit
400080d2           mov x0, #2
618a44a9           ldp x1, x2, [x19, #72]
080880d2           mov x8, #64
010000d4           svc #0
400080d2           mov x0, #2
e10316aa           mov x1, x22
e2270091           add x2, sp, #9
420016cb           sub x2, x2, x22
080880d2           mov x8, #64
010000d4           svc #0
a00f80d2           bad: mov x0, #125
c80b80d2           mov x8, #94
010000d4           svc #0
`

/** `architecture`: as Node names it; undefined: none is known for it. */
export const stepRunnerProgram = (architecture: string): Buffer | undefined => elfProgram({ x64: x86_64, arm64: aarch64 }, architecture)
