/** Programs that know credentials. Named cases after pkg/credentialprovider/plugin's config_test.go and plugin_test.go. */
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { type CredentialProvider, parseCredentialProviders, type TokenAttributes } from '../../../agents/kubelet/images/credential-provider/configuration.ts'
import { credentialMetrics } from '../../../agents/kubelet/images/credential-provider/metrics.ts'
import { execPlugin, parseAnswer, type PluginAnswer, type PluginRequest } from '../../../agents/kubelet/images/credential-provider/plugin.ts'
import { credentialProviders } from '../../../agents/kubelet/images/credential-provider/providers.ts'
import type { PodSpec } from '../../../src/api/types.ts'
import type { Client } from '../../../src/client/client.ts'
import { fakeClock } from '../../support/fake-clock.ts'
import { logs } from '../../support/logs.ts'
import { aPod } from '../builders.ts'

const head = 'apiVersion: kubelet.config.k8s.io/v1\nkind: CredentialProviderConfig\n'
const v1 = 'credentialprovider.kubelet.k8s.io/v1'
const provider = (more = '', name = 'ecr'): string => `- {name: ${name}, apiVersion: ${v1}, matchImages: ["*.dkr.ecr.*.amazonaws.com", "r.example:5000/team"], defaultCacheDuration: 12h${more}}\n`
const tokens = (more: string): string => `, tokenAttributes: {serviceAccountTokenAudience: r.example, requireServiceAccount: true, cacheType: Token${more}}`
const read = (...texts: string[]): CredentialProvider[] => parseCredentialProviders(texts.map((text, index) => ({ file: `f${index}`, text })))

describe('the configuration', () => {
  test('of programs, in order, over several files', () => {
    expect(read(`${head}providers:\n${provider(', args: [get], env: [{name: A, value: b}]')}`, `${head.replace('/v1', '/v1beta1')}providers:\n${provider(tokens(', requiredServiceAccountAnnotationKeys: [a/b], optionalServiceAccountAnnotationKeys: [c]'), 'gcr')}`)).toEqual([
      { name: 'ecr', apiVersion: v1, matchImages: ['*.dkr.ecr.*.amazonaws.com', 'r.example:5000/team'], defaultCacheMilliseconds: 43_200_000, args: ['get'], env: [{ name: 'A', value: 'b' }], tokenAttributes: undefined },
      expect.objectContaining({ name: 'gcr', tokenAttributes: { audience: 'r.example', requireServiceAccount: true, cacheType: 'Token', requiredAnnotations: ['a/b'], optionalAnnotations: ['c'] } }),
    ])
  })
  const one = (text: string): string => `${head}providers:\n- ${text}\n`
  test.each<[string, string, RegExp]>([
    ['no YAML', '{', /^f0: the file is no YAML/], ['another kind', 'kind: Pod\n', /must have kind CredentialProviderConfig/], ['none', head, /^f0: providers must have at least one item/], ['an unknown field', one('{names: x}'), /^f0: providers\[0\]\.names is not known/],
    ['no name', one('{}'), /providers\[0\]\.name must be the name of a program, not ""/], ['a path', `${head}providers:\n${provider('', '../sh')}`, /name must be the name of a program/], ['the same name twice', `${head}providers:\n${provider()}${provider()}`, /providers\[1\]\.name is "ecr", as another one's/],
    ['another version', one('{name: a, apiVersion: v1}'), /apiVersion must be one of credentialprovider\.kubelet\.k8s\.io\/v1/], ['no images', one(`{name: a, apiVersion: ${v1}}`), /matchImages must have at least one item/], ['an image that is none', one(`{name: a, apiVersion: ${v1}, matchImages: ["a b"]}`), /matchImages cannot have "a b"/],
    ['no duration', one(`{name: a, apiVersion: ${v1}, matchImages: [a]}`), /defaultCacheDuration is required/], ['one below nothing', one(`{name: a, apiVersion: ${v1}, matchImages: [a], defaultCacheDuration: -1s}`), /defaultCacheDuration is required/],
    ['a variable with more', `${head}providers:\n${provider(', env: [{name: A, valueFrom: x}]')}`, /env has valueFrom, which is not known/],
    ['no audience', `${head}providers:\n${provider(', tokenAttributes: {}')}`, /tokenAttributes\.serviceAccountTokenAudience is required/], ['no say about accounts', `${head}providers:\n${provider(', tokenAttributes: {serviceAccountTokenAudience: a}')}`, /requireServiceAccount is required/],
    ['no cache', `${head}providers:\n${provider(', tokenAttributes: {serviceAccountTokenAudience: a, requireServiceAccount: true}')}`, /cacheType is required: ServiceAccount or Token/], ['tokens for an older version', `${head}providers:\n${provider(tokens('')).replace(v1, `${v1}beta1`)}`, /tokenAttributes is only supported for/],
    ['annotations without an account', `${head}providers:\n${provider(tokens(', requiredServiceAccountAnnotationKeys: [a]').replace('true', 'false'))}`, /requiredServiceAccountAnnotationKeys cannot be set/], ['a wrong annotation', `${head}providers:\n${provider(tokens(', optionalServiceAccountAnnotationKeys: ["a b"]'))}`, /cannot have "a b"/],
    ['an annotation of both kinds', `${head}providers:\n${provider(tokens(', requiredServiceAccountAnnotationKeys: [a], optionalServiceAccountAnnotationKeys: [a]'))}`, /cannot be both required and optional: a/],
  ])('%s is refused by name', (_, text, why) => expect(() => read(text)).toThrow(why))
})

const answer = (more: object): string => JSON.stringify({ kind: 'CredentialProviderResponse', apiVersion: v1, cacheKeyType: 'Image', ...more })

describe('what a program answers', () => {
  test('credentials by where they are good', () => expect(parseAnswer(answer({ cacheDuration: '5m', auth: { '*.example': { username: 'u', password: 'p' } } }), v1)).toEqual({ cacheKeyType: 'Image', cacheMilliseconds: 300_000, auth: { '*.example': { username: 'u', password: 'p' } } }))
  test('nothing', () => expect(parseAnswer(answer({ auth: null }), v1)).toEqual({ cacheKeyType: 'Image', cacheMilliseconds: undefined, auth: {} }))
  test.each<[string, string, RegExp]>([
    ['no JSON', 'password: hunter2', /^error decoding credential provider plugin response from stdout$/], ['another version', answer({ apiVersion: 'v2' }), /did not match expected apiVersion:credentialprovider\.kubelet\.k8s\.io\/v1, actual apiVersion:v2/], ['another kind', answer({ kind: 'Pod' }), /^error decoding/],
    ['no cache key', answer({ cacheKeyType: 'Pod' }), /valid cacheKeyType: "Pod"/], ['more than is known', answer({ expiry: 'hunter2' }), /^error decoding[^2]*$/], ['no duration', answer({ cacheDuration: 'soon' }), /^error decoding/], ['a password that is none', answer({ auth: { a: { password: 1 } } }), /^error decoding/],
  ])('%s is refused, without its words', (_, text, why) => expect(() => parseAnswer(text, v1)).toThrow(why))
})

describe('a program', () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'wherry-plugins-'))
  afterAll(() => rmSync(directory, { recursive: true, force: true }))
  const program = (name: string, script: string): CredentialProvider => {
    writeFileSync(path.join(directory, name), `#!/bin/sh\n${script}\n`)
    chmodSync(path.join(directory, name), 0o755)
    return { name, apiVersion: v1, matchImages: ['a'], defaultCacheMilliseconds: 0, args: ['get', 'a b'], env: [{ name: 'WHERRY_TEST', value: 'x' }], tokenAttributes: undefined }
  }
  const run = (each: CredentialProvider, signal = AbortSignal.timeout(20_000)) => execPlugin(directory)(each, { image: 'r.example/app', serviceAccountToken: 't', serviceAccountAnnotations: { a: 'b' } }, signal)
  test('is told by standard input what it is asked, with its arguments and environment above the kubelet\'s', async () => {
    const seen = path.join(directory, 'seen')
    expect(await run(program('good', `cat >${seen}; echo "" "|$1|$2|$WHERRY_TEST|\${PATH:+path}" >>${seen}; echo '${answer({ auth: { 'r.example': { username: 'u', password: 'p' } } })}'`))).toMatchObject({ auth: { 'r.example': { username: 'u', password: 'p' } } })
    expect(readFileSync(seen, 'utf8').split('\n')).toEqual([`${JSON.stringify({ kind: 'CredentialProviderRequest', apiVersion: v1, image: 'r.example/app', serviceAccountToken: 't', serviceAccountAnnotations: { a: 'b' } })} |get|a b|x|path`, ''])
  })
  test.each<[string, string, RegExp]>([
    ['that fails', 'echo no network >&2; exit 3', /^error execing credential provider plugin fails for image r\.example\/app: exit status 3: no network$/], ['that is killed', 'kill -9 $$', /signal: SIGKILL/], ['that answers nothing', 'cat >/dev/null', /error decoding/], ['that answers too much', 'yes 0123456789012345678901234567890', /more than 1048576 characters/],
  ])('%s', async (_, script, why) => { await expect(run(program('fails', script))).rejects.toThrow(why) })
  test('that does not end is ended', async () => {
    const stop = new AbortController()
    const asked = run(program('slow', 'sleep 60; true'), stop.signal)
    stop.abort(new Error('nobody wants it any more'))
    await expect(asked).rejects.toThrow(/error execing credential provider plugin slow for image r\.example\/app: nobody wants it any more/)
  })
  test('that is not there', async () => { await expect(run({ ...program('x', ''), name: 'none' })).rejects.toThrow(/ENOENT/) })
})

const attributes: TokenAttributes = { audience: 'r.example', requireServiceAccount: true, cacheType: 'ServiceAccount', requiredAnnotations: ['team'], optionalAnnotations: ['role'] }

const setUp = ({ tokenAttributes, says = {}, annotations = { team: 'a' }, matchImages = ['r.example:5000', '*.r.example', 'docker.io/library'], others = [] }: { tokenAttributes?: TokenAttributes; says?: Partial<PluginAnswer>; annotations?: Record<string, string>; matchImages?: string[]; others?: CredentialProvider[] } = {}) => {
  const clock = fakeClock()
  const asked: PluginRequest[] = []
  const log = logs()
  let fails: Error | undefined
  const one: CredentialProvider = { name: 'one', apiVersion: v1, matchImages, defaultCacheMilliseconds: 60_000, args: [], env: [], tokenAttributes }
  const known = credentialProviders({
    providers: [one, ...others], clock, log,
    ask: (_, request) => { asked.push(request); return fails ? Promise.reject(fails) : Promise.resolve({ cacheKeyType: 'Image', cacheMilliseconds: undefined, auth: { [request.image]: { username: 'u', password: `p${asked.length}` } }, ...says }) },
    client: { get: (_: unknown, { namespace, name }: { namespace: string; name: string }) => Promise.resolve({ metadata: { namespace, name, uid: `uid-of-${name}`, annotations } }) } as unknown as Client,
    tokens: { issue: (pod, { audience }) => Promise.resolve({ token: `token of ${pod.metadata.name} for ${audience}`, expirationTimestamp: '' }) },
  })
  const logins = async (repository: string, spec: Partial<PodSpec> = {}, name = 'web-1') => (await known.logins(aPod({ serviceAccountName: 'robot', ...spec }, { name, uid: name }), repository, new AbortController().signal)).map(({ credentials }) => credentials.password)
  return { clock, asked, log, known, logins, fail: (error: Error | undefined) => { fails = error } }
}

describe('who is asked', () => {
  test.each([['r.example:5000/app', true], ['r.example/app', false], ['a.r.example/team/app', true], ['a.b.r.example/app', false], ['docker.io/library/nginx', true], ['docker.io/someone/nginx', false]])('for %s: %s', async (repository, expected) => {
    const { logins, asked } = setUp()
    await logins(repository)
    expect(asked).toEqual(expected ? [{ image: repository }] : [])
  })
  test.each<[string, Partial<PluginAnswer>, string[], number]>([
    ['by image', {}, ['a.r.example/app', 'a.r.example/app', 'a.r.example/other'], 2], ['by registry', { cacheKeyType: 'Registry' }, ['a.r.example/app', 'a.r.example/other', 'b.r.example/app'], 2], ['by nothing', { cacheKeyType: 'Global' }, ['a.r.example/app', 'b.r.example/app'], 1],
    ['not at all', { cacheMilliseconds: 0 }, ['a.r.example/app', 'a.r.example/app'], 2],
  ])('and what it said is kept %s', async (_, says, repositories, times) => {
    const { logins, asked } = setUp({ says })
    for (const each of repositories) await logins(each)
    expect(asked).toHaveLength(times)
  })
  test('until its time is over: its own, or the configuration\'s', async () => {
    for (const [says, milliseconds] of [[{}, 60_000], [{ cacheMilliseconds: 1_000 }, 1_000]] as const) {
      const { logins, asked, clock } = setUp({ says })
      await logins('a.r.example/app')
      await clock.advance(milliseconds)
      await logins('a.r.example/app')
      expect(asked).toHaveLength(1)
      await clock.advance(1)
      expect(await logins('a.r.example/app')).toEqual(['p2'])
    }
  })
  test('once, however many pods want it at once', async () => {
    const { logins, asked } = setUp()
    await Promise.all([logins('a.r.example/app'), logins('a.r.example/app', {}, 'web-2')])
    expect(asked).toHaveLength(1)
  })
  test('one that fails is told of, and the pull goes on with the others', async () => {
    const { logins, log, known, fail } = setUp({ others: [{ name: 'two', apiVersion: v1, matchImages: ['b.r.example'], defaultCacheMilliseconds: 0, args: [], env: [], tokenAttributes: undefined }] })
    fail(new Error('no network'))
    expect(await logins('a.r.example/app')).toEqual([])
    expect(log.lines).toEqual(['warn: cannot get credentials from a credential provider'])
    fail(undefined)
    expect(await logins('b.r.example/app')).toEqual(['p2', 'p3'])
    expect(credentialMetrics(known.usage())).toMatch(/_bucket\{plugin_name="one",le="0\.005"\} 2\n[^]*_count\{plugin_name="one"\} 2\n[^]*_count\{plugin_name="two"\} 1\n[^]*plugin_errors\{plugin_name="one"\} 1\n$/)
  })
})

describe('in the name of a service account', () => {
  test('a token of the pod goes along, with the annotations that are wanted', async () => {
    const { known, asked } = setUp({ tokenAttributes: attributes, annotations: { team: 'a', role: 'b', secret: 'c' } })
    expect(await known.logins(aPod({ serviceAccountName: 'robot' }, { name: 'web-1' }), 'a.r.example/app', new AbortController().signal)).toMatchObject([{ location: 'a.r.example/app', account: { name: 'robot', uid: 'uid-of-robot' } }])
    expect(asked).toEqual([{ image: 'a.r.example/app', serviceAccountToken: 'token of web-1 for r.example', serviceAccountAnnotations: { role: 'b', team: 'a' } }])
    expect(await known.accounts(aPod({ serviceAccountName: 'robot' }), 'a.r.example/app')).toMatchObject([{ name: 'robot', uid: 'uid-of-robot' }])
  })
  test.each<[string, TokenAttributes, Record<string, string>, Partial<PodSpec>, PluginRequest[]]>([
    ['an annotation is missing', attributes, {}, {}, []], ['a pod has none', attributes, {}, { serviceAccountName: '' }, []],
    ['a pod has none and needs none', { ...attributes, requireServiceAccount: false, requiredAnnotations: [] }, {}, { serviceAccountName: '' }, [{ image: 'a.r.example/app' }]],
  ])('%s', async (_, tokenAttributes, annotations, spec, expected) => {
    const { logins, asked } = setUp({ tokenAttributes, annotations })
    await logins('a.r.example/app', spec)
    expect(asked).toEqual(expected)
  })
  test.each([['ServiceAccount', 1], ['Token', 2]] as const)('what was said is kept by %s', async (cacheType, times) => {
    const { logins, asked } = setUp({ tokenAttributes: { ...attributes, cacheType } })
    for (const name of ['web-1', 'web-1', 'web-2']) await logins('a.r.example/app', {}, name)
    expect(asked).toHaveLength(times)
    await logins('a.r.example/app', { serviceAccountName: 'other' })
    expect(asked).toHaveLength(times + 1)
  })
  test('a token that comes back as the password is not shared', async () => {
    const auth = { r: { username: '', password: 'token of web-1 for r.example' } }
    const { logins, log } = setUp({ tokenAttributes: attributes, says: { auth } })
    expect(await logins('a.r.example/app')).toEqual([])
    expect(log.lines).toEqual(['warn: cannot get credentials from a credential provider'])
    expect(await setUp({ tokenAttributes: { ...attributes, cacheType: 'Token' }, says: { auth } }).logins('a.r.example/app')).toEqual(['token of web-1 for r.example'])
  })
})
