/** Named cases after golang.org/x/net/http/httpproxy's proxy_test.go. */
import { describe, expect, test } from 'vitest'
import { proxyFor, type ProxyEnvironment, proxyOf } from '../../../../agents/kubelet/images/registry/proxy.ts'

const via = (url: string, environment: ProxyEnvironment): string | undefined => proxyFor(new URL(url), environment)?.href
const both = { HTTP_PROXY: 'http.proxy:3128', HTTPS_PROXY: 'https://secure.proxy' }

describe('through which proxy an address is reached', () => {
  test.each<[string, string, ProxyEnvironment, string | undefined]>([
    ['none is named', 'https://r.example/', {}, undefined], ['HTTPS has its own', 'https://r.example/', both, 'https://secure.proxy/'], ['so has HTTP; it speaks HTTP where nothing is said', 'http://r.example/', both, 'http://http.proxy:3128/'],
    ['none for HTTPS', 'https://r.example/', { HTTP_PROXY: 'p:1' }, undefined], ['in small letters', 'https://r.example/', { https_proxy: 'p:1' }, 'http://p:1/'], ['large letters stand above', 'https://r.example/', { https_proxy: 'p:1', HTTPS_PROXY: 'q:1' }, 'http://q:1/'],
    ['with a password', 'https://r.example/', { HTTPS_PROXY: 'http://me:secret@p:1' }, 'http://me:secret@p:1/'],
    ['loopback by name', 'http://localhost:5000/', both, undefined], ['loopback by address', 'http://127.1.2.3/', both, undefined], ['loopback of IPv6', 'http://[::1]:5000/', both, undefined],
    ...([
      ['everything', '*', 'https://r.example/', true], ['a name', 'r.example', 'https://r.example/', true], ['what is below a name', 'example', 'https://r.example/', true], ['what ends like it', 'ample', 'https://r.example/', false],
      ['below, without itself', '.r.example', 'https://r.example/', false], ['below', '.example', 'https://r.example/', true], ['below, with an asterisk', '*.example', 'https://r.example/', true], ['among others', 'a.example, R.Example ,b', 'https://r.example/', true],
      ['with its port', 'r.example:5000', 'https://r.example:5000/', true], ['with another', 'r.example:5000', 'https://r.example/', false], ['with the usual one', 'r.example:443', 'https://r.example/', true],
      ['an address', '10.1.2.3', 'https://10.1.2.3/', true], ['another address', '10.1.2.3', 'https://10.1.2.30/', false], ['a range', '10.0.0.0/8', 'https://10.1.2.3/', true], ['another range', '10.0.0.0/16', 'https://10.1.2.3/', false], ['a range of names', '10.0.0.0/8', 'https://r.example/', false],
      ['IPv6', 'fd00::1', 'https://[fd00::1]/', true], ['a range of IPv6', 'fd00::/8', 'https://[fd00::1]:5000/', true], ['no range', '10.0.0.0/99', 'https://10.1.2.3/', false],
    ] as const).map(([name, except, url, straight]): [string, string, ProxyEnvironment, string | undefined] => [`NO_PROXY: ${name}`, url, { HTTPS_PROXY: 'p:1', NO_PROXY: except }, straight ? undefined : 'http://p:1/']),
  ])('%s', (_, url, environment, expected) => expect(via(url, environment)).toBe(expected))
  test.each([['socks5://p:1', /^HTTPS_PROXY names a proxy of socks5:\/\/, which is not supported/], ['http://', /must be the URL of a proxy/], ['http://p/x', /without a path/]])('%s is refused', (text, why) => expect(() => proxyOf(text, 'HTTPS_PROXY')).toThrow(why))
  test('what is wrong with one does not tell its password', () => expect(() => proxyOf('socks5://me:secret@p', 'HTTPS_PROXY')).toThrow(/^(?!.*secret)/))
})
