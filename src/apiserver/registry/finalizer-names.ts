/** Names of finalizers without a domain: refused by the kinds that upstream's core validation judges, warned of by custom resources. Pure. */
import type { Kind } from '../../api/kinds.ts'
import type { KubeObject } from '../../api/meta.ts'
import { isQualifiedName } from '../../api/names.ts'
import { fieldError, type FieldError } from '../../api/status.ts'

const standard = new Set(['kubernetes', 'orphan', 'foregroundDeletion'])
const lacksDomain = (name: string): boolean => !name.includes('/') && !standard.has(name)

/** Groups whose metadata is judged by `pkg/apis/core/validation`; the others' by apimachinery alone. */
const strictGroups = new Set(['', 'apps', 'autoscaling', 'batch', 'certificates.k8s.io', 'discovery.k8s.io', 'flowcontrol.apiserver.k8s.io', 'networking.k8s.io', 'policy', 'rbac.authorization.k8s.io', 'resource.k8s.io', 'scheduling.k8s.io', 'storage.k8s.io'])

/** Mirrors ValidateObjectMeta and validateKubeFinalizerName of upstream's core validation. */
export const finalizerNameErrors = ({ group, plural, custom }: Kind, finalizers: readonly string[] = []): FieldError[] => (custom || !strictGroups.has(group) || plural === 'events' ? [] : finalizers.flatMap((name, index) =>
  (lacksDomain(name) ? [fieldError.invalid(`metadata.finalizers[${index}]`, name, 'name is neither a standard finalizer name nor is it fully qualified')] : [])))

/** What is said of finalizers that `old` had not. Mirrors apiextensions' `pkg/registry/customresource/strategy.go`. */
export const finalizerWarnings = ({ metadata: { finalizers = [] } }: KubeObject, old: KubeObject | undefined): string[] => [...new Set(finalizers)].filter((name) => !old?.metadata.finalizers?.includes(name)).sort().flatMap((name) => [
  ...isQualifiedName(name).map((why) => `metadata.finalizers: ${JSON.stringify(name)}: ${why}`),
  ...(lacksDomain(name) ? [`metadata.finalizers: ${JSON.stringify(name)}: prefer a domain-qualified finalizer name including a path (/) to avoid accidental conflicts with other finalizer writers`] : []),
])
