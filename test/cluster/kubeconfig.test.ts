import { expect, test } from 'vitest'
import { mergeKubeconfig } from '../../src/cluster/kubeconfig.ts'

const ours = { clusters: [{ name: 'c', cluster: { server: 'https://a' } }], users: [{ name: 'u' }], contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }], 'current-context': 'x' }

test('into an empty file', () => expect(mergeKubeconfig({}, ours, 'wherry')).toEqual({
  apiVersion: 'v1', kind: 'Config',
  clusters: [{ name: 'wherry', cluster: { server: 'https://a' } }], users: [{ name: 'wherry' }],
  contexts: [{ name: 'wherry', context: { cluster: 'wherry', user: 'wherry' } }], 'current-context': 'wherry',
}))

test('what others wrote stays, what we wrote before is replaced', () => {
  const before = { clusters: [{ name: 'prod' }, { name: 'wherry', cluster: { server: 'https://old' } }], users: [{ name: 'prod' }], contexts: [], 'current-context': 'prod' }
  const merged = mergeKubeconfig(before, ours, 'wherry')
  expect(merged.clusters).toEqual([{ name: 'prod' }, { name: 'wherry', cluster: { server: 'https://a' } }])
  expect(merged.users?.map(({ name }) => name)).toEqual(['prod', 'wherry'])
})
