/** A blob, streamed to disk: what was cut is taken up where it broke off (Range), nothing is longer than announced, and only what has its digest gets its name. */
import { createHash, type Hash } from 'node:crypto'
import { createReadStream, existsSync, renameSync, rmSync, statSync } from 'node:fs'
import { open } from 'node:fs/promises'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { Clock } from '../../../../src/api/clock.ts'
import { type Answer, Unreachable } from './exchange.ts'
import type { Descriptor } from './manifest.ts'
import { Refused } from './registry-client.ts'
import type { Repository } from './repository.ts'

export interface Download { repository: Repository; directory: string; clock: Clock; signal: AbortSignal }

const maxFailures = 5
const pauseMilliseconds = 200

const sizeOf = (file: string): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0

/** Where the answer begins: it may be all of the blob although a part was asked for. */
const offsetOf = ({ status, headers }: Answer, wanted: number): number => {
  if (status !== 206) return 0
  const start = /^bytes (\d+)-/.exec(headers['content-range'] ?? '')?.[1]
  if (Number(start) !== wanted) throw new Error(`the registry answers with ${JSON.stringify(headers['content-range'])} when asked for what follows ${wanted}`)
  return wanted
}

const append = async (answer: Answer, { file, offset, descriptor, hash }: { file: string; offset: number; descriptor: Descriptor; hash: Hash }): Promise<void> => {
  const handle = await open(file, offset === 0 ? 'w' : 'a', 0o600)
  let size = offset
  try {
    for await (const chunk of answer.body as AsyncIterable<Buffer>) {
      size += chunk.length
      if (size > descriptor.size) throw new Refused(`blob ${descriptor.digest} is longer than the ${descriptor.size} bytes that its manifest says`, answer.status)
      hash.update(chunk)
      await handle.appendFile(chunk).catch((error: Error) => { throw new Refused(`cannot keep blob ${descriptor.digest}: ${error.message}`, 0) })
    }
  } catch (error) {
    if (error instanceof Refused) throw error
    throw new Unreachable(`${answer.url.host}: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  } finally {
    answer.body.destroy()
    await handle.close()
  }
  if (size < descriptor.size) throw new Unreachable(`${answer.url.host}: the connection ended after ${size} of ${descriptor.size} bytes of ${descriptor.digest}`)
}

/** One try: on from what is there. */
const proceed = async ({ repository, signal }: Download, descriptor: Descriptor, part: string): Promise<void> => {
  const there = sizeOf(part)
  const hash = createHash('sha256')
  if (there < descriptor.size || there === 0) {
    const answer = await repository.get(`blobs/${descriptor.digest}`, { signal, ...(there > 0 && { headers: { range: `bytes=${there}-` } }) })
      .catch((error: unknown) => { if (error instanceof Refused && error.status === 416) rmSync(part, { force: true }); throw error })
    const offset = offsetOf(answer, there)
    if (offset > 0) await pipeline(createReadStream(part), async (bytes) => { for await (const chunk of bytes as AsyncIterable<Buffer>) hash.update(chunk) })
    await append(answer, { file: part, offset, descriptor, hash })
  } else await pipeline(createReadStream(part), async (bytes) => { for await (const chunk of bytes as AsyncIterable<Buffer>) hash.update(chunk) })
  const digest = `sha256:${hash.digest('hex')}`
  if (digest === descriptor.digest) return
  rmSync(part, { force: true })
  throw new Refused(`blob ${descriptor.digest} is damaged: what came has the digest ${digest}`, 200)
}

/** Resolves with the file. What is there in part from an earlier pull is used. */
export const download = async (to: Download, descriptor: Descriptor): Promise<string> => {
  const file = path.join(to.directory, descriptor.digest.replace(':', '-'))
  if (existsSync(file)) return file
  const part = `${file}.part`
  for (let failures = 0; ;) {
    const before = sizeOf(part)
    try {
      await proceed(to, descriptor, part)
      renameSync(part, file)
      return file
    } catch (error) {
      to.signal.throwIfAborted()
      const again = error instanceof Unreachable || (error instanceof Refused && (error.status === 416 || error.status === 429 || error.status >= 500))
      failures = sizeOf(part) > before ? 0 : failures + 1
      if (!again || failures >= maxFailures) throw error
      await to.clock.sleep(pauseMilliseconds * 2 ** failures, to.signal)
    }
  }
}
