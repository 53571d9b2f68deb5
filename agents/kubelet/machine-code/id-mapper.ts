/**
 * The program that mounts a directory or a file once more, with the owners of its files as a user namespace shows them: `id-mapper NAMESPACE SOURCE TARGET [alone]`, where mount(8) of util-linux
 * before 2.39 cannot. `alone`: without what is mounted below. Ends with 1 when the kernel refuses, as for file systems whose owners cannot be mapped.
 */
import { elfProgram } from './elf.ts'

const x86_64 = `
4989e4             mov r12,rsp
4883ec40           sub rsp,0x40
48c7c79cffffff     mov rdi,0xffffffffffffff9c
498b742410         mov rsi,[r12+0x10]
31d2               xor edx,edx
b801010000         mov eax,0x101                       openat(AT_FDCWD, argv[1], O_RDONLY)
0f05               syscall
85c0               test eax,eax
0f889c000000       js bad
4189c5             mov r13d,eax
41be00800000       mov r14d,0x8000
49833c2404         cmp [r12],0x4
7603               jbe here
4531f6             xor r14d,r14d
48c7c79cffffff     mov rdi,0xffffffffffffff9c
498b742418         mov rsi,[r12+0x18]
418d5601           lea edx,[r14+0x1]
b8ac010000         mov eax,0x1ac                       open_tree(AT_FDCWD, argv[2], OPEN_TREE_CLONE, with or without AT_RECURSIVE)
0f05               syscall
85c0               test eax,eax
786e               js bad
4189c7             mov r15d,eax
31c0               xor eax,eax
4889442408         mov [rsp+0x8],rax
4889442410         mov [rsp+0x10],rax
4889442420         mov [rsp+0x20],rax
4c896c2418         mov [rsp+0x18],r13
b800001000         mov eax,0x100000
48890424           mov [rsp],rax
4489ff             mov edi,r15d
488d742420         lea rsi,[rsp+0x20]
418d9600100000     lea edx,[r14+0x1000]
4989e2             mov r10,rsp
41b820000000       mov r8d,0x20
b8ba010000         mov eax,0x1ba                       mount_setattr(tree, "", AT_EMPTY_PATH, MOUNT_ATTR_IDMAP)
0f05               syscall
85c0               test eax,eax
7529               jne bad
4489ff             mov edi,r15d
488d742420         lea rsi,[rsp+0x20]
48c7c29cffffff     mov rdx,0xffffffffffffff9c
4d8b542420         mov r10,[r12+0x20]
41b804000000       mov r8d,0x4
b8ad010000         mov eax,0x1ad                       move_mount(tree, "", AT_FDCWD, argv[3], MOVE_MOUNT_F_EMPTY_PATH)
0f05               syscall
85c0               test eax,eax
7504               jne bad
31ff               xor edi,edi
eb05               jmp end
bf01000000         bad: mov edi,0x1
b8e7000000         mov eax,0xe7                        exit_group
0f05               syscall
`

const aarch64 = `
f3030091           mov x19, sp
ff0301d1           sub sp, sp, #64
600c8092           mov x0, #-100
610a40f9           ldr x1, [x19, #16]
020080d2           mov x2, #0
080780d2           mov x8, #56
010000d4           svc #0
6004f8b7           tbnz x0, #63, bad
f40300aa           mov x20, x0
150090d2           mov x21, #0x8000
620240f9           ldr x2, [x19]
5f1000f1           cmp x2, #4
49000054           b.ls here
150080d2           mov x21, #0
600c8092           here: mov x0, #-100
610e40f9           ldr x1, [x19, #24]
a2060091           add x2, x21, #1
883580d2           mov x8, #428
010000d4           svc #0
e002f8b7           tbnz x0, #63, bad
f60300aa           mov x22, x0
0202a0d2           mov x2, #0x100000
e27f00a9           stp x2, xzr, [sp]
ff5301a9           stp xzr, x20, [sp, #16]
ff1300f9           str xzr, [sp, #32]
e1830091           add x1, sp, #32
a2064091           add x2, x21, #1, lsl #12
e3030091           mov x3, sp
040480d2           mov x4, #32
483780d2           mov x8, #442
010000d4           svc #0
600100b5           cbnz x0, bad
e00316aa           mov x0, x22
e1830091           add x1, sp, #32
620c8092           mov x2, #-100
631240f9           ldr x3, [x19, #32]
840080d2           mov x4, #4
a83580d2           mov x8, #429
010000d4           svc #0
600000b5           cbnz x0, bad
000080d2           mov x0, #0
02000014           b end
200080d2           bad: mov x0, #1
c80b80d2           end: mov x8, #94
010000d4           svc #0
`

/** `architecture`: as Node names it; undefined: none is known for it. */
export const idMapperProgram = (architecture: string): Buffer | undefined => elfProgram({ x64: x86_64, arm64: aarch64 }, architecture)
