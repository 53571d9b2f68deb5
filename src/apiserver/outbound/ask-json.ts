/** One question over HTTPS to somebody else's server, answered with JSON: no redirects, a limited answer in limited time. */
import { request, type RequestOptions } from 'node:https'

const largestAnswerBytes = 1 << 20

export interface Question extends Pick<RequestOptions, 'agent' | 'ca' | 'cert' | 'key' | 'rejectUnauthorized' | 'servername'> {
  method: 'GET' | 'POST'
  headers: Readonly<Record<string, string | number>>
  body?: Buffer
  timeoutMs: number
  /** Which statuses are an answer. */
  statuses: readonly number[]
}

/** Rejects with what is wrong: nobody answers in time, another status, an answer of more than 1 MiB, or one that is no JSON. */
export const askJson = (url: string, { body, timeoutMs, statuses, ...options }: Question): Promise<unknown> => new Promise((resolve, reject) => {
  const sent = request(url, { ...options, signal: AbortSignal.timeout(timeoutMs) }, (answer) => {
    const chunks: Buffer[] = []
    let size = 0
    answer.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      size += chunk.length
      if (size > largestAnswerBytes) answer.destroy(new Error(`the answer is longer than ${largestAnswerBytes} bytes`))
    })
    answer.on('error', reject)
    answer.on('end', () => {
      if (!statuses.includes(answer.statusCode ?? 0)) return reject(new Error(`unexpected status ${answer.statusCode ?? 0}`))
      try {
        resolve(JSON.parse(Buffer.concat(chunks).toString()) as unknown)
      } catch {
        reject(new Error('the answer is no JSON'))
      }
    })
  })
  sent.on('error', reject)
  sent.end(body)
})
