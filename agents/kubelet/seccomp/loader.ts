/**
 * The program that loads a filter and then becomes another: `loader PATH ARGV0 ARGUMENT…`. Node has no way to a system call, and in a container's root there need not be any program;
 * so this one is written out as it is, a few hundred bytes without any library. It reads descriptor 6 to its end (four bytes of SECCOMP_FILTER_FLAG_…, four of nothing,
 * instructions), closes it, marks descriptor 5 to be closed by the execution, loads the filter (without no_new_privs that takes CAP_SYS_ADMIN) and executes PATH with its own
 * environment. What fails is said on descriptor 5, `fail seccomp` or `fail exec`, and ends it with 128: nothing ever runs without its filter.
 */
import { elfProgram } from '../machine-code/elf.ts'
import { encode, type Instruction } from './bpf.ts'

/** Machine code, as GNU as makes it of the lines beside it. Addresses are relative; the stack holds struct sock_fprog at 0 and what was read at 16. */
const x86_64 = `
4989e4             mov r12, rsp          argc, argv, environment
4881ec00900000     sub rsp, 0x9000
31db               xor ebx, ebx          how much has been read
bf06000000         read: mov edi, 6
488d741c10         lea rsi, [rsp+16+rbx]
ba08800000         mov edx, 0x8008
29da               sub edx, ebx
31c0               xor eax, eax          read(6, …)
0f05               syscall
85c0               test eax, eax
787b               js bad
7404               jz done
01c3               add ebx, eax
ebe1               jmp read
bf06000000         done: mov edi, 6
b803000000         mov eax, 3            close(6)
0f05               syscall
bf05000000         mov edi, 5
be02000000         mov esi, 2
ba01000000         mov edx, 1
b848000000         mov eax, 72           fcntl(5, F_SETFD, FD_CLOEXEC)
0f05               syscall
83eb08             sub ebx, 8
c1eb03             shr ebx, 3            instructions
48891c24           mov [rsp], rbx
488d4c2418         lea rcx, [rsp+24]
48894c2408         mov [rsp+8], rcx
bf01000000         mov edi, 1
8b742410           mov esi, [rsp+16]
4889e2             mov rdx, rsp
b83d010000         mov eax, 317          seccomp(SECCOMP_SET_MODE_FILTER, flags, program)
0f05               syscall
85c0               test eax, eax
7528               jnz bad
498b0c24           mov rcx, [r12]
498d54cc10         lea rdx, [r12+rcx*8+16]
498d742418         lea rsi, [r12+24]
498b7c2410         mov rdi, [r12+16]
b83b000000         mov eax, 59           execve(argv[1], argv + 2, environment)
0f05               syscall
488d3538000000     lea rsi, [exectext]
ba0a000000         mov edx, 10
eb0c               jmp say
488d351d000000     bad: lea rsi, [badtext]
ba0d000000         mov edx, 13
bf05000000         say: mov edi, 5
b801000000         mov eax, 1            write(5, …)
0f05               syscall
bf80000000         mov edi, 128
b8e7000000         mov eax, 231          exit_group(128)
0f05               syscall
6661696c20736563636f6d700a               badtext: "fail seccomp\\n"
6661696c20657865630a                     exectext: "fail exec\\n"
`

const aarch64 = `
f3030091           mov x19, sp
ff2740d1           sub sp, sp, #0x9000
140080d2           mov x20, #0
c00080d2           read: mov x0, #6
e1430091           add x1, sp, #16
2100148b           add x1, x1, x20
020190d2           mov x2, #0x8008
420014cb           sub x2, x2, x20
e80780d2           mov x8, #63           read
010000d4           svc #0
2004f8b7           tbnz x0, #63, bad
600000b4           cbz x0, done
9402008b           add x20, x20, x0
f6ffff17           b read
c00080d2           done: mov x0, #6
280780d2           mov x8, #57           close
010000d4           svc #0
a00080d2           mov x0, #5
410080d2           mov x1, #2
220080d2           mov x2, #1
280380d2           mov x8, #25           fcntl
010000d4           svc #0
942200d1           sub x20, x20, #8
94fe43d3           lsr x20, x20, #3
f40300f9           str x20, [sp]
e1630091           add x1, sp, #24
e10700f9           str x1, [sp, #8]
200080d2           mov x0, #1
e11340b9           ldr w1, [sp, #16]
e2030091           mov x2, sp
a82280d2           mov x8, #277          seccomp
010000d4           svc #0
600100b5           cbnz x0, bad
620240f9           ldr x2, [x19]
620e028b           add x2, x19, x2, lsl #3
42400091           add x2, x2, #16
61620091           add x1, x19, #24
600a40f9           ldr x0, [x19, #16]
a81b80d2           mov x8, #221          execve
010000d4           svc #0
c1010030           adr x1, exectext
420180d2           mov x2, #10
03000014           b say
01010010           bad: adr x1, badtext
a20180d2           mov x2, #13
a00080d2           say: mov x0, #5
080880d2           mov x8, #64           write
010000d4           svc #0
001080d2           mov x0, #128
c80b80d2           mov x8, #94           exit_group
010000d4           svc #0
6661696c20736563636f6d700a               badtext: "fail seccomp\\n"
6661696c20657865630a                     exectext: "fail exec\\n"
`

/** `architecture`: as Node names it; undefined: none is known for it. */
export const loaderProgram = (architecture: string): Buffer | undefined => elfProgram({ x64: x86_64, arm64: aarch64 }, architecture)

/** What the loader reads. */
export const filterFile = (flags: number, program: readonly Instruction[]): Buffer => {
  const head = Buffer.alloc(8)
  head.writeUInt32LE(flags, 0)
  return Buffer.concat([head, encode(program)])
}
