/** Warning headers. Mirrors apimachinery `pkg/util/net.NewWarningHeader` and apiserver `pkg/warning`. */
import type { Exchange } from '../exchange.ts'

const maxLength = 4096

/** What has been said to whom: nothing is said twice. */
const said = new WeakMap<Exchange, Set<string>>()

/** Adds `299 - "text"`; what a header cannot carry is left out. */
export const warn = (exchange: Exchange, text: string): void => {
  let before = said.get(exchange)
  if (!before) said.set(exchange, before = new Set())
  if (before.has(text)) return
  before.add(text)
  const clean = text.replaceAll(/[\u0000-\u001f\u007f]+/g, ' ').slice(0, maxLength)
  // Headers are latin-1 on the wire: other characters would be refused by the transport.
  const ascii = clean.replaceAll(/[^\u0020-\u00ff]/g, '?')
  exchange.addHeader('warning', `299 - "${ascii.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`)
}
