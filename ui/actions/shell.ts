/** An interactive shell in a container, over a WebSocket with the protocol v5.channel.k8s.io: the terminal is its, until it ends. */
import WebSocket from 'ws'
import { Pods, resourcePath } from '../../src/api/kinds.ts'
import { authorization, type ServerAccess, tlsOptions } from '../../src/client/server-access.ts'
import type { PodRef } from '../state/ui-state.ts'

const channels = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4 } as const
/** bash where there is one, else sh: as k9s asks for it. */
const command = ['sh', '-c', 'command -v bash >/dev/null && exec bash || exec sh']

const socketFor = async (access: ServerAccess, { namespace, name }: PodRef, container: string): Promise<WebSocket> => {
  const query = new URLSearchParams({ container, stdin: 'true', stdout: 'true', tty: 'true' })
  for (const word of command) query.append('command', word)
  const url = new URL(access.server)
  url.protocol = url.protocol === 'http:' ? 'ws:' : 'wss:'
  const header = await authorization(access)
  return new WebSocket(`${url.href.replace(/\/$/, '')}${resourcePath(Pods, { namespace, name, subresource: 'exec' })}?${query}`, ['v5.channel.k8s.io', 'v4.channel.k8s.io'],
    { ...await tlsOptions(access), headers: { ...(header !== undefined && { authorization: header }) } })
}

const framed = (channel: number, data: Uint8Array): Buffer => Buffer.concat([Buffer.of(channel), data])

/** What the status at the end says; '' when it ended well. */
const ending = (status: string): string => {
  try {
    const { status: word, message } = JSON.parse(status) as { status?: string; message?: string }
    return word === 'Success' ? '' : (message ?? status)
  } catch { return status }
}

export interface ShellTerminal { stdin: NodeJS.ReadStream; stdout: NodeJS.WriteStream }

/** Resolves when the shell has ended, with its last words, '' if there is nothing to tell. */
export const openShell = async (access: ServerAccess, { pod, container }: { pod: PodRef; container: string }, { stdin, stdout }: ShellTerminal): Promise<string> => {
  const socket = await socketFor(access, pod, container)
  const { promise, resolve } = Promise.withResolvers<string>()
  let said = ''
  const send = (chunk: Buffer | string): void => { if (socket.readyState === WebSocket.OPEN) socket.send(framed(channels.stdin, Buffer.from(chunk))) }
  const resized = (): void => { if (socket.readyState === WebSocket.OPEN) socket.send(framed(channels.resize, Buffer.from(JSON.stringify({ Width: stdout.columns, Height: stdout.rows })))) }
  socket.on('open', () => {
    stdout.write(`${pod.namespace}/${pod.name}:${container}\r\n`)
    stdin.setRawMode(true)
    stdin.ref()
    stdin.resume()
    stdin.on('data', send)
    stdout.on('resize', resized)
    resized()
  })
  socket.on('message', (data: Buffer) => {
    const body = data.subarray(1)
    if (data[0] === channels.stdout || data[0] === channels.stderr) stdout.write(body)
    else if (data[0] === channels.error) said = ending(body.toString())
  })
  socket.on('unexpected-response', (_request, response) => { said = `the server answers ${response.statusCode ?? '?'} to exec`; resolve(said); socket.terminate() })
  socket.on('error', (error) => { said = error.message; resolve(said) })
  socket.on('close', () => resolve(said))
  try { return await promise } finally {
    stdin.off('data', send)
    stdout.off('resize', resized)
    // Not paused: a stream that is paused while it reads does not wake up for the reader that comes after us.
    if (stdin.isTTY) stdin.setRawMode(false)
  }
}
