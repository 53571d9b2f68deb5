/** Finds the links in HTML as it streams by, and lets them be changed; every other byte stays as it is. Mirrors rewriteHTML of apimachinery's `util/proxy/transport.go`. Pure. */

/** Which attributes of which elements are links: upstream's table. */
const linkAttributes = new Map<string, ReadonlySet<string>>(Object.entries({
  a: 'href', applet: 'codebase', area: 'href', audio: 'src', base: 'href', blockquote: 'cite', body: 'background', button: 'formaction', command: 'icon', del: 'cite', embed: 'src', form: 'action',
  frame: 'longdesc src', head: 'profile', html: 'manifest', iframe: 'longdesc src', img: 'longdesc src usemap', input: 'src usemap formaction', ins: 'cite', link: 'href', object: 'classid codebase data usemap',
  q: 'cite', script: 'src', source: 'src', video: 'poster src',
}).map(([element, attributes]) => [element, new Set(attributes.split(' '))]))

/** What stands in these is text, until their own end. */
const rawElements: ReadonlySet<string> = new Set(['iframe', 'noembed', 'noframes', 'noscript', 'plaintext', 'script', 'style', 'textarea', 'title', 'xmp'])

/** A start tag that has not ended after so many characters is none. */
const longestTag = 64 * 1024

interface Tag { name: string; end: number; values: { key: string; from: number; to: number }[] }

const isSpace = (char: string | undefined): boolean => char === ' ' || char === '\n' || char === '\t' || char === '\r' || char === '\f'
const skip = (text: string, from: number, while_: (char: string | undefined) => boolean): number => {
  let at = from
  while (at < text.length && while_(text[at])) at += 1
  return at
}

/** The start tag that begins at `start` with `<` and a letter; undefined while it has not ended. */
const scanTag = (text: string, start: number): Tag | undefined => {
  let at = skip(text, start + 1, (char) => !isSpace(char) && char !== '/' && char !== '>')
  const tag: Tag = { name: text.slice(start + 1, at).toLowerCase(), end: 0, values: [] }
  for (;;) {
    at = skip(text, at, (char) => isSpace(char) || char === '/')
    if (at >= text.length) return undefined
    if (text[at] === '>') return { ...tag, end: at + 1 }
    // A name may even begin with an equals sign.
    const keyEnd = skip(text, at + 1, (char) => !isSpace(char) && char !== '/' && char !== '>' && char !== '=')
    const key = text.slice(at, keyEnd).toLowerCase()
    at = skip(text, keyEnd, isSpace)
    if (text[at] !== '=') continue
    at = skip(text, at + 1, isSpace)
    const quote = text[at]
    const quoted = quote === '"' || quote === "'"
    const from = quoted ? at + 1 : at
    const to = skip(text, from, quoted ? (char) => char !== quote : (char) => !isSpace(char) && char !== '>')
    if (to >= text.length) return undefined
    tag.values.push({ key, from, to })
    at = quoted ? to + 1 : to
  }
}

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }
const unescape = (text: string): string => text.replace(/&(?:#(\d{1,6})|#[xX]([\da-fA-F]{1,6})|(amp|lt|gt|quot|apos));/g, (whole, decimal?: string, hexadecimal?: string, name?: string) => {
  if (name !== undefined) return entities[name] ?? whole
  const code = decimal === undefined ? Number.parseInt(hexadecimal ?? '', 16) : Number(decimal)
  return code < 0x100 ? String.fromCharCode(code) : whole
})
const escapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&#34;', "'": '&#39;' }
const escape = (text: string): string => text.replace(/[&<>"']/g, (char) => escapes[char] ?? char)

export class LinkRewriter {
  private readonly rewrite: (link: string) => string
  private held = ''
  /** The element whose text is raw, while it lasts. */
  private raw = ''

  /** `rewrite` gets a link as a browser reads it, and gives what is to stand there. */
  constructor(rewrite: (link: string) => string) {
    this.rewrite = rewrite
  }

  /** Bytes as Latin-1, so that any encoding that contains ASCII passes through unharmed. */
  push(bytes: Uint8Array): Buffer { return Buffer.from(this.take(this.held + Buffer.from(bytes).toString('latin1')), 'latin1') }

  /** What has been held back, waiting for an end that did not come. */
  end(): Buffer { return Buffer.from(this.held, 'latin1') }

  private take(text: string): string {
    let out = ''
    let at = 0
    for (;;) {
      const next = text.indexOf('<', at)
      if (next < 0) { this.held = ''; return out + text.slice(at) }
      out += text.slice(at, next)
      const end = this.markup(text, next)
      if (end === undefined) {
        // Not yet to be told: until the rest has come, or it is too long to be one.
        const waits = text.length - next <= longestTag
        this.held = waits ? text.slice(next) : ''
        return waits ? out : out + text.slice(next)
      }
      out += end.text
      at = end.at
    }
  }

  /** What begins with `<` at `start`, as it is to be written, and where it ends; undefined while that cannot be told. */
  private markup(text: string, start: number): { text: string; at: number } | undefined {
    const upTo = (mark: string, from: number): { text: string; at: number } | undefined => {
      const found = text.indexOf(mark, from)
      return found < 0 ? undefined : { text: text.slice(start, found + mark.length), at: found + mark.length }
    }
    if (start + 1 >= text.length) return undefined
    const asIs = { text: '<', at: start + 1 }
    if (this.raw !== '') {
      const ending = `</${this.raw}`
      const there = text.slice(start, start + ending.length).toLowerCase()
      if (there.length < ending.length && ending.startsWith(there)) return undefined
      if (there === ending && this.raw !== 'plaintext') this.raw = ''
      return asIs
    }
    const char = text[start + 1] ?? ''
    if (char === '!') {
      if ('<!--'.startsWith(text.slice(start, start + 4)) && text.length < start + 4) return undefined
      return text.startsWith('<!--', start) ? upTo('-->', start + 4) : upTo('>', start)
    }
    if (char === '/' || char === '?') return upTo('>', start)
    if (!/[a-zA-Z]/.test(char)) return asIs
    const tag = scanTag(text, start)
    if (!tag) return undefined
    if (rawElements.has(tag.name)) this.raw = tag.name
    return { text: this.rewritten(text, start, tag), at: tag.end }
  }

  private rewritten(text: string, start: number, { name, end, values }: Tag): string {
    const links = linkAttributes.get(name)
    let out = ''
    let at = start
    for (const { key, from, to } of links ? values : []) {
      if (!links?.has(key)) continue
      const link = unescape(text.slice(from, to))
      const changed = this.rewrite(link)
      if (changed === link) continue
      out += text.slice(at, from) + escape(changed)
      at = to
    }
    return out + text.slice(at, end)
  }
}
