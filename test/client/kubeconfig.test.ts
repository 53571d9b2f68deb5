import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { inspect } from 'node:util'
import { afterAll, describe, expect, test } from 'vitest'
import { accessOf, findAccess, inClusterAccess, kubeconfigFiles, loadKubeconfig, parseKubeconfig, renderKubeconfig } from '../../src/client/kubeconfig.ts'

const directory = mkdtempSync(path.join(tmpdir(), 'wherry-kubeconfig-'))
afterAll(() => rmSync(directory, { recursive: true }))
const file = (name: string, text: string) => { writeFileSync(path.join(directory, name), text); return path.join(directory, name) }

const usual = (user: string, cluster = '{ server: "https://10.0.0.1:6443" }') => `
apiVersion: v1
kind: Config
clusters: [{ name: one, cluster: ${cluster} }]
users: [{ name: me, user: ${user} }]
contexts: [{ name: here, context: { cluster: one, user: me, namespace: shop } }]
current-context: here
`
const parse = (user: string, cluster?: string) => accessOf(parseKubeconfig(usual(user, cluster), '/etc/kube/config'))
const base64 = (text: string) => Buffer.from(text).toString('base64')

describe('credentials', () => {
  for (const [name, user, expected] of [
    ['a token', '{ token: abc }', { token: { data: 'abc' } }],
    ['a token file counts more than a token', '{ token: abc, tokenFile: token }', { token: { file: '/etc/kube/token' } }],
    ['a certificate inside', `{ client-certificate-data: ${base64('CERT')}, client-key-data: ${base64('KEY')} }`, { clientCertificate: { data: 'CERT' }, clientKey: { data: 'KEY' } }],
    ['certificate files, relative to the kubeconfig', '{ client-certificate: pki/me.crt, client-key: /keys/me.key }', { clientCertificate: { file: '/etc/kube/pki/me.crt' }, clientKey: { file: '/keys/me.key' } }],
    ['a password', '{ username: me, password: secret }', { basic: { username: 'me', password: 'secret' } }],
    ['none', '{}', {}],
    ['nobody to impersonate', '{ token: abc, as-groups: [], as-user-extra: {} }', { token: { data: 'abc' } }],
  ] as const) test(name, () => expect(parse(user)).toEqual({ context: 'here', namespace: 'shop', server: 'https://10.0.0.1:6443', ...expected }))

  test('authority and TLS options of the cluster', () => {
    expect(parse('{}', `{ server: "https://a", certificate-authority-data: ${base64('CA')}, tls-server-name: api }`)).toMatchObject({ certificateAuthority: { data: 'CA' }, tlsServerName: 'api' })
    expect(parse('{}', '{ server: "https://a", insecure-skip-tls-verify: true, certificate-authority: ca.crt }')).toMatchObject({ certificateAuthority: { file: '/etc/kube/ca.crt' }, insecureSkipTlsVerify: true })
  })
})

describe('refused by name', () => {
  for (const [name, user, cluster, message] of [
    ['exec plugins', '{ exec: { command: aws } }', undefined, 'user "me" uses the exec plugin "aws", which is not supported'],
    ['auth providers', '{ auth-provider: { name: gcp } }', undefined, 'user "me" uses the auth-provider "gcp", which is not supported'],
    ['impersonation', '{ token: a, as: boss }', undefined, 'user "me" impersonates "boss"'],
    ["impersonation of a user's id", '{ token: a, as-uid: "7" }', undefined, 'user "me" impersonates somebody (`as-uid`), which is not supported: use that user\'s own credentials'],
    ['impersonation of groups', '{ token: a, as-groups: [dev] }', undefined, 'user "me" impersonates somebody (`as-groups`), which is not supported'],
    ["impersonation with a user's extra", '{ token: a, as-user-extra: { scopes: [all] } }', undefined, 'user "me" impersonates somebody (`as-user-extra`), which is not supported'],
    ['proxies', '{}', '{ server: "https://a", proxy-url: "http://proxy" }', 'cluster "one" is behind the proxy http://proxy'],
    ['a cluster without server', '{}', '{}', 'cluster "one" has no server'],
  ] as const) test(name, () => expect(() => parse(user, cluster)).toThrow(message))

  for (const [name, text, message] of [
    ['no YAML', 'a: [', '/x is no valid YAML'],
    ['no mapping', '- a', '/x is no kubeconfig: it must be a YAML mapping'],
    ['another kind', 'kind: Pod', '/x is no kubeconfig: its kind is "Pod"'],
    ['an empty file', '', '/x is no kubeconfig'],
    ['clusters that are no list', 'clusters: { a: 1 }', '/x: clusters must be a list'],
  ] as const) test(name, () => expect(() => parseKubeconfig(text, '/x')).toThrow(message))

  test('S17: where a line with a token is no YAML, its place is said, and the token is not', () => {
    for (const text of ['users:\n- name: me\n  user: { token: hunter2', 'users:\n- token: "hunter2\\q"', 'token: *hunter2', 'token: "a" hunter2']) {
      const error = ((): unknown => { try { return parseKubeconfig(text, '/x') } catch (thrown) { return thrown } })()
      expect(inspect(error, { depth: 5 })).toMatch(/\/x is no valid YAML: /)
      expect(inspect(error, { depth: 5 }).replaceAll(/^ +at .*$/gm, '')).not.toContain('hunter2')
    }
    expect(() => parseKubeconfig('a: 1\nb: "\\q"', '/x')).toThrow('/x is no valid YAML: line 2, column 5: BAD_DQ_ESCAPE')
  })

  test('a context that does not exist, with those that do', () => {
    expect(() => accessOf(parseKubeconfig(usual('{}'), '/x'), 'there')).toThrow('context "there" does not exist (known contexts: here)')
  })
  test('no file, with the remedy', () => expect(() => loadKubeconfig(['/nowhere/config'])).toThrow('no kubeconfig at /nowhere/config: name one with --kubeconfig or $KUBECONFIG, or start a cluster with `wherry up`'))
})

describe('finding it', () => {
  test('what is asked for, else $KUBECONFIG, else the home directory', () => {
    expect(kubeconfigFiles('/a', { KUBECONFIG: '/b' })).toEqual(['/a'])
    expect(kubeconfigFiles(undefined, { KUBECONFIG: '/b:/c' })).toEqual(['/b', '/c'])
    expect(kubeconfigFiles(undefined, { HOME: '/home/me' })).toEqual(['/home/me/.kube/config'])
  })
  test('several files: the first that sets a value wins, missing ones are skipped', () => {
    const first = file('first', usual('{ token: first }'))
    const second = file('second', `${usual('{ token: second }').replaceAll('here', 'there')}`)
    const config = loadKubeconfig([first, path.join(directory, 'missing'), second])
    expect([...config.contexts.keys()].toSorted()).toEqual(['here', 'there'])
    expect(accessOf(config, 'there').token).toEqual({ data: 'first' })
  })
  test('in a pod: the service account', () => {
    file('token', 'secret'); file('namespace', 'shop\n')
    expect(inClusterAccess({ KUBERNETES_SERVICE_HOST: '10.96.0.1', KUBERNETES_SERVICE_PORT: '443' }, directory)).toEqual({
      server: 'https://10.96.0.1:443', namespace: 'shop', token: { file: path.join(directory, 'token') }, certificateAuthority: { file: path.join(directory, 'ca.crt') },
    })
    expect(inClusterAccess({}, directory)).toBeUndefined()
  })
  test('a kubeconfig that is asked for must be there, also in a pod', () => {
    expect(() => findAccess({ kubeconfig: '/nowhere/config' }, { KUBERNETES_SERVICE_HOST: '10.96.0.1', KUBERNETES_SERVICE_PORT: '443' })).toThrow('no kubeconfig at /nowhere/config')
  })
})

test('what is rendered is read again', () => {
  const text = renderKubeconfig({ cluster: 'wherry', user: 'kubernetes-admin', server: 'https://127.0.0.1:6443', certificateAuthority: 'CA', credentials: { certificate: 'CERT', key: 'KEY' } })
  expect(accessOf(parseKubeconfig(text, '/x'))).toEqual({
    context: 'kubernetes-admin@wherry', namespace: 'default', server: 'https://127.0.0.1:6443', certificateAuthority: { data: 'CA' }, clientCertificate: { data: 'CERT' }, clientKey: { data: 'KEY' },
  })
})
