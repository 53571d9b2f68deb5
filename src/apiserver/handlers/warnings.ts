/** Warning headers. Mirrors apimachinery `pkg/util/net.NewWarningHeader` and apiserver `pkg/warning`. */
import type { Exchange } from '../exchange.ts'

const maxLength = 4096

/** Adds `299 - "text"`; what a header cannot carry is left out. */
export const warn = (exchange: Exchange, text: string): void => {
  const clean = text.replaceAll(/[\u0000-\u001f\u007f]+/g, ' ').slice(0, maxLength)
  // Headers are latin-1 on the wire: other characters would be refused by the transport.
  const ascii = clean.replaceAll(/[^\u0020-\u00ff]/g, '?')
  exchange.addHeader('warning', `299 - "${ascii.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`)
}
