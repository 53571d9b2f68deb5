/** Nothing is created in a namespace that does not exist or is on its way out, and the cluster's own namespaces stay. Mirrors `plugin/namespace/lifecycle`. */
import { Namespaces } from '../../api/kinds.ts'
import { forbidden, notFound, StatusError } from '../../api/status.ts'
import type { AdmissionPlugin } from './plugin.ts'

const immortal = new Set(['default', 'kube-system', 'kube-public'])

export const namespaceLifecycle: AdmissionPlugin = {
  name: 'NamespaceLifecycle',
  handles: ({ operation, kind, namespace }) => (operation === 'DELETE' ? kind === Namespaces : operation === 'CREATE' && namespace !== '' && kind.namespaced),
  mutate: ({ operation, kind, name, namespace }, { lookup }) => {
    if (operation === 'DELETE') {
      if (immortal.has(name)) throw forbidden(kind, name, 'this namespace may not be deleted')
      return
    }
    // Reviews ask about namespaces that need not exist.
    if (kind.group === 'authorization.k8s.io') return
    const stored = lookup.get(Namespaces, namespace)
    if (!stored) throw notFound(Namespaces, namespace)
    if (stored.status.phase !== 'Terminating') return
    const refusal = forbidden(kind, name, `unable to create new content in namespace ${namespace} because it is being terminated`)
    throw new StatusError({ ...refusal.status, details: { ...refusal.status.details, causes: [{ reason: 'NamespaceTerminating', message: `namespace ${namespace} is being terminated`, field: 'metadata.namespace' }] } })
  },
}
