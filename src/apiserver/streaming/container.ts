/** Which container of a pod a request means. Mirrors `pkg/registry/core/pod/strategy.go: validateContainer`. */
import { badRequest } from '../../api/status.ts'
import type { Pod } from '../../api/types.ts'

const list = (names: readonly string[]): string => `[${names.join(' ')}]`

/** The asked name, or the only container's; 400 with upstream's words otherwise. */
export const containerOf = ({ metadata, spec }: Pod, asked: string): string => {
  const names = spec.containers.map(({ name }) => name)
  const init = (spec.initContainers ?? []).map(({ name }) => name)
  const ephemeral = (spec.ephemeralContainers ?? []).map(({ name }) => name)
  if (asked !== '') {
    if ([...names, ...init, ...ephemeral].includes(asked)) return asked
    throw badRequest(`container ${asked} is not valid for pod ${metadata.name}`)
  }
  if (names.length === 1) return names[0] ?? ''
  if (names.length === 0) throw badRequest(`a container name must be specified for pod ${metadata.name}`)
  throw badRequest(`a container name must be specified for pod ${metadata.name}, choose one of: ${list(names)}${init.length > 0 ? ` or one of the init containers: ${list(init)}` : ''}`)
}
