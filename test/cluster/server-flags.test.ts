/** kube-apiserver's flags on `wherry up`: checked before anything is changed, kept, handed on to the API server's pod or process. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import type { Pod } from '../../src/api/types.ts'
import type { ClusterConfig } from '../../src/cluster/config.ts'
import { type Home, homeAt } from '../../src/cluster/home.ts'
import { readManifests } from '../../src/cluster/manifests.ts'
import { nodeCommand } from '../../src/cluster/nodes.ts'
import { installServerFiles, serverArguments } from '../../src/cluster/server-files.ts'
import { serverFlags } from '../../src/cluster/server-flags.ts'
import { manifestValues } from '../../src/cluster/static-pods.ts'
import { serverOptionFlags } from '../../src/cluster/components/server-options.ts'

const folders: string[] = []
let home: Home
let files: string
beforeEach(async () => {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'wherry-flags-'))
  folders.push(folder)
  home = homeAt(path.join(folder, 'data'))
  files = folder
})
afterAll(() => Promise.all(folders.map((each) => rm(each, { recursive: true, force: true }))))

const config = { version: 1, single: false, clusterId: 'c', serverPort: 6443, podCIDR: '10.244.0.0/16', serviceCIDR: '10.96.0.0/16', clusterDNS: '10.96.0.10', clusterDomain: 'cluster.local', nodes: [{ name: 'node-1', kind: 'machine', address: '192.0.2.1' }] } as unknown as ClusterConfig
const file = async (name: string, text: string): Promise<string> => { const made = path.join(files, name); await writeFile(made, text); return made }
const policy = 'apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{ level: Metadata }]\n'
const security = (level: string): string => `apiVersion: apiserver.config.k8s.io/v1\nkind: AdmissionConfiguration\nplugins:\n- name: PodSecurity\n  configuration:\n    apiVersion: pod-security.admission.config.k8s.io/v1\n    kind: PodSecurityConfiguration\n    defaults: { enforce: ${level} }\n`

test('every flag that is handed on is one that the server knows', () => expect(serverFlags.map(({ name }) => name).filter((name) => !serverOptionFlags.includes(name))).toEqual([]))

describe('what is kept', () => {
  test('values, and copies of files; asking again changes nothing; an empty value takes a flag back', async () => {
    const options = { auditPolicyFile: await file('p.yaml', policy), auditLogPath: path.join(files, 'logs/audit.log'), auditLogMaxsize: '10', anonymousAuth: 'false' }
    const made = await installServerFiles(home, config, options)
    expect(serverArguments(home, made)).toEqual({ 'audit-policy-file': path.join(home.pki, 'audit-policy-file.yaml'), 'audit-log-path': path.join(files, 'logs/audit.log'), 'audit-log-maxsize': '10', 'anonymous-auth': 'false' })
    expect(await readFile(path.join(home.pki, 'audit-policy-file.yaml'), 'utf8')).toBe(policy)
    expect(await installServerFiles(home, made, options)).toBe(made)
    expect(await installServerFiles(home, made, {})).toBe(made)
    expect(serverArguments(home, await installServerFiles(home, made, { auditLogMaxsize: '', anonymousAuth: '', auditPolicyFile: '', auditLogPath: '' }))).toEqual({})
  })
  test("a plugin's own file keeps its place when the file that names it is copied", async () => {
    await file('quota.yaml', 'apiVersion: apiserver.config.k8s.io/v1\nkind: ResourceQuotaConfiguration\nlimitedResources: [{ resource: pods, matchContains: [pods] }]\n')
    const admission = await file('a.yaml', 'apiVersion: apiserver.config.k8s.io/v1\nkind: AdmissionConfiguration\nplugins: [{ name: ResourceQuota, path: quota.yaml }]\n')
    await installServerFiles(home, config, { admissionControlConfigFile: admission })
    expect(await readFile(path.join(home.pki, 'admission-control-config-file.yaml'), 'utf8')).toContain(path.join(files, 'quota.yaml'))
  })
})

describe('what is wrong is told, and nothing is kept', () => {
  for (const [name, options, message] of [
    ['a value', { anonymousAuth: 'perhaps' }, '--anonymous-auth: must be true or false, not "perhaps"'],
    ['a mode', { authorizationMode: 'ABAC' }, '--authorization-mode: "ABAC" is not supported'],
    ['a plugin', { disableAdmissionPlugins: 'AlwaysPullImages' }, '--disable-admission-plugins: "AlwaysPullImages" is not part of this server'],
    ['half of OpenID Connect', { oidcClientId: 'x' }, '--oidc-issuer-url: is needed with the other --oidc flags'],
    ['a file that is not there', { authorizationConfig: '/nowhere' }, '--authorization-config: ENOENT'],
    ['a duration', { requestTimeout: 'soon' }, '--request-timeout: must be a positive duration'],
  ] as const) test(name, async () => {
    await expect(installServerFiles(home, config, options)).rejects.toThrow(message)
    await expect(readFile(path.join(home.pki, 'authorization-config.yaml'))).rejects.toThrow(/ENOENT/)
  })
  test('a file, with its line', async () => {
    const wrong = await file('a.yaml', security('strict'))
    await expect(installServerFiles(home, config, { admissionControlConfigFile: wrong })).rejects.toThrow(`--admission-control-config-file: ${wrong}:8: plugins[0].configuration.defaults.enforce: Invalid value: "strict"`)
  })
})

describe('who is told', () => {
  const apiServerPod = async (of: ClusterConfig): Promise<Pod> => parse([...(await readManifests('bootstrap', manifestValues(home, of)))].find(([, text]) => text.includes('component: kube-apiserver'))?.[1] ?? '') as Pod
  test('the static pod: as arguments, whatever characters they have, and with room for logs', async () => {
    const made = await installServerFiles(home, config, { admissionControlConfigFile: await file('a.yaml', security('baseline')), oidcIssuerUrl: 'https://issuer.example/a#b', oidcClientId: 'it"s: me', auditLogPath: path.join(files, 'audit.log') })
    const { spec } = await apiServerPod(made)
    expect(spec.containers[0]?.command).toEqual(expect.arrayContaining([`--admission-control-config-file=${home.pki}/admission-control-config-file.yaml`, '--oidc-issuer-url=https://issuer.example/a#b', '--oidc-client-id=it"s: me']))
    expect(spec.containers[0]?.volumeMounts).toContainEqual({ name: 'directory-0', mountPath: files })
    expect(spec.volumes).toContainEqual({ name: 'directory-0', hostPath: { path: files, type: 'DirectoryOrCreate' } })
    expect((await apiServerPod(config)).spec.volumes).toHaveLength(3)
  })
  test('the one process of --single, which follows an encryption configuration, too', async () => {
    const made = await installServerFiles(home, { ...config, single: true }, { encryptSecrets: true, maxRequestsInflight: '7' })
    expect(nodeCommand(home, made, made.nodes[0] as never)).toEqual(expect.arrayContaining(['--max-requests-inflight=7', `--encryption-provider-config=${home.pki}/encryption-provider-config.yaml`, '--encryption-provider-config-automatic-reload=true']))
  })
})
