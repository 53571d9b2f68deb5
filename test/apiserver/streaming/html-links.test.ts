/** Links in HTML: which are found, and that nothing else changes. Cases from apimachinery's util/proxy/transport_test.go and the HTML standard's tokenization. */
import { describe, expect, test } from 'vitest'
import { LinkRewriter } from '../../../src/apiserver/streaming/html-links.ts'
import { rewriteUrl } from '../../../src/apiserver/streaming/proxy-url.ts'

const marked = (html: string, cut = html.length): string => {
  const rewriter = new LinkRewriter((link) => (link.startsWith('/') ? `/p${link}` : link))
  const bytes = Buffer.from(html)
  const out: Buffer[] = []
  for (let at = 0; at < bytes.length; at += cut) out.push(rewriter.push(bytes.subarray(at, at + cut)))
  return Buffer.concat([...out, rewriter.end()]).toString()
}

describe('links in HTML', () => {
  test.each<[string, string, string]>([
    ['double quotes', '<a href="/x">', '<a href="/p/x">'], ['single quotes', "<a href='/x'>", "<a href='/p/x'>"], ['none', '<a href=/x>', '<a href=/p/x>'], ['none, and another attribute', '<a href=/x id=y>', '<a href=/p/x id=y>'],
    ['spaces around the sign', '<a href = "/x" >', '<a href = "/p/x" >'], ['capitals', '<A HREF="/x">', '<A HREF="/p/x">'], ['an element that closes itself', '<img src="/x"/>', '<img src="/p/x"/>'], ['without a value', '<a href>', '<a href>'],
    ['two of one element', '<frame longdesc="/a" src="/b">', '<frame longdesc="/p/a" src="/p/b">'], ['another attribute', '<a title="/x">', '<a title="/x">'], ['another element', '<p href="/x">', '<p href="/x">'],
    ['a sign in a value', '<a title="a>b" href="/x">', '<a title="a>b" href="/p/x">'], ['entities', '<a href="/x?a=1&amp;b=&quot;2">', '<a href="/p/x?a=1&amp;b=&#34;2">'], ['a relative one with entities stays as it is', '<a href="x?a=1&amp;b">', '<a href="x?a=1&amp;b">'],
    ['an escaped slash', '<a href="&#47;x">', '<a href="/p/x">'], ['forms, scripts, frames', '<form action="/a"><script src="/b"></script><iframe src="/c"></iframe>', '<form action="/p/a"><script src="/p/b"></script><iframe src="/p/c"></iframe>'],
    ['in a comment', '<!-- <a href="/x"> --><a href="/y">', '<!-- <a href="/x"> --><a href="/p/y">'], ['in a script', '<script>"<a href=\'/x\'>"</script><a href="/y">', '<script>"<a href=\'/x\'>"</script><a href="/p/y">'],
    ['in a title, which ends in capitals', '<title><a href="/x"></TITLE><a href="/y">', '<title><a href="/x"></TITLE><a href="/p/y">'], ['after a doctype', '<!DOCTYPE html><base href="/x">', '<!DOCTYPE html><base href="/p/x">'],
    ['no tag', 'a < b and c <3 <a href="/x">', 'a < b and c <3 <a href="/p/x">'], ['an end tag', '</a href="/x">', '</a href="/x">'], ['never ended', '<p>hello <a href="/x"', '<p>hello <a href="/x"'], ['never ended, in quotes', '<a href="/x>more', '<a href="/x>more'],
    ['bytes that are no ASCII', '<p>€ ü</p><a href="/ü">ü</a>', '<p>€ ü</p><a href="/p/ü">ü</a>'], ['nothing', '', ''], ['text', 'only text', 'only text'], ['the last sign', 'text <', 'text <'],
  ])('%s', (_, html, expected) => {
    expect(marked(html)).toBe(expected)
    // However it comes.
    for (const cut of [1, 2, 3, 7]) expect(marked(html, cut)).toBe(expected)
  })
  test('what never ends is not kept for ever', () => {
    const rewriter = new LinkRewriter((link) => link)
    const long = `<a ${'x'.repeat(100_000)}`
    expect(rewriter.push(Buffer.from(long)).length).toBe(long.length)
  })
  test('a large page of many signs takes time in proportion', () => {
    const page = '<<<a href="/x">'.repeat(20_000)
    expect(marked(page, 16_384)).toBe('<<<a href="/p/x">'.repeat(20_000))
  })
})

describe('one link', () => {
  const at = { base: '/proxy/node/node1:10250', backend: 'mynode.com', host: 'front.com' }
  test.each<[string, string, string]>([
    ['relative', 'kubelet.log', 'kubelet.log'], ['of the root', '/google.log', '/proxy/node/node1:10250/google.log'], ['the root', '/', '/proxy/node/node1:10250/'], ['a folder', '/logs/', '/proxy/node/node1:10250/logs/'],
    ['with query and fragment', '/a?b=/c#/d', '/proxy/node/node1:10250/a?b=/c#/d'], ['of the server behind', 'http://mynode.com/a/', '/proxy/node/node1:10250/a/'], ['without a scheme', '//mynode.com/a', '/proxy/node/node1:10250/a'],
    ['by the name that the client knows', 'https://front.com/a', 'https://front.com/proxy/node/node1:10250/a'], ['of others', 'http://example.com/a', 'http://example.com/a'], ['of others, without a scheme', '//example.com/a', '//example.com/a'],
    ['proxied already', '/proxy/node/node1:10250/a', '/proxy/node/node1:10250/a'], ['mail', 'mailto:a@b', 'mailto:a@b'], ['a script', 'javascript:alert(/x/)', 'javascript:alert(/x/)'], ['data', 'data:text/plain,/x', 'data:text/plain,/x'],
    ['only a fragment', '#top', '#top'], ['nothing', '', ''], ['unparsable', '/a\u0000b', '/a\u0000b'], ['upwards', '/a/../../b', '/proxy/node/b'], ['with a user', 'http://user@mynode.com/a', '/proxy/node/node1:10250/a'],
  ])('%s', (_, link, expected) => expect(rewriteUrl(link, at)).toBe(expected))
})
