/** Which container of a pod a request means. Mirrors `pkg/registry/core/pod/strategy.go: validateContainer`. */
import { badRequest } from '../../api/status.ts'
import type { Pod } from '../../api/types.ts'

/** The asked name, or the only container's; 400 with upstream's words otherwise. */
export const containerOf = ({ metadata, spec }: Pod, asked: string): string => {
  const all = [spec.initContainers, spec.containers, spec.ephemeralContainers].flatMap((each) => each ?? []).map(({ name }) => name)
  if (asked !== '') {
    if (all.includes(asked)) return asked
    throw badRequest(`container ${asked} is not valid for pod ${metadata.name}`)
  }
  const [only, another] = spec.containers
  if (!only) throw badRequest(`a container name must be specified for pod ${metadata.name}`)
  if (another) throw badRequest(`a container name must be specified for pod ${metadata.name}, choose one of: [${all.join(' ')}]`)
  return only.name
}
