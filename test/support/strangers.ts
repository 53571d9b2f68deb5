/** Requests of whoever has no business here: without a credential or with one that is none, over TLS, as many as asked for. */
import { request } from 'node:https'
import { connect } from 'node:tls'

export interface Answer { status: number; text: string }

const defaults = { rejectUnauthorized: false, headers: {} as Record<string, string> }

/** Rejects when there is no answer. */
export const askAs = (url: string, over: Partial<typeof defaults> = {}): Promise<Answer> => new Promise((resolve, reject) => {
  const asking = request(url, { ...defaults, ...over, agent: false, timeout: 10_000 }, (response) => {
    let text = ''
    response.on('data', (chunk: Buffer) => { text += chunk.toString() })
    response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
    response.on('error', reject)
  })
  asking.on('timeout', () => asking.destroy(new Error('no answer within 10 s')))
  asking.on('error', reject)
  asking.end()
})

/**
 * So many connections, each with its next thirty requests as soon as the last are answered, until the time is over and so many requests have been answered; resolves with how often which status came, and 0 for each connection
 * that was lost. Nothing is parsed that need not be: it is the server that is to be busy.
 */
export const flood = async (url: string, { connections, seconds, requests = 0, headers }: { connections: number; seconds: number; requests?: number; headers(turn: number): Record<string, string> }): Promise<Map<number, number>> => {
  const { hostname, port, pathname } = new URL(url)
  const until = performance.now() + seconds * 1000
  const counts = new Map<number, number>()
  const count = (status: number): void => { counts.set(status, (counts.get(status) ?? 0) + 1) }
  let turn = 0
  let all = 0
  const isOver = (): boolean => performance.now() >= until && all >= requests
  const batch = (): string => Array.from({ length: 30 }, () => `GET ${pathname} HTTP/1.1\r\nhost: ${hostname}\r\n${Object.entries(headers(turn++)).map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`).join('')
  await Promise.all(Array.from({ length: connections }, () => new Promise<void>((resolve) => {
    const socket = connect({ host: hostname, port: Number(port), rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] }, () => socket.write(batch()))
    let rest = ''
    let answered = 0
    socket.setTimeout(20_000, () => socket.destroy())
    socket.on('data', (chunk: Buffer) => {
      const text = rest + chunk.toString('latin1')
      for (const [, status] of text.matchAll(/HTTP\/1\.1 (\d{3}) /g)) { count(Number(status)); answered++; all++ }
      // Half a status line may be at the end; a whole one is not counted twice.
      rest = /HTTP\/1\.1 \d{3} $/.test(text) ? '' : text.slice(-12).replace(/^.*HTTP\/1\.1 \d{3} /s, '')
      if (answered < 30) return
      answered -= 30
      if (isOver()) socket.end()
      else socket.write(batch())
    })
    socket.on('error', () => {})
    socket.on('close', () => { if (!isOver()) count(0); resolve() })
  })))
  return counts
}
