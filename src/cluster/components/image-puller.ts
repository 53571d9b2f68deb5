/**
 * `wherry image-puller`: one pull in a process of its own, so that neither its work nor its waiting for a network delays a kubelet. The request comes as one line of JSON by standard
 * input, which stays open: who asked is gone when it ends. The answer is one line of JSON.
 */
import { spawn } from 'node:child_process'
import { setPriority } from 'node:os'
import { createInterface } from 'node:readline'
import type { Pull } from '../../../agents/kubelet/images/registries.ts'
import { pullImage, type PullRequest } from '../../../agents/kubelet/images/registry/pull.ts'
import { readRegistries } from '../../../agents/kubelet/images/registry/registry-config.ts'
import { systemClock } from '../../api/clock.ts'
import { entryFile } from '../program.ts'

type Answer = { ok: Awaited<ReturnType<Pull>> } | { error: string }

/** Behind everything that serves pods. */
const niceness = 10
const maxAnswerBytes = 1 << 20

export const pullHere = async (request: PullRequest, signal: AbortSignal): Promise<Awaited<ReturnType<Pull>> & { warnings: readonly string[] }> => {
  const { image: { id, sizeBytes }, usedCredentials, warnings } = await pullImage(request, { config: readRegistries(request.directory, process.env), clock: systemClock }, signal)
  return { image: { id, sizeBytes }, usedCredentials, warnings }
}

export const runImagePuller = async (_: readonly string[], outer: AbortSignal): Promise<void> => {
  setPriority(niceness)
  const alone = new AbortController()
  const lines = createInterface({ input: process.stdin })
  lines.once('close', () => alone.abort(new Error('who asked for it is gone')))
  const line = await new Promise<string>((resolve, reject) => { lines.once('line', resolve); alone.signal.addEventListener('abort', () => reject(alone.signal.reason as Error)) })
  const answer: Answer = await pullHere(JSON.parse(line) as PullRequest, AbortSignal.any([outer, alone.signal])).then((ok) => ({ ok }), (error: unknown) => ({ error: error instanceof Error ? error.message : String(error) }))
  process.stdout.write(`${JSON.stringify(answer)}\n`)
}

const parse = (out: string): Answer | undefined => { try { return JSON.parse(out) as Answer } catch { return undefined } }

export const pullByProcess: Pull = (request, signal) => new Promise((resolve, reject) => {
  signal.throwIfAborted()
  const child = spawn(process.execPath, [entryFile(), 'image-puller'], { stdio: ['pipe', 'pipe', 'pipe'] })
  const stop = (): void => { child.kill('SIGTERM') }
  signal.addEventListener('abort', stop, { once: true })
  let [out, err] = ['', '']
  child.stdout.on('data', (chunk: Buffer) => { if (out.length < maxAnswerBytes) out += String(chunk) })
  child.stderr.on('data', (chunk: Buffer) => { if (err.length < maxAnswerBytes) err += String(chunk) })
  child.once('error', reject)
  child.once('close', (code, killed) => {
    signal.removeEventListener('abort', stop)
    if (signal.aborted) { reject(signal.reason as Error); return }
    const answer = parse(out)
    if (answer && 'ok' in answer) resolve(answer.ok)
    else reject(new Error(answer?.error ?? `the pull of ${request.image} ended with ${killed ?? `exit code ${code ?? ''}`}: ${err.trim().slice(-500)}`))
  })
  // It may end before it has read; its end says more than the broken pipe.
  child.stdin.on('error', () => {})
  child.stdin.write(`${JSON.stringify(request)}\n`)
})
