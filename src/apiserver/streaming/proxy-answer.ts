/** What the client gets of an answer from behind the proxy: redirects and the links of HTML pages lead back to us. Mirrors apimachinery's `util/proxy/transport.go`. */
import type { IncomingMessage } from 'node:http'
import { type Duplex, pipeline } from 'node:stream'
import { createDeflateRaw, createGunzip, createGzip, createInflateRaw } from 'node:zlib'
import type { Exchange, ResponseHeaders } from '../exchange.ts'
import { LinkRewriter } from './html-links.ts'
import { type Proxied, rewriteUrl } from './proxy-url.ts'
import { answerHeaders, relayBody } from './relay.ts'

/** Which pages of other origins may see an answer is not for the server behind to say. */
const aboutOrigins = ['access-control-allow-credentials', 'access-control-allow-headers', 'access-control-allow-methods', 'access-control-allow-origin']

const codecs: Readonly<Record<string, { decode(): Duplex; encode(): Duplex }>> = {
  gzip: { decode: () => createGunzip(), encode: () => createGzip() },
  deflate: { decode: () => createInflateRaw(), encode: () => createDeflateRaw() },
}

async function* withLinks(body: AsyncIterable<Buffer>, rewriter: LinkRewriter): AsyncGenerator<Buffer> {
  for await (const chunk of body) yield rewriter.push(chunk)
  yield rewriter.end()
}

/** Its links as they are to read in front of the proxy, in the encoding that it came in. */
const rewrittenBody = (response: IncomingMessage, encoding: string, proxied: Proxied): AsyncIterable<Buffer> => {
  const rewriter = new LinkRewriter((link) => rewriteUrl(link, proxied))
  const codec = codecs[encoding]
  if (!codec) return withLinks(response as AsyncIterable<Buffer>, rewriter)
  // A broken encoding breaks the answer off, which the reader of the last stream notices.
  return pipeline(response, codec.decode(), (plain: AsyncIterable<Buffer>) => withLinks(plain, rewriter), codec.encode(), () => undefined) as AsyncIterable<Buffer>
}

export const relayAnswer = async (exchange: Exchange, response: IncomingMessage, proxied: Proxied): Promise<void> => {
  const headers: Record<string, ResponseHeaders[string]> = { ...answerHeaders(response) }
  for (const name of aboutOrigins) delete headers[name]
  const { location, 'content-type': type = '', 'content-encoding': encoding = '' } = response.headers
  const isPage = !location && (type.split(';')[0] ?? '').trim() === 'text/html' && (encoding === '' || Object.hasOwn(codecs, encoding)) && exchange.method !== 'HEAD'
  if (location) headers['location'] = rewriteUrl(location, proxied)
  if (isPage) delete headers['content-length']
  const body = isPage ? rewrittenBody(response, encoding, proxied) : (response as AsyncIterable<Buffer>)
  await relayBody(body, exchange, { status: response.statusCode ?? 502, headers, cancel: () => response.destroy() })
}
