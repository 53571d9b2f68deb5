/**
 * A program for measuring restarts: its first instructions read CLOCK_MONOTONIC, and it appends that and its process id to the file that is its argument; then it waits for ever.
 * It loads no library and makes six system calls, so that what is measured is the supervisor.
 */
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { elfProgram } from '../../agents/kubelet/machine-code/elf.ts'

const x86_64 = `
4c8b642410         mov r12,[rsp+0x10]
4883ec20           sub rsp,0x20
bf01000000         mov edi,0x1
4889e6             mov rsi,rsp
b8e4000000         mov eax,0xe4                        clock_gettime(CLOCK_MONOTONIC, stack)
0f05               syscall
b827000000         mov eax,0x27                        getpid
0f05               syscall
4889442410         mov [rsp+0x10],rax
4c89e7             mov rdi,r12
be41040000         mov esi,0x441
baa4010000         mov edx,0x1a4
b802000000         mov eax,0x2                         open(argv[1], O_WRONLY|O_CREAT|O_APPEND, 0644)
0f05               syscall
89c7               mov edi,eax
4889e6             mov rsi,rsp
ba18000000         mov edx,0x18
b801000000         mov eax,0x1                         write(file, stack, 24)
0f05               syscall
b822000000         wait: mov eax,0x22                  pause
0f05               syscall
ebf7               jmp wait
`

const aarch64 = `
e90b40f9           ldr x9, [sp, #16]
ff8300d1           sub sp, sp, #32
200080d2           mov x0, #1
e1030091           mov x1, sp
280e80d2           mov x8, #113
010000d4           svc #0
881580d2           mov x8, #172
010000d4           svc #0
e00b00f9           str x0, [sp, #16]
600c8092           mov x0, #-100
e10309aa           mov x1, x9
228880d2           mov x2, #0x441
833480d2           mov x3, #0644
080780d2           mov x8, #56
010000d4           svc #0
e1030091           mov x1, sp
020380d2           mov x2, #24
080880d2           mov x8, #64
010000d4           svc #0
000080d2           wait: mov x0, #0
010080d2           mov x1, #0
020080d2           mov x2, #0
030080d2           mov x3, #0
280980d2           mov x8, #73
010000d4           svc #0
faffff17           b wait
`

export const installStampProgram = (file: string): void => {
  const program = elfProgram({ x64: x86_64, arm64: aarch64 }, process.arch)
  if (!program) throw new Error(`there is no program that stamps for processors of the kind ${process.arch}`)
  writeFileSync(file, program)
  chmodSync(file, 0o755)
}

export interface Stamp { monotonicMs: number; pid: number }

const stampBytes = 24

/** One for each start of the program so far. `pid` is what the program calls itself: 1 in a process namespace of its own. */
export const readStamps = (file: string): Stamp[] => {
  let bytes: Buffer
  try { bytes = readFileSync(file) } catch { return [] } // it has not started yet
  return Array.from({ length: Math.floor(bytes.length / stampBytes) }, (_, index) => {
    const at = index * stampBytes
    return { monotonicMs: Number(bytes.readBigInt64LE(at)) * 1e3 + Number(bytes.readBigInt64LE(at + 8)) / 1e6, pid: Number(bytes.readBigInt64LE(at + 16)) }
  })
}
