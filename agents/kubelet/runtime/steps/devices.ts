/**
 * Which devices a cgroup's processes may use, as a program of the kernel's at the cgroup: those that every container has, and its own. Making a node is no use of it. What stands in the way of
 * a container that may mount (SYS_ADMIN), for whom `nodev` is no obstacle. Mirrors runc's default rules. Pure.
 */
import { open } from './calls.ts'
import { put, type Steps, text } from './steps.ts'

export interface Device { kind: 'block' | 'character'; major: number; minor?: number; unwritable?: boolean }

/** runc's list: null, zero, full, random, urandom, tty, console, ptmx, and the terminals of devpts. */
export const usualDevices: readonly Device[] = [[1, 3], [1, 5], [1, 7], [1, 8], [1, 9], [5, 0], [5, 1], [5, 2]].map(([major = 0, minor = 0]): Device => ({ kind: 'character', major, minor })).concat({ kind: 'character', major: 136 })

/** From stat(2). */
export const deviceNumbers = (device: number): { major: number; minor: number } => {
  const [low, high] = [device % 2 ** 32, Math.floor(device / 2 ** 32)]
  return { major: ((low >>> 8) & 0xfff) + high * 0x1000, minor: (low & 0xff) | ((low >>> 12) & ~0xff) }
}

const code = { load: 0x61, copy: 0xbf, set: 0xb7, shiftRight: 0x77, and: 0x57, ifEqual: 0x15, ifNotEqual: 0x55, ifSome: 0x45, exit: 0x95 } as const
const register = { result: 0, context: 1, kind: 2, access: 3, major: 4, minor: 5 } as const
const kinds = { block: 1, character: 2 } as const
const makesNode = 1
const writes = 4

const instruction = (operation: number, { to = 0, from = 0, offset = 0, value = 0 }: { to?: number; from?: number; offset?: number; value?: number }): Buffer => {
  const bytes = Buffer.alloc(8)
  bytes.writeUInt8(operation, 0)
  bytes.writeUInt8(to | (from << 4), 1)
  bytes.writeInt16LE(offset, 2)
  bytes.writeInt32LE(value, 4)
  return bytes
}

const allow = [instruction(code.set, { to: register.result, value: 1 }), instruction(code.exit, {})]

/** struct bpf_cgroup_dev_ctx: what is done and with which kind, then major and minor. */
export const deviceProgram = (devices: readonly Device[]): Buffer => Buffer.concat([
  instruction(code.load, { to: register.kind, from: register.context }),
  instruction(code.copy, { to: register.access, from: register.kind }),
  instruction(code.shiftRight, { to: register.access, value: 16 }),
  instruction(code.and, { to: register.kind, value: 0xffff }),
  instruction(code.load, { to: register.major, from: register.context, offset: 4 }),
  instruction(code.load, { to: register.minor, from: register.context, offset: 8 }),
  instruction(code.ifNotEqual, { to: register.access, offset: allow.length, value: makesNode }), ...allow,
  ...devices.flatMap(({ kind, major, minor, unwritable }) => {
    const wanted = [[register.kind, kinds[kind]], [register.major, major], ...(minor === undefined ? [] : [[register.minor, minor]])] as const
    const permitted = [...(unwritable ? [instruction(code.ifSome, { to: register.access, value: writes, offset: allow.length })] : []), ...allow]
    return [...wanted.map(([to = 0, value = 0], index) => instruction(code.ifNotEqual, { to, value, offset: wanted.length - index - 1 + permitted.length })), ...permitted]
  }),
  instruction(code.set, { to: register.result, value: 0 }), instruction(code.exit, {}),
])

const command = { load: 5, attach: 8 } as const
const deviceProgramType = 15
const attachDevice = 6
const besideOthers = 2

/** Where the kernel does not know such programs, `nodev` is all there is. */
export const limitDevices = (steps: Steps, cgroupDirectory: string, devices: readonly Device[]): void => {
  const what = 'cannot limit devices'
  const program = deviceProgram(devices)
  const loaded = steps.call('bpf', [command.load, [BigInt(deviceProgramType) | (BigInt(program.length / 8) << 32n), { data: program, offset: 0 }, text('GPL'), 0n, 0n, 0n], 48], what, { mayFail: true })
  const group = steps.call('openat', [-100, text(cgroupDirectory), open.readOnly | open.closeOnExec, 0], what, { mayFail: true })
  const attached = Buffer.alloc(16)
  attached.writeUInt32LE(attachDevice, 8)
  attached.writeUInt32LE(besideOthers, 12)
  put(group, { data: attached, offset: 0 })
  put(loaded, { data: attached, offset: 4 })
  steps.call('bpf', [command.attach, { data: attached, offset: 0 }, attached.length], what, { mayFail: true })
  for (const each of [group, loaded]) steps.call('close', [each], what, { mayFail: true })
}
