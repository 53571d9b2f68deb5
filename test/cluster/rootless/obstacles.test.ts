import { expect, test } from 'vitest'
import { type NamespaceFacts, obstacleOf } from '../../../src/cluster/rootless/obstacles.ts'

const sound: NamespaceFacts = { failure: undefined, unprivilegedClone: undefined, maxUserNamespaces: '15000', appArmorRestricts: undefined, kernelRelease: '6.1.0-18-amd64' }
const failure = 'unshare: unshare failed: Operation not permitted'

test.each<[string, Partial<NamespaceFacts>, RegExp | undefined]>([
  ['it works', {}, undefined],
  ['it works although a setting looks otherwise', { appArmorRestricts: '1' }, undefined],
  ['Debian\'s switch', { failure, unprivilegedClone: '0' }, /unprivileged_userns_clone is 0.*sudo sysctl kernel\.unprivileged_userns_clone=1/],
  ['none allowed', { failure, maxUserNamespaces: '0' }, /max_user_namespaces is 0.*sudo sysctl user\.max_user_namespaces=15000/],
  ['AppArmor', { failure, appArmorRestricts: '1' }, /AppArmor.*sudo sysctl kernel\.apparmor_restrict_unprivileged_userns=0/],
  ['no such thing in the kernel', { failure, maxUserNamespaces: undefined }, /CONFIG_USER_NS/],
  ['an old kernel', { kernelRelease: '5.10.0-28-amd64' }, /5\.11 and later/],
  ['something else', { failure }, /cannot be made: unshare: unshare failed: Operation not permitted/],
])('%s', (_, facts, expected) => {
  const problem = obstacleOf({ ...sound, ...facts })
  if (expected === undefined) expect(problem).toBeUndefined()
  else expect(`${problem?.what}; ${problem?.remedy}`).toMatch(expected)
})
