/** What kubelet and log writer (machine-code/log-writer/program.ts) say to one another, as bytes. Pure. */
import { constants } from 'node:fs'
import { command, maxFifoPathBytes, maxLogPathBytes, operations, telling } from '../../machine-code/log-writer/protocol.ts'

/** What is said about a container bears its key, and whose kubelet's it was: both not zero. */
export interface Named { key: bigint; generation: bigint }

export interface Taken { outFifo: string; errFifo: string | undefined; log: string; limitBytes: number }

const logFlags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK
const fifoFlags = constants.O_RDWR | constants.O_NONBLOCK | constants.O_NOFOLLOW

const named = (operation: keyof typeof operations, { key, generation }: Named): Buffer => {
  const bytes = Buffer.alloc(command.bytes)
  bytes.writeBigUInt64LE(BigInt(operations[operation]), command.operation)
  bytes.writeBigUInt64LE(key, command.key)
  bytes.writeBigUInt64LE(generation, command.generation)
  return bytes
}

/** Whether the names are short enough. */
export const fits = ({ outFifo, errFifo, log }: Taken): boolean => Buffer.byteLength(log) <= maxLogPathBytes && [outFifo, errFifo ?? ''].every((name) => Buffer.byteLength(name) <= maxFifoPathBytes)

/** To carry what comes out of these FIFOs; in place of what was asked for under the same key. */
export const takeCommand = (name: Named, { outFifo, errFifo, log, limitBytes }: Taken): Buffer => {
  const bytes = named('take', name)
  bytes.writeBigUInt64LE(BigInt(limitBytes), command.limit)
  bytes.writeBigUInt64LE(BigInt(logFlags), command.logFlags)
  bytes.writeBigUInt64LE(BigInt(fifoFlags), command.fifoFlags)
  bytes.writeBigUInt64LE(errFifo === undefined ? 0n : 1n, command.hasErrors)
  bytes.write(log, command.log)
  bytes.write(outFifo, command.out)
  bytes.write(errFifo ?? '', command.err)
  return bytes
}

/** To write everything that is still there, to let the FIFOs go, and to say so. */
export const giveCommand = (name: Named): Buffer => named('give', name)

/** To do the same with all that were asked for by other kubelets, without a word. */
export const keepOnlyCommand = (generation: bigint): Buffer => named('keepOnly', { key: 1n, generation })

export interface Told extends Named { code: number }

/** `bytes`: a multiple of what is told at once. */
export const readTold = (bytes: Buffer): Told[] => Array.from({ length: Math.floor(bytes.length / telling.bytes) }, (_, index) => {
  const at = index * telling.bytes
  return { key: bytes.readBigUInt64LE(at + telling.key), generation: bytes.readBigUInt64LE(at + telling.generation), code: Number(bytes.readBigInt64LE(at + telling.code)) }
})
