/** Labels of nodes that kubelets may set. Mirrors `pkg/kubelet/apis/well_known_labels.go` and getForbiddenLabels of noderestriction. */
const allowed = new Set([
  'kubernetes.io/hostname', 'topology.kubernetes.io/zone', 'topology.kubernetes.io/region', 'failure-domain.beta.kubernetes.io/zone', 'failure-domain.beta.kubernetes.io/region',
  'beta.kubernetes.io/instance-type', 'node.kubernetes.io/instance-type', 'kubernetes.io/os', 'kubernetes.io/arch', 'beta.kubernetes.io/os', 'beta.kubernetes.io/arch',
])
const allowedNamespaces = ['kubelet.kubernetes.io', 'node.kubernetes.io']

const isWithin = (namespace: string, parent: string): boolean => namespace === parent || namespace.endsWith(`.${parent}`)
const isKubelets = (label: string, namespace: string): boolean => allowed.has(label) || allowedNamespaces.some((each) => isWithin(namespace, each))
const isKubernetes = (namespace: string): boolean => isWithin(namespace, 'kubernetes.io') || isWithin(namespace, 'k8s.io')

const isForbidden = (label: string): boolean => {
  const namespace = label.includes('/') ? label.slice(0, label.indexOf('/')) : ''
  // Where a workload may run is an administrator's to say, not a kubelet's.
  return isWithin(namespace, 'node-restriction.kubernetes.io') || (isKubernetes(namespace) && !isKubelets(label, namespace))
}

type Labels = Readonly<Record<string, string>>

/** Those that differ and that a kubelet may not change, sorted. */
export const forbiddenNodeLabels = (next: Labels, old: Labels): string[] =>
  [...new Set([...Object.keys(next), ...Object.keys(old)])].filter((label) => isForbidden(label) && (!Object.hasOwn(next, label) || !Object.hasOwn(old, label) || next[label] !== old[label])).sort()
