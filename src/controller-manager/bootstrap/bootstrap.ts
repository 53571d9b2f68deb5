/** The ConfigMap kube-public/cluster-info is signed with every bootstrap token that is for that; tokens that have expired are deleted. Mirrors pkg/controller/bootstrap. */
import { ConfigMaps, Secrets } from '../../api/kinds.ts'
import { keyOf } from '../../api/meta.ts'
import type { Secret } from '../../api/types.ts'
import { type Action, remove, update } from '../../client/action.ts'
import { type Reconciler, watching, type World } from '../../client/controller.ts'
import { sameMeaning } from '../canonical.ts'
import { bootstrapTokenOf, detachedSignature, tokenNamespace } from './bootstrap-token.ts'

const clusterInfo = 'kube-public/cluster-info'
const signaturePrefix = 'jws-kubeconfig-'

export const planSignatures = (world: World): Action[] => {
  const map = world.get(ConfigMaps, clusterInfo)
  const content = map?.data?.['kubeconfig']
  if (!map || content === undefined) return []
  const tokens = world.list(Secrets, tokenNamespace).flatMap((secret) => bootstrapTokenOf(secret) ?? [])
    .filter(({ signs, expires }) => signs && (expires === undefined || expires > world.now.getTime())).sort((a, b) => (a.id < b.id ? -1 : 1))
  const others = Object.entries(map.data ?? {}).filter(([key]) => !key.startsWith(signaturePrefix))
  const data = Object.fromEntries([...others, ...tokens.map((token) => [`${signaturePrefix}${token.id}`, detachedSignature(content, token)] as const)])
  return sameMeaning(data, map.data) ? [] : [update(ConfigMaps, { ...map, data })]
}

export const planExpiry = (key: string, world: World): Action[] => {
  const secret = world.get(Secrets, key)
  const expires = secret && bootstrapTokenOf(secret)?.expires
  if (!secret || expires === undefined || secret.metadata.deletionTimestamp !== undefined) return []
  const left = expires - world.now.getTime()
  return left > 0 ? [{ do: 'requeueAfter', milliseconds: left }] : [remove(Secrets, secret)]
}

const isToken = (secret: Secret | undefined): boolean => secret !== undefined && bootstrapTokenOf(secret) !== undefined

export const bootstrapSigner: Reconciler = {
  name: 'bootstrap-signer-controller',
  watches: [
    watching(ConfigMaps, () => [clusterInfo], { matters: (map, previous) => keyOf(map ?? previous ?? { metadata: {} }) === clusterInfo }),
    watching(Secrets, () => [clusterInfo], { matters: (secret, previous) => isToken(secret) || isToken(previous) }),
  ],
  plan: (_, world) => planSignatures(world),
}

export const tokenCleaner: Reconciler = {
  name: 'token-cleaner-controller',
  watches: [watching(Secrets, (secret) => [keyOf(secret)], { matters: isToken })],
  plan: planExpiry,
}
