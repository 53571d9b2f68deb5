/** Becomes who a container shall be, as setpriv(1) does with the arguments of rootfs/credentials.ts. Pure. */
import { allCapabilities, type Credentials } from '../rootfs/credentials.ts'
import { put, space, type Steps } from './steps.ts'

const prctl = { dropFromBoundingSet: 24, noNewPrivileges: 38 } as const
/** _LINUX_CAPABILITY_VERSION_3: two structs of effective, permitted and inheritable bits. */
const capabilityVersion = 0x2008_0522
const inheritableAt = [8, 20] as const

const list = (numbers: readonly number[]): { data: Buffer; offset: 0 } => {
  const data = Buffer.alloc(Math.max(4, numbers.length * 4))
  for (const [index, number] of numbers.entries()) data.writeUInt32LE(number, index * 4)
  return { data, offset: 0 }
}

/** `available`: the bounding set of this machine, as bits. */
export const become = (steps: Steps, { uid, gid, groups, capabilities, noNewPrivileges }: Credentials, available: bigint): void => {
  const what = `cannot become user ${uid}, group ${gid}`
  if (noNewPrivileges) steps.call('prctl', [prctl.noNewPrivileges, 1, 0, 0, 0], what)
  steps.call('setgroups', [groups.length, list(groups)], what)
  steps.call('setresgid', [gid, gid, gid], what)
  if (capabilities) {
    const dropped = Array.from({ length: 64 }, (_, bit) => bit).filter((bit) => (available >> BigInt(bit)) & 1n && !capabilities.includes(allCapabilities[bit] ?? ''))
    for (const bit of dropped) steps.call('prctl', [prctl.dropFromBoundingSet, bit, 0, 0, 0], what)
  }
  const [header, data] = [list([capabilityVersion, 0]), space(24)]
  steps.call('capget', [header, data], what)
  // Nothing is inherited by way of files' capabilities.
  for (const offset of inheritableAt) put(steps.look(space(8), what), { data: data.data, offset })
  steps.call('capset', [header, data], what)
  steps.call('setresuid', [uid, uid, uid], what)
}
