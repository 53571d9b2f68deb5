import { expect, test } from 'vitest'
import { Secrets, ServiceAccounts } from '../../src/api/kinds.ts'
import type { Secret, ServiceAccount } from '../../src/api/types.ts'
import { planTokenSecret } from '../../src/controller-manager/token-secret.ts'
import { metadata, secondsBefore } from './builders.ts'
import { inWords, world } from './fake-world.ts'

const account: ServiceAccount = { metadata: metadata('robot', { uid: 'the-robot' }) }
const base64 = (text: string): string => Buffer.from(text).toString('base64')
const secret = (over: Partial<Secret> = {}, annotations: Record<string, string> = {}): Secret =>
  ({ metadata: metadata('robot-token', { annotations: { 'kubernetes.io/service-account.name': 'robot', ...annotations } }), type: 'kubernetes.io/service-account-token', ...over })
const complete = secret({ data: { token: base64('t'), namespace: base64('default'), 'ca.crt': base64('PEM') } }, { 'kubernetes.io/service-account.uid': 'the-robot' })
const plan = (given: Secret, accounts: readonly ServiceAccount[] = [account], accountIsGone = false) => planTokenSecret('default/robot-token', world([[Secrets, [given]], [ServiceAccounts, accounts]]), { caBundle: 'PEM', accountIsGone })

test('a token is asked for, bound to the secret, and put into it', () => {
  const given = secret()
  const [action] = plan(given)
  if (action?.do !== 'createSubresource') throw new Error('no token is asked for')
  expect(action).toMatchObject({ at: { name: 'robot', namespace: 'default' }, subresource: 'token', body: { spec: { boundObjectRef: { kind: 'Secret', name: 'robot-token', uid: given.metadata.uid } } } })
  const [then] = action.then?.({ status: { token: 'a.b.c' } } as never) ?? []
  expect(then).toMatchObject({ do: 'update', object: { metadata: { annotations: { 'kubernetes.io/service-account.uid': 'the-robot' } }, data: { token: base64('a.b.c'), namespace: base64('default'), 'ca.crt': base64('PEM') } } })
})
test.each<[string, Secret, readonly ServiceAccount[], boolean, string[]]>([
  ['complete', complete, [account], false, []],
  ['with another CA', { ...complete, data: { ...complete.data, 'ca.crt': base64('old') } }, [account], false, ['update secrets robot-token']],
  ['of an account that is gone', complete, [], true, ['delete secrets robot-token']],
  ['of an account that we have not heard of yet', secret(), [], false, []],
  ['of an account that was made anew', complete, [{ metadata: metadata('robot', { uid: 'another' }) }], false, ['delete secrets robot-token']],
  ['of an account that is going', secret(), [{ metadata: metadata('robot', { deletionTimestamp: secondsBefore(1) }) }], false, []],
  ['of another type', secret({ type: 'Opaque' }), [], true, []],
])('a secret %s', (_, given, accounts, gone, expected) => expect(inWords(plan(given, accounts, gone))).toEqual(expected))
