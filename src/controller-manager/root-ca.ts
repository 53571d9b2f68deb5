/** The ConfigMap `kube-root-ca.crt`, in every namespace: how pods verify the API server. Mirrors pkg/controller/certificates/rootcacertpublisher. */
import { ConfigMaps, Namespaces } from '../api/kinds.ts'
import { type Action, create, update } from '../client/action.ts'
import { type Reconciler, watching, type World } from '../client/controller.ts'
import { sameMeaning } from './canonical.ts'
import { isNamespaceTerminating } from './pod-template.ts'

const name = 'kube-root-ca.crt'
const annotations = { 'kubernetes.io/description': 'Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.' }

export const planRootCA = (namespace: string, world: World, caBundle: string): Action[] => {
  const found = world.get(Namespaces, namespace)
  if (!found || found.metadata.deletionTimestamp !== undefined) return []
  const data = { 'ca.crt': caBundle }
  const current = world.get(ConfigMaps, `${namespace}/${name}`)
  if (!current) return [create(ConfigMaps, { metadata: { name, namespace, annotations }, data }, { tolerate: (error) => error.reason === 'AlreadyExists' || isNamespaceTerminating(error) })]
  if (sameMeaning(current.data, data) && Object.keys(current.metadata.annotations ?? {}).length > 0) return []
  return [update(ConfigMaps, { ...current, metadata: { ...current.metadata, annotations: { ...annotations, ...current.metadata.annotations } }, data })]
}

/** `caBundle`: PEM. */
export const rootCAPublisher = (caBundle: string): Reconciler => ({
  name: 'root-ca-certificate-publisher-controller',
  watches: [
    watching(Namespaces, ({ metadata }) => [metadata.name]),
    watching(ConfigMaps, ({ metadata }) => [metadata.namespace ?? ''], { matters: (map, previous) => (map ?? previous)?.metadata.name === name }),
  ],
  plan: (namespace, world) => planRootCA(namespace, world, caBundle),
})
