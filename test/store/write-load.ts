/**
 * Run as a program by the tests that kill it: writes into the store of the directory named by its argument as fast as it can, and prints a line for each write that was
 * acknowledged: `put <writer> <count> <revision>` or `move <count> <revision>`. Says `ready` first.
 */
import { writeSync } from 'node:fs'
import { systemClock } from '../../src/api/clock.ts'
import { openEmbeddedStore } from '../../src/store/embedded/open.ts'

const [directory = '', writers = '6'] = process.argv.slice(2)
const store = await openEmbeddedStore({ directory, clock: systemClock })
const bytes = (count: number): Uint8Array => new TextEncoder().encode(String(count).padEnd(200 + (count % 5) * 300))
const countOf = async (key: string): Promise<number> => Number(new TextDecoder().decode((await store.get(key)).item?.value ?? new Uint8Array()))
// To the pipe, not to a buffer of ours: what was printed before the kill is there after it.
const say = (line: string): void => { writeSync(1, `${line}\n`) }

const write = async (writer: number): Promise<never> => {
  for (let count = await countOf(`/w/${writer}`) + 1; ; count += 1) {
    if (count % 10 === 9) await store.delete(`/deleted/${writer}`)
    if (count % 10 === 4) await store.put(`/deleted/${writer}`, bytes(count))
    const { revision } = await store.put(`/w/${writer}`, bytes(count))
    say(`put ${writer} ${count} ${revision}`)
  }
}
const move = async (): Promise<never> => {
  for (let count = await countOf('/t/a') + 1; ; count += 1) {
    const { revision } = await store.transaction(['a', 'b', 'c', 'd'].map((name) => ({ put: `/t/${name}`, value: bytes(count) })))
    say(`move ${count} ${revision}`)
  }
}
const compact = async (): Promise<never> => {
  for (let next = await store.revision(); ;) {
    for await (const _ of store.watch('/t/a', '/t/b', { fromRevision: next + 500, signal: AbortSignal.timeout(600_000) })) break
    next = await store.revision()
    await store.compact(next - 200)
    say('compacted')
  }
}

say('ready')
await Promise.all([move(), compact(), ...Array.from({ length: Number(writers) }, (_, writer) => write(writer))])
