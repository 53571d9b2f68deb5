import { CompactSign } from 'jose'
import { expect, test } from 'vitest'
import { ConfigMaps, Secrets } from '../../../src/api/kinds.ts'
import type { Secret } from '../../../src/api/types.ts'
import { planExpiry, planSignatures } from '../../../src/controller-manager/bootstrap/bootstrap.ts'
import { bootstrapTokenOf, detachedSignature } from '../../../src/controller-manager/bootstrap/bootstrap-token.ts'
import { metadata, secondsBefore } from '../builders.ts'
import { inWords, objectOf, world } from '../fake-world.ts'

const encoded = (data: Record<string, string>): Record<string, string> => Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')]))
const token = (id: string, over: Record<string, string> = {}, name = `bootstrap-token-${id}`, namespace = 'kube-system'): Secret =>
  ({ metadata: metadata(name, { namespace }), type: 'bootstrap.kubernetes.io/token', data: encoded({ 'token-id': id, 'token-secret': 'shhh', 'usage-bootstrap-signing': 'true', ...over }) })
const info = (data: Record<string, string>) => ({ metadata: metadata('cluster-info', { namespace: 'kube-public' }), data })

test('a signature is a JSON Web Signature without its payload', async () => {
  const whole = await new CompactSign(Buffer.from('some content')).setProtectedHeader({ alg: 'HS256', kid: 'abcdef' }).sign(Buffer.from('shhh'))
  const [header, , signature] = whole.split('.')
  expect(detachedSignature('some content', { id: 'abcdef', secret: 'shhh' })).toBe(`${header}..${signature}`)
})

test.each<[string, Secret]>([
  ['of another type', { ...token('abcdef'), type: 'Opaque' }], ['of another namespace', token('abcdef', {}, undefined, 'default')], ['named otherwise', token('abcdef', {}, 'bootstrap-token-other')], ['without a secret', token('abcdef', { 'token-secret': '' })],
])('a secret %s is no token', (_, secret) => expect(bootstrapTokenOf(secret)).toBeUndefined())

test('cluster-info is signed with each token that is for that, and no other', () => {
  const secrets = [token('good00'), token('plain0', { 'usage-bootstrap-signing': 'false' }), token('late00', { expiration: secondsBefore(1) })]
  const given = info({ kubeconfig: 'content', 'jws-kubeconfig-gone00': 'old', other: 'kept' })
  const next = objectOf(planSignatures(world([[ConfigMaps, [given]], [Secrets, secrets]])), 'update', ConfigMaps)
  expect(next.data).toEqual({ kubeconfig: 'content', other: 'kept', 'jws-kubeconfig-good00': detachedSignature('content', { id: 'good00', secret: 'shhh' }) })
  expect(planSignatures(world([[ConfigMaps, [next]], [Secrets, secrets]]))).toEqual([])
  expect(planSignatures(world([[ConfigMaps, []], [Secrets, secrets]]))).toEqual([])
})

test.each<[string, Record<string, string>, string[]]>([
  ['has no end', {}, []], ['has time left', { expiration: '2026-01-01T12:00:30Z' }, ['requeueAfter 30000']], ['has expired', { expiration: secondsBefore(1) }, ['delete secrets bootstrap-token-abcdef']], ['has an end that cannot be read', { expiration: 'soon' }, ['delete secrets bootstrap-token-abcdef']],
])('a token %s', (_, over, expected) => expect(inWords(planExpiry('kube-system/bootstrap-token-abcdef', world([[Secrets, [token('abcdef', over)]]])))).toEqual(expected))
