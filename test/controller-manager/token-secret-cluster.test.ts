import { expect, test } from 'vitest'
import { systemClock } from '../../src/api/clock.ts'
import { Namespaces, Secrets, ServiceAccounts } from '../../src/api/kinds.ts'
import { tokenSubresource } from '../../src/apiserver/authentication/reviews.ts'
import { tokenIssuer } from '../../src/apiserver/authentication/token-issuer.ts'
import { newKey } from '../../src/client/pki.ts'
import { tokenSecrets } from '../../src/controller-manager/token-secret.ts'
import { fakeRandom } from '../support/fake-random.ts'
import { startRealServer } from './real-server.ts'

const namespace = 'default'

test('a token secret is filled with a token that the server knows, and goes with its account', async () => {
  const issuer = tokenIssuer({ key: await newKey(), issuer: 'https://issuer', clock: systemClock, random: fakeRandom() })
  await using plane = await startRealServer((client) => [tokenSecrets(client, 'PEM')], systemClock.now(), { subresources: [tokenSubresource(issuer, systemClock)] })
  const { client } = plane
  await plane.until(Namespaces, (all) => all.some(({ metadata }) => metadata.name === namespace))
  await client.create(ServiceAccounts, { metadata: { name: 'robot', namespace } })
  await client.create(Secrets, { metadata: { name: 'robot-token', namespace, annotations: { 'kubernetes.io/service-account.name': 'robot' } }, type: 'kubernetes.io/service-account-token' })
  const [secret] = await plane.until(Secrets, ([each]) => each?.data?.['token'] !== undefined, namespace)
  const text = (key: string): string => Buffer.from(secret?.data?.[key] ?? '', 'base64').toString()
  const claims = await issuer.verify(text('token'))
  expect(claims).toMatchObject({ namespace, serviceaccount: { name: 'robot' }, secret: { name: 'robot-token', uid: secret?.metadata.uid } })
  expect((claims?.expiresAt.getTime() ?? 0) - systemClock.now().getTime()).toBeGreaterThan(100 * 365 * 86_400_000)
  expect([text('namespace'), text('ca.crt'), secret?.metadata.annotations?.['kubernetes.io/service-account.uid']]).toEqual([namespace, 'PEM', claims?.serviceaccount.uid])
  await client.delete(ServiceAccounts, { name: 'robot', namespace })
  await plane.until(Secrets, (secrets) => secrets.length === 0, namespace)
})
