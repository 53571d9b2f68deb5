/** Which number a system call has in which of a machine's binary interfaces. Facts of the kernel's own headers. Pure. */
import { aarch64 } from './aarch64.ts'
import { arm } from './arm.ts'
import { i386 } from './i386.ts'
import { x86_64 } from './x86-64.ts'

/** Since 2019 a new system call has the same number everywhere. */
const shared = `
424 pidfd_send_signal io_uring_setup io_uring_enter io_uring_register open_tree move_mount fsopen fsconfig fsmount fspick pidfd_open clone3 close_range openat2 pidfd_getfd faccessat2 process_madvise
441 epoll_pwait2 mount_setattr quotactl_fd landlock_create_ruleset landlock_add_rule landlock_restrict_self memfd_secret process_mrelease futex_waitv set_mempolicy_home_node cachestat fchmodat2
453 map_shadow_stack futex_wake futex_wait futex_requeue statmount listmount lsm_get_self_attr lsm_set_self_attr lsm_list_modules mseal setxattrat getxattrat listxattrat removexattrat open_tree_attr
468 file_getattr file_setattr
`

/** What x32 (32-bit pointers on x86-64) has of its own; everything else is x86-64's. */
const x32Own = `
512 rt_sigaction rt_sigreturn ioctl readv writev recvfrom sendmsg recvmsg execve ptrace rt_sigpending rt_sigtimedwait rt_sigqueueinfo sigaltstack timer_create mq_notify kexec_load waitid
530 set_robust_list get_robust_list vmsplice move_pages preadv pwritev rt_tgsigqueueinfo recvmmsg sendmmsg process_vm_readv process_vm_writev setsockopt getsockopt io_setup io_submit execveat
546 preadv2 pwritev2
`
const notInX32 = 'epoll_ctl_old get_kernel_syms nfsservctl epoll_wait_old set_thread_area vserver create_module get_thread_area uselib _sysctl query_module'
export const x32Bit = 0x4000_0000

export type Numbers = ReadonlyMap<string, number>

export const parseNumbers = (text: string): Map<string, number> => new Map(text.trim().split('\n').flatMap((line) => {
  const [first, ...names] = line.split(' ')
  return names.map((name, index) => [name, Number(first) + index] as const)
}))

const x32Numbers = (): Map<string, number> => {
  const numbers = new Map([...parseNumbers(x86_64), ...parseNumbers(shared), ...parseNumbers(x32Own)])
  for (const name of notInX32.split(' ')) numbers.delete(name)
  return new Map([...numbers].map(([name, number]) => [name, number + x32Bit]))
}

export interface Abi {
  /** As libseccomp's profiles name it. */
  name: 'SCMP_ARCH_X86_64' | 'SCMP_ARCH_X86' | 'SCMP_ARCH_X32' | 'SCMP_ARCH_AARCH64' | 'SCMP_ARCH_ARM'
  /** AUDIT_ARCH_… of linux/audit.h: what the kernel tells a filter. */
  audit: number
  numbers: Numbers
}

const abi = (name: Abi['name'], audit: number, numbers: Numbers): Abi => ({ name, audit, numbers })
const withShared = (text: string): Numbers => new Map([...parseNumbers(text), ...parseNumbers(shared)])

const auditX86_64 = 0xc000_003e

export interface Machine {
  /** As Go names it, and with it the conditions of profiles. */
  architecture: 'amd64' | 'arm64'
  /** The first is the machine's own. */
  abis: readonly Abi[]
}

/** `architecture`: as Node names it. undefined: no tables of it are here. */
export const machineOf = (architecture: string): Machine | undefined => {
  if (architecture === 'x64') return { architecture: 'amd64', abis: [abi('SCMP_ARCH_X86_64', auditX86_64, withShared(x86_64)), abi('SCMP_ARCH_X86', 0x4000_0003, withShared(i386)), abi('SCMP_ARCH_X32', auditX86_64, x32Numbers())] }
  if (architecture === 'arm64') return { architecture: 'arm64', abis: [abi('SCMP_ARCH_AARCH64', 0xc000_00b7, withShared(aarch64)), abi('SCMP_ARCH_ARM', 0x4000_0028, withShared(arm))] }
  return undefined
}
