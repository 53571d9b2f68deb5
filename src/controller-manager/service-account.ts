/** The ServiceAccount `default`, in every namespace. Mirrors pkg/controller/serviceaccount/serviceaccounts_controller.go. */
import { Namespaces, ServiceAccounts } from '../api/kinds.ts'
import { type Action, create } from '../client/action.ts'
import { type Reconciler, watching, type World } from '../client/controller.ts'
import { isNamespaceTerminating } from './pod-template.ts'

const name = 'default'

export const planServiceAccount = (namespace: string, world: World): Action[] => {
  const found = world.get(Namespaces, namespace)
  if (!found || found.metadata.deletionTimestamp !== undefined || world.get(ServiceAccounts, `${namespace}/${name}`)) return []
  return [create(ServiceAccounts, { metadata: { name, namespace } }, { tolerate: (error) => error.reason === 'AlreadyExists' || isNamespaceTerminating(error) })]
}

export const serviceAccounts: Reconciler = {
  name: 'serviceaccount-controller',
  watches: [
    watching(Namespaces, ({ metadata }) => [metadata.name]),
    watching(ServiceAccounts, ({ metadata }) => [metadata.namespace ?? ''], { matters: (account, previous) => !account && previous?.metadata.name === name }),
  ],
  plan: planServiceAccount,
}
