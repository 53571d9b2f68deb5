/** Named cases after docs/hosts.md of containerd and its hosts_test.go. */
import { describe, expect, test } from 'vitest'
import { parseHostsFile } from '../../../../agents/kubelet/images/registry/hosts-file.ts'

const file = '/etc/containerd/certs.d/docker.io/hosts.toml'
const read = (text: string) => parseHostsFile(text, file).map(({ base, can, ...others }) => ({ ...others, base: base?.href, can: [...can] }))
const plain = { caFiles: [], clientFiles: [], skipVerify: false, headers: {}, dialMilliseconds: undefined, proxy: undefined, can: ['pull', 'resolve'] }

describe('a file of hosts', () => {
  test('that says nothing is the registry', () => expect(read('# nothing\n')).toEqual([{ ...plain, base: undefined }]))
  test('mirrors in the order of the file, then the server', () => {
    expect(read('server = "https://registry-1.docker.io"    # Exclude this to not use upstream\n\n[host."https://public-mirror.example.com"]\n  capabilities = ["pull"]\n[host."https://docker-mirror.internal"]\n  capabilities = ["Pull", "resolve"]\n  ca = "docker-mirror.crt"\n[host."http://192.168.31.250:5000"]\n  capabilities = ["pull", "resolve", "push"]\n  skip_verify = true\n')).toEqual([
      { ...plain, base: 'https://public-mirror.example.com/v2/', can: ['pull'] }, { ...plain, base: 'https://docker-mirror.internal/v2/', caFiles: ['/etc/containerd/certs.d/docker.io/docker-mirror.crt'] },
      { ...plain, base: 'http://192.168.31.250:5000/v2/', skipVerify: true }, { ...plain, base: 'https://registry-1.docker.io/v2/' },
    ])
  })
  test.each([
    ['https://m.example', false, 'https://m.example/v2/'], ['m.example:5000', false, 'https://m.example:5000/v2/'], ['https://m.example/', false, 'https://m.example/v2/'], ['https://m.example/v2', false, 'https://m.example/v2/'], ['https://m.example/team', false, 'https://m.example/team/v2/'],
    ['https://m.example/v2/team', true, 'https://m.example/v2/team/'], ['https://m.example', true, 'https://m.example/'],
  ])('where the API of %s begins (the path is all of it: %s)', (address, override, expected) => expect(read(`[host."${address}"]\noverride_path = ${override}\n`)[0]?.base).toBe(expected))
  test('everything that a host may have', () => {
    expect(read('[host."m.example"]\nca = ["/a.pem", "b.pem"]\nclient = [["c.cert", "c.key"], ["d.pem", ""], "e.pem"]\ndial_timeout = "1s"\nproxy = "http://p:3128"\n[host."m.example".header]\nX-One = "1"\nx-two = ["a", "b"]\n')[0]).toEqual({
      base: 'https://m.example/v2/', can: ['pull', 'resolve'], skipVerify: false, caFiles: ['/a.pem', '/etc/containerd/certs.d/docker.io/b.pem'], dialMilliseconds: 1000, proxy: new URL('http://p:3128'), headers: { 'x-one': ['1'], 'x-two': ['a', 'b'] },
      clientFiles: [['c.cert', 'c.key'], ['d.pem', 'd.pem'], ['e.pem', 'e.pem']].map(([cert, key]) => ({ cert: `/etc/containerd/certs.d/docker.io/${cert}`, key: `/etc/containerd/certs.d/docker.io/${key}` })),
    })
  })
  test.each<[string, string, RegExp]>([
    ['no TOML', 'server = ', /hosts\.toml is no TOML/], ['an unknown field', 'mirror = "x"\n', /hosts\.toml: mirror is not known: server, host, capabilities/], ['one of a host', '[host."m"]\nserver = "x"\n', /host\."m"\.server is not known/],
    ['an unknown capability', '[host."m"]\ncapabilities = ["delete"]\n', /host\."m"\.capabilities cannot have "delete": pull, resolve, push are/], ['no address', 'server = "ftp://x y"\n', /server "ftp:\/\/x y" must be an address/], ['a user', '[host."https://me:secret@m"]\n', /must be an address without a user/],
    ['authorities that are none', 'ca = 1\n', /ca must be a text or a list of texts/], ['a client of three', 'client = [["a", "b", "c"]]\n', /client must be a file/], ['a trust that is no truth', 'skip_verify = "yes"\n', /skip_verify must be true or false/],
    ['no duration', 'dial_timeout = "soon"\n', /dial_timeout must be a duration like 1s/], ['a proxy of another kind', 'proxy = "socks5://p:1"\n', /hosts\.toml: proxy names a proxy of socks5:/], ['a host that is no table', 'host = "m"\n', /host must be a table of tables/], ['a prototype', '[__proto__]\nx = 1\n', /__proto__ is not known/],
  ])('%s is refused by name', (_, text, why) => expect(() => parseHostsFile(text, file)).toThrow(why))
})
