/**
 * An API server to try things on: `node test/support/dev-server.ts [--port 6443] [--directory DIR] [--memory] [--allow-all]`.
 * Makes a data directory, a CA and an administrator's kubeconfig, prints its path, and serves until it is interrupted.
 * Without --allow-all only the administrator (system:masters) may do anything.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { systemClock } from '../../src/api/clock.ts'
import { systemRandom } from '../../src/api/random.ts'
import { type ApiServer, type ApiServerOptions, createApiServer } from '../../src/apiserver/api-server.ts'
import type { Authenticator } from '../../src/apiserver/authentication/authenticator.ts'
import { alwaysAllow, type Authorizer } from '../../src/apiserver/authorization/authorizer.ts'
import type { Log } from '../../src/apiserver/log.ts'
import { openapi } from '../../src/apiserver/openapi/openapi.ts'
import { kindOf } from '../../src/apiserver/resource-table.ts'
import { defaultRegistryOptions, makeStrategies } from '../../src/apiserver/registry/registry.ts'
import { renderKubeconfig } from '../../src/client/kubeconfig.ts'
import { newCertificate, newCertificateAuthority, validFor } from '../../src/client/pki.ts'
import { openEmbeddedStore, openMemoryStore } from '../../src/store/embedded/open.ts'

/** The verified client certificate as the user, as upstream's x509 CommonNameUserConversion. */
const certificates: Authenticator = {
  authenticate: ({ peer }) => peer.certificate && { name: peer.certificate.commonName, groups: [...peer.certificate.organizations, 'system:authenticated'] },
}
const masters: Authorizer = { authorize: ({ user }) => (user.groups.includes('system:masters') ? { verdict: 'allow', reason: '' } : { verdict: 'no-opinion', reason: '' }) }

/** Endpoints may not be on the loopback: the machine's first other address, or one for documentation. */
const advertised = (): string =>
  Object.values(os.networkInterfaces()).flat().find((each) => each && !each.internal && each.family === 'IPv4' && !each.address.startsWith('169.254.'))?.address ?? '192.0.2.1'

const line = (level: string) => (message: string, fields?: Record<string, unknown>): void => { process.stderr.write(`${level} ${message}${fields ? ` ${JSON.stringify(fields)}` : ''}\n`) }
const stderrLog: Log = { info: line('info'), warn: line('warn'), error: line('error'), debug: () => undefined }

export interface DevServer extends AsyncDisposable {
  url: string
  kubeconfig: string
  /** PEM of the CA and of the administrator's certificate. */
  ca: string
  admin: { certificate: string; key: string }
}

export interface DevServerOptions {
  /** 0: any free one. */
  port?: number
  /** Kept afterwards; absent: a temporary one, removed at the end. */
  directory?: string
  /** A store that is gone with the process. */
  memory?: boolean
  allowAll?: boolean
  log?: Log
  server?: Partial<ApiServerOptions>
}

/** Starts it and waits until it serves. */
export const startDevServer = async ({ port = 0, directory, memory = false, allowAll = false, log = stderrLog, server: more = {} }: DevServerOptions = {}): Promise<DevServer> => {
  const folder = directory ?? (await mkdtemp(path.join(os.tmpdir(), 'wherry-dev-')))
  await mkdir(folder, { recursive: true })
  const validity = validFor(30, new Date())
  const ca = await newCertificateAuthority({ commonName: 'kubernetes', validity })
  const serving = await newCertificate(ca, { subject: { commonName: 'kube-apiserver', dnsNames: ['localhost', 'kubernetes.default.svc'], ipAddresses: ['127.0.0.1'] }, usages: ['server auth'], validity })
  const admin = await newCertificate(ca, { subject: { commonName: 'kubernetes-admin', organizations: ['system:masters'] }, usages: ['client auth'], validity })
  const store = memory ? await openMemoryStore({ clock: systemClock }) : await openEmbeddedStore({ directory: path.join(folder, 'store'), clock: systemClock })
  const server: ApiServer = createApiServer({
    store, clock: systemClock, random: systemRandom, log, version: '0.1.0', strategies: makeStrategies(defaultRegistryOptions), authenticator: certificates,
    authorizer: allowAll ? alwaysAllow : masters, admission: [], paths: openapi({ kinds: () => [...server.resources.all()].map(kindOf) }), bootstrap: { advertise: { addresses: [advertised()], port: port || 6443 }, serviceIP: '10.96.0.1' }, ...more,
  })
  const stop = new AbortController()
  const running = server.run(stop.signal)
  const { promise: listening, resolve } = Promise.withResolvers<number>()
  const serves = server.listen({ host: '127.0.0.1', port, tls: { key: serving.key, cert: serving.certificate, clientCa: ca.certificate }, listening: (address) => resolve(address.port) }).run(stop.signal)
  const url = `https://127.0.0.1:${await Promise.race([listening, serves.then(() => 0), running.then(() => 0)])}`
  const kubeconfig = path.join(folder, 'kubeconfig')
  await writeFile(kubeconfig, renderKubeconfig({ cluster: 'wherry-dev', user: 'kubernetes-admin', server: url, certificateAuthority: ca.certificate, credentials: admin }), { mode: 0o600 })
  return {
    url, kubeconfig, ca: ca.certificate, admin,
    async [Symbol.asyncDispose]() {
      stop.abort()
      await Promise.all([running, serves])
      await store[Symbol.asyncDispose]()
      if (directory === undefined) await rm(folder, { recursive: true, force: true })
    },
  }
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { port: { type: 'string', default: '6443' }, directory: { type: 'string' }, memory: { type: 'boolean', default: false }, 'allow-all': { type: 'boolean', default: false } } })
  const { port, directory, memory } = values
  await using server = await startDevServer({ port: Number(port), memory, allowAll: values['allow-all'], ...(directory !== undefined && { directory }) })
  process.stdout.write(`${server.url}\nexport KUBECONFIG=${server.kubeconfig}\n`)
  await new Promise<void>((resolve) => { for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve()) })
}
