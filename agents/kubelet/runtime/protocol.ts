/**
 * What the files, FIFOs and shell programs of an attempt or a sandbox mean to one another, as a number: `record.json` bears it. A kubelet that comes back, perhaps of another version,
 * takes over those that it understands; it does not touch others. The number grows when a running shim could not be understood any more by what came before.
 */
import path from 'node:path'
import { listDirectory, readJson } from './attempt-files.ts'

export const protocol = 1

/** Records of before there was a number are of the first. */
const understood: readonly number[] = [1]

interface Versioned { protocol?: number; bootId: string }

/** Throws before anything is touched, when something runs here whose shims or sandboxes this program does not understand: whoever started it does. */
export const refuseForeign = (stateDirectory: string, bootId: string): void => {
  const pods = path.join(stateDirectory, 'pods')
  for (const uid of listDirectory(pods)) for (const name of listDirectory(path.join(pods, uid))) for (const attempt of listDirectory(path.join(pods, uid, name))) {
    const record = readJson<Versioned>(path.join(pods, uid, name, attempt, 'record.json'))
    const spoken = record?.protocol ?? 1
    if (record?.bootId !== bootId || understood.includes(spoken)) continue
    throw new Error(`${name === '.sandbox' ? 'the sandbox' : `container ${name}`} of pod ${uid} runs under version ${spoken} of the supervision protocol, and this Wherry understands ${understood.join(', ')}: nothing was touched; start the Wherry that made it, or stop its pods with that one's wherry down`)
  }
}
