/** One run of a probe. Mirrors pkg/kubelet/prober/prober.go and pkg/probe: the same outcomes, in the same words. */
import net from 'node:net'
import type { Container, Probe } from '../../../src/api/types.ts'
import type { ContainerState, Runtime } from '../runtime/runtime.ts'
import { boundedOutput } from '../bounded-output.ts'
import { grpcHealth } from './grpc-probe.ts'
import { dialWords, httpGet, type HttpTarget } from './http-probe.ts'

export interface ProbeOutcome { result: 'success' | 'warning' | 'failure' | 'unknown'; output: string }

export interface ProbeTarget { container: Container; state: ContainerState; podIP: string }

/** Runs it once; `signal` aborts at its timeout. Never throws. */
export type RunProbe = (probe: Probe, target: ProbeTarget, signal: AbortSignal) => Promise<ProbeOutcome>

const failure = (output: string): ProbeOutcome => ({ result: 'failure', output })
const success = (output = ''): ProbeOutcome => ({ result: 'success', output })

/** A port by number or by the container's name for it. Throws for what is neither. */
const portOf = (port: string | number, container: Container): number => {
  const named = typeof port === 'string' ? container.ports?.find(({ name }) => name === port)?.containerPort : undefined
  const number = named ?? Number(port)
  if (!Number.isInteger(number)) throw new Error(`couldn't find port: couldn't find port named ${JSON.stringify(port)}`)
  if (number < 1 || number > 65535) throw new Error(`invalid port number: ${number}`)
  return number
}

export interface HttpAction { scheme?: string | undefined; host?: string | undefined; port: string | number; path?: string | undefined; httpHeaders?: { name: string; value: string }[] | undefined }

export const httpTarget = (action: HttpAction, container: Container, podIP: string): HttpTarget => ({
  scheme: action.scheme?.toUpperCase() === 'HTTPS' ? 'https' : 'http', host: action.host || podIP, port: portOf(action.port, container), path: action.path || '/', headers: action.httpHeaders ?? [],
})

export const runProbe = (runtime: Runtime): RunProbe => async (probe, target, signal) => {
  try {
    if (probe.exec) return await execProbe(runtime, probe, target, signal)
    if (probe.httpGet) return await httpProbe(httpTarget(probe.httpGet, target.container, target.podIP), signal)
    if (probe.tcpSocket) return await tcpProbe(probe.tcpSocket.host || target.podIP, portOf(probe.tcpSocket.port, target.container), signal)
    if (probe.grpc) return await grpcHealth({ address: `${target.podIP.includes(':') ? `[${target.podIP}]` : target.podIP}:${probe.grpc.port}`, service: probe.grpc.service ?? '', timeoutSeconds: probe.timeoutSeconds ?? 1 }, signal)
    return { result: 'unknown', output: 'missing probe handler' }
  } catch (error) {
    return { result: 'unknown', output: error instanceof Error ? error.message : String(error) }
  }
}

const httpProbe = async (target: HttpTarget, signal: AbortSignal): Promise<ProbeOutcome> => {
  const outcome = await httpGet(target, signal)
  if ('failed' in outcome) return failure(outcome.failed)
  if (outcome.status >= 300 && outcome.status < 400) return { result: 'warning', output: `Probe terminated redirects, Response body: ${outcome.body}` }
  return outcome.status >= 200 && outcome.status < 400 ? success(outcome.body) : failure(`HTTP probe failed with statuscode: ${outcome.status}`)
}

const tcpProbe = (host: string, port: number, signal: AbortSignal): Promise<ProbeOutcome> => new Promise((resolve) => {
  const address = `${host.includes(':') ? `[${host}]` : host}:${port}`
  const socket = net.connect({ host, port })
  const finish = (outcome: ProbeOutcome): void => { signal.removeEventListener('abort', late); socket.destroy(); resolve(outcome) }
  const late = (): void => finish(failure(`dial tcp ${address}: i/o timeout`))
  signal.addEventListener('abort', late, { once: true })
  socket.once('connect', () => finish(success()))
  socket.once('error', (error) => finish(failure(dialWords(error, address))))
})

const maxOutput = 10 * 1024

const execProbe = async (runtime: Runtime, probe: Probe, { state }: ProbeTarget, signal: AbortSignal): Promise<ProbeOutcome> => {
  const command = probe.exec?.command ?? []
  const { take, text } = boundedOutput(maxOutput)
  try {
    const code = await runtime.exec(state.podUid, state.name, { command, tty: false, stdin: undefined, stdout: take, stderr: take, resize: undefined, timeoutSeconds: probe.timeoutSeconds ?? 1, signal })
    return code === 0 ? success(text()) : failure(text())
  } catch (error) {
    if (signal.aborted) return failure(`command timed out: ${JSON.stringify(command.join(' '))} timed out after ${probe.timeoutSeconds ?? 1}s`)
    throw error
  }
}
