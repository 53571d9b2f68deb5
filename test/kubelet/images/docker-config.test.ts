/** Named cases after pkg/credentialprovider's keyring_test.go and config_test.go. */
import { describe, expect, test } from 'vitest'
import { loginsFor, loginsOfSecret, parseDockerConfig } from '../../../agents/kubelet/images/docker-config.ts'
import { addressFor, checkRedirect, endpointFor, parseRegistries, type RegistryConfig } from '../../../agents/kubelet/images/registry/registry-config.ts'
import { parseChallenges } from '../../../agents/kubelet/images/registry/challenge.ts'
import type { Secret } from '../../../src/api/types.ts'

const auth = Buffer.from('foo:bar:baz').toString('base64')
const configOf = (...locations: string[]): string => JSON.stringify({ auths: Object.fromEntries(locations.map((each) => [each, { auth: Buffer.from(`${each}:x`).toString('base64') }])) })
const found = (repository: string, ...locations: string[]): string[] => loginsFor(parseDockerConfig(configOf(...locations), 'config.json', 'config.json'), repository).map(({ location }) => location)

describe('which entry is for which image', () => {
  test.each<[string, string, string[], string[]]>([
    ['its host', 'registry.example/foo/bar', ['registry.example'], ['registry.example']],
    ['its host and a path', 'registry.example/foo/bar', ['https://registry.example/foo/'], ['registry.example/foo/']],
    ['the more specific first', 'quay.io/coreos/etcd', ['quay.io', 'quay.io/coreos'], ['quay.io/coreos', 'quay.io']],
    ['a star is one part of a name', 'prefix.kubernetes.io/app', ['*.kubernetes.io'], ['*.kubernetes.io']],
    ['a star within a part', 'prefix.kubernetes.io/app', ['pre*.kubernetes.io'], ['pre*.kubernetes.io']],
    ['several stars', 'a.b.io/app', ['*.*.io'], ['*.*.io']],
    ['its port', 'registry.example:5000/app', ['registry.example:5000'], ['registry.example:5000']],
    ['v1 and v2 stand for the host', 'registry.example/app', ['https://registry.example/v2/', 'http://registry.example/v1/'], ['registry.example', 'registry.example']],
    ['docker\'s own name for the hub', 'docker.io/library/nginx', ['https://index.docker.io/v1/'], ['index.docker.io']],
    ['the hub by its name', 'docker.io/library/nginx', ['docker.io'], ['docker.io']],
  ])('%s', (_, repository, locations, expected) => expect(found(repository, ...locations)).toEqual(expected))
  test.each<[string, string, string]>([
    ['another host', 'other.example/app', 'registry.example'], ['a star is not two parts', 'a.b.kubernetes.io/app', '*.kubernetes.io'], ['another port', 'registry.example:5001/app', 'registry.example:5000'],
    ['a port where none is asked for', 'registry.example/app', 'registry.example:5000'], ['another path', 'registry.example/bar/app', 'registry.example/foo'], ['the hub\'s for another registry', 'quay.io/app', 'https://index.docker.io/v1/'],
    ['a dot is a dot', 'registryXexample/app', 'registry.example'], ['a broken pattern', 'registry.example/app', '[a.example'],
  ])('not %s', (_, repository, location) => expect(found(repository, location)).toEqual([]))
})

describe('entries', () => {
  test('auth is user and password, which may hold colons', () => expect(parseDockerConfig(JSON.stringify({ auths: { a: { auth } } }), 'f', 'config.json')[0]?.credentials).toEqual({ username: 'foo', password: 'bar:baz' }))
  test('or they are said apart; tokens, too', () => {
    const auths = { a: { username: 'u', password: 'p' }, b: { identitytoken: 'i' }, c: { registrytoken: 'r' }, d: {} }
    expect(parseDockerConfig(JSON.stringify({ auths }), 'f', 'config.json').map(({ credentials }) => credentials)).toEqual([
      { username: 'u', password: 'p' }, { username: '', password: '', identityToken: 'i' }, { username: '', password: '', registryToken: 'r' },
    ])
  })
  test('what docker keeps elsewhere (credsStore) says nothing here', () => expect(parseDockerConfig(JSON.stringify({ auths: { a: {} }, credsStore: 'desktop' }), 'f', 'config.json')).toEqual([]))
  test('S17: what is no JSON is not quoted: it may be a password', () => expect(() => parseDockerConfig('hunter2-hunter2', 'f', 'config.json')).toThrow(/^f is no JSON$/))
  test.each<[string, string, RegExp]>([['no JSON', '{', /^f is no JSON/], ['a list', '[]', /^f holds no object/], ['no base64 of a pair', JSON.stringify({ auths: { a: { auth: 'YQ==' } } }), /^f: "a": auth is not the base64 of "user:password"/]])('%s is refused', (_, text, why) => {
    expect(() => parseDockerConfig(text, 'f', 'config.json')).toThrow(why)
  })
  const secret = (type: string, key: string, value: object): Secret => ({ metadata: { name: 's', namespace: 'n' }, type, data: { [key]: Buffer.from(JSON.stringify(value)).toString('base64') } }) as never
  test.each<[string, Secret, number]>([
    ['dockerconfigjson', secret('kubernetes.io/dockerconfigjson', '.dockerconfigjson', { auths: { a: { auth } } }), 1], ['dockercfg', secret('kubernetes.io/dockercfg', '.dockercfg', { a: { auth } }), 1],
    ['another type', secret('Opaque', '.dockerconfigjson', { auths: { a: { auth } } }), 0], ['a type without its data', secret('kubernetes.io/dockercfg', '.dockerconfigjson', { auths: { a: { auth } } }), 0],
  ])('of a secret: %s', (_, each, count) => expect(loginsOfSecret(each)).toHaveLength(count))
})

describe('the node\'s registries', () => {
  test('by host, files beside the configuration', () => expect(parseRegistries('{"registries":{"r.example:5000":{"caFile":"ca.crt"},"[::1]:5000":{"plainHTTP":true}}}', '/etc/w/registries.json').settings).toEqual(new Map([['r.example:5000', { caFile: '/etc/w/ca.crt' }], ['[::1]:5000', { plainHTTP: true }]])))
  test.each([['{}', ['/etc/containerd/certs.d']], ['{"configPath":"certs.d:/etc/docker/certs.d"}', ['/etc/w/certs.d', '/etc/docker/certs.d']], ['{"configPath":""}', []]])('directories of hosts: %s', (text, expected) => expect(parseRegistries(text, '/etc/w/registries.json').hostDirectories).toEqual(expected))
  test.each<[string, string, RegExp]>([
    ['no JSON', '{', /^f is no JSON/], ['an unknown field', '{"registry":{}}', /^f: registry: is not known/], ['a scheme', '{"registries":{"https://a":{}}}', /must be a host/], ['an unknown setting', '{"registries":{"a":{"insecure":true}}}', /registries\["a"\]\.insecure: is not known; plainHTTP, insecureSkipTLSVerify, caFile are/],
    ['another type', '{"registries":{"a":{"plainHTTP":"yes"}}}', /must be a boolean/], ['two that exclude one another', '{"registries":{"a":{"plainHTTP":true,"caFile":"x"}}}', /plainHTTP has no certificate/],
    ['no directories', '{"configPath":[]}', /^f: configPath: must be a text/],
  ])('%s is refused', (_, text, why) => expect(() => parseRegistries(text, 'f')).toThrow(why))
})

describe('how a registry is reached', () => {
  const config: RegistryConfig = { environment: {}, ...parseRegistries('{"registries":{"plain.example":{"plainHTTP":true},"127.0.0.1:5001":{"insecureSkipTLSVerify":true},"localhost:5002":{"plainHTTP":false}}}', 'f') }
  test.each([
    ['docker.io', 'https://registry-1.docker.io/'], ['registry.example:5000', 'https://registry.example:5000/'], ['plain.example', 'http://plain.example/'],
    ['localhost:5000', 'http://localhost:5000/'], ['127.0.0.1:5000', 'http://127.0.0.1:5000/'], ['127.0.0.1:5001', 'https://127.0.0.1:5001/'], ['localhost:5002', 'https://localhost:5002/'], ['127.0.0.1.example', 'https://127.0.0.1.example/'],
  ])('%s', (host, url) => expect(addressFor(host, config).href).toBe(url))
  test('only what the node says is checked less', () => expect(['127.0.0.1:5001', 'registry.example'].map((host) => endpointFor(addressFor(host, config), config, host).rejectUnauthorized)).toEqual([false, true]))
  const [secure, plain] = [new URL('https://registry.example/'), new URL('http://plain.example/')]
  test.each([['https://cdn.example/x', secure], ['http://plain.example/x', secure], ['http://cdn.example/x', plain]])('%s may follow %s', (to, from) => expect(() => checkRedirect(new URL(to), from, config)).not.toThrow())
  test.each([['http://cdn.example/x', /is not encrypted; allow it with "plainHTTP"/], ['file:///etc/passwd', /neither HTTPS nor HTTP/]])('%s may not follow https', (to, why) => expect(() => checkRedirect(new URL(to), secure, config)).toThrow(why))
})

test.each<[string, string, unknown]>([
  ['bearer', 'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/nginx:pull"', [{ scheme: 'bearer', parameters: { realm: 'https://auth.docker.io/token', service: 'registry.docker.io', scope: 'repository:library/nginx:pull' } }]],
  ['basic', 'Basic realm="a \\"b\\""', [{ scheme: 'basic', parameters: { realm: 'a "b"' } }]],
  ['both', 'Negotiate, Bearer realm=x, Basic realm="y"', [{ scheme: 'bearer', parameters: { realm: 'x' } }, { scheme: 'basic', parameters: { realm: 'y' } }]],
  ['nothing', '', []], ['nonsense', '"=,;(', []],
])('a challenge: %s', (_, header, expected) => expect(parseChallenges(header)).toEqual(expected))
