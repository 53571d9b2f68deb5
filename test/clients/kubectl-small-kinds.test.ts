/** The real kubectl with volumes, networking, storage, flow control and dynamic resources: what it applies it finds unchanged, which no wrong default survives. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { apiVersionOf, groupResource } from '../../src/api/kinds.ts'
import { silent } from '../../src/apiserver/log.ts'
import { samples } from '../apiserver/registry/part-b-samples.ts'
import { kubectlPath } from '../support/clients.ts'
import { type DevServer, startDevServer } from '../support/dev-server.ts'

const run = promisify(execFile)
let server: DevServer
let kubectlFile = ''
let folder = ''
let file = ''

beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'wherry-kubectl-'))
  kubectlFile = await kubectlPath('1.36')
  server = await startDevServer({ memory: true, log: silent })
  file = path.join(folder, 'all.json')
  const items = samples.map(({ kind, object, name = kind.plural }) => ({ apiVersion: apiVersionOf(kind), kind: kind.kind, metadata: { name, ...(kind.namespaced && { namespace: 'default' }) }, ...object }))
  await writeFile(file, JSON.stringify({ apiVersion: 'v1', kind: 'List', items }))
})
afterEach(async () => {
  await server[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

const kubectl = async (...args: string[]): Promise<string> =>
  (await run(kubectlFile, ['--cache-dir', path.join(folder, 'cache'), ...args], { env: { ...process.env, KUBECONFIG: server.kubeconfig, HOME: folder } })).stdout

/** `kind.group/name what`, one for each object. */
const each = (what: string): string[] => samples.map(({ kind, name = kind.plural }) => `${groupResource({ ...kind, plural: kind.kind.toLowerCase() })}/${name} ${what}`)
const lines = (text: string): string[] => text.trimEnd().split('\n')

test('apply, apply again, diff, apply on the server, delete', async () => {
  expect(lines(await kubectl('apply', '-f', file))).toEqual(each('created'))
  expect(lines(await kubectl('apply', '-f', file))).toEqual(each('unchanged'))
  expect(await kubectl('diff', '-f', file)).toBe('')
  expect(lines(await kubectl('apply', '--server-side', '-f', file))).toEqual(each('serverside-applied'))
  expect(lines(await kubectl('get', '--no-headers', 'persistentvolume,storageclass,networkpolicy,ipaddress,resourceclaim')).filter((line) => line !== '').map((line) => line.replaceAll(/\s+/g, ' ').trim().replace(/ \S+$/, ''))).toEqual([
    'persistentvolume/persistentvolumes 2Gi RWO Retain Pending <unset>', 'storageclass.storage.k8s.io/storageclasses example.com/disk Delete Immediate false', 'networkpolicy.networking.k8s.io/networkpolicies app=web',
    'ipaddress.networking.k8s.io/10.96.0.1 services/default/kubernetes', 'ipaddress.networking.k8s.io/192.0.2.7 gateways.example.com/g', 'resourceclaim.resource.k8s.io/resourceclaims pending'])
  expect(await kubectl('delete', '-f', file, '--wait=false')).toContain('ingress.networking.k8s.io "ingresses" deleted')
})

test('what kubectl makes itself, and describes', async () => {
  expect(await kubectl('create', 'ingress', 'shop', '--class=nginx', '--rule=shop.example.com/*=web:80,tls=cert')).toBe('ingress.networking.k8s.io/shop created\n')
  expect(lines(await kubectl('get', 'ingress', 'shop'))[1]).toMatch(/^shop {3}nginx {3}shop\.example\.com {13}80, 443 /)
  expect(await kubectl('describe', 'ingress', 'shop')).toContain('cert terminates shop.example.com')
  expect(await kubectl('explain', 'resourceslice.spec.devices.capacity.requestPolicy')).toContain('validRange\t<CapacityRequestPolicyRange>')
})
