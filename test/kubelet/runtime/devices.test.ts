import { describe, expect, test } from 'vitest'
import { type Device, deviceNumbers, deviceProgram, usualDevices } from '../../../agents/kubelet/runtime/steps/devices.ts'

interface Access { kind: 'block' | 'character'; access: 'make' | 'read' | 'write'; major: number; minor: number }

/** What the kernel's machine does with it, for the instructions that there are. */
const runProgram = (program: Buffer, { kind, access, major, minor }: Access): number => {
  const context = [({ block: 1, character: 2 }[kind]) | ({ make: 1, read: 2, write: 4 }[access] << 16), major, minor]
  const registers = Array.from({ length: 10 }, () => 0)
  for (let at = 0, steps = 0; steps < 1000; at++, steps++) {
    const [code, who, offset, value] = [program.readUInt8(at * 8), program.readUInt8(at * 8 + 1), program.readInt16LE(at * 8 + 2), program.readInt32LE(at * 8 + 4)]
    const [to, from] = [who & 15, who >> 4]
    if (code === 0x61) registers[to] = context[offset / 4] ?? NaN
    else if (code === 0xbf) registers[to] = registers[from] ?? NaN
    else if (code === 0xb7) registers[to] = value
    else if (code === 0x77) registers[to] = (registers[to] ?? NaN) >>> value
    else if (code === 0x57) registers[to] = (registers[to] ?? NaN) & value
    else if (code === 0x55) { if (registers[to] !== value) at += offset }
    else if (code === 0x45) { if (((registers[to] ?? NaN) & value) !== 0) at += offset }
    else if (code === 0x95) return registers[0] ?? NaN
    else throw new Error(`no such instruction: ${code}`)
  }
  throw new Error('it does not end')
}

describe('a container may', () => {
  const disk: Device = { kind: 'block', major: 253, minor: 7 }
  const sensor: Device = { kind: 'character', major: 250, minor: 1, unwritable: true }
  const program = deviceProgram([...usualDevices, sensor, disk])
  test.each<[string, Access, boolean]>([
    ['write to null', { kind: 'character', access: 'write', major: 1, minor: 3 }, true], ['not to memory', { kind: 'character', access: 'write', major: 1, minor: 1 }, false],
    ['use any terminal', { kind: 'character', access: 'read', major: 136, minor: 77 }, true], ['not a disk with the numbers of null', { kind: 'block', access: 'read', major: 1, minor: 3 }, false],
    ['use the disk that it was given', { kind: 'block', access: 'write', major: 253, minor: 7 }, true], ['not its neighbour', { kind: 'block', access: 'read', major: 253, minor: 8 }, false],
    ['read what it may read', { kind: 'character', access: 'read', major: 250, minor: 1 }, true], ['not write it', { kind: 'character', access: 'write', major: 250, minor: 1 }, false],
    ['make any node', { kind: 'block', access: 'make', major: 8, minor: 0 }, true], ['not use it', { kind: 'block', access: 'read', major: 8, minor: 0 }, false],
  ])('%s', (_, access, allowed) => { expect(runProgram(program, access)).toBe(allowed ? 1 : 0) })
})

test.each([[0x0103, 1, 3], [0x8800, 136, 0], [0x0010_fd07, 253, 0x1_07], [0x1_0000_0801, 0x1008, 1]])('the number %i of stat(2)', (device, major, minor) => { expect(deviceNumbers(device)).toEqual({ major, minor }) })
