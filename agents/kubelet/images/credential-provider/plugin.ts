/** A program that knows credentials: asked by one request on its standard input, it answers on its standard output. Mirrors execPlugin in pkg/credentialprovider/plugin/plugin.go. */
import { type ChildProcess, spawn } from 'node:child_process'
import path from 'node:path'
import { parseDuration } from '../../../../src/api/duration.ts'
import type { CredentialProvider } from './configuration.ts'

export interface PluginRequest { image: string; serviceAccountToken?: string; serviceAccountAnnotations?: Readonly<Record<string, string>> }

export interface PluginAnswer {
  cacheKeyType: 'Image' | 'Registry' | 'Global'
  /** 0: not at all; undefined: as the configuration says. */
  cacheMilliseconds: number | undefined
  auth: Readonly<Record<string, { username: string; password: string }>>
}

/** Rejects with what went wrong, without what may be secret. */
export type AskPlugin = (provider: CredentialProvider, request: PluginRequest, signal: AbortSignal) => Promise<PluginAnswer>

const maxMilliseconds = 60_000
const maxAnswerBytes = 1 << 20
const maxErrorCharacters = 1000

const isMap = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null && !Array.isArray(value)
const cacheKeyTypes = ['Image', 'Registry', 'Global'] as const

const undecodable = (): never => { throw new Error('error decoding credential provider plugin response from stdout') }

const authOf = (value: unknown): PluginAnswer['auth'] => Object.fromEntries(Object.entries(value === undefined || value === null ? {} : isMap(value) ? value : undecodable()).map(([location, each]) => {
  const { username = '', password = '', ...more } = isMap(each) ? each : undecodable()
  return typeof username === 'string' && typeof password === 'string' && Object.keys(more).length === 0 ? [location, { username, password }] : undecodable()
}))

/** Strict, as upstream's decoder; the words of a parser would quote what is secret. Pure. */
export const parseAnswer = (text: string, apiVersion: string): PluginAnswer => {
  let parsed: unknown
  try { parsed = JSON.parse(text) } catch { return undecodable() }
  if (!isMap(parsed)) return undecodable()
  const { apiVersion: version, kind, cacheKeyType, cacheDuration, auth, ...more } = parsed
  if (version !== apiVersion) throw new Error(`apiVersion from credential plugin response did not match expected apiVersion:${apiVersion}, actual apiVersion:${String(version ?? '')}`)
  if (kind !== 'CredentialProviderResponse' || Object.keys(more).length > 0) return undecodable()
  const keyType = cacheKeyTypes.find((each) => each === cacheKeyType)
  if (!keyType) throw new Error(`credential provider plugin did not return a valid cacheKeyType: ${JSON.stringify(cacheKeyType ?? '')}`)
  const milliseconds = cacheDuration === undefined || cacheDuration === null ? undefined : typeof cacheDuration === 'string' ? parseDuration(cacheDuration) ?? undecodable() : undecodable()
  return { cacheKeyType: keyType, cacheMilliseconds: milliseconds, auth: authOf(auth) }
}

/** With whatever it has started. */
const endGroup = ({ pid }: ChildProcess): void => {
  if (pid === undefined) return
  try { process.kill(-pid, 'SIGKILL') } catch (error) { if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error }
}

/** `directory`: where the programs are. Each has the kubelet's environment, and above that its own. */
export const execPlugin = (directory: string): AskPlugin => (provider, request, signal) => new Promise((resolve, reject) => {
  const failed = (why: string): void => reject(new Error(`error execing credential provider plugin ${provider.name} for image ${request.image}: ${why}`))
  const environment = { ...process.env, ...Object.fromEntries(provider.env.map(({ name, value }) => [name, value])) }
  const child = spawn(path.join(directory, provider.name), provider.args, { env: environment, stdio: ['pipe', 'pipe', 'pipe'], detached: true })
  let [out, err] = ['', '']
  let ended: string | undefined
  const end = (why: string): void => {
    ended ??= why
    endGroup(child)
    for (const stream of [child.stdout, child.stderr]) stream.destroy()
  }
  const timeout = AbortSignal.timeout(maxMilliseconds)
  const late = (): void => end(`no answer for ${maxMilliseconds / 1000} s`)
  const unwanted = (): void => end('nobody wants it any more')
  timeout.addEventListener('abort', late)
  signal.addEventListener('abort', unwanted)
  if (signal.aborted) unwanted()
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    out += chunk
    if (out.length > maxAnswerBytes) end(`its answer has more than ${maxAnswerBytes} characters`)
  })
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => { if (err.length < maxErrorCharacters) err += chunk })
  child.once('error', (error) => failed(error.message))
  child.once('close', (code, killedBy) => {
    timeout.removeEventListener('abort', late)
    signal.removeEventListener('abort', unwanted)
    if (ended !== undefined) failed(ended)
    else if (code !== 0) failed(`${killedBy === null ? `exit status ${code ?? ''}` : `signal: ${killedBy}`}: ${err.slice(0, maxErrorCharacters).trim()}`)
    else try { resolve(parseAnswer(out, provider.apiVersion)) } catch (error) { reject(error as Error) }
  })
  // It may answer without having read; its end says more than the broken pipe.
  child.stdin.on('error', () => {})
  child.stdin.end(JSON.stringify({ kind: 'CredentialProviderRequest', apiVersion: provider.apiVersion, ...request }))
})
