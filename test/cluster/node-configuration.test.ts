import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { configurationFiles, configurationFlags, placeConfiguration } from '../../src/cluster/node-configuration.ts'
import { providedLogins } from '../../src/cluster/provided-logins.ts'

const root = mkdtempSync(path.join(tmpdir(), 'wherry-node-configuration-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))
let [here, there] = ['', '']
let count = 0
beforeEach(() => {
  [here, there] = [path.join(root, `here-${++count}`), path.join(root, `there-${count}`)]
  mkdirSync(path.join(here, 'credential-providers'), { recursive: true })
})

const kubelet = 'apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\nmaxPods: 7\n'
const provider = (name: string, answer: string): void => {
  writeFileSync(path.join(here, 'credential-providers', name), `#!/bin/sh\n${answer}\n`, { mode: 0o755 })
  writeFileSync(path.join(here, 'credential-providers.yaml'), `apiVersion: kubelet.config.k8s.io/v1\nkind: CredentialProviderConfig\nproviders:\n- {name: ${name}, apiVersion: credentialprovider.kubelet.k8s.io/v1, matchImages: [registry.example], defaultCacheDuration: 0s}\n`)
}
const says = (auth: object): string => `cat >/dev/null; echo '${JSON.stringify({ kind: 'CredentialProviderResponse', apiVersion: 'credentialprovider.kubelet.k8s.io/v1', cacheKeyType: 'Image', auth })}'`

describe('what kubelets of a cluster are told', () => {
  test('nothing', () => { expect([configurationFlags(here), configurationFiles(here), placeConfiguration(there, [])]).toEqual([[], [], []]) })

  test('lies on a machine that joined as it does here, and goes with what is here', () => {
    writeFileSync(path.join(here, 'kubelet.yaml'), kubelet)
    provider('vault', 'exit 1')
    writeFileSync(path.join(here, 'credential-providers/unnamed'), 'not sent')
    expect(placeConfiguration(there, configurationFiles(here))).toEqual([`--config=${there}/kubelet.yaml`, `--image-credential-provider-config=${there}/credential-providers.yaml`, `--image-credential-provider-bin-dir=${there}/credential-providers`])
    expect(readFileSync(path.join(there, 'kubelet.yaml'), 'utf8')).toBe(kubelet)
    expect(statSync(path.join(there, 'credential-providers/vault')).mode & 0o777).toBe(0o700)
    expect(existsSync(path.join(there, 'credential-providers/unnamed'))).toBe(false)
    rmSync(path.join(here, 'credential-providers.yaml'))
    expect(placeConfiguration(there, configurationFiles(here))).toEqual([`--config=${there}/kubelet.yaml`])
    expect(existsSync(path.join(there, 'credential-providers/vault'))).toBe(false)
  })

  test.each<[string, () => void, RegExp]>([
    ['a field that no kubelet here honours', () => writeFileSync(path.join(here, 'kubelet.yaml'), `${kubelet}memorySwap: {swapBehavior: LimitedSwap}\n`), /here-\d+\/kubelet.yaml: memorySwap/],
    ['a program that is not there', () => { provider('vault', ''); rmSync(path.join(here, 'credential-providers/vault')) }, /there is no program \S+vault that can be run/],
  ])('%s is said before anything is sent', (_, make, why) => {
    make()
    expect(() => configurationFiles(here)).toThrow(why)
  })
})

describe('logins for wherry image pull', () => {
  const loginsFor = async (repository: string): Promise<{ logins: object; warnings: string[] }> => {
    const warnings: string[] = []
    return { logins: await providedLogins(here, { repository, warn: (line) => warnings.push(line) }, AbortSignal.timeout(10_000)), warnings }
  }
  test('come from the node\'s programs', async () => {
    provider('vault', says({ 'registry.example': { username: 'me', password: 'secret' } }))
    expect(await loginsFor('registry.example/web')).toMatchObject({ logins: [{ location: 'registry.example', credentials: { username: 'me', password: 'secret' } }], warnings: [] })
    expect(await loginsFor('other.example/web')).toEqual({ logins: [], warnings: [] })
  })
  test('a program that fails is told of', async () => {
    provider('vault', 'echo no key >&2; exit 3')
    expect(await loginsFor('registry.example/web')).toEqual({ logins: [], warnings: [expect.stringMatching(/credential provider \(vault\): .*no key/s)] })
  })
})
