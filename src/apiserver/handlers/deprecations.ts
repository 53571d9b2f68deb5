/** Kinds that upstream has deprecated, with what it says of them in a warning header. Mirrors APILifecycleDeprecated and apiserver's `pkg/endpoints/deprecation`. */
import { apiVersionOf, type Kind } from '../../api/kinds.ts'

const deprecated: readonly { apiVersion: string; kind: string; since: string; replacement: string }[] = [
  { apiVersion: 'v1', kind: 'Endpoints', since: 'v1.33', replacement: 'discovery.k8s.io/v1 EndpointSlice' },
]

/** Undefined for what is not deprecated. */
export const deprecationWarning = (kind: Kind): string | undefined => {
  if (kind.custom) return kind.custom.deprecation
  const found = deprecated.find((each) => each.kind === kind.kind && each.apiVersion === apiVersionOf(kind))
  return found && `${found.apiVersion} ${found.kind} is deprecated in ${found.since}+; use ${found.replacement}`
}
