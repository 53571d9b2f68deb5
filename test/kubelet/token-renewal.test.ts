import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { ServiceAccounts } from '../../src/api/kinds.ts'
import { systemRandom } from '../../src/api/random.ts'
import { tokenSubresource } from '../../src/apiserver/authentication/reviews.ts'
import { tokenIssuer } from '../../src/apiserver/authentication/token-issuer.ts'
import { newKey } from '../../src/client/pki.ts'
import { isReady, type TestNode, testNode } from './support.ts'

/** What the pod reads at its mount. */
const tokenOf = (node: TestNode): string | undefined => {
  const found = readdirSync(node.directory, { recursive: true, encoding: 'utf8' }).find((name) => name.endsWith('/identity/token'))
  return found === undefined ? undefined : readFileSync(path.join(node.directory, found), 'utf8')
}

// Documentation of projected volumes: the kubelet begins to renew a token when it is older than 80 percent of its life, or than 24 hours.
test('a running pod finds a new token before the old one ends', async () => {
  const key = await newKey()
  await using node = await testNode({ api: (clock) => ({ subresources: [tokenSubresource(tokenIssuer({ key, issuer: 'https://issuer', clock, random: systemRandom }), clock)] }) })
  await node.client.create(ServiceAccounts, { metadata: { name: 'default', namespace: 'default' } } as never).catch(() => {})
  node.start()
  await node.createPod({
    serviceAccountName: 'default',
    containers: [{ name: 'web', image: 'host', command: ['serve'], volumeMounts: [{ name: 'identity', mountPath: '/identity' }] }],
    volumes: [{ name: 'identity', projected: { sources: [{ serviceAccountToken: { path: 'token', expirationSeconds: 600 } }] } }],
  })
  await node.untilPod('web-1', 'is ready', isReady)
  const first = await node.until('there is a token', () => tokenOf(node))
  await node.clock.advance(400_000)
  expect(tokenOf(node)).toBe(first)
  await node.clock.advance(100_000)
  await node.until('it is another', () => tokenOf(node) !== first)
  expect(node.runtime.running()).toContain('web-1/web#0')
})
