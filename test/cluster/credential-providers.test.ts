import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { credentialProviderFlags, credentialProvidersOf } from '../../src/cluster/components/credential-providers.ts'
import { parseFlags } from '../../src/cluster/flags.ts'

const directory = mkdtempSync(path.join(tmpdir(), 'wherry-providers-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))
const at = (name: string): string => path.join(directory, name)
const config = (...names: string[]): string => `apiVersion: kubelet.config.k8s.io/v1\nkind: CredentialProviderConfig\nproviders:\n${names.map((name) => `- {name: ${name}, apiVersion: credentialprovider.kubelet.k8s.io/v1, matchImages: [a], defaultCacheDuration: 0s}\n`).join('')}`
for (const name of ['bin', 'many', 'none']) mkdirSync(at(name))
for (const name of ['one', 'two', 'not-executable']) { writeFileSync(at(`bin/${name}`), '#!/bin/sh\n'); chmodSync(at(`bin/${name}`), name.startsWith('not') ? 0o644 : 0o755) }
writeFileSync(at('one.yaml'), config('one'))
writeFileSync(at('unknown.yaml'), config('unknown'))
writeFileSync(at('not.yaml'), config('not-executable'))
for (const [file, name] of [['b.yml', 'one'], ['a.json', 'two'], ['c.txt', 'unknown']] as const) writeFileSync(at(`many/${file}`), config(name))

const read = (...args: string[]) => credentialProvidersOf(parseFlags('kubelet', credentialProviderFlags, args))
const both = (file: string): string[] => [`--image-credential-provider-config=${at(file)}`, `--image-credential-provider-bin-dir=${at('bin')}`]

test('nothing is said', () => { expect(read()).toBeUndefined() })
test.each([['one.yaml', ['one']], ['many', ['two', 'one']]])('%s', (file, names) => {
  expect(read(...both(file))).toMatchObject({ directory: at('bin'), providers: names.map((name) => ({ name })) })
})
test.each<[string, string[], RegExp]>([
  ['one without the other', [`--image-credential-provider-config=${at('one.yaml')}`], /it and --image-credential-provider-bin-dir need one another/], ['a file that is not there', both('absent'), /--image-credential-provider-config: .*absent/],
  ['a directory of nothing', both('none'), /no configuration files found in directory/], ['a program that is not there', both('unknown.yaml'), /there is no program \S+bin\/unknown that can be run/], ['one that is none', both('not.yaml'), /not-executable that can be run/],
])('%s keeps the kubelet from starting', (_, args, why) => { expect(() => read(...args)).toThrow(why) })
