/** A test server on a port, with a CA of its own: users are what their client certificates, or their tokens, say. */
import { systemClock } from '../../src/api/clock.ts'
import type { Authenticator } from '../../src/apiserver/authentication/authenticator.ts'
import { newCertificate, newCertificateAuthority, validFor } from '../../src/client/pki.ts'
import type { ServerAccess } from '../../src/client/server-access.ts'
import { startTestServer, type TestServer, type TestServerOptions } from '../apiserver/support.ts'

export interface ListeningServer extends TestServer {
  url: string
  ca: string
  /** By a certificate of system:masters. */
  admin: { certificate: string; key: string }
  access: ServerAccess
}

const byCertificateOrToken: Authenticator = {
  authenticate: ({ headers, peer: { certificate } }) => {
    if (certificate) return { name: certificate.commonName, groups: [...certificate.organizations, 'system:authenticated'] }
    const [, name] = /^Bearer user:(.+)$/.exec(headers['authorization'] ?? '') ?? []
    return name === undefined ? undefined : { name, groups: ['system:authenticated'] }
  },
}

export const startListeningServer = async (options: TestServerOptions = {}): Promise<ListeningServer> => {
  const validity = validFor(1, new Date())
  const ca = await newCertificateAuthority({ commonName: 'kubernetes', validity })
  const serving = await newCertificate(ca, { subject: { commonName: 'kube-apiserver', dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'] }, usages: ['server auth'], validity })
  const admin = await newCertificate(ca, { subject: { commonName: 'admin', organizations: ['system:masters'] }, usages: ['client auth'], validity })
  const test = await startTestServer({ authenticator: byCertificateOrToken, clock: systemClock, ...options })
  const stop = new AbortController()
  const { promise: listening, resolve } = Promise.withResolvers<number>()
  const serves = test.server.listen({ host: '127.0.0.1', port: 0, tls: { key: serving.key, cert: serving.certificate, clientCa: ca.certificate }, listening: ({ port }) => resolve(port) }).run(stop.signal)
  const url = `https://127.0.0.1:${await Promise.race([listening, serves.then(() => 0)])}`
  return {
    ...test, url, ca: ca.certificate, admin,
    access: { server: url, certificateAuthority: { data: ca.certificate }, clientCertificate: { data: admin.certificate }, clientKey: { data: admin.key } },
    async [Symbol.asyncDispose]() {
      stop.abort()
      await Promise.all([serves, test[Symbol.asyncDispose]()])
    },
  }
}
